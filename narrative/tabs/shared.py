"""What all tabs share: who the reader is, which model is chosen, what is selected, and the line in which the page speaks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError
from narrative.selection import Selection
from narrative.tabs.theme import asset

_NOTICE = """
<div class="notice quiet">
  <span class="words" role="status" aria-live="polite"></span>
  <button type="button" class="tool" aria-label="Close this message" title="Close">×</button>
  <label class="visually-hidden" for="link-text">Link to this sheet</label><input id="link-text" readonly hidden>
  <span class="progress" aria-hidden="true" hidden><span></span></span>
</div>
"""

QUIET = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}  # of events that answer at once
MODEL = {"concurrency_limit": 1, "concurrency_id": "model", "show_progress": "hidden", "api_visibility": "private"}  # of those that compute

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shared:
    """Components that stand outside the tabs."""

    page: gr.Blocks
    selection: gr.State  # a `Selection`
    owner: gr.BrowserState  # the browser's unguessable id; all else is in the store
    model: gr.Dropdown
    card: gr.HTML  # of the model
    notice: gr.HTML
    courier: gr.HTML


def owner_state() -> gr.BrowserState:
    return gr.BrowserState("", storage_key="narrative", secret="narrative studio 1")


def selection_state() -> gr.State:
    return gr.State(Selection())


def notice_line() -> gr.HTML:
    return gr.HTML(said(""), html_template=_NOTICE, js_on_load=asset("notice.js"), apply_default_css=False, elem_id="notice")


def courier() -> gr.HTML:
    template = '<span class="visually-hidden"></span>'
    return gr.HTML(None, html_template=template, js_on_load=asset("courier.js"), apply_default_css=False, elem_id="courier", visible="hidden")


def said(text: str, *, kind: str = "quiet", share: float | None = None) -> dict[str, Any]:
    return {"kind": kind, "text": text, "share": share}


def sorry(error: BaseException) -> dict[str, Any]:
    """A sentence for what went wrong; what nobody foresaw goes to the log as well."""
    if isinstance(error, NarrativeError):
        return said(str(error), kind="wrong")
    log.exception("a handler failed", exc_info=error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return said("The machine ran out of memory. Ask for fewer or shorter drafts, or choose a smaller model.", kind="wrong")
    return said("Something went wrong here that was not foreseen. What was written is kept; please try again.", kind="wrong")
