"""What the tab shows. The template is constant: whatever comes from a text or a person is set as text by the scripts."""

from __future__ import annotations

import gradio as gr

from explain.reading import VIEWS
from explain.tabs.sheets import asset
from explain.tabs.text_card import text_card
from narrative.tabs.serving import script_address

SCRIPTS = ("parts.js", "attention.js", "attention_text.js", "attention_view.js", "attention_heads.js", "attention_word.js")
STYLE = asset("attention.css")
_CHIPS = "".join(
    f'<button type="button" class="chip" data-view="{name}" aria-pressed="false">{title}</button>' for name, title in VIEWS.items()
)
_TEMPLATE = f"""
<div class="attn explain" data-script="{script_address()}" aria-busy="false">
  <div class="attn-ask">
    {text_card("attn", rows=4, more="What comes after it, if you like", go="Look at it")}
    <section class="card" aria-labelledby="attn-how">
      <h2 id="attn-how">How to look</h2>
      <div class="presets units" role="group" aria-label="What counts as one">
        <button type="button" class="chip" data-unit="words">Words</button>
        <button type="button" class="chip" data-unit="pieces">Pieces</button></div>
      <p class="help">The model reads pieces: whole words, or parts of rarer ones.</p>
      <label class="switch"><input type="checkbox" role="switch" name="sink"><span>Leave out the first word</span></label>
      <p class="help">Heads that have nothing to do look at the first word. Left out, the rest can be seen.</p>
      <div class="presets parts" role="group" aria-label="Which attention" hidden></div>
    </section>
    <section class="card" aria-labelledby="attn-heads">
      <div class="bar-top"><h2 id="attn-heads">What each head does</h2><span class="gap"></span>
        <button type="button" class="link" data-save="heads" aria-label="Save what each head does as CSV">CSV</button></div>
      <div class="plot overview" role="img" aria-label="Layers and heads"></div>
      <ul class="roles"></ul>
      <p class="plain chosen-head"></p>
      <p class="help over"></p>
      <p class="help">A model reads in layers, one after the other. In each, several heads look back over the text, each in its own way.</p>
    </section>
  </div>
  <div class="attn-text">
    <section class="card" aria-labelledby="attn-words">
      <div class="bar-top"><h2 id="attn-words">The text</h2><span class="gap"></span>
        <span class="stage" role="status" aria-live="polite"></span></div>
      <p class="trouble" role="alert" hidden></p>
      <div class="strip" dir="auto" role="group" aria-label="The text, word by word"></div>
      <ul class="notes" hidden></ul>
      <p class="help key">Grey is the prompt, black what was written after it. Click a word to see which heads look from it, and to
      what.</p>
    </section>
    <section class="card" aria-labelledby="attn-view">
      <div class="bar-top"><h2 id="attn-view" class="visually-hidden">Attention</h2>
        <span class="presets views" role="group" aria-label="View">{_CHIPS}</span><span class="gap"></span>
        <span class="choose"><label>Layer <select name="layer"></select></label>
        <label>Head <select name="head"></select></label></span></div>
      <div class="window" aria-busy="false">
        <iframe sandbox="allow-scripts" title="Attention, drawn by BertViz" hidden></iframe>
        <div class="plot main" role="img" hidden></div>
        <p class="hollow"></p>
      </div>
      <p class="plain sentence"></p>
      <div class="bar-top exports"><span class="gap"></span>
        <button type="button" class="link" data-save="html" title="One file that opens anywhere, without a network">HTML</button>
        <button type="button" class="link" data-picture="png">PNG</button>
        <button type="button" class="link" data-picture="svg">SVG</button>
        <button type="button" class="link" data-save="csv">CSV</button></div>
    </section>
    <p class="plain standing">Attention is where the model looks, not proof of why it wrote a word. A head that looks hard may change
    nothing, and one that hardly looks may matter: take it out and see.</p>
  </div>
  <div class="attn-word">
    <section class="card word" aria-labelledby="attn-word-title">
      <h2 id="attn-word-title"><span class="lead">From a word</span> <span class="chosen" dir="auto"></span></h2>
      <p class="help none">Click a word in the text.</p>
      <ol class="glances" aria-label="Heads that look from this word, and to what"></ol>
    </section>
    <section class="card lens" aria-labelledby="attn-lens">
      <div class="bar-top"><h2 id="attn-lens">What it would have said</h2><span class="gap"></span>
        <button type="button" class="link" data-save="lens" aria-label="Save this as CSV" hidden>CSV</button></div>
      <ol class="layers" aria-label="The first choice after each layer"></ol>
      <p class="plain told"></p>
    </section>
    <section class="card matter" aria-labelledby="attn-matter">
      <div class="bar-top"><h2 id="attn-matter">Does this head matter?</h2><span class="gap"></span>
        <button type="button" class="link" data-save="survey" aria-label="Save the map as CSV" hidden>CSV</button></div>
      <div class="presets watched" role="group" aria-label="Whose probability is watched">
        <button type="button" class="chip" data-watched="word">This word</button>
        <button type="button" class="chip" data-watched="written">All that was written</button></div>
      <div class="presets kinds" role="group" aria-label="How it is taken out">
        <button type="button" class="chip" data-kind="zero" title="Its output becomes zero">Take it out</button>
        <button type="button" class="chip" data-kind="mean" title="Its output becomes its own average over this text">Set to its
        average</button></div>
      <p class="acts"><button type="button" class="quiet-button one">This head</button>
        <button type="button" class="quiet-button all">All heads</button>
        <button type="button" class="quiet-button halt" hidden>Stop</button></p>
      <p class="plain effect" role="status" hidden></p>
      <div class="plot survey" role="img" aria-label="What each head matters" hidden></div>
      <p class="plain surveyed" role="status" hidden></p>
    </section>
  </div>
</div>
"""  # noqa: S608 - it is a page and no query


def build_page() -> gr.HTML:
    return gr.HTML(None, html_template=_TEMPLATE, js_on_load=asset(*SCRIPTS), apply_default_css=False, elem_id="attention")
