"""What an editor looks at: a sheet, a word on it, the history around it."""

from __future__ import annotations

import base64
import time
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError, require_choice
from narrative.export import export
from narrative.selection import Selection
from narrative.store import Sheet
from narrative.studio import Studio
from narrative.tabs.generate.alternatives import WAITING, draw_alternatives, telling
from narrative.tabs.generate.drafts_view import draw_sheet
from narrative.tabs.generate.history import draw_history, move
from narrative.tabs.shared import Owners, payload, said, sorry, text_of


class Looking:
    """Handlers that read the store and draw; none runs a model."""

    def __init__(self, studio: Studio, owners: Owners) -> None:
        self.studio, self.owners = studio, owners

    def view(self, sheet_id: str, drafts: Any) -> tuple[dict[str, Any], dict[str, Any], Selection]:
        """-> drafts, alternatives, selection; with the word marked that shows best what the panel is for"""
        pick = telling(drafts)
        if pick is None:
            return draw_sheet(sheet_id, drafts), WAITING, Selection(sheet_id)
        draft = drafts[pick[0]]
        return draw_sheet(sheet_id, drafts, pick), draw_alternatives(sheet_id, draft, pick[1]), Selection(sheet_id, draft.id, pick[1])

    def draw(self, owner: str, selection: Selection, request: gr.Request) -> tuple[Any, Any]:
        """What was chosen in another tab. -> drafts, alternatives"""
        if not selection.sheet or not selection.draft or selection.token is None:
            return gr.skip(), gr.skip()
        owner = self.owners.of(owner, request)
        try:
            drafts = self.studio.drafts(owner, selection.sheet)
        except NarrativeError:  # deleted since
            return gr.skip(), gr.skip()
        number = next((number for number, one in enumerate(drafts) if one.id == selection.draft), 0)
        panel = draw_alternatives(selection.sheet, drafts[number], selection.token)
        return draw_sheet(selection.sheet, drafts, (number, selection.token)), panel

    def pick(self, owner: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any, Any]:
        """A word was clicked. -> alternatives, selection, notice"""
        data, owner = payload(event), self.owners.of(owner, request)
        try:
            draft = self.studio.draft(owner, text_of(data, "draft"))
            panel = draw_alternatives(text_of(data, "sheet"), draft, data.get("at"))
            return panel, Selection(text_of(data, "sheet"), draft.id, data.get("at")), gr.skip()
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            return gr.skip(), gr.skip(), sorry(error)

    def move(self, owner: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A step in the history. -> drafts, alternatives, selection, history, notice"""
        data, owner = payload(event), self.owners.of(owner, request)
        try:
            sheet: Sheet | None = move(self.studio.store, owner, text_of(data, "act"), text_of(data, "sheet"))
            drawn: tuple[Any, ...] = self.view(sheet.id, sheet.drafts) if sheet else (gr.skip(), gr.skip(), gr.skip())
            told = said("Deleted. “Undo delete” beneath the history brings it back.") if data["act"] == "delete" else said("")
            return (*drawn, draw_history(self.studio.store, owner), told)
        except Exception as error:  # noqa: BLE001
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), sorry(error)

    def send(self, owner: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any, Any]:
        """A file or a link was asked for. -> courier, history, notice"""
        data, owner = payload(event), self.owners.of(owner, request)
        try:
            require_choice("act", data.get("act"), ("export", "link"))
            if data["act"] == "export":
                return _file(self.studio, owner, data), gr.skip(), gr.skip()
            sheet = self.studio.sheet(owner, text_of(data, "sheet"))
            link = {"kind": "link", "token": self.studio.store.link(owner, sheet.id), "number": time.time_ns()}
            told = said("The link is in your clipboard. Whoever opens it sees these drafts, settings and seed text.")
            return link, draw_history(self.studio.store, owner), told
        except Exception as error:  # noqa: BLE001
            return gr.skip(), gr.skip(), sorry(error)


def _file(studio: Studio, owner: str, data: dict[str, Any]) -> dict[str, Any]:
    exported = export(studio.draft(owner, text_of(data, "draft")), text_of(data, "kind"))
    content = base64.b64encode(exported.data).decode()
    return {"kind": "file", "name": exported.name, "type": exported.media_type, "data": content, "number": time.time_ns()}
