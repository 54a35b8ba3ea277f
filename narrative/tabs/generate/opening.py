"""Opening the page: the same browser gets everything back, a newcomer finds a finished example, a link brings its sheet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError
from narrative.example import EXAMPLE
from narrative.store import Sheet
from narrative.studio import Studio
from narrative.tabs.generate.controls import desk_of, restored
from narrative.tabs.generate.history import draw_history
from narrative.tabs.generate.looking import Looking
from narrative.tabs.header import card_page
from narrative.tabs.shared import said, sorry

log = logging.getLogger(__name__)


class Opening:
    """Handlers for what lies on the desk."""

    def __init__(self, studio: Studio, looking: Looking, default_model: str) -> None:
        self.studio, self.looking, self.default_model = studio, looking, default_model

    def open(self, owner: Any, request: gr.Request) -> tuple[Any, ...]:
        """-> owner, model, card, drafts, alternatives, selection, history, notice, and the controls"""
        me = self.looking.owners.of(owner, request)
        told, sheet, desk = said(""), None, {}
        try:
            desk = self.studio.store.desk(me)
            token = str(dict(request.query_params).get("open") or "")
            if token:
                sheet = self.studio.follow(me, token)
                desk = self._desk_of_link(sheet, desk)
                told = said("This came from a link: its seed text, settings and drafts. Write as you like; it is your own copy.")
        except Exception as error:  # noqa: BLE001 - a page must open, whatever happened
            told = sorry(error)
        page = self._page(me, sheet, desk, told)
        self.studio.page_opened()
        return (me, *page)

    def _page(self, me: str, sheet: Sheet | None, desk: Mapping[str, Any], told: Any) -> tuple[Any, ...]:
        sheet = sheet or self.studio.store.current(me)
        shown, drafts = (sheet.id, sheet.drafts) if sheet else (EXAMPLE, self.studio.example_drafts())
        model = str(desk.get("model") or self.default_model)
        if not model and not told["text"]:
            told = said("No model is here yet. Choose one at the top, or type a folder or a hub id there.", kind="wrong")
        return (model, card_page(model), *self.looking.view(shown, drafts), draw_history(self.studio.store, me), told, *restored(desk))

    def _desk_of_link(self, sheet: Sheet, desk: Mapping[str, Any]) -> dict[str, Any]:
        draft = sheet.drafts[0]
        settings = draft.settings.to_json() | {"drafts": max(draft.settings.drafts, len(sheet.drafts))}
        return {**desk, **settings, "prompt": draft.prompt, "model": draft.model}

    def keep_desk(self, owner: str, model: str, request: gr.Request, *values: Any) -> None:
        """What is typed but not sent. Quietly: a desk that can't be kept must not disturb whoever types."""
        try:
            self.studio.store.set_desk(self.looking.owners.of(owner, request), desk_of(values) | {"model": model})
        except NarrativeError as error:
            log.warning("a desk was not kept: %s", error)
