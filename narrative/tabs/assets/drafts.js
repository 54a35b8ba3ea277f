// Draws the drafts. While a draft is being written its record string only grows, so only new tokens are added to the page.
// Nothing from a model or a person ever becomes HTML: text goes in by textContent.
const root = element.querySelector('.drafts');
const shadeBox = element.querySelector('#shade');
const legend = element.querySelector('.legend');
const cards = [];
const CLIP = 700; // longer seed texts show their end and a button for the rest

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text != null) node.textContent = text;
  return node;
};
const button = (act, text, help, data) => {
  const node = make('button', 'link', text);
  node.type = 'button';
  node.title = help;
  if (data.label) node.setAttribute('aria-label', data.label);
  Object.assign(node.dataset, { act, ...data.set });
  return node;
};

// ---- one card -------------------------------------------------------------------------------------------------------
function newCard(draft, number, prompt) {
  const box = make('article', 'draft');
  const head = make('div', 'draft-head');
  const title = make('h3', '', `Draft ${number + 1}`);
  title.id = `draft-title-${number}`;
  box.setAttribute('aria-labelledby', title.id);
  head.append(title, make('span', 'branch'));
  const text = make('p', 'text');
  text.dir = 'auto';
  const caret = make('span', 'caret');
  text.append(...seedNodes(prompt), caret);
  const meta = make('div', 'meta');
  const acts = make('div', 'acts');
  box.append(head, text, meta, acts);
  return { id: draft.id, number, box, text, caret, meta, acts, branch: head.lastChild, count: 0, at: 0, seed: prompt, plain: '', key: '', lines: [] };
}

function seedNodes(prompt) {
  const seed = make('span', 'seedtext', prompt);
  if (prompt.length <= CLIP) return [seed];
  seed.textContent = '…' + prompt.slice(-CLIP / 2);
  const more = make('button', 'link whole', `Show all ${prompt.length.toLocaleString('en')} characters of the seed text`);
  more.type = 'button';
  more.addEventListener('click', () => { seed.textContent = prompt; more.remove(); });
  return [more, seed];
}

function addTokens(card, records) {
  const fresh = document.createDocumentFragment();
  for (const record of records.slice(card.at).split('\x1e').slice(0, -1)) {
    const [text, surprise, rank] = record.split('\x1f');
    const index = card.count++;
    card.plain += text === '\u220e' && surprise.endsWith('e') ? '' : text;
    if (!text) continue; // part of a character: it keeps its number and shows nothing
    const lead = text.match(/^\s*/)[0], rest = text.slice(lead.length);
    const word = make('span', 't', rest || '¶');
    if (!rest) word.classList.add('space');
    if (surprise.endsWith('e')) word.classList.add('end');
    word.dataset.i = index;
    const nats = parseFloat(surprise), shade = Math.min(1, Math.max(0, (nats - 1) / 7));
    if (shade > 0.02) word.style.setProperty('--s', shade.toFixed(2));
    word.title = `${chance(nats)} likely · choice ${Number(rank).toLocaleString('en')}`;
    if (rest) fresh.append(lead, word); else fresh.append(word, lead);
  }
  card.at = records.length;
  card.text.insertBefore(fresh, card.caret);
}

const chance = nats => {
  const percent = 100 * Math.exp(-nats);
  return percent >= 10 ? `${percent.toFixed(0)} %` : percent >= 0.1 ? `${percent.toFixed(1)} %` : 'less than 0.1 %';
};

function closeCard(card, draft) {
  const nice = `draft ${card.number + 1}`, set = { d: card.number };
  const quiet = { set: { ...set } };
  const files = make('span', 'keep'); // where there is no room, they go to the next line together
  files.append(
    button('copy', 'Copy', 'Copy seed text and continuation', { ...quiet, label: `Copy ${nice}` }),
    ...[['docx', 'Word'], ['md', '.md'], ['txt', '.txt']].map(([kind, name]) =>
      button('export', name, `Download as ${name} with the settings in the file`, { set: { ...set, kind }, label: `Download ${nice} as ${name}` })));
  card.acts.replaceChildren(
    button('again', 'Again', 'Write this draft once more with a new seed. This one stays in the history.', { ...quiet, label: `Write ${nice} again` }),
    ...(draft.more ? [button('on', 'Go on', 'Let the model go on from the end of this draft.', { ...quiet, label: `Go on with ${nice}` })] : []),
    button('attention', 'Attention', 'Where the model looked while it wrote this', { set, label: `Attention in ${nice}` }),
    button('why', 'Why', 'Which words brought the chosen word about, by several methods', { set, label: `Why this word in ${nice}` }),
    files);
}

function drawCard(card, draft) {
  if (draft.t.length > card.at) addTokens(card, draft.t);
  const key = JSON.stringify([draft.facts, draft.writing, draft.branch, draft.more]);
  if (key === card.key) return;
  const wasWriting = card.writing;
  card.key = key;
  card.writing = draft.writing;
  card.box.classList.toggle('writing', draft.writing);
  card.branch.textContent = draft.branch || '';
  card.meta.replaceChildren(...draft.facts.map(([text, help]) => { const fact = make('span', 'fact', text); if (help) fact.title = help; return fact; }));
  if (draft.writing) card.acts.replaceChildren();
  else if (wasWriting !== false) closeCard(card, draft);
  if (!draft.writing) rove(card, card.text.querySelector('.t'));
}

// ---- all cards ------------------------------------------------------------------------------------------------------
let drawn = null; // the value that was drawn last
function draw() {
  const value = props.value || { drafts: [], prompts: [] };
  value.drafts.forEach((draft, number) => {
    let card = cards[number];
    const prompt = value.prompts[draft.p] || '';
    if (!card || card.id !== draft.id || draft.t.length < card.at || card.seed !== prompt) {
      const fresh = newCard(draft, number, prompt);
      if (card) card.box.replaceWith(fresh.box); else root.append(fresh.box);
      card = cards[number] = fresh;
    }
    drawCard(card, draft);
  });
  while (cards.length > value.drafts.length) cards.pop().box.remove();
  root.dataset.count = cards.length;
  element.querySelector('.nothing').hidden = cards.length > 0;
  const writing = value.drafts.some(draft => draft.writing);
  root.setAttribute('aria-busy', String(writing));
  document.body.classList.toggle('writing', writing);
  root.dataset.sheet = value.sheet || '';
  const pick = value.pick;
  if (pick && (value !== drawn || !root.querySelector('.sel')) && cards[pick[0]]) { // chosen in another tab, or by the page itself
    const word = cards[pick[0]].text.querySelector(`.t[data-i="${Number(pick[1])}"]`);
    if (word) mark(word);
  }
  drawn = value;
  tell();
}

function rove(card, word) { // one word of a draft can be reached with Tab; arrows lead to the others
  card.text.querySelectorAll('[tabindex="0"]').forEach(old => { old.removeAttribute('tabindex'); old.removeAttribute('role'); old.removeAttribute('aria-label'); });
  if (!word) return;
  word.tabIndex = 0;
  word.setAttribute('role', 'button');
  word.setAttribute('aria-label', `${word.textContent}, ${word.title}. Show the alternatives`);
}

const cardOf = node => cards.find(card => card.box === node.closest('.draft'));

function mark(word) {
  root.querySelectorAll('.sel').forEach(old => { old.classList.remove('sel'); old.removeAttribute('aria-pressed'); });
  word.classList.add('sel');
  rove(cardOf(word), word);
  word.setAttribute('aria-pressed', 'true');
}

function tell(clicked = false) { // which word is chosen, for whatever stands beside the drafts; none while some are being written
  const word = document.body.classList.contains('writing') ? null : root.querySelector('.t.sel'), card = word && cardOf(word);
  window.narrativeChosen = card ? { sheet: props.value.sheet, draft: card.id, token: Number(word.dataset.i), text: word.textContent, clicked } : null;
  document.dispatchEvent(new Event('narrative-chosen'));
}

function pick(word, byKey) {
  const card = cardOf(word);
  if (!card || card.writing) return;
  mark(word);
  document.body.classList.add('sheet-open');
  window.narrative.byKey = byKey; // then the panel takes the focus
  if (innerWidth <= 760) word.scrollIntoView({ block: 'start', behavior: 'instant' });
  trigger('pick', { sheet: props.value.sheet, draft: card.id, at: Number(word.dataset.i) });
  tell(true);
}

const EXPLAINED = { attention: 'attention', why: 'words' }; // link -> the tab that it opens
function explain(card, name) { // that tab is told at once which draft is meant: the server may hear of it later
  const word = card.text.querySelector('.t.sel') || card.text.querySelector('.t'), tab = document.querySelector(`#nav button[role=tab][data-tab-id=${name}]`);
  if (!word || !tab) return;
  const at = Number(word.dataset.i);
  mark(word);
  trigger('pick', { sheet: props.value.sheet, draft: card.id, at });
  window.narrative.wanted = { sheet: props.value.sheet, draft: card.id, token: at };
  tab.click();
  tab.focus();
  setTimeout(tell); // when this tab is out of sight, so that nothing is asked twice
}

async function copy(card, node) {
  await window.narrative.copy(card.seed + card.plain);
  const before = node.textContent;
  node.textContent = 'Copied';
  setTimeout(() => { node.textContent = before; }, 1600);
}

root.addEventListener('click', event => {
  const word = event.target.closest('.t');
  if (word) return pick(word);
  const node = event.target.closest('[data-act]');
  if (!node) return;
  const card = cards[Number(node.dataset.d)];
  if (node.dataset.act === 'copy') return copy(card, node);
  const where = { sheet: props.value.sheet, draft: card.id };
  if (EXPLAINED[node.dataset.act]) return explain(card, EXPLAINED[node.dataset.act]);
  if (node.dataset.act === 'again') trigger('again', where);
  if (node.dataset.act === 'on') trigger('on', where);
  if (node.dataset.act === 'export') trigger('send', { act: 'export', kind: node.dataset.kind, ...where });
});

root.addEventListener('keydown', event => {
  const word = event.target.closest('.t');
  if (!word || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); return pick(word, true); }
  const words = [...word.parentNode.querySelectorAll('.t')], here = words.indexOf(word);
  const next = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: words.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const target = words[Math.min(words.length - 1, Math.max(0, next))];
  rove(cardOf(word), target);
  target.focus();
});

// ---- shading, kept in this browser ----------------------------------------------------------------------------------
const shade = on => { root.classList.toggle('shaded', on); legend.hidden = !on; };
shadeBox.checked = localStorage.getItem('narrative-shade') !== 'off';
shade(shadeBox.checked);
shadeBox.addEventListener('change', () => { localStorage.setItem('narrative-shade', shadeBox.checked ? 'on' : 'off'); shade(shadeBox.checked); });
element.querySelector('#copy-link').addEventListener('click', () => trigger('send', { act: 'link', sheet: props.value.sheet }));

watch('value', draw);
draw();
