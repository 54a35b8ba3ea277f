"""The Train tab: books in. Fine-tuning from the page has its place here later; `narrative train` does it today."""

from __future__ import annotations

from typing import Any

import gradio as gr

from narrative.studio import Bookshelf
from narrative.tabs.shared import QUIET, Shared, payload
from narrative.tabs.train.keeping import Keeping
from narrative.tabs.train.views import build_views


def build(shared: Shared, bookshelf: Bookshelf, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened, so that the first page comes as fast as ever."""
    with gr.Row(elem_classes=["cols", "cols-books"]):
        views = build_views()
    keeping = Keeping(bookshelf, shared.owners)
    outputs = [*views.all(), shared.courier, shared.notice]

    def act(owner: str, model: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return keeping.act(owner, model, payload(event), request)

    for view in views.all():
        view.act(act, [shared.owner, shared.model], outputs, **QUIET)
    opened: dict[str, Any] = {"inputs": shared.owner, "outputs": outputs} | QUIET
    tab.select(keeping.open, **opened).then(keeping.open_form, **opened)
