// What each head does, and what it matters.
function drawOverview(value) {
  const place = find('.plot.overview');
  plot(place, value.figure).catch(unplotted);
  find('.roles').replaceChildren(...(value.counts || []).map(role => {
    const swatch = make('i');
    swatch.style.background = role.colour;
    const line = make('li', '', swatch, make('b', '', String(role.count)), ` ${role.title.toLowerCase()}`);
    line.title = role.meaning;
    return line;
  }));
  find('.chosen-head').textContent = value.chosen || 'Click a cell to open that head.';
  find('.over').textContent = value.sentence || '';
  place.setAttribute('aria-label', (value.counts || []).map(role => `${role.count} ${role.title.toLowerCase()}`).join(', '));
}

const effect = find('.effect'), surveyed = find('.surveyed'), survey = find('.plot.survey');
const one = find('.matter .one'), all = find('.matter .all'), halt = find('.matter .halt');
function forget() { // what was found out belonged to another head, word or model
  if (surveying) trigger('halt', {});
  surveying = 0;
  effect.hidden = surveyed.hidden = survey.hidden = true;
  running(false);
  find('[data-save=survey]').hidden = true;
}
function running(on) {
  halt.hidden = !on;
  all.disabled = on;
}
one.addEventListener('click', () => {
  if (wish.head === null) {
    effect.hidden = false;
    effect.textContent = 'Choose one head first: click a cell above the text, a line beside the word, or take “All heads”.';
    return;
  }
  ask(['effect']);
});
all.addEventListener('click', () => {
  forget();
  surveying = turn += 1;
  running(true);
  surveyed.hidden = false;
  surveyed.textContent = 'Taking the heads out, one after the other…';
  trigger('survey', { ...state(), turn });
});
halt.addEventListener('click', () => { trigger('halt', {}); halt.disabled = true; });

function drawEffect(value) {
  effect.hidden = false;
  effect.textContent = value.sentence;
}
function drawSurvey(value) {
  halt.disabled = false;
  surveyed.hidden = false;
  surveyed.textContent = value.trouble || value.sentence;
  if (value.figure) plot(survey, value.figure).catch(unplotted);
  if (value.trouble || value.done) { surveying = 0; running(false); }
  find('[data-save=survey]').hidden = !value.whole;
}
