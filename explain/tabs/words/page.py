"""What the tab shows. The template is constant: whatever comes from a text or a person is set as text by the scripts."""

from __future__ import annotations

from html import escape

import gradio as gr

from explain.baselines import BASELINES
from explain.methods import LEFT_OUT, METHODS
from explain.tabs.sheets import asset
from explain.tabs.text_card import text_card
from explain.tabs.words.dials import dials
from narrative.tabs.serving import script_address

SCRIPTS = ("parts.js", "words.js", "words_text.js", "words_map.js", "words_check.js", "words_swap.js", "words_run.js")
STYLE = asset("words.css")


def _methods() -> str:
    """The ladder: one chip a method, from instant to thorough."""
    chips = "".join(
        f'<button type="button" class="chip" data-method="{escape(name)}" data-pace="{way.pace}" aria-pressed="false"'
        f' title="{escape(way.sentence)}">{escape(way.title)}<span class="cost"></span></button>'
        for name, way in METHODS.items()
    )
    return f'<div class="presets methods" role="group" aria-label="Method">{chips}</div>'


def _baselines() -> str:
    return "".join(f'<option value="{name}">{escape(kind.title)}</option>' for name, kind in BASELINES.items())


def _left_out() -> str:
    return "".join(f"<p class=help>{escape(reason)}</p>" for reason in LEFT_OUT.values())


_TEMPLATE = f"""
<div class="words explain" data-script="{script_address()}" aria-busy="false">
  <div class="words-text">
    <section class="card answer" aria-labelledby="words-title" aria-busy="false">
      <div class="bar-top"><h2 id="words-title">Why this word?</h2><span class="gap"></span>
        <span class="stage" role="status" aria-live="polite"></span>
        <button type="button" class="quiet-button slim halt" hidden>Stop</button></div>
      <div class="progress" hidden><span></span></div>
      <p class="trouble" role="alert" hidden></p>
      <div class="strip" dir="auto" role="group" aria-label="The text, word by word: the target is outlined"></div>
      <div class="key-line"><span class="low"></span><span class="scale" aria-hidden="true"></span><span class="high"></span>
        <span class="gap"></span><span class="exports">
        <button type="button" class="link" data-save="html" title="One file that opens anywhere, without a network">HTML</button>
        <button type="button" class="link" data-picture="png">PNG</button>
        <button type="button" class="link" data-picture="svg">SVG</button>
        <button type="button" class="link" data-save="csv">CSV</button></span></div>
      <p class="plain sentence"></p>
      <ul class="notes" hidden></ul>
      <div class="aims presets" role="group" aria-label="What is explained">
        <button type="button" class="chip" data-aim="span">The marked words</button>
        <button type="button" class="chip" data-aim="whole">All that was written</button>
        <button type="button" class="chip" data-aim="next">The next word</button></div>
      <form class="contrast"><label class="inline">and not <input name="instead" autocomplete="off" maxlength="60"
        placeholder="another word" dir="auto"></label> <button type="submit" class="link">Ask</button>
        <button type="button" class="link drop" hidden>Ask without it</button></form>
      <p class="help">Click a word to ask why it was written, or drag over several; with the keyboard, arrows move and Shift with Enter
      marks up to here. Grey is the prompt, black what was written after it.</p>
    </section>
    <section class="card other" aria-labelledby="words-other" hidden>
      <h2 id="words-other">Beside it</h2>
      <div class="strip second" dir="auto" role="group" aria-label="The other map"></div>
      <p class="plain sentence"></p>
      <div class="plot of-both" role="img" aria-label="Both maps, word by word"></div>
    </section>
    <section class="card chart" aria-labelledby="words-bars">
      <div class="bar-top"><h2 id="words-bars">Word by word</h2><span class="gap"></span>
        <button type="button" class="link" data-plot="bars">PNG</button></div>
      <div class="plot by-word" role="img" aria-label="Scores of the strongest words"></div>
    </section>
    <section class="card layers-card" aria-labelledby="words-layers" hidden>
      <div class="bar-top"><h2 id="words-layers">How much noise each word can bear, layer by layer (low = important)</h2>
        <span class="gap"></span><button type="button" class="link" data-plot="layers">PNG</button></div>
      <div class="plot by-layer" role="img" aria-label="Layers and words"></div>
      <p class="plain layers-told"></p>
    </section>
    <section class="card decline" aria-labelledby="words-decline" hidden>
      <div class="bar-top"><h2 id="words-decline">As words are taken away, and put back</h2><span class="gap"></span>
        <button type="button" class="link" data-plot="decline">PNG</button></div>
      <div class="plot fall" role="img" aria-label="The target as words are taken away"></div>
      <p class="plain">A map that tells the truth falls faster than random orders when its first words go, and rises faster when they come
      back. The dotted line is the order of the words' losses when each is left out alone.</p>
    </section>
    <p class="plain standing">No method tells the whole truth about why a model wrote a word. A map is one answer to one question; check it,
    and trust most where several agree.</p>
  </div>
  <div class="words-ask">
    {text_card("words", rows=3, more="What comes after it; leave it empty to ask for the next word", go="Ask about it")}
    <section class="card" aria-labelledby="words-method">
      <h2 id="words-method">Method</h2>
      {_methods()}
      <p class="help what"></p>
      <details class="advanced"><summary>Advanced</summary>
        <div class="presets units" role="group" aria-label="What counts as one">
          <button type="button" class="chip" data-unit="words">Words</button>
          <button type="button" class="chip" data-unit="pieces">Pieces</button>
          <button type="button" class="chip" data-unit="sentences">Sentences</button></div>
        <label class="field base">In place of a word that is taken away<select name="baseline">{_baselines()}</select></label>
        {dials()}
        <p class="acts"><button type="button" class="quiet-button apply">Apply</button>
          <button type="button" class="link usual">Back to the usual settings</button></p>
        {_left_out()}
      </details>
    </section>
    <section class="card check" aria-labelledby="words-check">
      <div class="bar-top"><h2 id="words-check">Check this map</h2><span class="gap"></span>
        <button type="button" class="link" data-save="check" aria-label="Save the check as CSV" hidden>CSV</button></div>
      <p class="help lead">Does the map tell the truth? Its top words are taken away and kept, beside random orders and the order of leaving
      out each word alone; the method is tried on a model with shuffled weights.</p>
      <p class="acts"><button type="button" class="quiet-button go">Check this map</button>
        <button type="button" class="quiet-button halt-check" hidden>Stop</button></p>
      <p class="stage-check help" role="status"></p>
      <div class="progress" hidden><span></span></div>
      <table hidden><thead><tr><th scope="col">Test</th><th scope="col">map</th><th scope="col">random</th><th scope="col">each
        alone</th></tr></thead><tbody></tbody></table>
      <p class="plain verdict" hidden></p>
      <ul class="notes" hidden></ul>
    </section>
    <section class="card swap" aria-labelledby="words-swap">
      <h2 id="words-swap">Swap a word</h2>
      <p class="help lead">Click a word here, then put another one in its place.</p>
      <div class="mini" dir="auto" role="group" aria-label="The text, to swap a word in"></div>
      <form class="change" hidden><label class="visually-hidden" for="swap-with">Instead of the word</label>
        <input id="swap-with" name="with" autocomplete="off" maxlength="200" dir="auto">
        <button type="submit" class="quiet-button">Replace</button>
        <button type="button" class="quiet-button delete">Delete</button>
        <button type="button" class="quiet-button halt-swap" hidden>Stop</button></form>
      <p class="stage-swap help" role="status"></p>
      <p class="plain told" hidden></p>
      <div class="rewritten" dir="auto" hidden></div>
    </section>
  </div>
</div>
"""


def build_page() -> gr.HTML:
    return gr.HTML(None, html_template=_TEMPLATE, js_on_load=asset(*SCRIPTS), apply_default_css=False, elem_id="words")
