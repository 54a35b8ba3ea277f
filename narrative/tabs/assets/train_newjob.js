// A new job: what to learn from, what to start from, what for; and beneath, what it will cost.
let known = [], made = null, usual = {}, changes = {}, rest = {}, timer = 0, chosenCorpora = new Map(), wanted = null;
const SAVED = 250; // milliseconds after the last key

function drawForm(form) {
  const { wish: chosen, values, corpora } = form;
  made = form;
  usual = values;
  changes = { ...chosen.changes };
  rest = { ...chosen.rest }; // of a job that was duplicated, what has no field here
  chosenCorpora = new Map(chosen.corpora);
  if (!chosenCorpora.size && corpora.length === 1 && !corpora[0].broken) chosenCorpora.set(corpora[0].name, '');
  known = corpora;
  root.querySelector('.newjob .wait')?.remove();
  sheet.hidden = false;
  if (!sheet.childElementCount) layOut(form);
  boxFor('name').value = chosen.name;
  boxFor('format').value = chosen.format || 'stream';
  boxFor('field').value = chosen.field;
  boxFor('size').value = values.size;
  setBase(chosen.base);
  setPreset(chosen.preset);
  fillUsual(values);
  offerCorpora();
  note();
  if (form.again) { sheet.querySelector('.fold').open = changed() > 0; root.querySelector('.newjob').scrollIntoView({ block: 'nearest' }); root.querySelector('#newjob-title').focus({ preventScroll: true }); }
  if (chosenCorpora.size) decide();
}

function layOut(form) {
  const chips = make('div', 'presets', ...form.presets.map(one => {
    const box = Object.assign(make('input'), { type: 'radio', name: 'preset', value: one.name });
    return make('label', 'chip', box, make('span', '', one.title));
  }));
  chips.setAttribute('role', 'radiogroup');
  chips.setAttribute('aria-labelledby', 'what-for');
  const own_ = boxOf({ placeholder: 'name on the hub, or a folder', className: 'other' });
  own_.name = 'other';
  own_.setAttribute('aria-label', 'Another model');
  const here = form.bases.filter(one => one[3]), hub = form.bases.filter(one => !one[3]), base = make('select');
  const option = ([name, title, size]) => new Option(size ? `${title} · ${size}` : title, name);
  const group = (label, list) => Object.assign(make('optgroup', '', ...list.map(option)), { label });
  base.append(group('On this machine', here), group('From the hub, brought at the start', hub), new Option('Another…', '…'));
  const groups = new Map();
  for (const one of form.wordings) groups.set(one.group, [...groups.get(one.group) || [], one]);
  const fold = make('details', 'fold', make('summary', '', 'Finer settings'));
  for (const [title, list] of groups) {
    const part = make('fieldset', 'finer', make('legend', '', title), ...list.map(finer));
    part.dataset.method = list.every(one => one.method) ? list[0].method : '';
    fold.append(part);
  }
  const reset = make('button', 'link reset', 'Back to the preset');
  reset.type = 'button';
  reset.addEventListener('click', () => { changes = {}; rest = {}; fillUsual(usual); decide(); });
  fold.append(reset);
  const corpora = make('fieldset', 'choose', make('legend', '', 'Corpus'), make('div', 'offers'));
  sheet.append(
    corpora,
    field('base', 'Start from', base, '', own_),
    field('size', 'Size', listOf(form.sizes), ''),
    make('div', 'field', Object.assign(make('span', 'label', 'What for'), { id: 'what-for' }), chips, make('span', 'help about-preset')),
    field('method', 'Method', listOf(form.methods), ''),
    field('format', 'The texts are read as', listOf(form.formats.map(one => [one.name, one.title])), ' '),
    field('field', 'Column', boxOf(), 'Of the table that the texts came from.'),
    fold,
    field('name', 'Name', boxOf({ placeholder: 'by itself: corpus, method, number', maxLength: 80 }), ''),
    Object.assign(make('p', 'wrong', ''), { hidden: true, id: 'job-wrong' }),
    Object.assign(make('div', 'estimate', make('p', 'plain', ''), make('p', 'help more', ''), make('ul', 'warnings')), { hidden: true }),
    make('div', 'go', Object.assign(make('button', 'main-button', 'Start'), { type: 'submit' })),
    make('p', 'help machine', form.machine || ''),
  );
  sheet.querySelector('.wrong').setAttribute('role', 'alert');
  sheet.querySelector('.estimate .plain').setAttribute('role', 'status');
}

// ---- corpora, with shares when there are several
function offerCorpora() {
  const box = sheet.querySelector('.offers');
  if (!box) return;
  if (wanted && known.some(one => one.name === wanted)) { chosenCorpora = new Map([[wanted, '']]); wanted = null; decide(); }
  const several = [...chosenCorpora.keys()].filter(name => known.some(one => one.name === name)).length > 1;
  refocus(box, () => box.replaceChildren(...known.filter(one => !one.broken).map(one => {
    const tick = Object.assign(make('input'), { type: 'checkbox', value: one.name, checked: chosenCorpora.has(one.name) });
    tick.dataset.key = `corpus ${one.name}`;
    tick.dataset.corpus = '';
    const words = make('label', 'tick', tick, make('span', '', own('span', 'title', one.name), make('small', '', `${about(one.words)} words`)));
    if (!several || !tick.checked) return make('div', 'offer', words);
    const share = boxOf({ value: chosenCorpora.get(one.name) || '', placeholder: 'share', maxLength: 12, inputMode: 'decimal', className: 'share' });
    share.dataset.share = one.name;
    share.dataset.key = `share ${one.name}`;
    share.setAttribute('aria-label', `Share of ${one.name}`);
    return make('div', 'offer', words, share);
  })));
  if (!box.childElementCount) box.append(make('p', 'none', 'There is none yet. Add books below, and build one.'));
  sheet.querySelector('.choose legend').textContent = several ? 'Corpora, and their shares' : 'Corpus';
  sheet.querySelector('.main-button').disabled = !known.length;
}
function useCorpus(name) { wanted = name; if (made) offerCorpora(); }

// ---- what is chosen
const setBase = name => {
  const box = boxFor('base'), there = [...box.options].some(one => one.value === name && one.value !== '…');
  box.value = name && there ? name : name ? '…' : box.options[0]?.value || '…';
  boxFor('other').value = name && !there ? name : '';
};
const setPreset = name => { for (const box of sheet.querySelectorAll('[name=preset]')) box.checked = box.value === name; };
const presetNow = () => sheet.querySelector('[name=preset]:checked')?.value || '';

function wishNow() {
  const base = boxFor('base').value;
  return {
    name: boxFor('name').value, preset: presetNow(), method: boxFor('method').value, base: base === '…' ? boxFor('other').value.trim() : base,
    size: boxFor('size').value, format: boxFor('format').value, field: boxFor('field').value.trim(),
    corpora: [...chosenCorpora].filter(([name]) => known.some(one => one.name === name)), changes, rest,
  };
}

function fillUsual(values) { // what the preset says, wherever nobody has said otherwise
  usual = values;
  if (!made) return;
  for (const one of made.wordings) {
    const box = boxFor(one.name);
    if (box === document.activeElement && one.name in changes) continue;
    setBox(box, one.name in changes ? changes[one.name] : shownAs(values[one.name]));
    box.closest('.field, .tick').classList.toggle('changed', one.name in changes);
  }
  boxFor('method').value = values.method;
  note();
}

const changed = () => Object.keys(changes).length + Object.keys(rest).length;
function note() { // what is shown for what is chosen
  const method = boxFor('method').value, format = made.formats.find(one => one.name === boxFor('format').value);
  boxFor('base').closest('.field').hidden = method === 'scratch';
  boxFor('other').hidden = boxFor('base').value !== '…';
  boxFor('size').closest('.field').hidden = method !== 'scratch';
  for (const part of sheet.querySelectorAll('.finer')) part.hidden = !!part.dataset.method && part.dataset.method !== method;
  boxFor('field').closest('.field').hidden = !format?.field;
  boxFor('field').placeholder = format?.field || '';
  sheet.querySelector('#job-format-help').textContent = format && format.name !== 'stream' ? `${format.summary[0].toUpperCase()}${format.summary.slice(1)}.` : '';
  sheet.querySelector('.about-preset').textContent = made.presets.find(one => one.name === presetNow())?.summary || '';
  const count = changed();
  sheet.querySelector('.fold summary').textContent = count ? `Finer settings · ${number(count)} changed` : 'Finer settings';
  sheet.querySelector('.reset').hidden = !count;
}

function decide() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    foreseeing = chosenCorpora.size > 0;
    if (foreseeing) showEstimate({ working: true });
    ask('decide', { wish: wishNow() });
  }, SAVED);
}

sheet.addEventListener('input', event => {
  const box = event.target, name = box.name;
  if (box.dataset.share != null) chosenCorpora.set(box.dataset.share, box.value.trim());
  const one = made.wordings.find(entry => entry.name === name);
  if (one) {
    const text = textOf(box), before = shownAs(usual[name]);
    if (text === before || (text === '' && !one.empty && one.kind !== 'switch')) delete changes[name]; else changes[name] = text;
    box.closest('.field, .tick').classList.toggle('changed', name in changes);
  }
  if (name === 'preset') { boxFor('method').value = made.presets.find(entry => entry.name === box.value).method; changes = {}; rest = {}; }
  note();
  decide();
});
sheet.addEventListener('change', event => {
  const box = event.target;
  if (box.dataset.corpus != null) {
    if (box.checked) chosenCorpora.set(box.value, ''); else chosenCorpora.delete(box.value);
    offerCorpora();
    decide();
  }
  const one = made.wordings.find(entry => entry.name === box.name);
  if (one && !(box.name in changes)) setBox(box, shownAs(usual[box.name])); // an emptied field goes back to what is usual
});
sheet.addEventListener('submit', event => {
  event.preventDefault();
  clearTimeout(timer);
  showWrong('');
  ask('start', { wish: wishNow() });
});

// ---- what comes back
function showWrong(sentence) {
  const line = sheet.querySelector('.wrong');
  if (!line) return;
  line.hidden = !sentence;
  line.textContent = sentence;
  if (sentence) { foreseeing = false; showEstimate(null); }
}

function showEstimate(value) {
  const box = sheet.querySelector('.estimate');
  if (!box) return;
  const line = box.querySelector('.plain'), more = box.querySelector('.more'), list = box.querySelector('.warnings');
  if (!value || !value.working) foreseeing = false;
  box.hidden = !value;
  if (!value) return;
  more.textContent = value.more || '';
  more.hidden = !value.more;
  if (value.working) {
    line.hidden = false;
    if (line.querySelector('.link')) return;
    const never = make('button', 'link', 'Never mind');
    never.type = 'button';
    never.addEventListener('click', () => { foreseeing = false; ask('calm'); });
    line.replaceChildren('Working out what it will cost… ', never);
    list.replaceChildren();
    return;
  }
  line.replaceChildren(value.sentence);
  line.hidden = !value.sentence;
  list.replaceChildren(...value.warnings.map(one => make('li', '', one)));
}

function begun(name) {
  boxFor('name').value = '';
  turn += 1;
  wish.job = name;
  wish.page = 0;
  sessionStorage.setItem('narrative-job', name);
  forgetDetail();
  again();
  if (innerWidth < 760) root.querySelector('.jobs').scrollIntoView({ block: 'start' });
}

watch('value', take);
take();
ask('form');
