"""Drafts -> what the page draws. The tokens of a draft go out as one string that only grows, so the wire carries its new end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from narrative.generation import Draft, Token
from narrative.generation.draft import END_OF_TEXT
from narrative.studio import Progress, why_stopped, word_of
from narrative.tabs.theme import asset

FIELD, RECORD, END = "\x1f", "\x1e", "∎"
_NO_MARKS = str.maketrans({FIELD: " ", RECORD: " ", "\x00": " "})
_TEMPLATE = """
<div class="bar-top">
  <h2 class="quiet-title">What it wrote</h2>
  <label class="switch"><input type="checkbox" role="switch" id="shade" checked>Shade surprising words</label>
  <span class="legend" aria-hidden="true">expected <i></i> surprising</span>
  <span class="gap"></span>
  <button type="button" class="link" id="copy-link" title="A link that opens these drafts, settings and seed text">Copy link</button>
</div>
<div class="drafts" role="region" aria-label="Drafts" aria-busy="false"></div>
<p class="nothing" hidden>Nothing is written yet. Write a few words as seed text and press Write: the drafts will stand here.</p>
<p class="plain">Grey is your seed text, black is what the model made of it. Amber marks words that surprised the model itself: it had
thought others likelier there. Click any word to see which, and to go another way. Shading says nothing about whether a sentence is
good or true: a small model on this machine wrote it, it knows stories rather than facts, and now and then it loses the thread.</p>
"""


def build_drafts(value: dict[str, Any]) -> gr.HTML:
    return gr.HTML(value, html_template=_TEMPLATE, js_on_load=asset("drafts.js"), apply_default_css=False, elem_id="drafts")


class Wire:
    """Turns snapshots of growing drafts into values for the page; tokens sent before are not looked at again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str]] = {}

    def draw(self, progress: Progress) -> dict[str, Any]:
        return self._draw(progress.sheet, progress.drafts, progress.active)

    def _draw(self, sheet: str, drafts: Iterable[Draft], active: frozenset[str] = frozenset()) -> dict[str, Any]:
        prompts: dict[str, int] = {}
        drawn = []
        for draft in drafts:
            writing = draft.id in active and draft.stopped is None
            drawn.append({
                "id": draft.id, "p": prompts.setdefault(draft.prompt, len(prompts)), "t": self._records(draft, writing),
                "writing": writing, "branch": branch_words(draft), "more": can_go_on(draft),
                "facts": [(f"Writing… {len(draft.tokens)} of {draft.settings.max_new_tokens}", "")] if writing else facts(draft),
            })  # fmt: skip
        return {"sheet": sheet, "prompts": list(prompts), "drafts": drawn, "pick": None}

    def _records(self, draft: Draft, writing: bool) -> str:
        count, text = self._known.get(draft.id, (0, ""))
        ready = len(draft.tokens)
        if writing:  # an empty token at the end may turn out to be the end of the text: wait for the next snapshot
            while ready > count and not draft.tokens[ready - 1].text:
                ready -= 1
        text += "".join(_record(draft, index) for index in range(count, ready))
        self._known[draft.id] = (ready, text)
        return text


def draw_sheet(sheet: str, drafts: Iterable[Draft], pick: tuple[int, int] | None = None) -> dict[str, Any]:
    """A finished sheet; `pick` is the draft and the token to mark."""
    return Wire().draw(Progress(sheet, tuple(drafts), frozenset())) | {"pick": pick}


def _record(draft: Draft, index: int) -> str:
    token: Token = draft.tokens[index]
    ends = draft.stopped == END_OF_TEXT and index == len(draft.tokens) - 1
    text = token.text.translate(_NO_MARKS) or (END if ends else "")
    return f"{text}{FIELD}{-token.logprob:.2f}{'e' if ends else ''}{FIELD}{token.rank}{RECORD}"


def facts(draft: Draft) -> list[tuple[str, str]]:
    """What stands under a finished draft, each with its explanation."""
    lines = []
    if draft.perplexity is not None:
        meaning = "How surprised the model was by its own words on average: 1 is not at all, higher is bolder."
        lines.append((f"Perplexity {draft.perplexity:.1f}", meaning))
    lines.append((f"{len(draft.tokens)} tokens", "Words and pieces of words that the model wrote."))
    if draft.tokens_per_second:
        lines.append(
            (f"{draft.tokens_per_second:.0f} tokens/s", "How fast it was written; drafts that are written together share the machine.")
        )
    lines.append((why_stopped(draft), "Why the draft ends here."))
    if draft.dropped:
        lines.append((
            f"{draft.dropped:,} tokens out of sight",
            "The text is longer than the model can read at once: at the end it no longer saw this much of the beginning.",
        ))  # fmt: skip
    lines.append((f"seed {draft.settings.seed}", "The same seed, text, settings and model give this draft again."))
    return lines


def branch_words(draft: Draft) -> str:
    if draft.at is None or draft.parent is None or draft.at >= len(draft.tokens):
        return ""
    return f"another way from “{word_of(draft, draft.at)}” on" if draft.forced or draft.at else "written anew"


def can_go_on(draft: Draft) -> bool:
    return bool(draft.tokens) and draft.stopped != END_OF_TEXT
