"""The Attention tab: where the model looks, layer by layer and head by head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from explain.reading import Desk
from explain.tabs.attention.handlers import Handlers
from explain.tabs.attention.page import STYLE, build_page
from narrative.selection import Selection
from narrative.studio import Studio
from narrative.tabs.shared import QUIET, Shared, payload

__all__ = ["STYLE", "build"]

# Not in the queue of the models: whoever looks doesn't wait until somebody else's drafts are written. Each has its own modules.
LOOKING: dict[str, Any] = {
    "show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "explain", "trigger_mode": "multiple",
}  # fmt: skip
LONG = LOOKING | {"concurrency_limit": 1, "concurrency_id": "explain long"}
OPENED = "() => window.narrativeAttention?.open()"


def build(shared: Shared, studio: Studio, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened."""
    page = build_page()
    handlers = Handlers(Desk(studio), studio, shared.owners)
    inputs = [shared.owner, shared.selection, shared.model]

    def look(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield from handlers.look(owner, selection, payload(event) | {"usual": model}, request)

    def survey(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        yield from handlers.survey(owner, selection, payload(event) | {"usual": model}, request)

    def save(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        return handlers.save(owner, selection, payload(event) | {"usual": model}, request)

    def stop(event: gr.EventData, request: gr.Request) -> None:
        handlers.stop(payload(event), request)

    page.look(look, inputs, [page, shared.selection], **LOOKING)
    page.survey(survey, inputs, page, **LONG)
    page.save(save, inputs, [shared.courier, shared.notice], **LOOKING)
    page.halt(stop, None, None, **QUIET)
    tab.select(None, None, None, js=OPENED)
