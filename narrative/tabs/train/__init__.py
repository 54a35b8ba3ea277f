"""The Train tab: jobs first, and the books that they learn from behind “Add books…”."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from narrative.studio import Bookshelf, Studio
from narrative.studio.workbench import Workbench
from narrative.tabs.serving import Serving
from narrative.tabs.shared import QUIET, Shared, payload
from narrative.tabs.train.jobs_view import build_bench, build_way_back
from narrative.tabs.train.keeping import Keeping
from narrative.tabs.train.views import Views, build_views
from narrative.tabs.train.working import Working

__all__ = ["build"]

LONG: dict[str, Any] = {  # of acts that copy a model
    "show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2, "trigger_mode": "multiple",
}  # fmt: skip


def build(shared: Shared, studio: Studio, bookshelf: Bookshelf, bench: Workbench, serving: Serving, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. Nothing is read before the tab is opened, so that the first page comes as fast as ever."""
    jobs = build_bench()
    build_way_back()
    with gr.Row(elem_classes=["cols", "cols-books"]):
        views = build_views()
    _wire_jobs(jobs, shared, Working(bench, studio, bookshelf, shared.owners, serving))
    _wire_books(views, shared, Keeping(bookshelf, shared.owners), tab)


def _wire_jobs(jobs: gr.HTML, shared: Shared, working: Working) -> None:
    """Looks may be left out while one is on its way; acts never."""

    def look(owner: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return working.look(owner, payload(event), request)

    def act(owner: str, model: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return working.act(owner, model, payload(event), request)

    def use(event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        yield from working.use(payload(event))

    def fetch(event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        yield from working.fetch(payload(event))

    def push(event: gr.EventData) -> Iterator[Any]:
        yield from working.push(payload(event))

    jobs.look(look, shared.owner, [jobs, shared.courier, shared.notice], **QUIET)
    jobs.act(act, [shared.owner, shared.model], [jobs, shared.courier, shared.notice], trigger_mode="multiple", **QUIET)
    jobs.use(use, None, [jobs, shared.notice, shared.model, shared.card], **LONG)
    jobs.fetch(fetch, None, [jobs, shared.notice], **LONG)
    jobs.push(push, None, shared.notice, **LONG)


def _wire_books(views: Views, shared: Shared, keeping: Keeping, tab: gr.Tab) -> None:
    outputs = [*views.all(), shared.courier, shared.notice]

    def act(owner: str, model: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return keeping.act(owner, model, payload(event), request)

    for view in views.all():
        view.act(act, [shared.owner, shared.model], outputs, **QUIET)
    opened: dict[str, Any] = {"inputs": shared.owner, "outputs": outputs} | QUIET
    tab.select(keeping.open, **opened).then(keeping.open_form, **opened)
