press();
showSource();
watch('value', take);
take();
