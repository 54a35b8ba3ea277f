// Draws the tree of everything this browser has had written.
const root = element.querySelector('.history');
const list = root.querySelector('ol'), empty = root.querySelector('.plain');
const undo = root.querySelector('[data-act=undo]'), redo = root.querySelector('[data-act=redo]'), restore = root.querySelector('[data-act=restore]');

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text != null) node.textContent = text;
  return node;
};
const small = (act, sheet, sign, label) => {
  const node = make('button', 'tool', sign);
  node.type = 'button';
  node.title = label;
  node.setAttribute('aria-label', label);
  Object.assign(node.dataset, { act, sheet });
  return node;
};

function when(seconds) { // in the reader's own time zone
  const date = new Date(1000 * seconds), today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }) : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

function row(entry) {
  const item = make('li', entry.current ? 'sheet current' : 'sheet');
  item.style.setProperty('--depth', Math.min(entry.depth, 6));
  const open = make('button', 'open');
  open.type = 'button';
  open.title = `${entry.label} · ${when(entry.created)}`;
  const label = make('span', 'label', entry.label);
  label.dir = 'auto';
  open.append(label, make('span', 'when', when(entry.created)));
  Object.assign(open.dataset, { act: 'open', sheet: entry.id });
  if (entry.current) open.setAttribute('aria-current', 'true');
  const pin = small(entry.pinned ? 'unpin' : 'pin', entry.id, entry.pinned ? '★' : '☆', `${entry.pinned ? 'Unpin' : 'Pin'} “${entry.label}”`);
  if (entry.pinned) pin.classList.add('on');
  item.append(open, pin, small('delete', entry.id, '×', `Delete “${entry.label}”`));
  return item;
}

function draw() {
  const value = props.value || { entries: [] };
  const focused = list.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
  list.replaceChildren(...value.entries.map(row));
  if (focused) { // a redraw must not throw the keyboard back to the top of the page
    const same = [...list.querySelectorAll('button')].filter(node => node.dataset.sheet === focused.sheet);
    (same.find(node => node.dataset.act === focused.act) || same.find(node => /pin/.test(node.dataset.act) && /pin/.test(focused.act)) || list.querySelector('.current .open'))?.focus();
  }
  list.hidden = !value.entries.length;
  empty.hidden = !!value.entries.length;
  undo.disabled = !value.undo;
  redo.disabled = !value.redo;
  restore.hidden = !value.deleted;
  restore.dataset.sheet = value.deleted || '';
  if (!value.entries.length) return;
  const current = list.querySelector('.current');
  if (current && (current.offsetTop < list.scrollTop || current.offsetTop + current.offsetHeight > list.scrollTop + list.clientHeight)) list.scrollTop = current.offsetTop - 40;
}

root.addEventListener('click', event => {
  const node = event.target.closest('[data-act]');
  if (node && !node.disabled) trigger('move', { act: node.dataset.act, sheet: node.dataset.sheet || '' });
});
watch('value', draw);
draw();
