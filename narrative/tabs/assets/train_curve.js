// The curve: drawn whole when it is another one, lengthened when points come. Plotly is fetched when the first is drawn.
const chart = root.querySelector('.curve'), hollow = root.querySelector('.hollow');
const narrow = () => chart.clientWidth < 560;
let shown = null, busy = Promise.resolve();

const plotly = () => window.narrative.plotly(root.dataset.script);
const paint = (value, place = root) => window.narrative.paint(value, place);
const slim = margin => narrow() ? { ...margin, l: 40, r: Math.min(margin.r, 98) } : margin;
const fitted = layout => {
  layout.margin = slim(layout.margin);
  if (narrow()) { layout.height = 280; layout.yaxis.title.text = ''; }
  if (matchMedia('(hover: none)').matches) layout.dragmode = false; // a finger scrolls the page
  return layout;
};
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: 'reset', showTips: false };

function drawCurve(curve) {
  const before = have.curve;
  if (curve.extend && JSON.stringify(before?.at) !== JSON.stringify(curve.from)) return; // these points are there already
  have.curve = { tag: curve.tag, at: curve.at, drawn: curve.drawn, time: curve.time };
  hollow.hidden = !curve.empty;
  chart.classList.toggle('bare', curve.empty);
  if (curve.figure) shown = { figure: curve.figure, compared: curve.compared };
  root.querySelector('.job').classList.toggle('compared', !!curve.compared);
  root.querySelector('#job-title').textContent = curve.compared ? `${curve.compared} jobs compared` : wish.job;
  const mine = shown;
  busy = busy.then(() => curve.figure ? whole() : lengthen(curve, mine)).catch(trouble);
}

async function whole() {
  if (chart.classList.contains('bare') && !chart._fullLayout) return;
  const library = await plotly(), { data, layout } = paint(shown.figure);
  await library.react(chart, data, fitted(layout), CONFIG);
  describe();
}

async function lengthen(curve, mine) {
  if (shown !== mine) return; // another curve has come meanwhile
  const { data, layout } = mine.figure;
  curve.extend.forEach(([x, y], n) => { data[n].x = data[n].x.concat(x); data[n].y = data[n].y.concat(y); }); // for the day the colours change
  Object.assign(layout, curve.layout);
  if (!chart._fullLayout) return whole();
  const library = await plotly();
  const grown = curve.extend.map((_, n) => n).filter(n => curve.extend[n][0].length);
  if (shown !== mine) return;
  await library.extendTraces(chart, { x: grown.map(n => curve.extend[n][0]), y: grown.map(n => curve.extend[n][1]) }, grown);
  await library.relayout(chart, paint({ ...curve.layout, margin: slim(curve.layout.margin) }));
  describe();
}

function trouble() {
  hollow.hidden = false;
  hollow.textContent = 'The drawing did not arrive. It is tried again with the next measurement; the numbers can be saved as CSV.';
  have.curve = null;
}

function describe() { // for whoever hears the page
  const { data, layout } = shown.figure, what = wish.quantity;
  const ends = layout.annotations?.map(one => one.text) || data.map(one => one.name);
  chart.setAttribute('aria-label', `Curve of ${what === 'speed' ? 'tokens a second' : what}: ${ends.join(', ') || 'no points yet'}`);
  chart.dataset.points = data.reduce((sum, one) => sum + one.x.length, 0);
}

root.querySelector('.quantities').addEventListener('click', event => {
  const chip = event.target.closest('[data-quantity]');
  if (chip) { choose({ quantity: chip.dataset.quantity }); pressedQuantity(); }
});
function pressedQuantity() {
  for (const chip of root.querySelectorAll('[data-quantity]')) chip.setAttribute('aria-pressed', String(chip.dataset.quantity === wish.quantity));
}
pressedQuantity();
new MutationObserver(() => { if (shown && chart._fullLayout) busy = busy.then(whole).catch(trouble); }).observe(document.body, { attributes: true, attributeFilter: ['class'] });

async function save(format) { // always on light paper: it goes into a document
  if (!shown) return;
  const library = await plotly(), { data, layout } = paint(shown.figure, document.documentElement);
  const title = root.querySelector('#job-title').textContent;
  Object.assign(layout, { paper_bgcolor: '#ffffff', width: 1000, height: 480, margin: { ...layout.margin, t: layout.margin.t + 30 }, title: { text: title.replace(/&/g, '&amp;').replace(/</g, '&lt;'), x: 0.02, font: { size: 15 } } });
  const link = document.createElement('a');
  link.href = await library.toImage({ data, layout }, { format, width: 1000, height: 480, scale: format === 'png' ? 2 : 1 });
  link.download = `${title}-${wish.quantity}.${format}`.replace(/\s+/g, '-');
  link.click();
}
const exports_ = root.querySelector('.exports');
for (const [word, go] of [['PNG', () => save('png')], ['SVG', () => save('svg')], ['CSV', () => ask('numbers', { names: [...new Set([wish.job, ...wish.compare])] })]]) {
  const node = make('button', 'link', word);
  node.type = 'button';
  node.setAttribute('aria-label', word === 'CSV' ? 'Save the numbers as CSV' : `Save the curve as ${word}`);
  node.addEventListener('click', go);
  exports_.append(node);
}
