// The text: its words shaded by what they did, to be clicked and dragged over for the next question.
const strip = find('.answer .strip');

function drawText(value) {
  text = value;
  if (mini.dataset.text !== value.id) forgetSwap(); // another text, or another stretch of it
  Object.assign(source, { draft: value.draft, sheet: value.sheet, until: value.until });
  Object.assign(wish, { aim: value.aim, start: value.start, stop: value.stop, instead: value.instead });
  find('.which').textContent = value.line;
  options(find('[name=model]'), [[source.source === 'draft' ? 'Whoever wrote it' : 'The model at the top', ''], ...value.models], source.model);
  drawCompare(value);
  find('[data-aim=whole]').textContent = value.written ? 'All that was written' : 'All of the text';
  if (!map || map.text !== value.id) drawWords(value);
  drawMini(value);
  press();
}

function drawCompare(value) {
  const select = find('[name=compare]');
  const groups = [['Another method', value.ways], ['Another model', value.models.filter(([, name]) => name !== value.model).map(([title, name]) => [title, `model:${name}`])], ['Another draft', value.drafts]];
  const none = make('option', '', 'Nothing');
  none.value = '';
  select.replaceChildren(none, ...groups.filter(([, entries]) => entries.length).map(([title, entries]) => {
    const group = make('optgroup', '', ...entries.map(([name, key]) => {
      const option = make('option', '', name);
      option.value = key;
      return option;
    }));
    group.label = title;
    return group;
  }));
  if (![...select.options].some(option => option.value === source.compare)) source.compare = '';
  select.value = source.compare;
}

function drawWords(value) { // before there is a map: the words as they stand
  strip.replaceChildren(...value.runs.map((run, number) => {
    const { line, words } = lineOf(run, value.runs.length > 1 ? [number ? '' : 'reading', number ? 'it wrote' : 'it read'] : null);
    words.forEach((word, place) => {
      word.dataset.run = value.runs.length > 1 && number === 0 ? 'encoder' : 'sequence';
      word.dataset.stop = run[place + 1]?.[1] ?? value.end;
    });
    return line;
  }));
  markTarget();
}

function markTarget() {
  const words = [...strip.querySelectorAll('.w[data-run=sequence]')];
  const inside = words.filter(word => wish.aim === 'span' && Number(word.dataset.place) < wish.stop && Number(word.dataset.stop) > wish.start);
  for (const word of words) {
    word.classList.toggle('sel', inside.includes(word));
    word.setAttribute('aria-pressed', String(inside.includes(word)));
    word.tabIndex = word === (inside[0] || words[0]) ? 0 : -1;
  }
}

function pickWords(first, last) {
  const [from, to] = Number(first.dataset.place) <= Number(last.dataset.place) ? [first, last] : [last, first];
  const start = Number(from.dataset.place), stop = Math.min(Number(to.dataset.stop), text.end);
  if (start >= text.end) return ask({ aim: 'next', instead: '' }); // the word that isn't written yet
  strip.querySelectorAll('.drag').forEach(word => word.classList.remove('drag'));
  Object.assign(wish, { aim: 'span', start, stop });
  markTarget();
  ask({ aim: 'span', start, stop, instead: '' });
}

let held = null, over = null;
const wordAt = event => event.target.closest?.('.answer .w[data-run=sequence]');
strip.addEventListener('pointerdown', event => {
  const word = wordAt(event);
  if (!word || event.button) return;
  held = over = word;
  if (event.pointerType !== 'touch') event.preventDefault(); // no selection of text, which a drag would be otherwise
});
strip.addEventListener('pointerover', event => {
  const word = wordAt(event);
  if (!held || !word) return;
  over = word;
  const [low, high] = [held, word].map(one => Number(one.dataset.place)).sort((a, b) => a - b);
  for (const one of strip.querySelectorAll('.w')) one.classList.toggle('drag', one.dataset.run === 'sequence' && Number(one.dataset.place) >= low && Number(one.dataset.place) <= high);
});
window.addEventListener('pointerup', event => {
  if (!held) return;
  const [first, last] = [held, over];
  held = over = null;
  if (strip.contains(event.target)) pickWords(event.shiftKey && anchor ? anchor : first, last);
  else strip.querySelectorAll('.drag').forEach(word => word.classList.remove('drag'));
  anchor = first;
});
window.addEventListener('pointercancel', () => { held = over = null; });
let anchor = null;
rove(strip, (word, more) => {
  if (word.dataset.run !== 'sequence') return;
  const begin = strip.querySelector('.w.sel');
  pickWords(more && begin ? begin : word, word);
});
