// What a build made of the files: one corpus, told in words first and in figures after.
const root = element.querySelector('.report');

const percent = (part, whole) => whole ? `${Math.round(100 * part / whole)} %` : '0 %';
const definition = (list, term, value, title) => {
  if (value == null || value === '') return;
  const node = own('dd', '', value);
  if (title) node.title = title;
  list.append(make('dt', '', term), node);
};

function told(value) {
  const { train, test } = value, texts = value.sources.train + value.sources.test;
  const held = test.words ? `, ${number(test.words)} (${percent(test.words, value.words)}) held back for testing` : ', and nothing held back for testing';
  const refused = value.refused ? ` ${many(value.refused, 'file')} could not be read.` : '';
  const left = value.excluded ? ` ${many(value.excluded, 'file')} ${value.excluded === 1 ? 'was' : 'were'} left out.` : '';
  return `${number(value.words)} words from ${many(texts, 'text')}: ${number(train.words)} to learn from${held}.${refused}${left}`;
}

function figures(value) {
  const list = root.querySelector('.figures');
  list.replaceChildren();
  definition(list, 'Texts', `${number(value.train.records)} to learn from, ${number(value.test.records)} for testing`);
  if (value.train_tokens != null) definition(list, 'Tokens', `${number(value.train_tokens)} to learn from, ${number(value.test_tokens)} for testing`);
  if (value.duplicate_passages != null) definition(list, 'Stood twice', value.duplicate_passages ? `${many(value.duplicate_passages, 'passage')}, ${many(value.duplicate_words, 'word')}; kept once` : 'no passage');
  if (value.low_quality) definition(list, 'Left out for quality', many(value.low_quality, 'text'));
  definition(list, 'From', value.origin);
  definition(list, 'Licence', value.licence);
  definition(list, 'Fingerprint', value.fingerprint.slice(0, 16), value.fingerprint);
}

function doings(value) {
  const box = root.querySelector('.doings');
  box.replaceChildren();
  if (!value.rules.length) return;
  const list = make('dl', 'figures');
  for (const [rule, times, characters] of value.rules) definition(list, rule, `${many(times, 'passage')}${characters ? `, ${many(characters, 'character')} gone` : ''}`);
  box.append(make('h3', 'quiet-title', 'What cleaning did'), list);
}

function values(value) {
  const box = root.querySelector('.values');
  box.replaceChildren();
  for (const [column, counts] of value.values) {
    const most = Math.max(...counts.map(([, count]) => count), 1), list = make('ol', 'bars');
    for (const [word, count] of counts) {
      const bar = make('span', 'bar', make('span', 'fill'));
      bar.firstChild.style.width = `${100 * count / most}%`;
      list.append(make('li', '', own('span', 'word', word), bar, make('span', 'size', number(count))));
    }
    box.append(own('h3', 'quiet-title', column), list);
  }
}

const SIDES = { train: 'learned', test: 'testing', both: 'both' };
const sides = file => file.split === 'both' ? (file.documents > 1 ? 'both, text by text' : 'both, cut once') : SIDES[file.split] || '–';
function line(file) {
  const row = make('tr', file.status);
  const title = file.documents > 1 ? '' : file.title;
  const name = make('th', '', own('span', 'title', title || file.name), title ? own('span', 'path', file.name) : '');
  name.scope = 'row';
  if (file.status !== 'read' || file.words == null) {
    const why = make('td', 'why', own('span', '', file.status === 'excluded' ? 'Left out by you.' : file.reason || SIDES[file.split] || ''));
    why.colSpan = 4;
    row.append(name, why);
    return row;
  }
  const twice = Object.keys(file.duplicates_of || {});
  const gone = make('td', 'size', file.duplicate_passages ? number(file.duplicate_passages) : '–');
  if (twice.length) gone.title = `They stand in: ${twice.join(', ')}`;
  row.append(name, make('td', '', file.format === 'text' ? 'plain text' : file.format || ''), make('td', 'size', number(file.words)), gone, make('td', '', file.words ? sides(file) : 'nothing was left'));
  return row;
}

function draw() {
  const value = props.value;
  root.hidden = !value;
  if (!value) { root.dataset.name = ''; return; }
  root.querySelector('h2').textContent = value.name;
  root.querySelector('p.told').textContent = told(value);
  const bar = root.querySelector('.share'), part = make('span');
  part.style.width = `${value.words ? 100 * value.train.words / value.words : 100}%`;
  bar.replaceChildren(part);
  bar.setAttribute('aria-label', `${percent(value.train.words, value.words)} to learn from, ${percent(value.test.words, value.words)} for testing`);
  const remarks = root.querySelector('.remarks');
  remarks.hidden = !value.warnings?.length;
  remarks.replaceChildren(...(value.warnings || []).map(one => own('li', '', one)));
  figures(value);
  doings(value);
  values(value);
  root.querySelector('thead').replaceChildren(make('tr', '', ...['File', 'Format', 'Words', 'Twice', 'Side'].map((word, n) => Object.assign(make('th', n === 2 || n === 3 ? 'size' : '', word), { scope: 'col' }))));
  root.querySelector('tbody').replaceChildren(...value.files.map(line));
  const shown = value.files.length < value.count ? `The first ${number(value.files.length)} of ${number(value.count)} files; the report as JSON or CSV has all. ` : '';
  root.querySelector(':scope > .plain').textContent = `${shown}Words are counted after cleaning and without what stands twice.`;
  actions(value);
  if (root.dataset.name !== value.name) { root.querySelector('h2').focus({ preventScroll: true }); const { top } = root.getBoundingClientRect(); if (top < 0 || top > innerHeight) root.scrollIntoView({ block: 'start' }); }
  root.dataset.name = value.name;
}

function actions(value) {
  let box = root.querySelector('.acts');
  if (!box) root.querySelector('.told').after(box = make('p', 'acts'));
  const confirm = make('span', 'confirm');
  asking(confirm, 'Delete', `Delete “${value.name}” for good`, 'delete', { name: value.name });
  const learn = make('button', 'quiet-button', 'Train a model on it');
  learn.type = 'button';
  learn.addEventListener('click', () => window.narrativeTrain.go('jobs', { corpus: value.name }));
  box.replaceChildren(learn, push('link', 'Report as JSON', 'download', { name: value.name, kind: 'json' }), push('link', 'Report as CSV', 'download', { name: value.name, kind: 'csv' }), make('span', 'gap'), confirm);
}

root.querySelector('.back').data = { place: null };
root.addEventListener('keydown', event => { if (event.key === 'Escape') { event.stopPropagation(); act('close', { place: null }); } });
pressed(root);
watch('value', draw);
draw();
