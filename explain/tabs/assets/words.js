// The Word importance tab: what is asked, and how the answers are handed to the parts of the page.
const USUAL = { aim: 'whole', start: 0, stop: 0, instead: '', method: 'integrated gradients', unit: 'words', baseline: 'mean', settings: {} };
const wish = structuredClone(USUAL);
const source = { source: 'draft', draft: '', sheet: '', until: null, model: '', prompt: '', completion: '', compare: '' };
const answer = find('.answer');
let turn = 0, opening = null, text = null, map = null, known = '';

const state = () => ({ ...source, ask: wish });
function ask(changes) { // one question; whatever is on the page is an answer to an older one until the new one is there
  Object.assign(wish, changes);
  turn += 1;
  known = '';
  find('.answer .trouble').hidden = true;
  root.setAttribute('aria-busy', 'true');
  answer.setAttribute('aria-busy', 'true');
  find('.answer .halt').hidden = true;
  forgetCheck();
  press();
  trigger('halt', { turn, what: 'ask' });
  const slow = find(`[data-method="${CSS.escape(wish.method)}"]`)?.dataset.pace === 'thorough' || wish.settings.tunnel;
  trigger(slow ? 'toil' : 'ask', { ...state(), ...opening, turn });
  const mine = turn, stage = find('.answer .stage'); // a queue says nothing by itself
  setTimeout(() => { if (mine === turn && root.getAttribute('aria-busy') === 'true' && !stage.textContent) stage.textContent = 'Working…'; }, 1500);
}
function rest() {
  opening = null;
  root.setAttribute('aria-busy', 'false');
  answer.setAttribute('aria-busy', 'false');
  find('.answer .stage').textContent = '';
  find('.answer .halt').hidden = true;
  progress(answer, null);
}
function progress(card, share) {
  const line = card.querySelector('.progress');
  line.hidden = share == null;
  if (share != null) line.firstElementChild.style.width = `${(100 * share).toFixed(1)}%`;
}
const left = seconds => seconds == null ? '' : seconds < 1.5 ? ', a moment more' : seconds < 90 ? `, ${Math.round(seconds)} s more` : `, ${Math.round(seconds / 60)} min more`;

window.narrativeWords = { open: () => opened(openDraft, () => ask()) };
function openDraft(wanted) {
  opening = { opening: true, ...wanted };
  if (source.compare.startsWith('draft:')) source.compare = ''; // it stood on another sheet, or is the one that is opened
  showSource();
  ask();
}

function take() {
  const value = props.value;
  if (!value) return;
  if (value.check) return value.turn === checking && drawCheck(value.check);
  if (value.swap) return value.turn === swapping && drawSwap(value.swap);
  if (value.picture) return drawPicture(value.picture);
  if (value.turn !== turn) return; // an answer to what is no longer asked
  if (value.text && JSON.stringify(value.text) !== known) { // Gradio hands the same over again at the end
    known = JSON.stringify(value.text);
    drawText(value.text);
  }
  if (value.stage) find('.answer .stage').textContent = value.stage;
  if (value.share != null) {
    progress(answer, value.share);
    find('.answer .stage').textContent = `${Math.round(100 * value.share)} %${left(value.left)}`;
    find('.answer .halt').hidden = false;
  }
  if (value.seconds) drawCosts(value.seconds);
  if (value.map && value.map !== map) drawMap(value.map);
  if (value.other !== undefined) drawOther(value.other);
  if (value.trouble) {
    find('.answer .trouble').textContent = value.trouble;
    find('.answer .trouble').hidden = false;
    if (!value.map) drawNone();
  }
  if (value.done) rest();
}
find('.answer .halt').addEventListener('click', () => {
  trigger('halt', { turn: turn + 1, what: 'ask' });
  turn += 1;
  rest();
  drawNone();
  find('.answer .trouble').textContent = 'Stopped. What was asked for is not answered; ask again, or take a quicker method.';
  find('.answer .trouble').hidden = false;
});

// ---- chips: one listener, a word for each kind of choice
function press() {
  for (const kind of ['aim', 'unit', 'method']) pressed(kind, wish[kind]);
  if (find('[name=instead]') !== document.activeElement) find('[name=instead]').value = wish.instead;
  find('.contrast .drop').hidden = !wish.instead;
  find('[name=baseline]').value = wish.baseline;
  showDials();
}
const CHOICES = {
  method: method => ask({ method }),
  unit: unit => ask({ unit }),
  aim: aim => {
    if (aim === 'span' && wish.stop <= wish.start) return hint('Click a word in the text, or drag over several.');
    ask({ aim, instead: '' });
  },
  source: kind => {
    if (kind === 'draft') {
      source.source = 'draft';
      return openDraft({});
    }
    showSource('own'); // the text on the page stays until there is another one
    find('[name=prompt]').focus();
  },
};
function hint(words) { find('.answer .stage').textContent = words; }
chips(CHOICES);
find('.contrast').addEventListener('submit', event => {
  event.preventDefault();
  ask({ instead: find('[name=instead]').value.trim() });
});
find('.contrast .drop').addEventListener('click', () => ask({ instead: '' }));
find('.own').addEventListener('submit', event => {
  event.preventDefault();
  Object.assign(source, { source: 'own', draft: '', sheet: '', until: null, compare: '', prompt: find('[name=prompt]').value, completion: find('[name=completion]').value });
  forgetSwap();
  ask({ aim: source.completion.trim() ? 'whole' : 'next', start: 0, stop: 0, instead: '' });
});
find('[name=model]').addEventListener('change', event => { // another model may cut the text elsewhere
  source.model = event.target.value;
  forgetSwap();
  ask({ aim: wish.aim === 'span' ? 'whole' : wish.aim, start: 0, stop: 0, instead: '' });
});
find('[name=compare]').addEventListener('change', event => { source.compare = event.target.value; ask(); });

// ---- the settings of the method
function shownDials() {
  const way = text?.methods?.[wish.method];
  if (!way) return [];
  return [...way.uses, ...(way.tunnels ? ['tunnel', ...(find('[name=tunnel]').value ? ['tunnel_samples', 'tunnel_noise', 'seed'] : [])] : [])];
}
function showDials() {
  const shown = shownDials(), way = text?.methods?.[wish.method];
  for (const dial of root.querySelectorAll('.dial')) dial.hidden = !shown.includes(dial.dataset.setting);
  find('.base').hidden = !!way && !way.baseline;
  find('.what').textContent = way?.sentence || '';
}
find('[name=tunnel]').addEventListener('change', showDials);
find('.apply').addEventListener('click', () => {
  const settings = {};
  for (const name of shownDials()) {
    const field = find(`.dial [name=${name}]`);
    if (field.type === 'checkbox') settings[name] = field.checked;
    else if (field.type === 'number') settings[name] = field.value === '' ? null : Number(field.value);
    else settings[name] = field.value;
  }
  ask({ settings: { ...wish.settings, ...settings }, baseline: find('[name=baseline]').value });
});
find('.usual').addEventListener('click', () => {
  root.querySelectorAll('.dial input[type=number]').forEach(field => { field.value = field.dataset.usual; });
  find('[name=noise_layers]').checked = true;
  find('[name=tunnel]').value = '';
  ask({ settings: {}, baseline: USUAL.baseline });
});
