// What the views of the Train tab share. Every word that came from a file or a person goes through textContent.
const make = (tag, className, ...inside) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside.filter(one => one != null && one !== ''));
  return node;
};
const own = (tag, className, text) => { // text of its own, which may run from right to left
  const node = make(tag, className, text);
  node.dir = 'auto';
  return node;
};
const push = (className, text, act, data = {}, label) => {
  const node = make('button', className, text);
  node.type = 'button';
  node.dataset.act = act;
  node.data = data;
  if (label) node.setAttribute('aria-label', label);
  return node;
};
const number = count => Math.round(count || 0).toLocaleString('en-GB');
const about = count => number(count < 1000 ? count : Number(Number(count).toPrecision(3)));
const many = (count, one, more) => `${number(count)} ${count === 1 ? one : more || `${one}s`}`;
const language = tag => {
  try { return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag); } catch { return tag; }
};
const facts = file => { // 'ePub, English, 144 chapters, 208,000 words'
  const parts = file.rows ? many(file.documents, 'text') : many(file.chapters, 'chapter');
  const form = file.format === 'text' ? 'plain text' : file.format;
  return [form, file.language && language(file.language), parts, `${about(file.words)} ${file.words === 1 ? 'word' : 'words'}`].filter(Boolean).join(', ');
};
const desk = window.narrativeBooks ||= { list: {}, place: null }; // which part of which list, for every view that asks for a redraw
const act = (name, data = {}) => trigger('act', { list: desk.list, place: desk.place, ...data, act: name });
const pressed = root => root.addEventListener('click', event => {
  const node = event.target.closest('[data-act]');
  if (node && !node.disabled && node.data !== null) act(node.dataset.act, node.data);
});
const turning = (nav, page, pages, go, words) => { // back, where we are, on
  nav.hidden = pages < 2;
  const step = (text, to, label) => {
    const node = make('button', 'link', text);
    node.type = 'button';
    node.disabled = to < 0 || to >= pages;
    node.setAttribute('aria-label', label);
    node.addEventListener('click', () => go(to));
    return node;
  };
  nav.replaceChildren(step('← Back', page - 1, 'The page before'), make('span', '', words), step('On →', page + 1, 'The next page'));
};
const asking = (place, text, question, name, data) => { // a step that can't be taken back asks once more, in its own place
  const first = make('button', 'link', text);
  first.type = 'button';
  first.addEventListener('click', () => {
    const yes = push('link sure', question, name, data), no = make('button', 'link', 'Keep');
    no.type = 'button';
    no.addEventListener('click', () => { place.replaceChildren(first); first.focus(); });
    place.replaceChildren(yes, no);
    yes.focus();
  });
  place.replaceChildren(first);
};
const refocus = (root, draw) => { // a redraw must not throw the keyboard back to the top of the page
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  const key = held?.dataset.key;
  draw();
  if (key && !held.isConnected) [...root.querySelectorAll('[data-key]')].find(node => node.dataset.key === key)?.focus();
};
