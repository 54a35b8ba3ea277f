// Long work: which stage, how far, and a way to call it off. While there is some, the page asks how it is getting on.
const root = element.querySelector('.work'), stop = root.querySelector('[data-act]');
const STAGES = [['copying', 'Taking the shelf'], ['cleaning', 'Cleaning'], ['comparing', 'Comparing'], ['splitting', 'Dividing'], ['writing', 'Writing']];
const SAYS = { copying: 'Taking a copy of the shelf', cleaning: 'Cleaning', comparing: 'Looking for passages that stand in two files', splitting: 'Choosing what is held back for testing', writing: 'Writing the corpus' };
let clock = 0;

function draw() {
  const news = props.value;
  root.hidden = !news;
  desk.busy = news ? news.kind : '';
  document.body.classList.toggle('books-building', !!news && news.kind === 'building');
  clearInterval(clock);
  if (!news) return;
  clock = setInterval(() => { if (!document.hidden) act('tick'); }, 700);
  const reading = news.kind === 'reading', at = STAGES.findIndex(([stage]) => stage === news.stage);
  root.querySelector('.steps').hidden = reading;
  root.querySelector('.steps').replaceChildren(...STAGES.map(([, word], n) => make('span', n === at ? 'here' : n < at ? 'past' : '', word)));
  const of = news.total > 1 ? ` ${number(Math.min(news.done + (reading ? 1 : 0), news.total))} of ${number(news.total)}` : '';
  const detail = news.detail ? own('bdi', '', news.detail) : '';
  const words = reading && news.words ? `, ${about(news.words)} words so far` : '';
  const lead = news.stopping ? 'Stopping…' : reading ? `Reading${of}${news.detail ? ': ' : '…'}` : `${SAYS[news.stage] || news.stage}${of}${news.detail ? ': ' : '…'}`;
  root.querySelector('.now').replaceChildren(lead, ...(news.stopping ? [] : [detail, words]));
  const bar = root.querySelector('.track'), known = news.total > 0;
  const share = known ? Math.min(1, news.done / news.total) : 0;
  bar.classList.toggle('unknown', !known);
  bar.firstElementChild.style.width = known ? `${Math.max(2, 100 * share)}%` : '';
  if (known) bar.setAttribute('aria-valuenow', Math.round(100 * share)); else bar.removeAttribute('aria-valuenow');
  root.querySelector('.aside').textContent = reading
    ? 'You can close this page: reading goes on, and the files will be here.'
    : `The corpus “${news.corpus}” appears whole or not at all. You can close this page; the build goes on.`;
  stop.disabled = news.stopping;
  stop.textContent = reading ? 'Stop reading' : 'Stop building';
}

stop.data = {};
pressed(root);
watch('value', draw);
draw();
