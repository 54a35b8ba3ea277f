// The corpora that were built, by name.
const root = element.querySelector('.corpora'), list = root.querySelector('ol');

function row(one) {
  const item = make('li', one.broken ? 'corpus broken' : 'corpus');
  const open = push('open', '', 'report', { name: one.name });
  open.dataset.key = one.name;
  open.append(make('span', 'title', one.name), make('span', 'size', one.broken ? 'damaged' : `${about(one.words)} words`));
  open.title = one.broken || `${many(one.sources, 'text')}, ${many(one.words, 'word')}`;
  item.append(open);
  return item;
}

function draw() {
  const corpora = props.value?.corpora || [];
  desk.corpora = corpora.map(one => one.name);
  refocus(root, () => list.replaceChildren(...corpora.map(row)));
  list.hidden = !corpora.length;
  root.querySelector('.none').hidden = !!corpora.length;
}

desk.report = name => act('report', { name }); // asked for from the jobs half
pressed(root);
watch('value', draw);
draw();
