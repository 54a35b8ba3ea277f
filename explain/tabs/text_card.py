"""The card in which a reader says which text is meant, and who is to read it: a draft from Generate, or words of one's own."""

from __future__ import annotations


def text_card(name: str, *, rows: int, more: str, go: str) -> str:
    """HTML, constant. `name` stands before the heading's id; `more` asks for what comes after the text; `go` sends it."""
    return f"""<section class="card" aria-labelledby="{name}-source">
      <h2 id="{name}-source">Text</h2>
      <div class="presets sources" role="group" aria-label="Where the text comes from">
        <button type="button" class="chip" data-source="draft" aria-pressed="true">From Generate</button>
        <button type="button" class="chip" data-source="own" aria-pressed="false">My own</button></div>
      <p class="which"></p>
      <form class="own" hidden>
        <label class="field">Text<textarea name="prompt" rows="{rows}" dir="auto"></textarea></label>
        <label class="field">{more}<textarea name="completion" rows="2" dir="auto"></textarea></label>
        <button type="submit" class="quiet-button">{go}</button>
      </form>
      <label class="field">Read by<select name="model"></select></label>
      <label class="field">Compare with<select name="compare"></select></label>
    </section>"""
