"""The Word importance tab: which words drove a text, by several methods, and whether the answer is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    inputs = [shared.owner, shared.selection, shared.model]
    for listen, limits in ((page.ask, ASKING), (page.toil, LONG)):
        listen(_streaming(handlers.ask), inputs, [page, shared.selection], **limits)
    page.check(_streaming(handlers.check), inputs, page, **LONG)
    page.swap(_streaming(Swapping(handlers).run), inputs, page, **LONG)
    page.picture(_answering(handlers.picture), inputs, page, **ASKING)
    page.save(_answering(handlers.save), inputs, [shared.courier, shared.notice], **ASKING)

    def stop(event: gr.EventData, request: gr.Request) -> None:
        handlers.stop(payload(event), request)

    page.halt(stop, None, None, **QUIET)
    tab.select(None, None, None, js=OPENED)


def _streaming(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Gradio tells by the annotations what it must hand over, and by the `yield` that answers come one after the other."""

    def run(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        yield from handler(owner, selection, payload(event) | {"usual": model}, request)

    return run


def _answering(handler: Callable[..., Any]) -> Callable[..., Any]:
    def run(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Any:
        return handler(owner, selection, payload(event) | {"usual": model}, request)

    return run
