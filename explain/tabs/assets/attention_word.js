// About the chosen word: which heads look from it and to what, and what the model would have said after each layer.
function drawAbout(value) {
  find('#attn-word-title .lead').textContent = value.word ? 'From' : 'From a word';
  find('#attn-word-title .chosen').textContent = value.word ? `“${value.word}”` : '';
  find('.word .none').textContent = value.word ? 'There is nothing to look back at here but the word itself and the first one.' : 'Click a word in the text.';
  find('.word .none').hidden = !!value.glances?.length;
  find('.glances').replaceChildren(...(value.glances || []).map(glance => {
    const line = make('li');
    const button = make('button', 'glance', make('span', 'at', `${glance.layer + 1}·${glance.head + 1}`));
    button.type = 'button';
    button.title = `Open layer ${glance.layer + 1}, head ${glance.head + 1}`;
    const targets = make('span', 'targets');
    glance.targets.forEach(([label, weight], number) => {
      const word = make('bdi', 'target', label);
      word.style.setProperty('--share', weight.toFixed(3));
      targets.append(number ? ' ' : '', word, make('small', '', ` ${percent(weight)}`));
    });
    button.append(targets);
    button.addEventListener('click', () => showHead(glance.layer, glance.head));
    line.append(button);
    return line;
  }));
  drawLens(value);
}

function drawLens(value) {
  const lens = value.lens;
  find('[data-save=lens]').hidden = !lens;
  find('.told').textContent = lens ? lens.sentence : value.why || 'Click a word in the text: here stands what the model would have said in its place after each layer.';
  find('.layers').replaceChildren(...(lens ? lens.layers : []).map(row => {
    const line = make('li', [row.layer === lens.settled ? 'settles' : '', row.layer >= lens.settled ? 'settled' : ''].filter(Boolean).join(' '));
    const bar = make('span', 'bar'), fill = make('span', 'fill');
    fill.style.width = `${Math.max(1.5, 100 * row.probability).toFixed(1)}%`;
    bar.append(fill);
    const last = row.layer === lens.layers.length - 1;
    const guess = make('bdi', 'guess', row.guess);
    line.append(make('span', 'after', row.layer ? (last ? 'end' : String(row.layer)) : 'start'), guess, bar, make('span', 'share', percent(row.probability)));
    const others = row.more.map(([label, share]) => `${label} ${percent(share)}`).join(', ');
    line.title = `${row.layer ? `After layer ${row.layer}` : 'Before the first layer'}: ${row.guess} ${percent(row.probability)}, ${others}` +
      (row.actual === null ? '' : `. “${lens.actual}”: ${percent(row.actual)}, choice ${row.rank.toLocaleString('en-GB')}`);
    return line;
  }));
}

watch('value', take);
take();
