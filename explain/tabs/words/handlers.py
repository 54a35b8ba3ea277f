"""What a reader does on the page, each act translated into calls of `explain.asking`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from explain.asking import SPAN, WHOLE, Ask, Text, WordDesk, finished
from explain.asking.beside import beside
from explain.asking.saving import picture, saved
from explain.importance import WordImportance
from explain.tabs.newest import Newest
from explain.tabs.texts import Origin, file_for, origin_of, place_of, selected
from explain.tabs.watching import now, watched
from explain.tabs.words.drawing import draw_check, draw_map, draw_other, draw_text
from narrative.errors import NarrativeError, SettingsError, require_choice, shown
from narrative.generation import Draft
from narrative.selection import Selection
from narrative.studio import Studio
from narrative.tabs.header import choices
from narrative.tabs.shared import Owners, said, sorry, text_of

Data = dict[str, Any]
KINDS = ("ask", "check", "swap")  # of work that can be stopped, each with turns of its own


@dataclass(frozen=True)
class Asked:
    """One event of the page, read."""

    owner: str
    origin: Origin
    ask: Ask
    compare: str
    turn: int


class Handlers:
    """What they share is on the desk; what one browser chose comes with every event."""

    def __init__(self, desk: WordDesk, studio: Studio, owners: Owners) -> None:
        self.desk, self.studio, self.owners = desk, studio, owners
        self.newest = {kind: Newest() for kind in KINDS}

    def ask(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The text at once, the map when it is there, the other one beside it; unless something newer was asked for. -> page, selection"""
        answer: Data = {"turn": data.get("turn")}
        session = str(request.session_hash)
        try:
            asked = self.asked(self.owners.of(owner, request), selection, data)
            self.newest["ask"].note(session, asked.turn)
            passed = partial(self.newest["ask"].passed, session, asked.turn)
            text = yield from watched(self.desk.open(asked.origin.source), passed, lambda step: (answer | step, gr.skip()))
            if text is None:
                return
            asked = replace(asked, ask=at_selection(asked.origin, text, asked.ask))
            answer |= {"text": self._text(asked, text)}
            yield now(answer), self._selected(asked, text, selection)
            work = self.desk.explain(text, asked.ask)
            importance = yield from watched(
                work, lambda: self.newest["ask"].passed(session, asked.turn), lambda step: (answer | step, gr.skip())
            )
            if importance is not None:
                yield from self._answered(session, asked, text, importance, answer)
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield now(answer | {"done": True, "trouble": sorry(error)["text"]}), gr.skip()

    def _text(self, asked: Asked, text: Text) -> Data:
        return draw_text(text, asked.ask, origin=asked.origin, models=choices(), drafts=self._drafts(asked))

    def _drafts(self, asked: Asked) -> tuple[Draft, ...]:
        """Those that were written together with this one, to be compared with it."""
        if asked.origin.source.draft is None or not asked.origin.sheet:
            return ()
        try:
            return self.studio.drafts(asked.owner, asked.origin.sheet)
        except NarrativeError:  # deleted since
            return ()

    def _answered(
        self, session: str, asked: Asked, text: Text, importance: WordImportance, answer: Data
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """The map, and what stands beside it; why nothing can be compared must not take the map away."""
        answer |= {"map": draw_map(text, importance), "other": None}
        if asked.compare not in _same(text, asked):
            yield now(answer | {"stage": "The other map…"}), gr.skip()
            try:
                work = beside(self.desk, self.studio, asked.owner, text, asked.ask, importance, asked.compare)
                compared = yield from watched(
                    work, lambda: self.newest["ask"].passed(session, asked.turn), lambda step: (answer | step, gr.skip())
                )
                if compared is None:
                    return
                answer |= {"map": draw_map(text, importance, limit=compared.limit), "other": draw_other(compared)}
            except NarrativeError as error:
                answer |= {"trouble": str(error)}
        yield now(answer | {"seconds": self.desk.seconds(text, asked.ask), "done": True}), gr.skip()

    def check(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[Any]:
        """Whether the map tells the truth. -> page"""
        session, answer = str(request.session_hash), {"turn": data.get("turn")}
        try:
            asked = self.asked(self.owners.of(owner, request), selection, data)
            if self.newest["check"].passed(session, asked.turn):
                return  # stopped while it waited
            text = finished(self.desk.open(asked.origin.source))
            work = self.desk.check(text, asked.ask)
            found = yield from watched(
                work, lambda: self.newest["check"].passed(session, asked.turn), lambda step: answer | {"check": step}
            )
            if found is not None:
                yield now(answer | {"check": draw_check(found)})
        except Exception as error:  # noqa: BLE001
            yield now(answer | {"check": {"trouble": sorry(error)["text"]}})

    def stop(self, data: Data, request: gr.Request) -> None:
        """What is older than this turn ends at its next step, or before it begins."""
        turn, kind = data.get("turn"), data.get("what")
        if isinstance(turn, int) and kind in KINDS:
            self.newest[kind].note(str(request.session_hash), turn)

    def save(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> tuple[Any, Any]:
        """A file of what is shown. -> courier, notice"""
        try:
            asked = self.asked(self.owners.of(owner, request), selection, data)
            text = finished(self.desk.open(asked.origin.source))
            compare = (self.desk, self.studio, asked.owner, "" if asked.compare in _same(text, asked) else asked.compare)
            file = saved(text, asked.ask, what=text_of(data, "what"), compare=compare)
            return file_for(file.name, file.media_type, file.data), said("")
        except Exception as error:  # noqa: BLE001
            return gr.skip(), sorry(error)

    def picture(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Any:
        """The shaded text as SVG; the page makes a PNG of it if one is wanted. -> page"""
        try:
            require_choice("picture", data.get("kind"), ("png", "svg"))
            asked = self.asked(self.owners.of(owner, request), selection, data)
            text = finished(self.desk.open(asked.origin.source))
            compare = (self.desk, self.studio, asked.owner, "" if asked.compare in _same(text, asked) else asked.compare)
            drawn = picture(text, asked.ask, compare=compare, dark=data.get("dark") is True)
            return now({"picture": drawn | {"kind": data["kind"]}})
        except Exception as error:  # noqa: BLE001
            return now({"picture": {"trouble": sorry(error)["text"]}})

    def asked(self, owner: str, selection: Selection, data: Data) -> Asked:
        """Raises `SettingsError` for what no page would send."""
        given, turn, compare = data.get("ask"), data.get("turn", 0), data.get("compare", "")
        if not isinstance(given, dict) or not isinstance(turn, int) or not isinstance(compare, str):
            raise SettingsError(f"The page sent {shown(data)}. Reload it.")
        return Asked(owner, origin_of(self.studio, owner, selection, data), Ask.of(given), compare, turn)

    def _selected(self, asked: Asked, text: Text, selection: Selection) -> Any:
        """The word that is chosen here is chosen everywhere, where it is a word of the draft."""
        wanted = selected(asked.origin, text.passage, asked.ask.start) if asked.ask.aim == SPAN else None
        if wanted is None or wanted.token is None:
            return gr.skip()
        last = wanted.token + asked.ask.stop - asked.ask.start - 1
        chosen = wanted.draft == selection.draft and selection.token is not None and wanted.token <= selection.token <= last
        return gr.skip() if chosen else wanted  # a piece of the word that is chosen already stays the one


def _same(text: Text, asked: Asked) -> tuple[str, ...]:
    """What can't be set beside this map: nothing, or what it is itself."""
    own = asked.origin.source.draft
    return "", f"method:{asked.ask.method}", f"model:{text.model.name}", f"draft:{own.id if own else ''}"


def at_selection(origin: Origin, text: Text, ask: Ask) -> Ask:
    """When the tab is opened, the word that was chosen elsewhere is what is asked about; without one, all that was written."""
    if not origin.opening:
        return ask
    place = place_of(origin, text.passage)
    word = next((span for span in text.words() if place is not None and span.start <= place < span.stop), None)
    if word is None or word.start == 0:
        return replace(ask, aim=WHOLE, start=0, stop=0, instead="")
    return replace(ask, aim=SPAN, start=word.start, stop=word.stop, instead="")
