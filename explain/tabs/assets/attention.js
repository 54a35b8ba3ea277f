// The Attention tab: what is chosen, what is asked for, and how the answers are handed to the parts of the page.
const wish = { view: 'head', unit: 'words', hide_sink: false, part: null, layer: 0, head: null, place: null, kind: 'zero', watched: 'word', compare: '' };
const source = { source: 'draft', draft: '', sheet: '', until: null, model: '', prompt: '', completion: '' };
const ALL = ['text', 'view', 'overview', 'about'], FIRST = ['text', 'view'];
const TOGETHER = ['head', 'model']; // views that show all heads of a layer at once
const owed = new Set(); // parts of the page that are not yet as they should be
let turn = 0, opening = null, seen = new Set(), text = null;

const state = () => ({ ...source, look: { ...wish, dark: dark() } });

function ask(want) {
  want.forEach(part => owed.add(part));
  turn += 1;
  find('.trouble').hidden = true;
  root.setAttribute('aria-busy', 'true');
  send();
}
function send() { // first what a reader waits for; the rest when that is drawn
  const first = FIRST.filter(part => owed.has(part)), want = first.length ? first : [...owed];
  seen = new Set();
  trigger('look', { ...state(), ...opening, want, turn });
  const mine = turn, stage = find('.stage'); // a queue says nothing by itself
  setTimeout(() => { if (mine === turn && root.getAttribute('aria-busy') === 'true' && !stage.textContent) stage.textContent = 'Working…'; }, 1500);
}
function choose(changes, want) { // a change of the look, and what of the page must be drawn anew for it
  Object.assign(wish, changes);
  if (!TOGETHER.includes(wish.view)) wish.head ??= 0;
  press();
  ask(want);
}
function rest() {
  root.setAttribute('aria-busy', 'false');
  find('.stage').textContent = '';
}

window.narrativeAttention = { open: () => opened(openDraft, () => ask(ALL)) };
function openDraft(wanted) {
  opening = { opening: true, ...wanted };
  showSource();
  ask(ALL);
}

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
    owed.delete(part);
    DRAW[part](value[part]);
  }
  for (const told of ['trouble', 'incomparable']) {
    if (!value[told]) continue;
    find('.trouble').textContent = value[told];
    find('.trouble').hidden = false;
  }
  if (!value.done) return;
  if (value.trouble) owed.clear();
  if (!owed.size) return rest();
  const mine = turn;
  drawn().then(() => { if (mine === turn) send(); });
}

// ---- chips and switches: one listener, a word for each kind of choice
function press() {
  for (const kind of ['view', 'unit', 'kind', 'watched']) pressed(kind, wish[kind]);
  pressed('part', wish.part);
  find('[name=sink]').checked = wish.hide_sink;
}
const CHOICES = {
  view: view => choose({ view }, ['view', 'overview']),
  unit: unit => { forget(); choose({ unit }, ['text', 'view', 'about']); },
  part: part => {
    forget();
    choose({ part, place: (part === 'encoder') === (wish.part === 'encoder') ? wish.place : null }, ALL);
  },
  kind: kind => { wish.kind = kind; press(); forget(); },
  watched: watched => { wish.watched = watched; press(); forget(); },
  source: kind => {
    forget();
    if (kind === 'draft') {
      source.source = 'draft';
      return openDraft({});
    }
    showSource('own'); // the text on the page stays until there is another one
    find('[name=prompt]').focus();
  },
};
chips(CHOICES);
find('[name=sink]').addEventListener('change', event => choose({ hide_sink: event.target.checked }, ['view', 'overview', 'about']));

function showHead(layer, head) { // from the overview, a glance, a map: open that head
  forgetHead();
  choose({ layer, head, view: wish.view === 'model' ? 'head' : wish.view }, ['view', 'overview']);
}
press();
showSource();
