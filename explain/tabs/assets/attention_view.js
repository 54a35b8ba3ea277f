// The main view: one of BertViz's pages in a frame of its own, or a Plotly figure; and pictures of what is shown.
const main = find('.plot.main'), pane = find('.window'), hollow = find('.hollow');
let frame = find('iframe');
let shown = null, wanted = null;

const drawn = () => new Promise(done => { // the frame's lines come first: two drawings at once would wait for each other
  if (pane.getAttribute('aria-busy') !== 'true') return done();
  const watch = new MutationObserver(() => { watch.disconnect(); done(); });
  watch.observe(pane, { attributes: true, attributeFilter: ['aria-busy'] });
  setTimeout(done, 5000);
});
ready = drawn;
const openHead = at => { if (at.length >= 2) showHead(Number(at[0]), Number(at[1])); };
turned.push(() => frame.contentWindow?.postMessage({ narrative: 'theme', dark: dark() }, '*'));
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

const title = () => shown?.title || 'attention';
function picture(kind, svg, width, height) {
  wanted = null;
  svgPicture(kind, svg, width, height, title(), () => {
    find('.stage').textContent = 'The picture could not be made; SVG and HTML can be saved all the same.';
  });
}
root.addEventListener('click', event => {
  const save = event.target.closest('[data-save]'), image = event.target.closest('[data-picture]');
  if (save) trigger('save', { ...state(), what: save.dataset.save });
  if (!image || !shown) return;
  if (shown.figure) return plotPicture(shown.figure, title(), image.dataset.picture).catch(unplotted);
  wanted = image.dataset.picture;
  frame.contentWindow.postMessage({ narrative: 'svg' }, '*');
});
