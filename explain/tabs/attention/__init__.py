"""The Attention tab: where the model looks, layer by layer and head by head."""

from __future__ import annotations

import gradio as gr

from explain.reading import Desk
from explain.tabs.attention.handlers import Handlers
from explain.tabs.attention.page import STYLE, build_page
from explain.tabs.wiring import BRIEF, LONG, answering, stopping, streaming
from narrative.studio import Studio
from narrative.tabs.shared import QUIET, Shared

__all__ = ["STYLE", "build"]

OPENED = "() => window.narrativeAttention?.open()"


def build(shared: Shared, studio: Studio, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened."""
    page = build_page()
    handlers = Handlers(Desk(studio), studio, shared.owners)
    inputs = [shared.owner, shared.selection, shared.model]
    page.look(streaming(handlers.look), inputs, [page, shared.selection], **BRIEF)
    page.survey(streaming(handlers.survey), inputs, page, **LONG)
    page.save(answering(handlers.save), inputs, [shared.courier, shared.notice], **BRIEF)
    page.halt(stopping(handlers.stop), None, None, **QUIET)
    tab.select(None, None, None, js=OPENED)
