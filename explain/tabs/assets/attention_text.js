// The text: where it comes from, and its words to click in.
function drawText(value) {
  text = value;
  opening = null;
  if (value.draft !== source.draft) forget();
  Object.assign(wish, { layer: value.layer, head: value.head, part: value.part, place: value.place });
  Object.assign(source, { draft: value.draft, sheet: value.sheet, until: value.until });
  if (wish.compare === value.model) wish.compare = '';
  find('.which').textContent = value.line;
  options(find('[name=model]'), [[source.source === 'draft' ? 'Whoever wrote it' : 'The model at the top', ''], ...value.models], source.model);
  options(find('[name=compare]'), [['No other model', ''], ...value.models.filter(([, name]) => name !== value.model)], wish.compare);
  drawPickers(wish.view);
  const parts = find('.parts');
  parts.hidden = value.parts.length < 2;
  if (parts.dataset.names !== String(value.parts)) { // a chip that was pressed keeps the keyboard
    parts.dataset.names = String(value.parts);
    parts.replaceChildren(...value.parts.map(([name, title]) => {
      const chip = make('button', 'chip', title.split(':')[0].replace('the ', ''));
      chip.type = 'button';
      chip.title = title;
      chip.dataset.part = name;
      return chip;
    }));
  }
  find('.switch span').textContent = `Leave out the first word, “${value.sink}”`;
  const notes = find('.notes');
  notes.replaceChildren(...value.notes.map(note => make('li', '', note)));
  notes.hidden = !value.notes.length;
  drawStrip(value);
  press();
}

function drawPickers(view) {
  if (!text) return;
  const numbers = count => Array.from({ length: count }, (_, n) => [n + 1, n]);
  const together = TOGETHER.includes(view);
  options(find('[name=layer]'), numbers(text.layers), wish.layer);
  options(find('[name=head]'), [...(together ? [['all', '']] : []), ...numbers(text.heads)], wish.head ?? (together ? '' : 0));
}

function drawStrip(value) {
  const strip = find('.strip');
  const held = strip.contains(document.activeElement);
  const several = value.runs.length > 1;
  strip.replaceChildren(...value.runs.map((run, number) => {
    const { line, words } = lineOf(run, several ? [number ? '' : 'reading', number ? 'it wrote' : 'it read'] : null);
    words.forEach(word => { word.dataset.run = value.encoder && number === 0 ? 'encoder' : 'sequence'; });
    return line;
  }));
  markWord(held);
}

const here = () => text?.part === 'encoder' ? 'encoder' : 'sequence';
function markWord(focus) {
  const words = [...find('.strip').querySelectorAll('.w')];
  const mine = words.filter(word => word.dataset.run === here());
  const chosen = wish.place === null ? null : mine.filter(word => Number(word.dataset.place) <= wish.place).pop();
  for (const word of words) {
    word.classList.toggle('sel', word === chosen);
    word.setAttribute('aria-pressed', String(word === chosen));
    word.tabIndex = word === (chosen || mine[0] || words[0]) ? 0 : -1;
  }
  if (focus) words.find(word => word.tabIndex === 0)?.focus();
}

function pickWord(word) {
  const encoder = word.dataset.run === 'encoder';
  const place = Number(word.dataset.place);
  forget();
  if (text.encoder && encoder !== (text.part === 'encoder')) return choose({ part: encoder ? 'encoder' : 'decoder', place }, ALL);
  wish.place = place;
  markWord();
  ask(['about']);
}
find('.strip').addEventListener('click', event => {
  const word = event.target.closest('.w');
  if (word) pickWord(word);
});
rove(find('.strip'), pickWord);

find('.own').addEventListener('submit', event => {
  event.preventDefault();
  Object.assign(source, { source: 'own', draft: '', sheet: '', until: null, prompt: find('[name=prompt]').value, completion: find('[name=completion]').value });
  wish.place = null;
  forget();
  ask(ALL);
});
find('[name=model]').addEventListener('change', event => {
  source.model = event.target.value;
  wish.place = null; // another model may cut the text elsewhere
  forget();
  ask(ALL);
});
find('[name=compare]').addEventListener('change', event => {
  const compare = event.target.value;
  choose({ compare, view: compare ? 'difference' : wish.view === 'difference' ? 'head' : wish.view }, ['view', 'overview']);
});
find('[name=layer]').addEventListener('change', event => { forgetHead(); choose({ layer: Number(event.target.value) }, ['view', 'overview']); });
find('[name=head]').addEventListener('change', event => {
  forgetHead();
  choose({ head: event.target.value === '' ? null : Number(event.target.value) }, ['view', 'overview']);
});
