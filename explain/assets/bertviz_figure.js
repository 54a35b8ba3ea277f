// What a reader needs beside BertViz's picture: whole words behind cut ones, numbers, where the prompt ends, a file to keep.
const SANS = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Helvetica, Arial, sans-serif';
const pen = document.createElement("canvas").getContext("2d");

// Geometry of BertViz's scripts, in pixels: the room of a label and its letters; of columns of words, where they begin and a row's height.
const LABELS = { head: [101, 15], model: [76, 13], neuron: [86, 15] };
const HEAD_VIEW = { top: 30, row: 22.5, left: 0, right: 335, checkbox: 20 };
const NEURON_VIEW = { top: 40, row: 26, collapsed: 415, expanded: 1004 };
const BORDER_LABEL = "prompt above, written below";

function fitting(label, [width, size]) {
  pen.font = `${size}px ${SANS}`;
  if (pen.measureText(label).width <= width) return label;
  const signs = Array.from(new Intl.Segmenter().segment(label.slice(0, 100)), (part) => part.segment);
  while (signs.length > 1 && pen.measureText(`${signs.join("")}…`).width > width) signs.pop();
  return `${signs.join("")}…`;
}

function add(parent, name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

// The whole label where it was cut, shown when a word is pointed at.
function tellWhole(texts, labels) {
  texts.forEach((text, place) => { if (text.textContent !== labels[place]) add(text, "title", {}, labels[place]); });
}

function asButton(shape, label, more) {
  add(shape, "title", {}, label);
  for (const [key, value] of Object.entries({ tabindex: 0, role: "button", "aria-label": label, ...more })) shape.setAttribute(key, value);
}

function border(parent, from, to, [left, right], { top, row }) {
  const y = (place) => top + place * row;
  const drawn = add(parent, "g", { class: "border", "pointer-events": "none" });
  if (left !== null && right !== null && left === right) add(drawn, "path", { d: `M${from},${y(left)}H${to}` });
  else {
    if (left !== null) add(drawn, "path", { d: `M${from},${y(left)}h110` });
    if (right !== null) add(drawn, "path", { d: `M${to - 110},${y(right)}h110` });
  }
  if (to < 500) add(drawn, "text", { x: to + 7, y: y(right === null ? left : right) + 4, "font-size": 11 }, BORDER_LABEL); // no room elsewhere
}

// Borders that lie between words; none where all was prompt, or all was written.
function inside(map) {
  const sides = [[map.borders[0], map.left.length], [map.borders[1], map.right.length]];
  const places = sides.map(([place, length]) => (place > 0 && place < length ? place : null));
  return places.some((place) => place !== null) ? places : null;
}

const FINISH = {
  head(svg, map) {
    tellWhole(svg.querySelectorAll("#left text"), map.left);
    tellWhole(svg.querySelectorAll("#right text"), map.right);
    const boxes = boxesOf(svg), heads = boxes.querySelectorAll("rect");
    heads.forEach((box, head) => {
      asButton(box, `Head ${head + 1}`, { role: "checkbox" });
      const middle = { x: (head + 0.5) * HEAD_VIEW.checkbox, y: 14, "text-anchor": "middle", "font-size": 11, "pointer-events": "none" };
      add(boxes, "text", { class: "number", ...middle }, head + 1);
    });
    const borders = inside(map);
    if (borders) border(svg, HEAD_VIEW.left, HEAD_VIEW.right, borders, HEAD_VIEW);
    markHeads(svg);
    return Math.max(HEAD_VIEW.right + (borders ? 165 : 10), heads.length * HEAD_VIEW.checkbox);
  },
  model(svg) {
    svg.querySelectorAll(".attn_background").forEach((background) => {
      const [layer, head] = placeOf(background);
      asButton(background.parentNode.lastElementChild, `Layer ${layer + 1}, head ${head + 1}`);
    });
    return +svg.getAttribute("width");
  },
  neuron(svg, map) {
    const borders = inside(map);
    for (const group of svg.querySelectorAll("#collapsed, #expanded")) {
      tellWhole(group.querySelectorAll("#leftText text"), map.left);
      tellWhole(group.querySelectorAll("#rightText text"), map.right);
      if (borders && group.childElementCount) border(group, 0, NEURON_VIEW[group.id], borders, NEURON_VIEW);
    }
    const open = svg.querySelector("#expanded").getAttribute("visibility") === "visible";
    return open ? NEURON_VIEW.expanded : NEURON_VIEW.collapsed + (borders ? 165 : 10);
  },
};

// Which heads are shown, as BertViz keeps it at their boxes.
const boxesOf = (svg) => svg.querySelector("#attention").nextElementSibling;
const headsShown = (svg) => Array.from(boxesOf(svg).querySelectorAll("rect"), (box) => Boolean(box.__data__));

function markHeads(svg) {
  const numbers = boxesOf(svg).querySelectorAll("text"), boxes = boxesOf(svg).querySelectorAll("rect");
  headsShown(svg).forEach((shown, head) => {
    numbers[head].classList.toggle("off", !shown);
    boxes[head].setAttribute("aria-checked", shown);
  });
}

// Layer and head of a small picture of the model view.
const placeOf = (background) => background.id.split("_").slice(-2).map(Number);

// The picture as a file: colours and letters as they are now, without what can't be seen.
function pictured(svg, width) {
  const copy = svg.cloneNode(true), height = parseFloat(svg.getAttribute("height")), page = getComputedStyle(document.body);
  const theirs = Array.from(svg.querySelectorAll("g, text, tspan, rect, path")), ours = Array.from(copy.querySelectorAll("g, text, tspan, rect, path"));
  theirs.forEach((shape, place) => {
    const look = getComputedStyle(shape);
    if (look.opacity === "0" || (look.visibility === "hidden" && /^(col|exp)/.test(shape.id))) ours[place].remove();
    else if (shape.tagName !== "g") for (const side of ["fill", "stroke"]) ours[place].style.setProperty(side, look[side]);
  });
  copy.querySelectorAll("line[stroke-opacity='0']").forEach((line) => line.remove());
  const sizes = { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": SANS };
  for (const [key, value] of Object.entries(sizes)) copy.setAttribute(key, value);
  copy.removeAttribute("style");
  copy.prepend(add(copy, "rect", { width, height, fill: page.backgroundColor }));
  return { svg: new XMLSerializer().serializeToString(copy), width, height };
}
