"""How the tabs of explaining hang on Gradio: limits of what runs at once, and handlers as it calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from narrative.selection import Selection
from narrative.tabs.shared import payload

# Not in the queue of the models: whoever looks doesn't wait until somebody else's drafts are written. Each has modules of its own.
BRIEF: dict[str, Any] = {
    "show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "explain", "trigger_mode": "multiple",
}  # fmt: skip
LONG = BRIEF | {"concurrency_limit": 1, "concurrency_id": "explain long"}


def streaming(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """`handler(owner, selection, data, request)` for inputs owner, selection and model.

    Gradio tells by the annotations what it must hand over, and by the `yield` that answers come one after the other.
    """

    def run(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        yield from handler(owner, selection, payload(event) | {"usual": model}, request)

    return run


def answering(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a single answer."""

    def run(owner: str, selection: Selection, model: str, event: gr.EventData, request: gr.Request) -> Any:
        return handler(owner, selection, payload(event) | {"usual": model}, request)

    return run


def stopping(handler: Callable[[dict[str, Any], gr.Request], None]) -> Callable[..., None]:
    """`handler(data, request)`: stopping needs neither owner nor model."""

    def run(event: gr.EventData, request: gr.Request) -> None:
        handler(payload(event), request)

    return run
