// The Attention tab: what is chosen, what is asked for, and how the answers are handed to the parts of the page.
const root = element.querySelector('.attn');
const find = selector => root.querySelector(selector);
const make = (tag, className, ...inside) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside.filter(one => one != null && one !== ''));
  return node;
};
const percent = share => share >= 0.1 ? `${(100 * share).toFixed(0)} %` : share >= 0.001 ? `${(100 * share).toFixed(1)} %` : '< 0.1 %';

const wish = { view: 'head', unit: 'words', hide_sink: false, part: null, layer: 0, head: null, place: null, kind: 'zero', watched: 'word', compare: '' };
const source = { source: 'draft', model: '', prompt: '', completion: '' };
const ALL = ['text', 'view', 'overview', 'about'], FIRST = ['text', 'view'];
let turn = 0, seen = new Set(), later = [], surveying = 0, text = null;

const dark = () => document.body.classList.contains('dark');
const state = () => ({ ...source, look: { ...wish, dark: dark() } });

function ask(want, more = {}) {
  turn += 1;
  seen = new Set();
  busy(true);
  find('.trouble').hidden = true;
  const first = want.includes('view') ? want.filter(part => FIRST.includes(part)) : want; // what a reader waits for; the rest when it is drawn
  later = want.filter(part => !first.includes(part));
  trigger('look', { ...state(), want: first, turn, ...more });
}
function askRest() {
  const mine = turn, want = later;
  later = [];
  drawn().then(() => { if (mine === turn) trigger('look', { ...state(), want, turn }); });
}
function choose(changes, want) { // a change of the look, and what of the page must be drawn anew for it
  Object.assign(wish, changes);
  press();
  ask(want);
}
function busy(on) {
  root.setAttribute('aria-busy', String(on));
  if (!on) find('.stage').textContent = '';
}

window.narrativeAttention = {
  open() { // the tab was opened: the draft may be another one now
    if (source.source === 'own' && !source.prompt.trim()) return;
    ask(ALL, { opening: true });
  },
};

const DRAW = { text: drawText, overview: drawOverview, view: drawView, about: drawAbout, effect: drawEffect };
function take() {
  const value = props.value;
  if (!value) return;
  if (value.survey) return value.turn === surveying && drawSurvey(value.survey);
  if (value.turn !== turn) return; // an answer to what is no longer asked
  if (value.stage) find('.stage').textContent = value.stage;
  for (const part of Object.keys(DRAW)) {
    if (!(part in value) || seen.has(part)) continue;
    seen.add(part);
    DRAW[part](value[part]);
  }
  if (value.trouble) {
    find('.trouble').textContent = value.trouble;
    find('.trouble').hidden = false;
  }
  if (value.done && later.length && !value.trouble) askRest();
  else if (value.done) busy(false);
}

// ---- chips and switches: one listener, a word for each kind of choice
const pressed = (kind, chosen) => {
  for (const chip of root.querySelectorAll(`[data-${kind}]`)) chip.setAttribute('aria-pressed', String(chip.dataset[kind] === chosen));
};
function press() {
  for (const kind of ['view', 'unit', 'kind', 'watched']) pressed(kind, wish[kind]);
  pressed('source', source.source);
  pressed('part', wish.part);
  find('[name=sink]').checked = wish.hide_sink;
}
const CHOICES = {
  view: view => choose({ view, compare: view === 'difference' ? find('[name=compare]').value : '' }, ['view', 'overview']),
  unit: unit => choose({ unit }, ['text', 'view', 'about']),
  part: part => choose({ part }, ALL),
  kind: kind => { wish.kind = kind; press(); forget(); },
  watched: watched => { wish.watched = watched; press(); forget(); },
  source: kind => {
    source.source = kind;
    press();
    find('.own').hidden = kind !== 'own';
    find('.which').hidden = kind === 'own';
    if (kind === 'draft') return ask(ALL, { opening: true });
    find('[name=prompt]').focus();
  },
};
root.addEventListener('click', event => {
  const chip = event.target.closest('.chip');
  if (!chip) return;
  const [kind] = Object.keys(CHOICES).filter(name => name in chip.dataset);
  CHOICES[kind]?.(chip.dataset[kind]);
});
find('[name=sink]').addEventListener('change', event => choose({ hide_sink: event.target.checked }, ['text', 'view', 'about']));

function showHead(layer, head) { // from the overview, a glance, a map: open that head
  const view = wish.view === 'model' ? 'head' : wish.view;
  choose({ layer, head, view }, ['text', 'view', 'overview']);
  forget();
}
press();
