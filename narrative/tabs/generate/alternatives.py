"""About the word I chose: what else the model could have written there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

from narrative.errors import require_whole
from narrative.generation import Alternative, Draft
from narrative.studio import word_of
from narrative.tabs.theme import asset

_TEMPLATE = """
<div class="alternatives">
  <button type="button" class="tool shut" aria-label="Close" title="Close">&times;</button>
  <h2><span class="lead">Instead of</span> <span class="chosen" dir="auto"></span></h2>
  <p class="context" hidden></p>
  <ol aria-label="Alternatives, likeliest first"></ol>
  <button type="button" class="link" id="from-here" title="Keep everything before this word and write on with a new seed" hidden
    >Write on from here again</button>
  <p class="plain"></p>
</div>
"""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_BEFORE, _AFTER = 60, 6  # characters, tokens
WAITING = {
    "title": "", "before": "", "word": "", "after": "", "items": [], "sheet": "", "draft": "", "at": 0,
    "sentence": "When the drafts are written, click any word: here stand the ten words that the model held likeliest in its place.",
}  # fmt: skip


def build_alternatives(value: dict[str, Any]) -> gr.HTML:
    return gr.HTML(value, html_template=_TEMPLATE, js_on_load=asset("alternatives.js"), apply_default_css=False, elem_id="alternatives")


def draw_alternatives(sheet: str, draft: Draft, at: Any) -> dict[str, Any]:
    """The panel for token `at`. Raises `SettingsError` when there is no such token."""
    require_whole("the word", at, low=0, high=len(draft.tokens) - 1)
    token = draft.tokens[at]
    word = word_of(draft, at)
    before = _end_of(draft.prompt + "".join(one.text for one in draft.tokens[:at]))
    after = "".join(one.text for one in draft.tokens[at + 1 : at + 1 + _AFTER])
    glued = at > 0 or bool(draft.prompt)
    items = [_item(one, here=one.id == token.id, glued=glued) for one in token.alternatives]
    if all(one.id != token.id for one in token.alternatives):
        items.append(_item(Alternative(token.id, token.text or "", token.logprob), here=True, glued=glued))
    return {
        "title": f"“{word}”", "before": before, "word": token.text or ("∎" if word == "∎" else ""), "after": f"{after}…" if after else "",
        "items": items, "sheet": sheet, "draft": draft.id, "at": at, "sentence": _sentence(word, token.rank, token.logprob),
    }  # fmt: skip


def _end_of(text: str) -> str:
    """The last few words, from the beginning of a word on."""
    if len(text) <= _BEFORE:
        return text
    cut = text[-_BEFORE:]
    return "…" + (cut[cut.index(" ") :] if " " in cut[:20] else cut)


def _item(one: Alternative, *, here: bool, glued: bool) -> dict[str, Any]:
    text, note = one.text.strip(), False
    if not one.text:
        text, note = "∎ the end", True
    elif "\ufffd" in one.text:
        text, note = "part of a character", True
    elif not text:
        text, note = ("¶ new line" if "\n" in one.text else "a space"), True
    elif not text.isprintable():
        text, note = "an invisible sign", True
    elif glued and text[0].isalnum() and not one.text[0].isspace():
        text = f"…{text}"  # goes on inside the word before it
    return {"id": one.id, "text": text, "note": note, "share": math.exp(one.logprob), "here": here}


def _sentence(word: str, rank: int, logprob: float) -> str:
    share = math.exp(logprob)
    chance = (
        f"{share:.0%}".replace("%", " %") if share >= 0.1 else f"{share:.1%}".replace("%", " %") if share >= 0.001 else "less than 0.1 %"
    )
    return (
        f"“{word}” was the model's {ordinal(rank)} choice, at {chance}. Click another word and the story goes on from there as a new "
        "branch; what stands now stays in the history. The figures say what the model expected, not what reads best."
    )


def ordinal(number: int) -> str:
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def telling(drafts: Sequence[Draft]) -> tuple[int, int] | None:
    """A word that shows what the panel is for: a whole one that wasn't the first choice, some way into a draft."""
    best: tuple[float, int, int] | None = None
    for number, draft in enumerate(drafts):
        for at, token in enumerate(draft.tokens[:60]):
            whole = token.text[:1] == " " and token.text.strip().isalpha() and len(token.text) > 4
            if whole and at >= 4 and 2 <= token.rank <= 6:
                rivals = sum(one.text.strip().isalpha() and len(one.text) > 3 for one in token.alternatives)
                worth = rivals - number - at / 30
                if best is None or worth > best[0]:
                    best = (worth, number, at)
    if best:
        return best[1], best[2]
    return next(((number, 0) for number, draft in enumerate(drafts) if draft.tokens), None)
