// The chosen job beneath the list: how it stands in a sentence, and what can be done with it.
const panel = root.querySelector('.job');
const OPENS = [['samples', 'Samples'], ['log', 'Log'], ['settings', 'Settings'], ['estimate', 'Estimate and outcome']];
const HOLLOW = { queued: 'The curve begins when its turn comes.', running: 'The first points come in a moment.' };
let current = null;

function drawPanel(value) {
  panel.hidden = !value.count;
  if (!value.panel) return;
  have.panel = value.panel.tag;
  const job = value.panel.value, other = current?.name !== job.name;
  current = job;
  if (!panel.classList.contains('compared') || !wish.compare.length) panel.querySelector('#job-title').textContent = job.name;
  panel.dataset.state = job.state;
  panel.querySelector('.badge').replaceChildren(make('i', 'dot'), job.words);
  panel.querySelector('.badge').className = `badge state-${job.state}`;
  panel.querySelector('.meta').replaceChildren(...job.facts.map(fact => own('span', '', fact)));
  panel.querySelector('.sentence').textContent = job.sentence;
  hollow.textContent = HOLLOW[job.state] || 'Nothing was measured.';
  const notes = panel.querySelector('.notes');
  notes.hidden = !job.notes.length;
  notes.replaceChildren(...job.notes.map(note => make('li', `note-${note.kind.replace(/\W+/g, '-')}`, make('span', 'when', `Step ${number(note.step)}`), own('span', '', note.text))));
  refocus(panel, drawDeeds);
  if (other) { closePush(); forgetDetail(); }
  drawOpeners();
}

function drawDeeds() {
  const box = panel.querySelector('.deeds'), asks = box.querySelector('.confirm');
  const nodes = current.acts.filter(act => act !== 'delete').map(act => deed(act, current.name));
  if (nodes[0] && current.acts[0] !== 'duplicate') nodes[0].className = 'quiet-button deed';
  let confirm = '';
  if (current.acts.includes('delete')) {
    confirm = asks && asks.dataset.job === current.name ? asks : make('span', 'confirm'); // a question that is open stays open
    if (confirm !== asks) { confirm.dataset.job = current.name; asking(confirm, 'Delete', 'Delete it with all it has learned', 'delete', { name: current.name }); }
  }
  box.replaceChildren(...nodes, make('span', 'gap'), confirm);
}

function drawOpeners() {
  const offered = OPENS.filter(([name]) => name !== 'estimate' || current.foreseen);
  if (wish.open && !offered.some(([name]) => name === wish.open)) { wish.open = ''; drawDetail(null); }
  refocus(panel, () => panel.querySelector('.opens').replaceChildren(...offered.map(([name, word]) => {
    const node = make('button', 'link', word);
    node.type = 'button';
    node.dataset.key = `show ${name}`;
    node.setAttribute('aria-expanded', String(wish.open === name));
    node.addEventListener('click', () => {
      have.detail = '';
      choose({ open: wish.open === name ? '' : name });
      if (!wish.open) drawDetail(null);
      drawOpeners();
    });
    return node;
  })));
}

root.addEventListener('click', event => {
  const sure = event.target.closest('.confirm .sure');
  if (sure) return ask('delete', sure.data);
  const node = event.target.closest('.deed');
  if (!node) return;
  const name = node.dataset.job, what = node.dataset.deed;
  if (what === 'use') trigger('use', { name });
  else if (what === 'download') trigger('fetch', { name });
  else if (what === 'push') openPush(name);
  else ask(what, { name });
});

function openPush(name) {
  closePush();
  const field = Object.assign(make('input'), { placeholder: 'your-name/model', maxLength: 100, autocomplete: 'off', spellcheck: false });
  field.setAttribute('aria-label', 'Name on the hub');
  const form = make('form', 'pushing', field, Object.assign(make('button', 'quiet-button', 'Push'), { type: 'submit' }), make('span', 'help', 'Only you can see it there, until you change that on the hub.'));
  form.addEventListener('submit', event => { event.preventDefault(); trigger('push', { name, repository: field.value }); closePush(); });
  form.addEventListener('keydown', event => { if (event.key === 'Escape') { event.stopPropagation(); closePush(); } });
  panel.querySelector('.deeds').after(form);
  field.focus();
}
function closePush() { panel.querySelector('.pushing')?.remove(); }

function fetchModel(parcel) {
  const link = document.createElement('a');
  link.href = window.narrative.address(parcel.url);
  link.download = parcel.name;
  link.click();
}
