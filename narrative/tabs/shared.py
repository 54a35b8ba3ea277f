"""What all tabs share: who the reader is, which model is chosen, what is selected, and the line in which the page speaks."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError, SettingsError, shown
from narrative.selection import Selection
from narrative.store import Store
from narrative.tabs.theme import asset

_NOTICE = """
<div class="notice quiet">
  <span class="words" role="status" aria-live="polite"></span>
  <button type="button" class="tool" aria-label="Close this message" title="Close">&times;</button>
  <label class="visually-hidden" for="link-text">Link to this sheet</label><input id="link-text" readonly hidden>
  <span class="progress" aria-hidden="true" hidden><span></span></span>
</div>
"""

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}  # of events that answer at once
MODEL: dict[str, Any] = {
    "concurrency_limit": 1,
    "concurrency_id": "model",
    "show_progress": "hidden",
    "api_visibility": "private",
}  # of those that compute

log = logging.getLogger(__name__)


class Owners:
    """Who is at a page. A newcomer may click before the browser was told its id: until then the page's session stands for it."""

    def __init__(self, most: int = 1000) -> None:
        self._lock = threading.Lock()
        self._new: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def of(self, given: Any, request: gr.Request) -> str:
        """The id that the browser gave, else one made for this session, the same at each call."""
        if isinstance(given, str) and given:
            return given
        with self._lock:
            owner = self._new.setdefault(str(request.session_hash), Store.new_owner())
            while len(self._new) > self._most:
                self._new.popitem(last=False)
        return owner


@dataclass(frozen=True)
class Shared:
    """Components that stand outside the tabs."""

    page: gr.Blocks
    owners: Owners
    selection: gr.State  # a `Selection`
    owner: gr.BrowserState  # the browser's unguessable id; all else is in the store
    model: gr.Dropdown
    card: gr.HTML  # of the model
    notice: gr.HTML
    courier: gr.HTML


def owner_state() -> gr.BrowserState:
    return gr.BrowserState("", storage_key="narrative", secret="narrative studio 1")  # noqa: S106 - it hides nothing: the id is the key


def selection_state() -> gr.State:
    return gr.State(Selection())


def notice_line() -> gr.HTML:
    return gr.HTML(said(""), html_template=_NOTICE, js_on_load=asset("notice.js"), apply_default_css=False, elem_id="notice")


def courier() -> gr.HTML:
    return gr.HTML(None, html_template="<span></span>", js_on_load=asset("courier.js"), elem_id="courier", visible="hidden")


def said(text: str, *, kind: str = "quiet", share: float | None = None) -> dict[str, Any]:
    return {"kind": kind, "text": text, "share": share}


def sorry(error: BaseException) -> dict[str, Any]:
    """A sentence for what went wrong; what nobody foresaw goes to the log as well."""
    if isinstance(error, NarrativeError):
        return said(str(error), kind="wrong")
    log.error("a handler failed", exc_info=error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return said("The machine ran out of memory. Ask for fewer or shorter drafts, or choose a smaller model.", kind="wrong")
    return said("Something went wrong here that was not foreseen. What was written is kept; please try again.", kind="wrong")


def payload(event: gr.EventData) -> dict[str, Any]:
    """What the page sent with an event. It may be anything: each value is checked where it is used."""
    data = getattr(event, "_data", None)
    return data if isinstance(data, dict) else {}


def text_of(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise SettingsError(f"The page sent {shown(value)} for '{name}', which must be text. Reload it.")
    return value
