// The list of jobs. A line is drawn anew only when something in it has changed.
const table = root.querySelector('.jobs table'), body = table.querySelector('tbody');
const lines = new Map(); // name -> what is known of it
const DEEDS = { stop: 'Stop', resume: 'Resume', use: 'Use in Generate', download: 'Download model', duplicate: 'Duplicate settings', delete: 'Delete', push: 'Push to hub…' };
const COMPARED = 8;
let order = [];

const deed = (act, name, label) => { // one thing that can be done with a job
  const node = make('button', 'link deed', DEEDS[act]);
  node.type = 'button';
  node.dataset.deed = act;
  node.dataset.job = name;
  node.dataset.key = `${act} ${name} ${label ? 'row' : 'panel'}`;
  if (label) node.setAttribute('aria-label', `${DEEDS[act]}: ${name}`);
  return node;
};

function row(line) {
  const item = make('tr', `state-${line.state}`);
  item.dataset.name = line.name;
  const tick = Object.assign(make('input'), { type: 'checkbox', checked: wish.compare.includes(line.name) });
  tick.setAttribute('aria-label', `Compare ${line.name}`);
  tick.title = 'Lay its curve over the others';
  tick.dataset.key = `tick ${line.name}`;
  const open = own('button', 'open', line.name);
  open.type = 'button';
  open.dataset.key = `open ${line.name}`;
  const name = make('th', 'name', open);
  name.scope = 'row';
  const cells = [['size', 'Test perplexity', line.perplexity], ['size', 'Bits / byte', line.bits], ['size', 'Time', line.time]].map(([kind, label, text]) => {
    const cell = make('td', text ? kind : `${kind} hole`, text || '–');
    cell.dataset.label = label;
    return cell;
  });
  const method = make('td', 'method', line.method);
  method.dataset.label = 'Method';
  item.append(make('td', 'tickcol', tick), name, make('td', 'state', make('i', 'dot'), make('span', '', line.words)), method, ...cells, make('td', 'do', line.act ? deed(line.act, line.name, true) : ''));
  return item;
}

function drawList(value) {
  const told = [];
  for (const line of value.rows || []) {
    const before = lines.get(line.name);
    if (before && before.state !== line.state) told.push(`${line.name}: ${line.words}`);
    lines.set(line.name, line);
    have.rows[line.name] = line.tag;
  }
  if (value.order) {
    order = value.order;
    for (const name of lines.keys()) if (!order.includes(name)) lines.delete(name);
    have.rows = Object.fromEntries(order.map(name => [name, lines.get(name)?.tag]));
    wish.compare = wish.compare.filter(name => value.pages > 1 || order.includes(name));
  }
  if (value.order || value.rows) refocus(root, () => {
    const fresh = new Set((value.rows || []).map(line => line.name)), drawn = new Map([...body.children].map(node => [node.dataset.name, node]));
    body.replaceChildren(...order.filter(name => lines.has(name)).map(name => !fresh.has(name) && drawn.get(name) || row(lines.get(name))));
  });
  for (const node of body.children) {
    const here = node.dataset.name === wish.job;
    node.classList.toggle('here', here);
    node.querySelector('.open').setAttribute('aria-current', String(here));
  }
  table.hidden = !value.count;
  table.querySelectorAll('.tickcol').forEach(node => { node.hidden = value.count < 2; });
  const nothing = root.querySelector('.first');
  nothing.hidden = !!value.count;
  const trouble = root.querySelector('.trouble');
  trouble.hidden = !value.trouble;
  trouble.textContent = value.trouble || '';
  root.querySelector('.jobs .sum').textContent = value.count > 1 ? many(value.count, 'job') : '';
  turning(root.querySelector('.jobs .turn'), value.page, value.pages, page => choose({ page }), `${number(value.page + 1)} of ${number(value.pages)}`);
  const tab = document.querySelector('#nav button[role=tab][data-tab-id=train]');
  if (tab) tab.dataset.running = value.running ? `${number(value.running)} running` : '';
  announce(told);
}

body.addEventListener('click', event => {
  const item = event.target.closest('tr');
  if (!item || event.target.closest('.deed, input')) return;
  choose({ job: item.dataset.name });
});
body.addEventListener('change', event => {
  const name = event.target.closest('tr').dataset.name, others = wish.compare.filter(one => one !== name);
  if (event.target.checked && others.length >= COMPARED - 1) { event.target.checked = false; return; }
  choose({ compare: event.target.checked ? [...others, name] : others });
});

// ---- the corpora that there are, shortly
const stock = root.querySelector('.stock');
function drawStock(corpora) {
  known = corpora;
  stock.querySelector('ol').replaceChildren(...corpora.map(one => {
    const open = make('button', 'open', own('span', 'title', one.name), make('span', 'size', one.broken ? 'damaged' : `${about(one.words)} words`));
    open.type = 'button';
    open.title = one.broken || 'What it holds';
    open.addEventListener('click', () => { window.narrativeTrain.go('books'); window.narrativeTrain.report(one.name); });
    return make('li', one.broken ? 'corpus broken' : 'corpus', open);
  }));
  stock.querySelector('.none').hidden = !!corpora.length;
  root.querySelector('.need-books').classList.toggle('done', !!corpora.length);
  root.classList.toggle('bare', !corpora.length);
  offerCorpora();
}
