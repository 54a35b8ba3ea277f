// Brings files and links from the server to the browser. Each parcel has its own number, so that the same one can come twice.
let last = 0;
async function take() {
  const parcel = props.value;
  if (!parcel || parcel.number === last) return;
  last = parcel.number;
  if (parcel.kind === 'file') {
    const bytes = Uint8Array.from(atob(parcel.data), sign => sign.charCodeAt(0));
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes], { type: parcel.type }));
    link.download = parcel.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
  }
  if (parcel.kind === 'link') {
    const page = new URL(location.href);
    page.search = '';
    page.hash = '';
    page.searchParams.set('open', parcel.token);
    const box = document.querySelector('#link-text');
    box.hidden = false;
    box.value = page.href;
    await window.narrative.copy(page.href);
    box.focus();
    box.select();
  }
}
watch('value', take);
