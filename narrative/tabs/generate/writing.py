"""Runs of the model: what a click asks for, and the stream that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from narrative.errors import SettingsError, require_choice, shown
from narrative.generation import Draft
from narrative.selection import Selection
from narrative.studio import Progress, Run, Studio, new_seed
from narrative.tabs.generate.alternatives import WAITING, draw_alternatives, telling
from narrative.tabs.generate.controls import desk_of, in_words, settings_of
from narrative.tabs.generate.drafts_view import Wire, draw_sheet
from narrative.tabs.generate.history import draw_history
from narrative.tabs.shared import Owners, said, sorry

ACTS = ("write", "branch", "again", "on")
OUTPUTS = 5  # drafts, alternatives, history, notice, selection


@dataclass(frozen=True)
class Wish:
    """One run that was asked for. Everything in it came from the browser and is checked where it is used."""

    act: str
    sheet: str = ""
    draft: str = ""
    at: int = 0
    token: int | None = None

    @classmethod
    def of(cls, act: str, data: dict[str, Any]) -> Wish:
        """From an event of the page; the wrong shape is refused."""
        if act == "write":
            return cls(act)
        require_choice("act", act, ACTS)
        sheet, draft, at, token = (data.get(name) for name in ("sheet", "draft", "at", "token"))
        if not isinstance(sheet, str) or not isinstance(draft, str):
            raise SettingsError(f"The page sent {shown(data)}, which names no draft. Reload it.")
        whole = isinstance(at, int) or at is None
        if not whole or not (token is None or isinstance(token, int)):
            raise SettingsError(f"The page sent {shown(data)}, which names no word. Reload it.")
        return cls(act, sheet, draft, at or 0, token)


class Writing:
    """The handlers of one tab. Gradio calls them from its threads; what they share is in the studio."""

    def __init__(self, studio: Studio, owners: Owners) -> None:
        self.studio, self.owners = studio, owners

    def arm(self, act: str, data: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """At the click: take note of the wish, show that it was heard, make Stop work. -> wish, Write, Stop, notice"""
        page = str(request.session_hash)
        try:
            wish = Wish.of(act, data)
        except SettingsError as error:
            return None, gr.skip(), gr.skip(), sorry(error)
        if not self.studio.runs.arm(page):
            return None, gr.skip(), gr.skip(), gr.skip()
        waiting = self.studio.runs.others(page) > 0
        heard = "Waiting for the model: it is writing for somebody else just now…" if waiting else "Reading the seed text…"
        return wish, gr.Button("Writing…", interactive=False), gr.Button(interactive=True), said(heard)

    def run(self, wish: Wish | None, owner: str, model: str, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        """-> drafts, alternatives, history, notice, selection; over and over until the run is done"""
        if wish is None:
            return
        page, owner = str(request.session_hash), self.owners.of(owner, request)
        try:
            yield from self._stream(owner, self._start(wish, owner, model, values, page), wish)
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            told = sorry(in_words(error) if isinstance(error, SettingsError) else error)
            yield (*self._as_stored(owner), told, gr.skip())
        finally:
            self.studio.runs.release(page)

    def rest(self, keep_seed: bool, seed: Any, request: gr.Request) -> tuple[Any, ...]:
        """After a run, whatever became of it. -> wish, Write, Stop, seed"""
        self.studio.runs.release(str(request.session_hash))
        return None, gr.Button("Write", interactive=True), gr.Button(interactive=False), seed if keep_seed else new_seed()

    def stop(self, request: gr.Request) -> None:
        self.studio.runs.stop(str(request.session_hash))

    def _start(self, wish: Wish, owner: str, model: str, values: Sequence[Any], page: str) -> Run:
        desk, stop = desk_of(values), self.studio.runs.event(page)
        if wish.act == "write":
            return self.studio.write(owner, model, str(desk["prompt"] or ""), settings_of(desk), stop=stop)
        if wish.act == "branch":
            return self.studio.branch(owner, wish.sheet, wish.draft, at=wish.at, token=wish.token, stop=stop)
        if wish.act == "again":
            return self.studio.again(owner, wish.sheet, wish.draft, stop=stop)
        return self.studio.go_on(owner, wish.sheet, wish.draft, more=settings_of(desk).max_new_tokens, stop=stop)

    def _stream(self, owner: str, run: Run, wish: Wish) -> Iterator[tuple[Any, ...]]:
        wire, sheet, last = Wire(), "", None
        for moment in run:
            if not isinstance(moment, Progress):
                yield gr.skip(), gr.skip(), gr.skip(), said(moment.text, share=moment.share), gr.skip()
                continue
            first, sheet, last = not sheet, moment.sheet, moment
            history = draw_history(self.studio.store, owner) if first else gr.skip()
            count = len(moment.active)
            writing = said("Writing. Stop ends it at the next word; what is written stays.") if first else gr.skip()
            if count:
                yield wire.draw(moment), WAITING if first else gr.skip(), history, writing, gr.skip()
        if last is None:
            return
        pick = self._pick(wish, last.drafts)
        panel = draw_alternatives(sheet, last.drafts[pick[0]], pick[1]) if pick else WAITING
        chosen = Selection(sheet, last.drafts[pick[0]].id, pick[1]) if pick else Selection(sheet)
        yield wire.draw(last) | {"pick": pick}, panel, draw_history(self.studio.store, owner), said(_done(last.drafts, wish)), chosen

    @staticmethod
    def _pick(wish: Wish, drafts: Sequence[Draft]) -> tuple[int, int] | None:
        """The word to look at: where the branch begins, else one that is worth a look."""
        if wish.act == "branch":
            return next(((number, wish.at) for number, one in enumerate(drafts) if one.at == wish.at and wish.at < len(one.tokens)), None)
        return telling(drafts)

    def _as_stored(self, owner: str) -> tuple[Any, Any, Any]:
        """Drafts, alternatives and history as they are in the store, after a run that failed."""
        try:
            sheet = self.studio.store.current(owner)
            return (draw_sheet(sheet.id, sheet.drafts) if sheet else gr.skip()), gr.skip(), draw_history(self.studio.store, owner)
        except Exception as error:  # noqa: BLE001 - the first error is the one to tell
            sorry(error)
            return gr.skip(), gr.skip(), gr.skip()


def _done(drafts: Sequence[Draft], wish: Wish) -> str:
    if any(draft.stopped == "asked" for draft in drafts):
        return "Stopped. What was written is kept."
    if wish.act == "write":
        return "One draft is written." if len(drafts) == 1 else f"{len(drafts)} drafts are written."
    return {"branch": "The new branch is written.", "again": "Written again."}.get(wish.act, "It went on.")
