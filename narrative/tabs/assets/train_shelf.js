// The shelf: where files are dropped, and the list of those that were.
const root = element.querySelector('.shelf'), drop = root.querySelector('.drop'), list = root.querySelector('.files');
const find = root.querySelector('#find-file'), input = root.querySelector('input[type=file]'), sending = root.querySelector('.sending');
const LARGEST = 500e6, MOST = 5000;
const KINDS = [['all', 'All'], ['refused', 'Not read'], ['excluded', 'Left out']];
let clock = 0, busy = false;

function row(file) {
  const item = make('li', `file ${file.status}${file.excluded ? ' excluded' : ''}`);
  const what = make('div', 'what');
  if (file.status === 'refused') {
    what.append(own('span', 'title', file.name), own('span', 'why', file.reason || 'It could not be read.'));
    item.append(what);
    return item;
  }
  const open = push('open', '', 'leaf', { place: { file: file.name } });
  open.dataset.key = `open ${file.name}`;
  open.append(own('span', 'title', file.title || file.name), file.author ? own('span', 'author', file.author) : '');
  const line = make('span', 'line', file.title ? own('bdi', 'name', file.name) : '', make('span', '', `${file.title ? ' · ' : ''}${facts(file)}`));
  if (file.left) line.append(` · ${many(file.left, 'chapter')} left out`);
  if (file.remarks) line.append(` · ${many(file.remarks, 'remark')}`);
  what.append(open, line);
  const leave = push('link', file.excluded ? 'Put back' : 'Leave out', 'exclude file', { file: file.name, excluded: !file.excluded });
  leave.dataset.key = `leave ${file.name}`;
  leave.setAttribute('aria-label', `${leave.textContent}: ${file.title || file.name}`);
  item.append(what, leave);
  return item;
}

function summary(value) {
  const { counts } = value, read = counts.all - counts.refused;
  if (!counts.all) return '';
  const parts = [many(read, 'file'), `about ${about(value.words)} words`];
  if (counts.excluded) parts.push(`${number(counts.excluded)} left out`);
  if (counts.refused) parts.push(`${number(counts.refused)} could not be read`);
  return parts.join(' · ');
}

function draw() {
  const value = props.value || { files: [], counts: { all: 0, refused: 0, excluded: 0 }, page: 0, pages: 0, kind: 'all', find: '', undo: '' };
  const { counts } = value;
  desk.list = { page: value.page, kind: value.kind, find: value.find };
  root.classList.toggle('empty', !counts.all);
  root.querySelector('.invite').textContent = counts.all ? 'Drop more books here' : 'Drop books here';
  root.querySelector('.sum').textContent = summary(value);
  const undo = root.querySelector('[data-act=undo]');
  undo.hidden = !value.undo;
  undo.title = value.undo;
  undo.data = {};
  refocus(root, () => list.replaceChildren(...value.files.map(row)));
  if (counts.all !== desk.shelved) asking(root.querySelector('.confirm'), counts.all ? 'Clear the shelf' : '', 'Take every file off', 'clear', {});
  desk.shelved = counts.all;
  root.querySelector('.confirm').hidden = !counts.all;
  root.querySelector('.find').hidden = counts.all < 12 && !counts.refused && !counts.excluded;
  root.querySelector('.kinds-of').replaceChildren(...KINDS.filter(([kind]) => counts[kind] || kind === 'all' || kind === value.kind).map(([kind, word]) => {
    const chip = push('chip', `${word} ${number(counts[kind])}`, 'list', { list: { ...desk.list, kind, page: 0 } });
    chip.dataset.key = kind;
    chip.setAttribute('aria-pressed', String(kind === value.kind));
    return chip;
  }));
  const nothing = root.querySelector('.nothing');
  nothing.hidden = !!value.files.length;
  nothing.textContent = !counts.all && desk.busy ? 'The first file is being read. It will stand here in a moment.'
    : !counts.all ? 'The shelf is empty. What you drop is read here, file by file, and nothing is learned before you have looked at it.'
    : value.find ? `No file matches “${value.find}”.` : 'There is no such file on the shelf.';
  turning(root.querySelector('nav.turn'), value.page, value.pages, page => act('list', { list: { ...desk.list, page } }), `${number(value.page + 1)} of ${number(value.pages)}`);
  root.querySelector(':scope > .plain').textContent = !counts.all
    ? 'Files stay on this machine, and your shelf is seen from this browser only. A file that can’t be read is named here with the reason; the others go on.'
    : 'Open a file to see its passages before and after cleaning, to leave a chapter out or to mend its title. The words are counted before cleaning; the report of a corpus counts what is left.';
}

// ---- dropping

const entries = async entry => { // a folder that is dropped is walked through
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader(), found = [];
  for (let more; (more = await new Promise((done, failed) => reader.readEntries(done, failed))).length && found.length < MOST;) {
    for (const one of more) if (!one.name.startsWith('.')) found.push(...await entries(one));
  }
  return found;
};

async function send(files) {
  if (busy || !files.length) return;
  busy = true;
  sending.hidden = false;
  const sent = [], problems = [];
  if (files.length > MOST) problems.push(`Only the first ${number(MOST)} files were taken; more fit into a zip.`);
  for (const [n, file] of files.slice(0, MOST).entries()) {
    sending.textContent = `Bringing ${files.length > 1 ? `${number(n + 1)} of ${number(Math.min(files.length, MOST))}: ` : ''}${file.name}…`;
    if (file.size > LARGEST) { problems.push(`“${file.name}” is larger than 500 MB. “narrative corpus build” takes it from the disk.`); continue; }
    try {
      const { path } = await upload(file);
      sent.push({ path, name: file.name });
    } catch { problems.push(`“${file.name}” did not arrive. Is it still where it was? Drop it again.`); }
  }
  busy = false;
  sending.textContent = problems.slice(0, 3).join(' ') + (problems.length > 3 ? ` And ${number(problems.length - 3)} more.` : '');
  sending.hidden = !problems.length;
  sending.classList.toggle('wrong', !!problems.length);
  if (sent.length) act('drop', { files: sent });
}

const over = on => event => { event.preventDefault(); drop.classList.toggle('over', on); };
for (const name of ['dragenter', 'dragover']) root.addEventListener(name, over(true));
for (const name of ['dragleave', 'dragend']) root.addEventListener(name, over(false));
root.addEventListener('drop', async event => {
  over(false)(event);
  const items = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean), plain = [...event.dataTransfer.files];
  try { send(items.length ? (await Promise.all(items.map(entries))).flat() : plain); } catch { send(plain); }
});
input.addEventListener('change', () => { send([...input.files]); input.value = ''; });
root.querySelector('.pick').addEventListener('click', () => input.click());

// ---- how files are read

const READING = [
  { name: 'notes', label: 'Footnotes', choices: [['place', 'after the paragraph they belong to'], ['drop', 'left out']] },
  { name: 'text_column', label: 'Column with the text', hint: 'found by its name' },
  { name: 'title_column', label: 'Column with the title', hint: 'if there is one' },
  { name: 'author_column', label: 'Column with the author', hint: 'if there is one' },
  { name: 'columns', label: 'Columns to keep', hint: 'tags, gid, label' },
];
const reading = root.querySelector('.reading form');
window.narrativeReading = given => { // the form view has the values
  if (reading.childElementCount) return;
  for (const { name, label, choices, hint } of READING) {
    const field = make(choices ? 'select' : 'input');
    if (choices) field.append(...choices.map(([value, word]) => new Option(word, value)));
    else Object.assign(field, { placeholder: hint, maxLength: 300, autocomplete: 'off' });
    Object.assign(field, { name, value: given[name] ?? '' });
    reading.append(make('label', '', make('span', '', label), field));
  }
  reading.append(make('p', 'plain', 'Holds for the files you drop from now on.'));
};
if (desk.reading) window.narrativeReading(desk.reading);
reading.addEventListener('submit', event => event.preventDefault());
reading.addEventListener('change', () => act('form', { reading: Object.fromEntries(new FormData(reading)) }));

find.addEventListener('input', () => {
  clearTimeout(clock);
  clock = setTimeout(() => act('list', { list: { ...desk.list, find: find.value, page: 0 } }), 250);
});
pressed(root);
watch('value', draw);
draw();
