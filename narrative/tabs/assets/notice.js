// The one line in which the page speaks: stages of long work, what was done, and what went wrong.
const line = element.querySelector('.notice'), words = line.querySelector('.words'), bar = line.querySelector('.progress'), fill = bar.querySelector('span');
const link = line.querySelector('#link-text');
let clock = 0;
const close = () => { words.textContent = ''; link.hidden = true; bar.hidden = true; line.classList.remove('open'); };
function draw() {
  const value = props.value || { kind: 'quiet', text: '' };
  clearTimeout(clock);
  if (!value.text) return close();
  line.className = `notice open ${value.kind}`;
  if (words.textContent !== value.text) words.textContent = value.text;
  if (!/link/.test(value.text)) link.hidden = true;
  bar.hidden = value.share == null;
  if (value.share != null) fill.style.width = `${Math.round(100 * value.share)}%`;
  else if (value.kind === 'quiet' && !value.text.endsWith('…')) clock = setTimeout(close, 7000); // what went wrong stays until it is read
}
line.querySelector('button').addEventListener('click', close);
watch('value', draw);
draw();
