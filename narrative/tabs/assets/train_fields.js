// The fields of the form: a label, a box, a plain sentence. What is typed stays as it is typed, also when it can't be.
const sheet = root.querySelector('.newjob form');
const MONO = new Set(['lora_targets']);

const field = (name, label, box, help, extra) => {
  const title = make('label', '', label), hint = help ? make('span', 'help', help) : '';
  box.name = name;
  box.id = title.htmlFor = `job-${name.replace(/_/g, '-')}`;
  if (help) box.setAttribute('aria-describedby', hint.id = `${box.id}-help`);
  return make('div', 'field', title, box, extra || '', hint);
};
const boxOf = (more = {}) => Object.assign(make('input'), { autocomplete: 'off', spellcheck: false, maxLength: 500, ...more });
const listOf = choices => {
  const node = make('select');
  node.append(...choices.map(([value, word]) => new Option(word, value)));
  return node;
};

function finer(one) { // one of the finer settings, by its kind
  if (one.kind === 'switch') {
    const box = Object.assign(make('input'), { type: 'checkbox', name: one.name });
    return make('label', 'tick', box, make('span', '', make('b', '', one.label), make('small', '', one.help)));
  }
  if (one.kind === 'choice') return field(one.name, one.label, listOf(one.options), one.help);
  const box = boxOf({ placeholder: one.empty });
  if (one.kind === 'number') box.inputMode = 'decimal';
  if (MONO.has(one.name)) box.classList.add('mono');
  const made = field(one.name, one.label, box, one.help);
  if (one.kind === 'number') made.classList.add('small');
  return made;
}

const shownAs = value => typeof value === 'boolean' ? (value ? 'yes' : 'no') : typeof value === 'number' ? figure(value) : String(value ?? '');
const figure = value => value !== 0 && Math.abs(value) < 0.001 ? value.toExponential().replace(/e-0?/, 'e-') : String(value);
const boxFor = name => sheet.elements.namedItem(name);
const textOf = box => box.type === 'checkbox' ? (box.checked ? 'yes' : 'no') : box.value.trim();
const setBox = (box, text) => { if (box.type === 'checkbox') box.checked = text === 'yes'; else box.value = text; };
