"""A word is swapped: what that does to the text's probability, then the text written again, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from explain.asking import Text, finished
from explain.question import span_of
from explain.swapping import Swap, rewriting, swap
from explain.tabs.watching import now
from explain.tabs.words.handlers import Asked, Handlers
from narrative.errors import NarrativeError, SettingsError, shown
from narrative.generation import Draft
from narrative.models import SEQ2SEQ
from narrative.selection import Selection
from narrative.tabs.shared import sorry, text_of

Data = dict[str, Any]
_STOPPED = {"stage": "Stopped: what stands here is not all.", "done": True}
_EVERY = 3  # tokens between two looks at a text that is being written


class Swapping:
    """Beside the other handlers; stopped by their `stop`."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def run(self, owner: str, selection: Selection, data: Data, request: gr.Request) -> Iterator[Any]:
        """-> page"""
        session, answer = str(request.session_hash), {"turn": data.get("turn")}
        told: Data = {}
        try:
            asked = self._handlers.asked(self._handlers.owners.of(owner, request), selection, data)
            if self._passed(session, asked):  # stopped while it waited
                yield now(answer | {"swap": _STOPPED})
                return
            text = finished(self._handlers.desk.open(asked.origin.source))
            change = _swapped(text, data)
            told = {"sentence": change.sentence, "text": [*change.text, ""]}
            yield now(answer | {"swap": told | {"stage": "Writing it again with the same seed…" if asked.origin.source.draft else ""}})
            if asked.origin.source.draft:
                for part in self._written(session, asked, text, change):
                    told |= part
                    yield now(answer | {"swap": told})
            yield now(answer | {"swap": told | (_STOPPED if self._passed(session, asked) else {"stage": "", "done": True})})
        except NarrativeError as error:
            yield now(answer | {"swap": told | {"trouble": str(error), "stage": "", "done": True}})
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield now(answer | {"swap": told | {"trouble": sorry(error)["text"], "stage": "", "done": True}})

    def _written(self, session: str, asked: Asked, text: Text, change: Swap) -> Iterator[Data]:
        draft = asked.origin.source.draft
        if draft is None:
            return
        writing = rewriting(text.model, change, draft)
        for step in writing:
            if self._passed(session, asked):
                writing.stop()
            if step.index % _EVERY == 0:
                yield {"text": _shown(change, writing.drafts[0])}
        yield {"text": _shown(change, writing.drafts[0])}

    def _passed(self, session: str, asked: Asked) -> bool:
        return self._handlers.newest["swap"].passed(session, asked.turn)


def _swapped(text: Text, data: Data) -> Swap:
    start, stop = data.get("start"), data.get("stop")
    if not isinstance(start, int) or not isinstance(stop, int):
        raise SettingsError(f"The page sent {shown(start)} to {shown(stop)} as the word to swap. Reload it.")
    passage = text.passage
    axis = (passage.encoder if passage.kind == SEQ2SEQ else ()) + passage.sequence
    return swap(text.model, passage, span_of(axis, start, stop), text_of(data, "with"))


def _shown(change: Swap, draft: Draft) -> list[str]:
    """Before the change, the new words, what stood after them and stays, what is written now."""
    before, words, after = change.text
    if change.at is None:  # in the prompt: its rest stays, and the draft comes anew
        written = "".join(piece.text for piece in change.passage.completion)
        return [before, words, after.removesuffix(written), draft.text]
    whole = before + words
    return [
        before,
        words,
        "",
        (draft.prompt + draft.text).removeprefix(whole) if (draft.prompt + draft.text).startswith(whole) else draft.text,
    ]
