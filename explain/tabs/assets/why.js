// Why this word? Asks about the word that is chosen in the drafts, and shows the newest answer only.
// Nothing from a model or a person ever becomes HTML: text goes in by textContent.
const root = element.querySelector('.why');
const find = selector => root.querySelector(selector);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text != null) node.textContent = text;
  return node;
};
const SLOW = 700; // milliseconds after which an older answer gives way to a word about what is being done
let turn = 0, asked = '', answered = false;

const busy = on => root.setAttribute('aria-busy', String(on));
function show(part, text = '') { // one of the parts; the others go
  for (const name of ['hollow', 'trouble', 'answer']) find(`.${name}`).hidden = name !== part;
  find('.about').hidden = part !== 'answer';
  find('.stage').textContent = part === 'stage' ? text : '';
  if (part === 'trouble') find('.trouble').textContent = text;
}
function head(word) { find('.chosen').textContent = word ? `“${word}”` : 'this word'; }
function hollow() {
  busy(false);
  head('');
  show('hollow');
}

function look(clicked) { // is it another word than the one that was asked about?
  if (!document.body.dataset.opened || !root.checkVisibility()) return; // in another tab: when this one is opened again
  const chosen = window.narrativeChosen;
  const key = chosen ? JSON.stringify([chosen.sheet, chosen.draft, chosen.token]) : '';
  if (key === asked && (answered || !clicked)) return; // what failed is asked again when the word is clicked again
  asked = key;
  answered = false;
  turn += 1;
  if (!chosen) return hollow();
  busy(true);
  trigger('ask', { ...chosen, clicked: !!clicked, turn });
  const mine = turn;
  setTimeout(() => { if (mine === turn && root.getAttribute('aria-busy') === 'true') wait('Working…'); }, SLOW);
}
function wait(text) {
  if (find('.answer').hidden && find('.stage').textContent && text === 'Working…') return; // a better word stands there already
  head(window.narrativeChosen?.text.trim());
  show('stage', text);
}

function take() {
  const value = props.value;
  if (!value || value.turn !== turn) return; // an answer to what is no longer asked
  if (value.stage) return wait(value.stage);
  if (value.hollow) return hollow();
  busy(false);
  answered = !value.trouble;
  if (value.trouble || value.told) {
    head(window.narrativeChosen?.text.trim());
    find('.trouble').classList.toggle('calm', !value.trouble);
    return show('trouble', value.trouble || value.told);
  }
  head(value.word);
  find('.line').replaceChildren(...value.line.flatMap(nodes));
  find('.scale').style.backgroundImage = value.gradient;
  find('.key').title = value.legend;
  find('.how').textContent = value.about;
  find('.sentence').textContent = value.sentence.replaceAll(' %', '\u00a0%');
  find('.notes').replaceChildren(...value.notes.map(note => make('li', '', note)));
  show('answer');
}
function nodes(word) {
  if (!word) return [make('span', 'left-out', ' … ')];
  const [text, colour, told, own, target] = word;
  const space = text.match(/^\s*/)[0], after = text.match(/\s*$/)[0];
  const node = make(target ? 'mark' : 'span', own || colour ? 'mine' : '', text.trim());
  if (!target) {
    node.style.backgroundColor = colour;
    node.title = told;
  }
  return [space, node, after];
}

find('.more').addEventListener('click', () => {
  const tab = document.querySelector('#nav button[role=tab][data-tab-id=words]'), chosen = window.narrativeChosen;
  if (!tab || !chosen) return;
  document.body.classList.remove('sheet-open');
  window.narrative.wanted = { sheet: chosen.sheet, draft: chosen.draft, token: chosen.token };
  tab.click();
  tab.focus();
});
document.addEventListener('narrative-chosen', () => look(window.narrativeChosen?.clicked));
new ResizeObserver(() => look(false)).observe(root); // also when the tab comes into sight again
watch('value', take);
look(false);
