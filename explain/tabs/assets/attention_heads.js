// What each head does, and what it matters.
function drawOverview(value) {
  const place = find('.plot.overview');
  plot(place, value.figure, openHead).catch(unplotted);
  find('.roles').replaceChildren(...(value.counts || []).map(role => {
    const swatch = make('i');
    swatch.style.background = role.colour;
    const line = make('li', '', swatch, make('b', '', String(role.count)), ` ${role.title.toLowerCase()}`);
    line.title = role.meaning;
    return line;
  }));
  find('.chosen-head').textContent = value.chosen || 'Click a cell to open that head.';
  find('#attn-heads').textContent = value.counts ? 'What each head does' : 'How far each head moved';
  find('.over').textContent = value.sentence || '';
  place.setAttribute('aria-label', value.counts ? value.counts.map(role => `${role.count} ${role.title.toLowerCase()}`).join(', ') : value.sentence);
}

const effect = find('.effect'), surveyed = find('.surveyed'), survey = find('.plot.survey');
const one = find('.matter .one'), all = find('.matter .all'), halt = find('.matter .halt');
let surveying = 0, surveys = 0;
function forgetHead() { // what was found out belonged to another head
  owed.delete('effect');
  effect.hidden = true;
}
function forget() { // or to another word, text or model
  forgetHead();
  if (surveying) trigger('halt', { turn: surveying });
  surveying = 0;
  surveyed.hidden = survey.hidden = true;
  figures.delete(survey);
  running(false);
  find('[data-save=survey]').hidden = true;
}
function running(on) {
  halt.hidden = !on;
  halt.disabled = false;
  all.disabled = on;
}
one.addEventListener('click', () => {
  if (wish.head !== null) return ask(['effect']);
  effect.hidden = false;
  effect.textContent = 'All heads are shown. Choose one first: a cell of “What each head does”, or a line of the list beside the word.';
});
all.addEventListener('click', () => {
  forget();
  surveying = surveys += 1;
  running(true);
  surveyed.hidden = false;
  surveyed.textContent = 'Taking the heads out, one after the other…';
  trigger('survey', { ...state(), turn: surveying });
});
halt.addEventListener('click', () => { trigger('halt', { turn: surveying }); halt.disabled = true; surveyed.textContent = 'Stopping…'; });

function drawEffect(value) {
  effect.hidden = false;
  effect.textContent = value.sentence;
}
function drawSurvey(value) {
  surveyed.hidden = false;
  surveyed.textContent = value.trouble || value.sentence;
  if (value.figure) plot(survey, value.figure, openHead).catch(unplotted);
  if (value.trouble || value.done) { surveying = 0; running(false); }
  find('[data-save=survey]').hidden = !value.whole;
}
