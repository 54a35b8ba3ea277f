// The page: BertViz's script is given its parameters and left to draw; what surrounds it follows what it drew.
(async () => {
  const told = JSON.parse(document.getElementById("told").textContent), { view } = told;
  const find = (selector) => document.querySelector(selector);
  const alone = window.parent === window, vis = find("#vis");
  const say = (message) => { if (!alone) window.parent.postMessage(message, "*"); };
  const state = { map: 0, layer: told.layer, head: told.head, dark: told.dark, expanded: false, opened: null, width: 0 };
  const darkness = window.matchMedia("(prefers-color-scheme: dark)");
  const template = find("#controls").cloneNode(true);

  document.title = told.title;
  document.body.dataset.view = view;
  document.body.classList.toggle("framed", !alone);
  document.body.classList.toggle("led", told.led);
  find("h1").textContent = told.title;
  for (const part of ["shows", "hint", "limit"]) find(`#${part}`).textContent = told[part];
  if (alone) state.dark = darkness.matches;
  document.documentElement.classList.toggle("dark", state.dark);

  const ids = ["libraries", ...told.maps.map((_, place) => `weights-${place}`), ...(view === "neuron" ? ["queries", "keys"] : [])];
  const [libraries, ...data] = await Promise.all(ids.map(unpacked));
  const maps = told.maps.map((map, place) => new Weights(map, data[place]));
  const most = (side) => Math.max(...maps.map((map) => map[side]));
  const counted = (side) => Array.from({ length: most(side) }, (_, place) => place + 1);

  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(libraries);
  document.head.append(script);
  drawSparsely(d3, (parent) => view === "neuron" && !state.expanded && parent.closest("#expanded") !== null);

  const given = {
    head: (weights) => ({ attn: weights.lazily((layer) => weights.pictures[layer]) }),
    model: (weights) => ({ attn: weights.thumbnails() }),
    neuron: (weights) => ({
      attn: weights.lazily((_, head) => weights.pictures[head]),
      queries: vectors(told.vectors.queries, data[1], weights.queries), keys: vectors(told.vectors.keys, data[2], weights.keys),
    }),
  };
  const attention = maps.map((weights) => {
    const [left_text, right_text] = [weights.left, weights.right].map((labels) => labels.map((label) => fitting(label, LABELS[view])));
    return { ...given[view](weights), left_text, right_text };
  });
  const more = {
    head: () => ({ layer: state.layer + 1, heads: state.head === null ? null : [state.head], include_layers: counted("layers") }),
    model: () => ({
      display_mode: "light", include_layers: counted("layers"), include_heads: counted("heads"), total_heads: Math.max(6, most("heads")),
    }),
    neuron: () => ({ display_mode: state.dark ? "dark" : "light", layer: 0, head: state.head || 0, bidirectional: !maps[0].causal }),
  };

  function start() {
    const controls = template.cloneNode(true);
    find("#controls").replaceWith(controls);
    maps.forEach((map, place) => find("#filter").add(new Option(map.name, place)));
    find(".filter").hidden = maps.length < 2;
    controls.hidden = view === "model" && maps.length < 2;
    controls.addEventListener("change", stayWithin, true);
    controls.addEventListener("change", chosen);
    window.bertviz_params = { attention, default_filter: "0", root_div_id: "bertviz", ...more[view]() };
    bertviz({ config() {} }, (_, run) => run(jQuery, d3), window.bertviz_params);
    if (view === "neuron") for (const id of ["#layer", "#att_head"]) for (const option of find(id).options) option.text = +option.value + 1 + (id === "#layer") * told.layer;
  }

  // A map may have fewer layers than the one before: its last is shown then.
  function stayWithin({ target }) {
    if (target.id !== "filter") return;
    const { layers } = maps[+target.value], select = find("#layer");
    for (const option of select.options) option.disabled = option.value > layers;
    if (view === "head" && select.value > layers) jQuery(select).val(layers).trigger("change");
  }

  function chosen() {
    if (view === "head") {
      const heads = headsShown(vis.firstElementChild).flatMap((shown, head) => (shown ? [head] : []));
      Object.assign(state, { layer: find("#layer").value - 1, head: heads.length === 1 ? heads[0] : null });
    } else if (view === "neuron") state.head = +find("#att_head").value;
    tellCut();
    say({ narrative: "chosen", layer: state.layer, head: state.head });
  }

  function tellCut() {
    const map = maps[state.map], closer = state.opened && map.closest[state.opened[0] * map.heads + state.opened[1]].note;
    const picture = { head: () => find("#layer").value - 1, model: () => 0, neuron: () => state.head || 0 }[view]();
    find("#note").textContent = [map.pictures[picture].note, closer && `In the head that is opened: ${closer}`].filter(Boolean).join(" ");
  }

  function drawn() {
    const svg = vis.firstElementChild;
    if (!svg) return;
    Object.assign(state, { map: +find("#filter").value || 0, opened: null });
    state.width = FINISH[view](svg, maps[state.map]);
    svg.style.minWidth = `${view === "model" ? Math.min(700, state.width) : state.width}px`;
    if (view === "model") svg.setAttribute("viewBox", `0 0 ${state.width} ${svg.getAttribute("height")}`); // it shrinks to the width there is
    svg.setAttribute("aria-label", `${told.title}: ${maps[state.map].title}`);
    tellCut();
    const tell = () => {
      if (vis.firstElementChild !== svg || svg.dataset.told) return;
      svg.dataset.told = "yes";
      document.body.dataset.drawn = svg.querySelectorAll("line").length;
      say({ narrative: "drawn", lines: +document.body.dataset.drawn, height: Math.ceil(document.body.getBoundingClientRect().height) });
    };
    requestAnimationFrame(tell);
    setTimeout(tell, 200); // a browser paints no frames of what is out of sight
  }

  // The neuron view's second picture, which takes long to draw, is drawn when it is asked for.
  function expand() {
    state.expanded = find("#expanded").getAttribute("visibility") === "visible";
    if (state.expanded && !find("#queries .vector")) jQuery("#att_head").trigger("change");
  }

  function pressed({ target }) {
    const svg = vis.firstElementChild, background = target.parentNode.querySelector(".attn_background");
    if (view === "head" && target.closest("[role=checkbox]")) {
      markHeads(svg);
      chosen();
    } else if (view === "model" && background) {
      const [layer, head] = placeOf(background), open = svg.querySelector(".detail") !== null, map = maps[state.map];
      Object.assign(state, { layer, head: open ? head : null, opened: open ? [layer, head] : null });
      [map.left, map.right].forEach((labels, side) => tellWhole(svg.querySelectorAll("g.detail:has(.token)")[side]?.querySelectorAll("text") || [], labels));
      chosen();
    }
  }

  const asked = {
    svg: () => say({ narrative: "svg", ...pictured(vis.firstElementChild, state.width) }),
    theme: ({ dark }) => darken(Boolean(dark)),
  };
  function darken(dark) {
    const before = state.dark;
    document.documentElement.classList.toggle("dark", (state.dark = dark));
    if (view === "neuron" && before !== dark) start();
  }

  new MutationObserver(drawn).observe(vis, { childList: true });
  if (view === "neuron") new MutationObserver(expand).observe(vis, { subtree: true, attributes: true, attributeFilter: ["visibility"] });
  for (const event of ["click", "dblclick"]) vis.addEventListener(event, pressed);
  vis.addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !event.target.hasAttribute("tabindex")) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  });
  window.addEventListener("message", ({ source, data: message }) => {
    if (!alone && source === window.parent && message && Object.hasOwn(asked, message.narrative)) asked[message.narrative](message);
  });
  darkness.addEventListener("change", ({ matches }) => { if (alone) darken(matches); });

  start();
  if (view === "model" && state.head !== null) {
    await Promise.resolve();
    const thumbnail = find(`#attn_background_${state.layer}_${state.head}`);
    thumbnail.parentNode.lastElementChild.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    scrollTo({ top: scrollY + thumbnail.getBoundingClientRect().top - 60 }); // the page around stays where it is
  }
})();
