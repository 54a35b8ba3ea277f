"""What a reader does on the page, each act translated into calls of `explain.reading`."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from explain.ablation import ablate_head
from explain.asking import finished
from explain.compare import AttentionDifference
from explain.reading import Desk, Look, Opened, about_word, draw_picture
from explain.reading.mattering import part_of, target_of
from explain.reading.saving import saved
from explain.results import ENCODER
from explain.tabs.attention.drawing import draw_about, draw_effect, draw_overview, draw_survey, draw_text, draw_view
from explain.tabs.newest import Newest
from explain.tabs.texts import Origin, file_for, origin_of, place_of, selected
from narrative.errors import NarrativeError, SettingsError, require_choice, shown
from narrative.selection import Selection
from narrative.studio import Stage, Studio
from narrative.tabs.header import choices
from narrative.tabs.shared import Owners, said, sorry, text_of

Data = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One event of the page, read."""

    look: Look
    origin: Origin
    want: tuple[str, ...]
    turn: int


class Handlers:
    """What they share is on the desk; what one browser chose comes with every event."""

    def __init__(self, desk: Desk, studio: Studio, owners: Owners) -> None:
        self.desk, self.studio, self.owners = desk, studio, owners
        self._newest = Newest()
        self._surveys = Newest()

    def look(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Each part as soon as it is there, unless something newer was asked for. -> page, selection"""
        answer: Data = {"turn": data.get("turn")}
        session = str(request.session_hash)
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            self._newest.note(session, asked.turn)
            opened = yield from _staged(self.desk.open(asked.origin.source), answer)
            look = _at_selection(asked, opened).fitted(opened.map(asked.look))
            compared = None
            if look.view == "difference" and {"view", "overview"} & {*asked.want}:
                compared, answer = yield from self._compared(opened, look, answer)
            chosen = _selected(asked, opened, look, selection)
            for part in asked.want:
                if self._newest.passed(session, asked.turn):
                    return
                answer = answer | {"at": time.time_ns(), part: PARTS[part](asked, opened, look, compared)}
                yield answer, chosen
                chosen = gr.skip()
            yield answer | {"at": time.time_ns(), "done": True}, chosen
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield answer | {"at": time.time_ns(), "done": True, "trouble": sorry(error)["text"]}, gr.skip()

    def survey(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[Any]:
        """All heads taken out one after the other; the map grows layer by layer, until a newer one or a stop is asked for. -> page"""
        session = str(request.session_hash)
        answer: Data = {"turn": data.get("turn")}
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            if self._surveys.passed(session, asked.turn):
                return  # stopped while it waited
            opened = finished(self.desk.open(asked.origin.source))
            look = asked.look.fitted(opened.map(asked.look))
            target, words = target_of(opened, look)
            for result in opened.survey(part=part_of(opened, look), kind=look.kind, target=target):
                stopped = self._surveys.passed(session, asked.turn)
                yield answer | {"at": time.time_ns(), "survey": draw_survey(result, look, words, stopped=stopped)}
                if stopped:
                    break
        except Exception as error:  # noqa: BLE001
            yield answer | {"at": time.time_ns(), "survey": {"trouble": sorry(error)["text"]}}

    def stop(self, data: Data, request: gr.Request) -> None:
        """That survey of this session, and those before it, end after the layer they are at, or before they begin."""
        turn = data.get("turn")
        if isinstance(turn, int):
            self._surveys.note(str(request.session_hash), turn + 1)

    def save(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> tuple[Any, Any]:
        """A file of what is shown. -> courier, notice"""
        try:
            asked = self._asked(self.owners.of(owner, request), selection, data)
            opened = finished(self.desk.open(asked.origin.source))
            look = asked.look.fitted(opened.map(asked.look))
            wanted = look.view == "difference" and look.compare
            compared = finished(self.desk.compared(opened, look.compare, look=look)) if wanted else None
            file = saved(opened, look, what=text_of(data, "what"), compared=compared)
            return file_for(file.name, file.media_type, file.data), said("")
        except Exception as error:  # noqa: BLE001
            return gr.skip(), sorry(error)

    # ---- what was asked for

    def _asked(self, owner: str, selection: Selection, data: Data) -> Asked:
        given, want, turn = data.get("look"), data.get("want", []), data.get("turn", 0)
        if not isinstance(given, dict) or not isinstance(want, list) or not isinstance(turn, int):
            raise SettingsError(f"The page sent {shown(data)}. Reload it.")
        for part in want:
            require_choice("part of the page", part, PARTS)
        return Asked(Look.of(given), origin_of(self.studio, owner, selection, data), tuple(want), turn)

    def _compared(self, opened: Opened, look: Look, answer: Data) -> Generator[tuple[Any, ...], None, tuple[Any, Data]]:
        """The other model's reading, or in `answer` the sentence that says why there is none: the rest of the page doesn't need it."""
        if not look.compare:
            return None, answer
        try:
            return (yield from _staged(self.desk.compared(opened, look.compare, look=look), answer)), answer
        except NarrativeError as error:
            return None, answer | {"incomparable": str(error)}


def _text(asked: Asked, opened: Opened, look: Look, _: AttentionDifference | None) -> Data:
    return draw_text(opened, look, source=asked.origin.source, sheet=asked.origin.sheet, models=choices())


def _overview(_: Asked, opened: Opened, look: Look, compared: AttentionDifference | None) -> Data:
    return draw_overview(opened, look, compared)


def _about(_: Asked, opened: Opened, look: Look, __: AttentionDifference | None) -> Data:
    return draw_about(about_word(opened, look))


def _view(_: Asked, opened: Opened, look: Look, compared: AttentionDifference | None) -> Data:
    """What one view can't show must not take the others away: it says so in its own place."""
    try:
        if look.view == "difference" and compared is None:
            raise NarrativeError(
                "Choose a model under “Compare with”: the same text is then read by both, and the heads are set side by side."
            )
        return draw_view(draw_picture(opened, look, compared=compared))
    except NarrativeError as error:
        return {"trouble": str(error)}


def _effect(_: Asked, opened: Opened, look: Look, __: AttentionDifference | None) -> Data:
    """One head taken out; why it can't be is told in the same place."""
    try:
        target, words = target_of(opened, look)
        part, head = part_of(opened, look), look.head or 0
        effect = ablate_head(opened.model, opened.passage, part=part, layer=look.layer, head=head, kind=look.kind, target=target)
        return draw_effect(effect, look, words)
    except NarrativeError as error:
        return {"sentence": str(error)}


PARTS = {"text": _text, "view": _view, "overview": _overview, "about": _about, "effect": _effect}  # of the page: name -> what draws it


def _selected(asked: Asked, opened: Opened, look: Look, selection: Selection) -> Any:
    """The word that is chosen here is chosen everywhere, where it is a word of the draft."""
    wanted = None if opened.map(look).name == ENCODER else selected(asked.origin, opened.passage, look.place)
    return gr.skip() if wanted is None or wanted == selection else wanted


def _at_selection(asked: Asked, opened: Opened) -> Look:
    """When the tab is opened, the word that was chosen elsewhere is chosen here, if it is to be seen."""
    if not asked.origin.opening or asked.origin.token is None:
        return asked.look
    return replace(asked.look, place=place_of(asked.origin, opened.passage))


def _staged(work: Generator[Stage, None, Any], answer: Data) -> Generator[tuple[Any, ...], None, Any]:
    """What comes of it; its stages go to the page meanwhile."""
    while True:
        try:
            stage = next(work)
        except StopIteration as end:
            return end.value
        yield answer | {"at": time.time_ns(), "stage": stage.text}, gr.skip()
