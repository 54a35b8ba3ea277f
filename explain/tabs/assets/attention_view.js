// The main view: one of BertViz's pages in a frame of its own, or a Plotly figure; and pictures of what is shown.
const main = find('.plot.main'), pane = find('.window'), hollow = find('.hollow');
let frame = find('iframe');
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: 'reset', showTips: false };
const figures = new Map(); // place -> the figure that it shows, for the day the colours change
let shown = null, wanted = null;

const drawn = () => new Promise(done => { // the frame's lines come first: two drawings at once would wait for each other
  if (pane.getAttribute('aria-busy') !== 'true') return done();
  const watch = new MutationObserver(() => { watch.disconnect(); done(); });
  watch.observe(pane, { attributes: true, attributeFilter: ['aria-busy'] });
  setTimeout(done, 5000);
});
async function plot(place, figure) {
  figures.set(place, figure);
  place.hidden = false;
  await drawn();
  const library = await window.narrative.plotly(root.dataset.script);
  if (figures.get(place) !== figure) return;
  const { data, layout } = window.narrative.paint(figure, root);
  layout.font = { ...layout.font, color: getComputedStyle(root).color };
  await library.react(place, data, layout, CONFIG);
  if (place.dataset.clicks) return;
  place.dataset.clicks = 'yes';
  place.on('plotly_click', event => {
    const at = event.points?.[0]?.customdata;
    if (at?.length >= 2 && place !== main) showHead(Number(at[0]), Number(at[1]));
  });
}
let painted = dark();
new MutationObserver(() => { // other classes of the body come and go too
  if (painted === dark()) return;
  painted = dark();
  for (const [place, figure] of figures) if (!place.hidden) plot(place, figure).catch(unplotted);
  frame.contentWindow?.postMessage({ narrative: 'theme', dark: dark() }, '*');
}).observe(document.body, { attributes: true, attributeFilter: ['class'] });
const unplotted = () => { hollow.hidden = false; hollow.textContent = 'The drawing did not arrive. Choose the view again; the numbers can be saved as CSV.'; };

function drawView(value) {
  hollow.hidden = !value.trouble;
  hollow.textContent = value.trouble || '';
  find('.sentence').textContent = value.sentence || '';
  find('.exports').hidden = !!value.trouble;
  find('#attn-view').textContent = value.title || 'Attention';
  frame.hidden = !value.page;
  main.hidden = !value.figure;
  shown = value.trouble ? null : value;
  drawPickers(value.view);
  if (value.figure) {
    main.setAttribute('aria-label', `${value.title}. ${value.sentence}`);
    plot(main, value.figure).catch(unplotted);
  }
  pane.setAttribute('aria-busy', String(!!value.page));
  const fresh = frame.cloneNode(); // what an older page still has to say is no longer heard
  fresh.removeAttribute('srcdoc');
  if (value.page) {
    fresh.title = value.title;
    fresh.srcdoc = value.page;
  }
  frame.replaceWith(fresh);
  frame = fresh;
}

window.addEventListener('message', event => { // the frame has no origin of its own: whose window it is tells who speaks
  if (event.source !== frame.contentWindow || typeof event.data !== 'object' || !event.data) return;
  const { narrative, ...said } = event.data;
  if (narrative === 'drawn') {
    pane.setAttribute('aria-busy', 'false');
    frame.style.height = `${Math.min(820, Math.max(120, Number(said.height) || 0))}px`;
    frame.contentWindow.postMessage({ narrative: 'theme', dark: dark() }, '*');
  }
  if (narrative === 'chosen') { // chosen in the frame: the other views open there
    const layer = Number.isInteger(said.layer) ? said.layer : wish.layer, head = Number.isInteger(said.head) ? said.head : null;
    if (layer === wish.layer && head === wish.head) return;
    Object.assign(wish, { layer, head });
    forgetHead();
    drawPickers(wish.view);
    ask(['overview']);
  }
  if (narrative === 'svg' && wanted) picture(wanted, String(said.svg), Number(said.width) || 800, Number(said.height) || 600);
});

function hand(url, ending) {
  const link = document.createElement('a');
  link.href = url;
  link.download = `${(shown?.title || 'attention').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '')}.${ending}`;
  link.click();
}
function picture(kind, svg, width, height) {
  wanted = null;
  const drawn = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  if (kind === 'svg') { hand(drawn, 'svg'); return setTimeout(() => URL.revokeObjectURL(drawn), 5000); }
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas'), scale = Math.min(2, 8000 / Math.max(width, height));
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(drawn);
    hand(canvas.toDataURL('image/png'), 'png');
  };
  image.onerror = () => { find('.stage').textContent = 'The picture could not be made; SVG and HTML can be saved all the same.'; };
  image.src = drawn;
}
async function plotPicture(kind) {
  const library = await window.narrative.plotly(root.dataset.script);
  const { data, layout } = window.narrative.paint(shown.figure, document.documentElement);
  const width = 1000, height = Math.max(640, layout.height || 0);
  Object.assign(layout, { paper_bgcolor: dark() ? '#15171b' : '#ffffff', width, height });
  hand(await library.toImage({ data, layout }, { format: kind, width, height, scale: kind === 'png' ? 2 : 1 }), kind);
}
root.addEventListener('click', event => {
  const save = event.target.closest('[data-save]'), image = event.target.closest('[data-picture]');
  if (save) trigger('save', { ...state(), what: save.dataset.save });
  if (!image || !shown) return;
  if (shown.figure) return plotPicture(image.dataset.picture).catch(unplotted);
  wanted = image.dataset.picture;
  frame.contentWindow.postMessage({ narrative: 'svg' }, '*');
});
