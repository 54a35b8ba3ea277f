// The map: shades, legend, sentence, charts; and a second one beside it on the same scale.
function shadeStrip(place, value) { // value.runs: [[text, start, stop, written, bare, colour, told, target], ...] a run
  place.replaceChildren(...value.runs.map((run, number) => {
    const several = value.runs.length > 1;
    const { line, words } = lineOf(run.map(([text, start, , mine, bare]) => [text, start, mine, bare]), several ? [number ? '' : 'reading', number ? 'it wrote' : 'it read'] : null);
    words.forEach((word, index) => {
      const [, start, stop, , , colour, told, target] = run[index];
      word.dataset.run = several && number === 0 ? 'encoder' : 'sequence';
      Object.assign(word.dataset, { place: start, stop });
      word.style.backgroundColor = colour;
      word.classList.toggle('shaded', !!colour);
      word.title = told;
      word.classList.toggle('asked', target);
      if (target) word.setAttribute('aria-description', 'what is explained');
    });
    return line;
  }));
}

function drawMap(value) {
  map = value;
  answer.classList.remove('bare');
  const focus = strip.contains(document.activeElement);
  find('#words-title').textContent = value.title;
  shadeStrip(strip, value);
  markTarget();
  if (focus) strip.querySelector('.w[tabindex="0"]')?.focus();
  find('.key-line .low').textContent = value.legend[0];
  find('.key-line .high').textContent = value.legend[1];
  find('.key-line .scale').style.backgroundImage = value.gradient;
  find('.answer .sentence').textContent = value.sentence;
  const notes = find('.answer .notes');
  notes.replaceChildren(...value.notes.map(note => make('li', '', note)));
  notes.hidden = !value.notes.length;
  const bars = find('.plot.by-word');
  find('.chart').hidden = false;
  bars.setAttribute('aria-label', value.sentence);
  plot(bars, value.bars).catch(unplotted);
  find('.layers-card').hidden = !value.layers;
  find('.layers-told').textContent = value.layers_told || '';
  if (value.layers) plot(find('.plot.by-layer'), value.layers).catch(unplotted);
  else figures.delete(find('.plot.by-layer'));
}
const unplotted = () => hint('The drawing did not arrive; the numbers can be saved as CSV.');

function drawNone() { // no answer: the words stay, and no older map is shown as if it were one
  map = null;
  answer.classList.add('bare');
  if (text) drawWords(text);
  find('#words-title').textContent = 'Why this word?';
  for (const place of ['.answer .sentence', '.key-line .low', '.key-line .high']) find(place).textContent = '';
  find('.answer .notes').hidden = true;
  find('.chart').hidden = find('.layers-card').hidden = find('.other').hidden = true;
  figures.clear();
}

function drawOther(value) {
  find('.other').hidden = !value;
  if (!value) return;
  find('#words-other').textContent = value.title;
  shadeStrip(find('.second'), value);
  find('.second').querySelectorAll('.w').forEach(word => word.removeAttribute('role'));
  find('.other .sentence').textContent = value.sentence;
  const pair = find('.plot.of-both');
  pair.hidden = !value.pair;
  if (value.pair) plot(pair, value.pair).catch(unplotted);
  else figures.delete(pair);
}

function drawCosts(seconds) {
  for (const chip of root.querySelectorAll('.methods .chip')) {
    const cost = seconds[chip.dataset.method];
    const told = cost == null ? '' : cost < 0.5 ? 'instant' : cost < 90 ? `${Math.max(1, Math.round(cost))} s` : `${Math.round(cost / 60)} min`;
    chip.querySelector('.cost').textContent = told && ` · ${told}`;
  }
}

// ---- files
root.addEventListener('click', event => {
  const save = event.target.closest('[data-save]'), image = event.target.closest('[data-picture]'), chart = event.target.closest('[data-plot]');
  if ((save || image || chart) && answer.getAttribute('aria-busy') === 'true') return hint('Wait until the map is there, or stop it.');
  if (save && map) trigger('save', { ...state(), what: save.dataset.save });
  if (image && map) trigger('picture', { ...state(), kind: image.dataset.picture, dark: dark() });
  const drawn = chart && map && { bars: map.bars, layers: map.layers, decline }[chart.dataset.plot];
  if (drawn) plotPicture(drawn, map.title, 'png').catch(unplotted);
});
function drawPicture(value) {
  if (value.trouble) return hint(value.trouble);
  svgPicture(value.kind, value.svg, value.width, value.height, map?.title || 'word importance', () => hint('The picture could not be made; SVG and HTML can be saved all the same.'));
}
