"""The Word importance tab: which words drove a text, by several methods, and whether the answer is true."""

from __future__ import annotations

import gradio as gr

from explain.asking import WordDesk
from explain.tabs.wiring import BRIEF, LONG, answering, stopping, streaming
from explain.tabs.words.handlers import Handlers
from explain.tabs.words.page import STYLE, build_page
from explain.tabs.words.swap import Swapping
from narrative.studio import Studio
from narrative.tabs.shared import QUIET, Shared

__all__ = ["STYLE", "build"]

OPENED = "() => window.narrativeWords?.open()"


def build(shared: Shared, desk: WordDesk, studio: Studio, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened."""
    page = build_page()
    handlers = Handlers(desk, studio, shared.owners)
    inputs = [shared.owner, shared.selection, shared.model]
    for listen, limits in ((page.ask, BRIEF), (page.toil, LONG)):
        listen(streaming(handlers.ask), inputs, [page, shared.selection], **limits)
    page.check(streaming(handlers.check), inputs, page, **LONG)
    page.swap(streaming(Swapping(handlers).run), inputs, page, **LONG)
    page.picture(answering(handlers.picture), inputs, page, **BRIEF)
    page.save(answering(handlers.save), inputs, [shared.courier, shared.notice], **BRIEF)
    page.halt(stopping(handlers.stop), None, None, **QUIET)
    tab.select(None, None, None, js=OPENED)
