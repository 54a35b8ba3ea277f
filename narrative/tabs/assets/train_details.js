// What is open beneath the curve: samples by step, the end of the log, the settings, what was foreseen.
const detail = root.querySelector('.detail');

const DRAWN = {
  samples({ samples }) {
    if (!samples.length) return [make('p', 'none', 'The first sample comes with the first measurement.')];
    return [make('ol', 'samples', ...samples.map(one => make('li', '',
      make('span', 'when', one.step ? `Step ${number(one.step)}` : 'Before training'),
      Object.assign(make('p', 'sample', make('span', 'seedtext', one.prompt), one.text), { dir: 'auto' }))))];
  },
  log({ log }) {
    if (!log) return [make('p', 'none', 'It has said nothing yet.')];
    const box = make('pre', 'log', log);
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', 'The end of the log');
    return [box];
  },
  settings({ words, command, wrong }) {
    if (wrong) return [make('p', 'trouble', wrong)];
    const list = make('dl', 'figures');
    for (const [what, how] of words) list.append(make('dt', '', what), own('dd', '', how));
    if (!command) return [list]; // too long for a line
    const copy = make('button', 'link', 'Copy');
    copy.type = 'button';
    copy.addEventListener('click', async () => { await window.narrative.copy(command); copy.textContent = 'Copied'; });
    return [list, make('h3', 'quiet-title', 'The same from a terminal'), make('p', 'command', make('code', '', command), copy)];
  },
  estimate({ lines: told }) {
    const head = make('tr', '', ...['', 'Foreseen', 'Came'].map(word => Object.assign(make('th', word ? 'size' : '', word), { scope: 'col' })));
    const rows = told.map(([what, foreseen, came]) => make('tr', '', Object.assign(make('th', '', what), { scope: 'row' }), make('td', 'size', foreseen || '–'), make('td', 'size', came || '–')));
    return [make('table', 'outcome', make('thead', '', head), make('tbody', '', ...rows)), make('p', 'help', 'Foreseen from a few steps on this machine before the start.')];
  },
};

function forgetDetail() { // what is open belongs to one job
  have.detail = '';
  drawDetail(null);
}

function drawDetail(value) {
  detail.hidden = !value;
  const log = detail.querySelector('.log'), followed = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4, at = log?.scrollTop;
  detail.replaceChildren(...(value ? DRAWN[value.kind](value) : []));
  const fresh = detail.querySelector('.log');
  if (fresh) fresh.scrollTop = followed ? fresh.scrollHeight : at; // whoever reads further up is left there
}
