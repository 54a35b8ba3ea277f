// Swap a word: replace or delete any, and see what the model makes of it.
const swap = find('.swap'), mini = swap.querySelector('.mini'), change = swap.querySelector('.change');
let swapping = 0, swaps = 0, swapped = null;

function forgetSwap() {
  if (swapping) trigger('halt', { turn: swapping + 1, what: 'swap' });
  swapping = 0;
  swaps += 1;
  swapped = null;
  change.hidden = swap.querySelector('.told').hidden = swap.querySelector('.rewritten').hidden = true;
  swap.querySelector('.stage-swap').textContent = '';
  mini.querySelectorAll('.sel').forEach(word => word.classList.remove('sel'));
  runningSwap(false);
}
function runningSwap(on) {
  for (const button of change.querySelectorAll('[type=submit], .delete')) button.disabled = on;
  change.querySelector('.halt-swap').hidden = !on;
}
function drawMini(value) {
  if (mini.dataset.text === value.id) return;
  mini.dataset.text = value.id;
  mini.replaceChildren(...value.axis.map(run => {
    const { line, words } = lineOf(run.map(([text, start, , mine, bare]) => [text, start, mine, bare]));
    words.forEach((word, index) => {
      word.dataset.stop = run[index][2];
      word.tabIndex = -1;
    });
    return line;
  }));
  const first = mini.querySelector('.w');
  if (first) first.tabIndex = 0;
}
function pickSwap(word) {
  forgetSwap();
  swapped = { start: Number(word.dataset.place), stop: Number(word.dataset.stop) };
  word.classList.add('sel');
  mini.querySelectorAll('.w').forEach(one => { one.tabIndex = one === word ? 0 : -1; });
  change.hidden = false;
  const field = change.querySelector('[name=with]');
  field.value = word.textContent;
  field.focus();
  field.select();
}
mini.addEventListener('click', event => { const word = event.target.closest('.w'); if (word) pickSwap(word); });
rove(mini, pickSwap);

function sendSwap(words) {
  if (!swapped) return;
  const place = swapped;
  swapping = swaps += 1;
  runningSwap(true);
  swap.querySelector('.told').hidden = swap.querySelector('.rewritten').hidden = true;
  swap.querySelector('.stage-swap').textContent = 'Reading the changed text…';
  trigger('swap', { ...state(), ...place, with: words, turn: swapping });
}
change.addEventListener('submit', event => { event.preventDefault(); sendSwap(change.querySelector('[name=with]').value); });
change.querySelector('.delete').addEventListener('click', () => sendSwap(''));
change.querySelector('.halt-swap').addEventListener('click', () => { trigger('halt', { turn: swapping + 1, what: 'swap' }); swap.querySelector('.stage-swap').textContent = 'Stopping…'; });

function drawSwap(value) {
  const stage = swap.querySelector('.stage-swap'), told = swap.querySelector('.told'), rewritten = swap.querySelector('.rewritten');
  stage.textContent = value.stage || value.trouble || '';
  if (value.sentence) {
    told.textContent = value.sentence;
    told.hidden = false;
  }
  if (value.text) {
    const [before, words, after, fresh] = value.text;
    rewritten.replaceChildren(before, words ? make('mark', '', words) : '', after, make('span', 'fresh', fresh || ''));
    rewritten.hidden = false;
    rewritten.scrollTop = rewritten.scrollHeight;
  }
  if (value.done) { swapping = 0; runningSwap(false); }
}
