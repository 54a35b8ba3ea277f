// One file, open at a chapter: its passages before and after cleaning.
const root = element.querySelector('.book'), form = root.querySelector('.names'), only = root.querySelector('#only-changed');
let shown = null;

function differ(before, after) { // word by word: [what goes or stays on the left, what comes or stays on the right]
  const cut = text => text.match(/\s+|[^\s]+/g) || [];
  const a = cut(before), b = cut(after);
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const x = a.slice(head, a.length - tail), y = b.slice(head, b.length - tail);
  const stays = [new Set(), new Set()];
  if (x.length * y.length && x.length * y.length < 400000) { // longest common run of words; beyond that, the whole middle is marked
    const table = Array.from({ length: x.length + 1 }, () => new Uint16Array(y.length + 1));
    for (let i = x.length - 1; i >= 0; i--) for (let j = y.length - 1; j >= 0; j--) {
      table[i][j] = x[i] === y[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
    for (let i = 0, j = 0; i < x.length && j < y.length;) {
      if (x[i] === y[j]) { stays[0].add(head + i++); stays[1].add(head + j++); } else if (table[i + 1][j] >= table[i][j + 1]) i++; else j++;
    }
  }
  const side = (words, which) => words.map((word, n) => [word, n < head || n >= words.length - tail || stays[which].has(n)]);
  return [side(a, 0), side(b, 1)];
}

const marked = (words, tag) => { // neighbours of one kind together, so that a screen reader isn't interrupted at each word
  const runs = [];
  for (const [word, same] of words) {
    if (runs.length && runs[runs.length - 1][1] === same) runs[runs.length - 1][0] += word; else runs.push([word, same]);
  }
  return runs.map(([text, same]) => same ? text : make(tag, '', /^[^\S\n]*\n\s*$/.test(text) ? `↵${text}` : /^\s+$/.test(text) ? text.replace(/ /g, '␣') : text));
};

function passage(one, rules) {
  const item = make('li', `pair ${one.kind}${one.after === null ? ' gone' : one.rules.length ? ' mended' : ''}`);
  const names = make('p', 'rules', ...one.rules.map(rule => { const name = make('span', '', rule); name.title = rules[rule] || ''; return name; }));
  const more = one.hidden ? make('p', 'rules', `and ${many(one.hidden, 'character')} more, which are not shown`) : '';
  if (one.after === null) {
    item.append(own('del', 'text', one.before), make('div', 'by', make('p', 'out', 'Taken out by'), names, more));
  } else if (one.after !== one.before) {
    const [left, right] = differ(one.before, one.after);
    item.append(own('p', 'text', ''), own('p', 'text', ''));
    item.children[0].append(...marked(left, 'del'));
    item.children[1].append(...marked(right, 'ins'));
    item.append(make('div', 'by', names, more));
  } else item.append(own('p', 'text', one.before), more);
  return item;
}

function chapter(one, value, n) {
  const item = make('li', `${one.excluded ? 'excluded' : ''}${value.place.document === one.document && value.place.section === one.section ? ' here' : ''}`);
  const open = push('open', '', 'leaf', { place: { ...value.place, document: one.document, section: one.section, page: 0 } });
  open.dataset.key = `${one.document} ${one.section}`;
  if (item.classList.contains('here')) open.setAttribute('aria-current', 'true');
  open.append(own('span', 'title', one.title || `Part ${number(n)}`), make('span', 'size', one.excluded ? 'left out' : one.role === 'body' ? about(one.words) : one.role));
  if (one.role === 'body' && !one.excluded) open.lastChild.title = `${many(one.words, 'word')}`;
  item.append(open);
  return item;
}

function told(value) {
  if (value.file.excluded) return 'This file is left out. Nothing of it goes into a corpus.';
  if (value.chapter.excluded) return 'This chapter is left out. Nothing of it goes into a corpus.';
  if (!value.changed) return 'Cleaning leaves this chapter as it is.';
  const mended = value.changed - value.removed, parts = [];
  if (mended) parts.push(`mends ${many(mended, 'passage')}`);
  if (value.removed) parts.push(`takes out ${many(value.removed, 'passage')}`);
  return `Cleaning ${parts.join(' and ')} in this chapter.`;
}

function drawChapters(value) {
  const nav = root.querySelector('.chapters'), { first } = value;
  const all = value.file.rows ? value.file.documents : value.file.chapters;
  nav.querySelector('h3').textContent = value.file.rows ? many(all, 'text') : many(all, 'chapter');
  refocus(nav, () => nav.querySelector('ol').replaceChildren(...value.chapters.map((one, n) => chapter(one, value, first + n + 1))));
  nav.querySelector('ol').start = first + 1;
  const here = nav.querySelector('.here'), ol = nav.querySelector('ol');
  if (here && (here.offsetTop < ol.scrollTop || here.offsetTop + here.offsetHeight > ol.scrollTop + ol.clientHeight)) ol.scrollTop = here.offsetTop - 40;
  const pages = Math.round(first / 100) + (value.later ? 2 : 1);
  const jump = page => {
    const { document, section } = page * 100 < first ? value.earlier : value.later;
    act('leaf', { place: { ...value.place, document, section, page: 0 } });
  };
  turning(nav.querySelector('.turn'), Math.round(first / 100), pages, jump, `${number(first + 1)}–${number(first + value.chapters.length)}`);
}

function drawQuality(value) {
  const box = root.querySelector('.quality');
  box.hidden = value.quality == null;
  if (value.quality == null) return;
  box.querySelector('summary').textContent = `Quality ${value.quality.toFixed(2)} of 1`;
  box.querySelector('dl').replaceChildren(...value.components.flatMap(([name, share]) => [make('dt', '', name.replace(/_/g, ' ')), make('dd', '', share.toFixed(2))]));
}

function draw() {
  const value = props.value;
  root.hidden = !value;
  desk.place = value ? value.place : null;
  if (!value) { shown = null; return; }
  const { file, place } = value, fresh = shown !== file.name;
  root.querySelector('h2').textContent = file.title || file.name;
  const leaveFile = push('link', file.excluded ? 'Put this file back' : 'Leave this file out', 'exclude file', { file: file.name, excluded: !file.excluded });
  leaveFile.dataset.key = 'leave file';
  const line = root.querySelector('.facts');
  refocus(line, () => line.replaceChildren(own('bdi', '', file.name), ` · ${facts(file)} · `, leaveFile));
  form.hidden = !value.mendable;
  root.querySelector('.own-names').hidden = value.mendable;
  root.querySelector('.own-names').textContent = 'Each text in this file brings its own title and author.';
  if (fresh || document.activeElement?.form !== form) { // not under the hands of whoever is typing
    form.elements.title.value = file.title;
    form.elements.author.value = file.author;
  }
  const remarks = root.querySelector('.remarks');
  remarks.hidden = !value.warnings.length;
  remarks.replaceChildren(...value.warnings.map(one => own('li', '', one)));
  drawChapters(value);
  root.querySelector('#leaf-title').textContent = value.chapter.title || (value.chapters.length > 1 ? 'Without a title' : 'The text');
  const leave = root.querySelector('.leave');
  refocus(leave, () => {
    const out = value.chapter.excluded;
    const node = push('quiet-button', out ? 'Put this chapter back' : 'Leave this chapter out', 'exclude chapter', { chapter: { file: place.file, document: place.document, section: place.section }, excluded: !out });
    node.dataset.key = 'leave';
    leave.replaceChildren(node);
  });
  leave.hidden = file.excluded;
  root.querySelector('.told').textContent = told(value);
  only.checked = place.only;
  drawQuality(value);
  root.querySelector('.leaf').classList.toggle('out', value.chapter.excluded || file.excluded);
  root.querySelector('.sides').hidden = !value.passages.some(one => one.rules.length);
  const list = root.querySelector('.passages');
  list.replaceChildren(...value.passages.map(one => passage(one, value.rules)));
  if (!value.passages.length) list.append(make('li', 'nothing', place.only ? 'Cleaning changes nothing here. Switch off “Only what cleaning changes” to read the chapter.' : 'There is no text in this chapter.'));
  const first = place.page * value.size;
  turning(root.querySelector('.leaf > nav'), place.page, Math.ceil(value.count / value.size), page => act('leaf', { place: { ...place, page } }),
    `${number(first + 1)}–${number(first + value.passages.length)} of ${number(value.count)}`);
  const where = JSON.stringify([place.file, place.document, place.section, place.page]);
  if (fresh) { root.querySelector('h2').focus({ preventScroll: true }); root.scrollIntoView({ block: 'start' }); }
  else if (where !== root.dataset.where) root.querySelector('.leaf').scrollIntoView({ block: 'nearest' });
  root.dataset.where = where;
  shown = file.name;
}

only.addEventListener('change', () => act('leaf', { place: { ...props.value.place, page: 0, only: only.checked } }));
form.addEventListener('submit', event => {
  event.preventDefault();
  act('name', { file: props.value.file.name, title: form.elements.title.value, author: form.elements.author.value });
});
root.querySelector('.back').data = { place: null };
root.addEventListener('keydown', event => { if (event.key === 'Escape') { event.stopPropagation(); act('close', { place: null }); } });
pressed(root);
watch('value', draw);
draw();
