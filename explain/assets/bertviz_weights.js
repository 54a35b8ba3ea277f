// What the page carries, unpacked into what BertViz's scripts read.
const SIGNS = new Uint8Array(127);
for (let sign = 33, value = 0; sign < 127; sign += 1) if (!'"&<'.includes(String.fromCharCode(sign))) SIGNS[sign] = value++;
const STRENGTHS = Array.from({ length: 256 }, (_, level) => level / 255);

// Two signs are 13 bits; what they make is gzip.
async function unpacked(id) {
  const element = document.getElementById(id), text = element.textContent, bytes = new Uint8Array(+element.dataset.bytes);
  for (let place = 0, filled = 0, bits = 0, held = 0; place < text.length; place += 2) {
    held = ((held & 0xff) << 13) | (SIGNS[text.charCodeAt(place)] * 91 + SIGNS[text.charCodeAt(place + 1)]);
    for (bits += 13; bits >= 8 && filled < bytes.length; bits -= 8) bytes[filled++] = held >> (bits - 8);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// From which level on a picture's lines are drawn; of those at that level, evenly, a share.
class Cut {
  constructor([least, keep, note]) { Object.assign(this, { least, keep, note, owed: 0.5 }); }
  draws(level) {
    if (level !== this.least || this.keep === 1) return level >= this.least;
    this.owed += this.keep;
    if (this.owed < 1) return false;
    this.owed -= 1;
    return true;
  }
}

// One map's levels: by query, then layer and head, a row of keys each; of causal maps as far as the query itself.
class Weights {
  constructor(map, levels) {
    Object.assign(this, map, { levels, queries: map.left.length, keys: map.right.length });
    this.pictures = map.cuts.map((cut) => new Cut(cut));
    this.closest = map.closer.map((cut) => new Cut(cut));
  }
  row(layer, head, query) {
    const length = this.causal ? query + 1 : this.keys, heads = this.layers * this.heads;
    const before = this.causal ? (heads * query * (query + 1)) / 2 : heads * query * this.keys;
    const start = before + (layer * this.heads + head) * length;
    return this.levels.subarray(start, start + length);
  }
  head(layer, head, made) { return Array.from({ length: this.queries }, (_, query) => made(this.row(layer, head, query))); }
  // Every number, for views that read rows when a word is pointed at.
  layer(layer, cutOf) {
    const made = (cut) => (levels) => {
      const row = new Array(this.keys).fill(0);
      for (let key = 0; key < levels.length; key += 1) row[key] = STRENGTHS[levels[key]];
      return Object.assign(row, { levels, cut });
    };
    return Array.from({ length: this.heads }, (_, head) => this.head(layer, head, made(cutOf(head))));
  }
  // All layers, each made when it is looked at; the last one made is kept.
  lazily(cutOf) {
    let kept = -1, rows = null;
    const all = new Array(this.layers);
    for (let layer = 0; layer < this.layers; layer += 1) {
      Object.defineProperty(all, layer, {
        enumerable: true,
        get: () => {
          if (kept !== layer) [kept, rows] = [layer, this.layer(layer, (head) => cutOf(layer, head))];
          return rows;
        },
      });
    }
    return all;
  }
  // Levels alone, for the view that draws all heads and reads no row.
  thumbnails() {
    return Array.from({ length: this.layers }, (_, layer) => Array.from({ length: this.heads }, (_, head) => {
      const closer = this.closest[layer * this.heads + head];
      return Object.assign(this.head(layer, head, (levels) => ({ levels, cut: this.pictures[0], closer })), { thumbnail: true });
    }));
  }
}

// Queries or keys of one layer: (head, token, width), made when a head is looked at.
function vectors({ scales, width }, bytes, tokens) {
  const numbers = new Int16Array(bytes.buffer, 0, bytes.length >> 1), heads = new Array(scales.length);
  scales.forEach((scale, head) => {
    const row = (_, token) => Array.from(numbers.subarray((head * tokens + token) * width, (head * tokens + token + 1) * width), (number) => number * scale);
    Object.defineProperty(heads, head, { enumerable: true, get: () => Array.from({ length: tokens }, row) });
  });
  return [heads];
}
