// Draws the panel about the chosen word: what else the model could have written there.
const root = element.querySelector('.alternatives');
const head = root.querySelector('h2'), list = root.querySelector('ol'), story = root.querySelector('.plain'), line = root.querySelector('.context');
const again = root.querySelector('#from-here');

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text != null) node.textContent = text;
  return node;
};
const percent = share => share >= 0.1 ? `${(100 * share).toFixed(0)} %` : share >= 0.001 ? `${(100 * share).toFixed(1)} %` : '< 0.1 %';

function row(item, most) {
  const entry = make('li');
  const button = make('button', item.here ? 'alt here' : 'alt');
  button.type = 'button';
  button.dataset.token = item.id;
  const bar = make('span', 'bar'), fill = make('span', 'fill');
  bar.setAttribute('aria-hidden', 'true');
  fill.style.width = `${Math.max(1.5, 100 * item.share / most).toFixed(1)}%`;
  bar.append(fill);
  const word = make('span', item.note ? 'word note' : 'word', item.text);
  word.dir = 'auto';
  button.append(word, bar, make('span', 'share', percent(item.share)));
  if (item.here) button.setAttribute('aria-current', 'true');
  button.title = item.here ? 'This is what stands there now' : `Continue with “${item.text}” from here, as a new branch`;
  entry.append(button);
  return entry;
}

function draw() {
  const value = props.value;
  if (!value) return;
  head.firstElementChild.textContent = value.title ? 'Instead of' : 'Another word?';
  head.lastElementChild.textContent = value.title;
  line.replaceChildren(make('span', '', value.before), make('mark', '', value.word), make('span', '', value.after));
  line.hidden = !value.word;
  line.dir = 'auto';
  const most = Math.max(...value.items.map(item => item.share), 1e-9);
  list.replaceChildren(...value.items.map(item => row(item, most)));
  list.hidden = !value.items.length;
  again.hidden = !value.items.length;
  story.textContent = value.sentence;
  if (window.narrative?.byKey) { window.narrative.byKey = false; list.querySelector('.alt')?.focus(); }
}

const where = () => ({ sheet: props.value.sheet, draft: props.value.draft, at: props.value.at });
const away = () => document.body.classList.remove('sheet-open');
root.addEventListener('click', event => {
  const choice = event.target.closest('.alt');
  if (choice && !choice.classList.contains('here')) { away(); trigger('choose', { ...where(), token: Number(choice.dataset.token) }); }
  if (event.target.closest('#from-here')) { away(); trigger('choose', { ...where(), token: null }); }
  if (event.target.closest('.shut')) away();
});
root.addEventListener('keydown', event => {
  if (event.key === 'Escape' && document.querySelector('.t.sel')) { away(); event.stopPropagation(); return document.querySelector('.t.sel').focus(); }
  const choice = event.target.closest('.alt');
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!choice || !step) return;
  const all = [...list.querySelectorAll('.alt')];
  const next = all[all.indexOf(choice) + step];
  if (next) { next.focus(); event.preventDefault(); }
});
watch('value', draw);
draw();
