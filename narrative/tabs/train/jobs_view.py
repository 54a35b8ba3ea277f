"""What the jobs half shows. The template is constant: whatever comes from a file or a person is set as text by the scripts."""

from __future__ import annotations

import gradio as gr

from narrative.plots import QUANTITIES
from narrative.tabs.serving import script_address
from narrative.tabs.theme import asset

SCRIPTS = (
    "train.js",
    "train_bench.js",
    "train_list.js",
    "train_curve.js",
    "train_job.js",
    "train_details.js",
    "train_fields.js",
    "train_newjob.js",
)
_WORDS = {"loss": "Loss", "perplexity": "Perplexity", "learning rate": "Learning rate", "speed": "Tokens a second"}
_CHIPS = "".join(f'<button type="button" class="chip" data-quantity="{name}">{_WORDS[name]}</button>' for name in QUANTITIES)
_BENCH = f"""
<div class="bench" data-script="{script_address()}">
  <div class="col-new">
    <section class="card newjob" aria-labelledby="newjob-title">
      <h2 id="newjob-title" tabindex="-1">New job</h2>
      <p class="wait">Getting the presets ready…</p>
      <form novalidate hidden></form>
    </section>
    <section class="card stock" aria-labelledby="stock-title">
      <h2 id="stock-title">Corpora</h2>
      <ol></ol>
      <p class="none" hidden>None has been built yet. Books come first.</p>
      <p class="go"><button type="button" class="quiet-button" data-half="books">Add books…</button></p>
    </section>
  </div>
  <div class="col-jobs">
    <section class="card jobs" aria-labelledby="jobs-title">
      <div class="bar-top"><h2 id="jobs-title">Jobs</h2><span class="gap"></span><span class="sum"></span></div>
      <p class="trouble" hidden></p>
      <div class="first" hidden>
        <p class="invite">Teach a model how your house writes.</p>
        <ol class="steps-to">
          <li class="need-books"><b>Books in.</b> Drop what you have published; it is read, cleaned and becomes a corpus.
          <button type="button" class="quiet-button" data-half="books">Add books…</button></li>
          <li><b>Start.</b> Choose a corpus and what it is for; the page says beforehand how long it will take.</li>
          <li><b>Come back.</b> Close the page, or the laptop. The curve is here when you return,
          and the model is one click from Generate.</li>
        </ol>
      </div>
      <div class="reel"><table hidden>
        <caption class="visually-hidden">Jobs of the house; the one that is shown below is marked</caption>
        <thead><tr><th scope="col" class="tickcol"><span class="visually-hidden">Compare</span></th><th scope="col">Name</th>
        <th scope="col">State</th><th scope="col">Method</th><th scope="col" class="size">Test perplexity</th>
        <th scope="col" class="size">Bits / byte</th><th scope="col" class="size">Time</th>
        <th scope="col"><span class="visually-hidden">What can be done</span></th></tr></thead>
        <tbody></tbody>
      </table></div>
      <nav class="turn" aria-label="Pages of the list" hidden></nav>
    </section>
    <section class="card job" aria-labelledby="job-title" hidden>
      <div class="bar-top"><h2 id="job-title" tabindex="-1" dir="auto"></h2><span class="badge"></span><span class="gap"></span>
      <span class="quantities" role="group" aria-label="What the curve shows">{_CHIPS}</span></div>
      <div class="curve" role="img"></div>
      <p class="hollow" hidden></p>
      <p class="meta"></p>
      <p class="plain sentence"></p>
      <p class="plain over">Thick lines are text that was never learned from, thin ones the texts that were; lower is better. They lie over
      each other by the tokens read. Perplexity compares only models of one vocabulary; bits per byte, in the list, compare all.</p>
      <ul class="notes" aria-label="What happened on the way" hidden></ul>
      <p class="deeds"></p>
      <div class="openers"><span class="opens" role="group" aria-label="More about this job"></span><span class="gap"></span>
      <span class="exports" role="group" aria-label="Save the curve"></span></div>
      <div class="detail" hidden></div>
    </section>
  </div>
  <p class="visually-hidden said" role="status"></p>
</div>
"""
_BACK = '<p class="way-back"><button type="button" class="link">← Jobs</button></p>'


def build_bench() -> gr.HTML:
    script = "\n".join(asset(name) for name in SCRIPTS)
    return gr.HTML(None, html_template=_BENCH, js_on_load=script, apply_default_css=False, elem_id="train-jobs")


def build_way_back() -> gr.HTML:
    return gr.HTML(None, html_template=_BACK, js_on_load=asset("train_back.js"), apply_default_css=False, elem_id="train-back")
