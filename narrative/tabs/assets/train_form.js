// What is decided about a build. Drawn once; later values only fill what nobody has touched.
const root = element.querySelector('.build'), form = root.querySelector('form');
const SHARE = [0, 5, 10, 15, 20, 30].map(share => [share / 100, share ? `${share} %` : 'nothing']);
const TWICE = [[0.8, 'once, when nearly the same'], [0.65, 'once, when much alike'], [0.95, 'once, when word for word'], [0, 'twice: keep everything']];
const SPLIT = [['auto', 'by book; tables by row'], ['book', 'by book'], ['record', 'by chapter or row']];
const KEEP = [[0, 'everything'], [0.3, 'what scores 0.3 or more'], [0.5, 'what scores 0.5 or more'], [0.7, 'what scores 0.7 or more']];
let clock = 0, made = false;

const label = (text, field, help) => {
  const name = make('label', '', text), hint = help ? make('span', 'help', help) : '';
  field.id = name.htmlFor = `build-${field.name.replace(/_/g, '-')}`;
  if (help) field.setAttribute('aria-describedby', hint.id = `${field.id}-help`);
  return make('div', 'field', name, field, hint);
};
const input = (name, value, more = {}) => Object.assign(make('input'), { name, value: value ?? '', autocomplete: 'off', ...more });
const select = (name, choices, value) => {
  const node = Object.assign(make('select'), { name });
  if (!choices.some(([one]) => one === value)) choices = [...choices, [value, String(value)]];
  node.append(...choices.map(([one, word]) => new Option(word, one)));
  node.value = value;
  return node;
};
const tick = (name, value, on, ...words) => make('label', 'tick', Object.assign(make('input'), { type: 'checkbox', name, value, checked: on }), make('span', '', ...words));
const fold = (summary, ...inside) => make('details', 'fold', make('summary', '', summary), ...inside);

function build(value) {
  const { build: chosen, rules } = value;
  const ticks = rules.map(rule => tick('rules', rule.name, chosen.rules.includes(rule.name), make('b', '', rule.name), make('small', '', rule.summary)));
  form.append(
    label('Name', input('name', chosen.name, { placeholder: 'house-archive', maxLength: 64, spellcheck: false }), 'Letters, digits, dots and dashes.'),
    label('Held back for testing', select('test_share', SHARE, chosen.test_share), 'Whole books where that can be, so that a model is tested on what it has never seen.'),
    fold('Cleaning', make('fieldset', 'ticks', make('legend', 'visually-hidden', 'Cleaning rules'), ...ticks)),
    fold('Finer settings',
      label('What stands in two files is kept', select('duplicates', TWICE, chosen.duplicates)),
      label('Divided', select('split_by', SPLIT, chosen.split_by)),
      label('Keep', select('quality', KEEP, chosen.quality), 'The score is made for stories: direct speech and varied words raise it.'),
      label('Take only', input('sample', chosen.sample, { type: 'number', min: 1, placeholder: 'all texts' }), 'So many texts, drawn by lot.'),
      label('Share out evenly', input('stratify', chosen.stratify, { placeholder: 'label', maxLength: 300 }), 'A column of a table, such as label.'),
      label('Lot', input('seed', chosen.seed, { type: 'number', min: 0 }), 'The same number holds back the same books.'),
      label('Where the texts come from', input('origin', chosen.origin, { maxLength: 300, placeholder: 'our list 2013–2026' })),
      label('Licence', input('licence', chosen.licence, { maxLength: 300 })),
      tick('tokens', 'yes', chosen.tokens === true, 'Count tokens as the model above reads them')),
    tick('replace', 'yes', false, 'Replace the corpus of that name'),
    make('div', 'go', Object.assign(make('button', 'main-button', 'Build'), { type: 'submit' })),
    make('p', 'plain', ''),
  );
  form.querySelector('input[name=replace]').closest('label').classList.add('replace');
}

function values() {
  const data = new FormData(form), text = name => String(data.get(name) ?? '').trim();
  const whole = name => text(name) === '' ? null : Number(text(name));
  return {
    name: text('name'), test_share: Number(text('test_share')), rules: data.getAll('rules'), duplicates: Number(text('duplicates')), split_by: text('split_by'),
    quality: Number(text('quality')), sample: whole('sample'), seed: whole('seed'), stratify: text('stratify'), origin: text('origin'), licence: text('licence'),
    tokens: data.has('tokens'), replace: data.has('replace'),
  };
}

function note() { // what is on now, in words; and the name that is taken
  const on = form.querySelectorAll('input[name=rules]:checked').length, all = form.querySelectorAll('input[name=rules]').length;
  form.querySelector('.fold summary').textContent = `Cleaning · ${on === all ? `all ${all} rules` : on ? `${on} of ${all} rules` : 'nothing is cleaned'}`;
  const taken = (desk.corpora || []).includes(form.elements.name.value.trim());
  form.querySelector('.replace').hidden = !taken;
  if (!taken) form.elements.replace.checked = false;
  const ready = desk.shelved > 0, busy = !!desk.busy;
  form.querySelector('.main-button').disabled = busy;
  form.querySelector('.go + .plain').textContent = desk.busy === 'building' ? 'A corpus is being built.' : desk.busy ? 'Files are being read; build when they are.'
    : ready ? 'What is on the shelf now goes in, without what you left out. It is cleaned, compared and divided; the shelf stays as it is.'
    : 'Drop books first. Then give the corpus a name and build it.';
}

function draw() {
  const value = props.value;
  if (!value || made) return;
  made = true;
  root.querySelector('.wait').remove();
  form.hidden = false;
  build(value);
  desk.reading = value.reading;
  window.narrativeReading?.(value.reading);
  note();
  setInterval(note, 500); // the shelf, the work and the list of corpora are other views
}

form.addEventListener('change', () => { clearTimeout(clock); clock = setTimeout(() => act('form', { build: values() }), 120); note(); });
form.addEventListener('input', note);
form.addEventListener('submit', event => {
  event.preventDefault();
  clearTimeout(clock);
  act('build', { build: values() });
});
watch('value', draw);
draw();
