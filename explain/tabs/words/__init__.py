"""The Word importance tab: which words drove a text, by several methods, and whether the answer is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from explain.asking import WordDesk
from explain.tabs.words.handlers import Handlers
from explain.tabs.words.page import STYLE, build_page
from explain.tabs.words.swap import Swapping
from narrative.selection import Selection
from narrative.studio import Studio
from narrative.tabs.shared import QUIET, Shared, payload

__all__ = ["STYLE", "build"]

# Not in the queue of the models: whoever asks doesn't wait until somebody else's drafts are written. Each has modules of its own.
ASKING: dict[str, Any] = {
    "show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "explain", "trigger_mode": "multiple",
}  # fmt: skip
LONG = ASKING | {"concurrency_limit": 1, "concurrency_id": "explain long"}
OPENED = "() => window.narrativeWords?.open()"


def build(shared: Shared, desk: WordDesk, studio: Studio, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened."""
    page = build_page()
    handlers = Handlers(desk, studio, shared.owners)
    swapping = Swapping(handlers)
    inputs = [shared.owner, shared.selection, shared.model]

    def ask(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield from handlers.ask(owner, selection, payload(event) | {"usual": model}, request)

    def check(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        yield from handlers.check(owner, selection, payload(event) | {"usual": model}, request)

    def swap(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        yield from swapping.run(owner, selection, payload(event) | {"usual": model}, request)

    def save(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        return handlers.save(owner, selection, payload(event) | {"usual": model}, request)

    def picture(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Any:
        return handlers.picture(owner, selection, payload(event) | {"usual": model}, request)

    def stop(event: gr.EventData, request: gr.Request) -> None:
        handlers.stop(payload(event), request)

    page.ask(ask, inputs, [page, shared.selection], **ASKING)
    page.toil(ask, inputs, [page, shared.selection], **LONG)
    page.check(check, inputs, page, **LONG)
    page.swap(swap, inputs, page, **LONG)
    page.picture(picture, inputs, page, **ASKING)
    page.save(save, inputs, [shared.courier, shared.notice], **ASKING)
    page.halt(stop, None, None, **QUIET)
    tab.select(None, None, None, js=OPENED)
