// D3's join makes an element of every weight. Here only those that are drawn enter; they keep their places, and with them
// what BertViz computes from a place.
class Entering {
  constructor(parent, datum) {
    Object.assign(this, { parent, __data__: datum, ownerDocument: parent.ownerDocument, namespaceURI: parent.namespaceURI });
  }
  appendChild(child) { return this.parent.appendChild(child); }
}

function drawSparsely(d3, asleep) {
  const prototype = d3.selection.prototype, plain = prototype.data;
  const opened = (node) => node.classList.contains("detail");

  function strong(parent, { levels, cut, closer }) {
    const used = closer && opened(parent.parentNode) ? closer : cut, entering = [];
    for (let key = 0; key < levels.length; key += 1) {
      if (levels[key] >= used.least && used.draws(levels[key])) entering[key] = new Entering(parent, STRENGTHS[levels[key]]);
    }
    return entering;
  }

  function rowsWithLines(parent, rows) {
    const entering = [];
    rows.forEach((row, query) => {
      if (row.levels.some((level) => level >= row.cut.least)) entering[query] = new Entering(parent, row);
    });
    return entering;
  }

  function joined(selection, entries) {
    const nothing = selection._parents.map(() => []);
    const made = new selection.constructor(nothing, selection._parents);
    return Object.assign(made, { _enter: selection._parents.map(entries), _exit: nothing });
  }

  prototype.data = function (value, ...more) {
    const parent = this._parents[0], fresh = parent && this._groups.every((group) => group.length === 0);
    if (!fresh || !value) return plain.call(this, value, ...more);
    if (asleep(parent)) return joined(this, () => []);
    if (parent.__data__ && parent.__data__.levels) return joined(this, (node) => strong(node, node.__data__));
    if (value.thumbnail && !opened(parent)) return joined(this, (node) => rowsWithLines(node, value));
    return plain.call(this, value, ...more);
  };
}
