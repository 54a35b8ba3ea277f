// What the tabs of explaining share: nodes, choices, Plotly figures in the page's colours, pictures to keep.
const root = element.querySelector('.explain');
const find = selector => root.querySelector(selector);
const make = (tag, className, ...inside) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside.filter(one => one != null && one !== ''));
  return node;
};
const percent = share => share >= 0.1 ? `${(100 * share).toFixed(0)} %` : share >= 0.001 ? `${(100 * share).toFixed(1)} %` : '< 0.1 %';
const dark = () => document.body.classList.contains('dark');
const pressed = (kind, chosen) => {
  for (const chip of root.querySelectorAll(`[data-${kind}]`)) chip.setAttribute('aria-pressed', String(chip.dataset[kind] === chosen));
};
function chips(choices) { // one listener, a word for each kind of choice
  root.addEventListener('click', event => {
    const chip = event.target.closest('.chip');
    if (!chip) return;
    const [kind] = Object.keys(choices).filter(name => name in chip.dataset);
    choices[kind]?.(chip.dataset[kind]);
  });
}
function showSource(kind = source.source) { // a draft or one's own words; `source` is each tab's
  pressed('source', kind);
  find('.own').hidden = kind !== 'own';
  find('.which').hidden = kind === 'own';
}
function opened(openDraft, otherwise) { // the tab was opened: the draft may be another one now
  const wanted = window.narrative.wanted;
  window.narrative.wanted = null;
  if (wanted) source.source = 'draft';
  return source.source === 'draft' ? openDraft(wanted || {}) : otherwise();
}
function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([title, value]) => {
    const option = make('option', '', title);
    option.value = value;
    return option;
  }));
  if (![...select.options].some(option => option.value === String(chosen ?? ''))) {
    const option = make('option', '', String(chosen));
    option.value = chosen;
    select.append(option);
  }
  select.value = String(chosen ?? '');
}
function lineOf(run, several) { // [text, place, mine, bare] -> a paragraph of words; `several`: what stands before it
  const line = make('p', several ? `run ${several[0]}` : 'run', several ? make('span', 'side', several[1]) : null);
  let written = run[0]?.[2];
  const words = run.map(([text, place, mine, bare]) => {
    if (mine && !written) {
      const wall = make('span', 'wall');
      wall.title = 'From here on it was written';
      line.append(wall);
    }
    written = mine;
    const space = text.match(/^\s*/)[0], inner = text.slice(space.length);
    const word = make('span', ['w', mine ? 'mine' : '', bare ? 'bare' : ''].filter(Boolean).join(' '), inner.trimEnd());
    word.dataset.place = place;
    word.setAttribute('role', 'button');
    if (space) line.append(space);
    line.append(word, inner.match(/\s*$/)[0]);
    return word;
  });
  return { line, words };
}
function rove(strip, pick) { // one word of a text can be reached with Tab, arrows lead to the others
  strip.addEventListener('keydown', event => {
    const word = event.target.closest('.w');
    if (!word || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); return pick(word, event.shiftKey); }
    const words = [...strip.querySelectorAll('.w')], at = words.indexOf(word);
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: words.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const target = words[Math.min(words.length - 1, Math.max(0, next))];
    words.forEach(one => { one.tabIndex = one === target ? 0 : -1; });
    target.focus();
  });
}

// ---- figures
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: 'reset', showTips: false };
const figures = new Map(); // place -> the figure that it shows, for the day the colours change
const turned = []; // what else is to be done when light turns dark
let ready = () => Promise.resolve(); // what a figure waits for
async function plot(place, figure, clicked) {
  figures.set(place, figure);
  place.hidden = false;
  await ready();
  const library = await window.narrative.plotly(root.dataset.script);
  if (figures.get(place) !== figure) return;
  const { data, layout } = window.narrative.paint(figure, root);
  layout.font = { ...layout.font, color: getComputedStyle(root).color };
  await library.react(place, data, layout, CONFIG);
  if (!clicked || place.dataset.clicks) return;
  place.dataset.clicks = 'yes';
  place.on('plotly_click', event => {
    const at = event.points?.[0]?.customdata;
    if (at != null) clicked(at);
  });
}
let painted = dark();
new MutationObserver(() => { // other classes of the body come and go too
  if (painted === dark()) return;
  painted = dark();
  for (const [place, figure] of figures) if (!place.hidden) plot(place, figure).catch(() => {});
  turned.forEach(one => one());
}).observe(document.body, { attributes: true, attributeFilter: ['class'] });

function hand(url, title, ending) {
  const link = document.createElement('a');
  link.href = url;
  link.download = `${title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '')}.${ending}`;
  link.click();
}
async function plotPicture(figure, title, kind) {
  const library = await window.narrative.plotly(root.dataset.script);
  const { data, layout } = window.narrative.paint(figure, document.documentElement);
  const width = 1000, height = Math.max(640, layout.height || 0);
  Object.assign(layout, { paper_bgcolor: dark() ? '#15171b' : '#ffffff', width, height });
  hand(await library.toImage({ data, layout }, { format: kind, width, height, scale: kind === 'png' ? 2 : 1 }), title, kind);
}
function svgPicture(kind, svg, width, height, title, failed) {
  const drawn = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  if (kind === 'svg') { hand(drawn, title, 'svg'); return setTimeout(() => URL.revokeObjectURL(drawn), 5000); }
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas'), scale = Math.min(2, 8000 / Math.max(width, height));
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(drawn);
    hand(canvas.toDataURL('image/png'), title, 'png');
  };
  image.onerror = failed;
  image.src = drawn;
}
