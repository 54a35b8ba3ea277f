// Whether the map tells the truth: a table of tests beside random orders and that of leaving out each word alone, curves, a verdict in words.
const check = find('.check');
let checking = 0, checks = 0, decline = null;

function forgetCheck() { // what was found out belonged to another map
  if (checking) trigger('halt', { turn: checking + 1, what: 'check' });
  checking = 0;
  checks += 1;
  for (const part of ['table', '.verdict', '.notes']) check.querySelector(part).hidden = true;
  decline = null;
  find('.decline').hidden = true;
  figures.delete(find('.plot.fall'));
  check.querySelector('[data-save=check]').hidden = true;
  check.querySelector('.lead').hidden = false;
  check.querySelector('.stage-check').textContent = '';
  runningCheck(false);
}
function runningCheck(on) {
  check.querySelector('.go').hidden = on;
  check.querySelector('.halt-check').hidden = !on;
  if (!on) progress(check, null);
}
check.querySelector('.go').addEventListener('click', () => {
  if (!map || answer.getAttribute('aria-busy') === 'true') return hint('There is no map yet to be checked.');
  forgetCheck();
  checking = checks;
  runningCheck(true);
  check.querySelector('.stage-check').textContent = 'Taking words away…';
  trigger('check', { ...state(), turn: checking });
});
check.querySelector('.halt-check').addEventListener('click', () => { forgetCheck(); check.querySelector('.stage-check').textContent = 'Stopped.'; });

function drawCheck(value) {
  const stage = check.querySelector('.stage-check');
  if (value.share != null) {
    progress(check, value.share);
    stage.textContent = `${Math.round(100 * value.share)} %${left(value.left)}`;
    return;
  }
  checking = 0;
  runningCheck(false);
  stage.textContent = value.trouble || '';
  if (value.trouble) return;
  check.querySelector('.lead').hidden = true;
  check.querySelector('[data-save=check]').hidden = false;
  check.querySelector('tbody').replaceChildren(...value.rows.map(([title, told, ...figures]) => {
    const head = make('th', '', title);
    head.scope = 'row';
    const line = make('tr', '', head, ...figures.map(figure => make('td', '', figure)));
    line.title = told;
    return line;
  }));
  check.querySelector('table').hidden = false;
  const verdict = check.querySelector('.verdict');
  verdict.textContent = value.sentence;
  verdict.hidden = false;
  const notes = check.querySelector('.notes');
  notes.replaceChildren(...value.notes.map(note => make('li', '', note)));
  notes.hidden = !value.notes.length;
  decline = value.curves;
  find('.decline').hidden = !decline;
  if (decline) plot(find('.plot.fall'), decline).catch(unplotted);
}
