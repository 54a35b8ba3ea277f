"""What a reader does on the page, each act translated into calls of `explain.reading`."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from explain.ablation import ablate_head
from explain.compare import AttentionDifference
from explain.plots import distance_map
from explain.reading import Desk, Look, Opened, Source, about_word, draw_picture
from explain.reading.mattering import part_of, target_of
from explain.reading.saving import saved
from explain.tabs.attention.drawing import (
    draw_about,
    draw_effect,
    draw_figure,
    draw_overview,
    draw_survey,
    draw_text,
    draw_view,
)
from narrative.errors import NarrativeError, SettingsError, require_choice, shown
from narrative.generation import Draft
from narrative.selection import Selection
from narrative.studio import Stage, Studio
from narrative.tabs.header import choices
from narrative.tabs.shared import Owners, said, sorry, text_of

Data = dict[str, Any]
PARTS = ("text", "overview", "view", "about", "effect")
SOURCES = ("draft", "own")
MOST_STOPS = 1000  # sessions whose wish to stop is remembered


@dataclass(frozen=True)
class Asked:
    """One event of the page, read."""

    look: Look
    source: Source
    want: tuple[str, ...]
    opening: bool
    sheet: str | None = None


class Handlers:
    """What they share is on the desk; what one browser chose comes with every event."""

    def __init__(self, desk: Desk, studio: Studio, owners: Owners) -> None:
        self.desk, self.studio, self.owners = desk, studio, owners
        self._halted: set[str] = set()
        self._lock = threading.Lock()

    def look(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Each part as soon as it is there. -> page, selection"""
        answer: Data = {"turn": data.get("turn")}
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            opened = yield from _staged(self.desk.open(asked.source), answer)
            look = _at_selection(asked, opened, selection).fitted(opened.map(asked.look))
            compared = None
            if look.compare:
                compared = yield from _staged(self.desk.compared(opened, look.compare, look=look), answer)
            chosen = self._selection(asked, opened, look, selection)
            for part in asked.want:
                answer = answer | {"at": time.time_ns(), part: self._part(part, asked, opened, look, compared)}
                yield answer, chosen
                chosen = gr.skip()
            yield answer | {"at": time.time_ns(), "done": True}, chosen
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield answer | {"at": time.time_ns(), "done": True, "trouble": sorry(error)["text"]}, gr.skip()

    def survey(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[Any]:
        """All heads taken out one after the other; the map grows layer by layer. -> page"""
        session = str(request.session_hash)
        with self._lock:
            self._halted.discard(session)
        answer: Data = {"turn": data.get("turn")}
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            opened = finished(self.desk.open(asked.source))
            look = asked.look.fitted(opened.map(asked.look))
            target, words = target_of(opened, look)
            for result in opened.survey(part=part_of(opened, look), kind=look.kind, target=target):
                stopped = session in self._halted
                yield answer | {"at": time.time_ns(), "survey": draw_survey(result, look, words, stopped=stopped)}
                if stopped:
                    break
        except Exception as error:  # noqa: BLE001
            yield answer | {"at": time.time_ns(), "survey": {"trouble": sorry(error)["text"]}}

    def stop(self, request: gr.Request) -> None:
        """The survey of this session ends after the layer it is at."""
        with self._lock:
            if len(self._halted) >= MOST_STOPS:
                self._halted.clear()
            self._halted.add(str(request.session_hash))

    def save(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> tuple[Any, Any]:
        """A file of what is shown. -> courier, notice"""
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            opened = finished(self.desk.open(asked.source))
            look = asked.look.fitted(opened.map(asked.look))
            compared = finished(self.desk.compared(opened, look.compare, look=look)) if look.compare else None
            file = saved(opened, look, what=text_of(data, "what"), compared=compared)
            content = base64.b64encode(file.data).decode()
            return {"kind": "file", "name": file.name, "type": file.media_type, "data": content, "number": time.time_ns()}, said("")
        except Exception as error:  # noqa: BLE001
            return gr.skip(), sorry(error)

    # ---- what was asked for

    def _asked(self, owner: str, selection: Selection, data: Data) -> Asked:
        given, want = data.get("look"), data.get("want", [])
        if not isinstance(given, dict) or not isinstance(want, list):
            raise SettingsError(f"The page sent {shown(data)}. Reload it.")
        for part in want:
            require_choice("part of the page", part, PARTS)
        look = Look.of(given)
        require_choice("source", data.get("source"), SOURCES)
        model = text_of(data, "model")
        if data["source"] == "own":
            source = Source(model or text_of(data, "usual"), None, text_of(data, "prompt"), text_of(data, "completion"))
            return Asked(look, source, tuple(want), opening=False)
        draft = self._draft(owner, selection)
        until = selection.token if selection.draft == draft.id else None
        return Asked(
            look, Source(model or draft.model, draft, until=until), tuple(want), data.get("opening") is True, selection.sheet,
        )  # fmt: skip

    def _draft(self, owner: str, selection: Selection) -> Draft:
        """The one that is chosen in Generate; a newcomer's is the first of the example."""
        if selection.draft:
            return self.studio.draft(owner, selection.draft)
        drafts = self.studio.example_drafts()
        if not drafts:
            raise NarrativeError("Nothing is written yet. Write something in Generate, or type a text of your own here.")
        return drafts[0]

    @staticmethod
    def _selection(asked: Asked, opened: Opened, look: Look, selection: Selection) -> Any:
        """The word that is chosen here is chosen everywhere."""
        if asked.source.draft is None or look.place is None:
            return gr.skip()
        token = look.place - _offset(opened, asked.source.draft)
        if not 0 <= token < len(asked.source.draft.tokens) or selection.token == token:
            return gr.skip()
        return Selection(asked.sheet, asked.source.draft.id, token) if asked.sheet else gr.skip()

    def _part(self, part: str, asked: Asked, opened: Opened, look: Look, compared: AttentionDifference | None) -> Any:
        if part == "text":
            return draw_text(opened, look, source=asked.source, models=choices())
        if part == "overview":
            if compared is not None and look.view == "difference":
                return draw_figure(distance_map(compared))
            return draw_overview(opened, look)
        if part == "view":
            return self._view(opened, look, compared)
        if part == "about":
            return draw_about(about_word(opened, look))
        target, words = target_of(opened, look)
        effect = ablate_head(
            opened.model, opened.passage, part=part_of(opened, look), layer=look.layer, head=look.head or 0, kind=look.kind, target=target,
        )  # fmt: skip
        return draw_effect(effect, look, words)

    @staticmethod
    def _view(opened: Opened, look: Look, compared: AttentionDifference | None) -> Data:
        """What one view can't show must not take the others away: it says so in its own place."""
        try:
            if look.view == "difference" and compared is None:
                raise NarrativeError(
                    "Choose a model under “Compare with”: the same text is then read by both, and the heads are set side by side."
                )
            return draw_view(draw_picture(opened, look, compared=compared))
        except NarrativeError as error:
            return {"trouble": str(error)}


def _offset(opened: Opened, draft: Draft) -> int:
    """Where the first token of the draft would stand in the sequence that is shown; below 0 when it was left out."""
    passage = opened.passage
    return passage.written_from - (len(draft.tokens) - len(passage.completion) - passage.cut)


def _at_selection(asked: Asked, opened: Opened, selection: Selection) -> Look:
    """When the tab is opened, the word that was chosen elsewhere is chosen here."""
    draft = asked.source.draft
    if draft is None or not asked.opening or selection.draft != draft.id or selection.token is None:
        return asked.look
    return replace(asked.look, place=max(0, _offset(opened, draft) + selection.token))


def _staged(work: Generator[Stage, None, Any], answer: Data) -> Generator[tuple[Any, ...], None, Any]:
    """What comes of it; its stages go to the page meanwhile."""
    while True:
        try:
            stage = next(work)
        except StopIteration as end:
            return end.value
        yield answer | {"at": time.time_ns(), "stage": stage.text}, gr.skip()


def finished(work: Generator[Stage, None, Any]) -> Any:
    """What comes of it, without its stages."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
