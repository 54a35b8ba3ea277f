// The jobs half: what the page has, what it asks for, and how it hears what is new. The answers carry only that.
const root = element.querySelector('.bench');
const wish = { job: sessionStorage.getItem('narrative-job') || '', compare: [], quantity: 'loss', page: 0, open: '' };
const have = { rows: {}, curve: null, panel: '', detail: '', corpora: '' };
const LIVE = ['queued', 'running', 'stopping'];
const BREATH = 150; // milliseconds: a look that is asked for while Gradio still hands out the last answer is dropped
let turn = 0, live = true, foreseeing = false, asked = 0, waiting = false, soon = 0;

const state = () => ({ ...wish, turn, foreseeing, have });
const ask = (name, data = {}) => trigger('act', { ...state(), ...data, act: name });
const look = () => {
  if (waiting && Date.now() - asked < 15000) return; // the answer to the last look is still on its way
  waiting = true;
  soon = 0;
  asked = Date.now();
  trigger('look', state());
};
const again = () => { soon = Date.now() + BREATH; }; // the clock asks
const choose = changes => { // another job, quantity, page: what was on its way belongs to the old one
  if ('job' in changes && changes.job !== wish.job) forgetDetail();
  Object.assign(wish, changes);
  turn += 1;
  sessionStorage.setItem('narrative-job', wish.job);
  waiting = false;
  look();
};
const clock = setInterval(() => {
  if (!root.isConnected) return clearInterval(clock);
  if (document.hidden || !root.checkVisibility()) return;
  if (soon ? Date.now() >= soon : Date.now() - asked >= (live || foreseeing ? 1000 : 5000)) look();
}, 200);

window.narrativeTrain = {
  go(half, data = {}) { // to the books, or to the jobs, with a corpus to begin with
    document.body.dataset.train = half;
    if (half === 'jobs') {
      look();
      if (data.corpus) useCorpus(data.corpus);
      root.querySelector('#newjob-title').focus({ preventScroll: true });
    } else document.querySelector('#train-back button')?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  },
  report(name) { window.narrativeBooks?.report?.(name); },
};
document.body.dataset.train ||= 'jobs';
root.addEventListener('click', event => {
  const half = event.target.closest('[data-half]');
  if (half) window.narrativeTrain.go(half.dataset.half);
});

const said = root.querySelector('.said');
function announce(lines) { // only when a state changes, not at every step
  if (lines.length) said.textContent = lines.join('. ');
}

function take() {
  const value = props.value;
  if (!value) return;
  waiting = false;
  if (value.form) drawForm(value.form);
  if (value.values) fillUsual(value.values);
  if ('wrong' in value) showWrong(value.wrong);
  if ('estimate' in value) showEstimate(value.estimate);
  if (value.started) begun(value.started);
  if (value.fetch) fetchModel(value.fetch);
  if (value.used) document.querySelector('#nav button[role=tab][data-tab-id=generate]')?.click();
  if (value.corpora) { have.corpora = value.corpora.tag; drawStock(value.corpora.value); }
  if (value.count == null) return;
  live = value.live;
  if (value.turn === turn) wish.job = value.chosen;
  drawList(value);
  if (value.turn !== turn) return again(); // of a job that is no longer the chosen one
  drawPanel(value);
  if (value.detail) { have.detail = value.detail.tag; drawDetail(value.detail.value); }
  if (value.curve) drawCurve(value.curve);
  if (value.more) again();
}
