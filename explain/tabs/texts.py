"""Which text a page is about: a draft that was chosen somewhere, or words of the reader's own. What both tabs of explaining share."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explain.passage import Passage
from explain.reading import Source
from explain.words import Piece, Span
from narrative.errors import NarrativeError, SettingsError, require_choice, shown
from narrative.generation import Draft
from narrative.selection import Selection
from narrative.studio import Studio, brief
from narrative.tabs.shared import text_of

Data = dict[str, Any]
SOURCES = ("draft", "own")


@dataclass(frozen=True)
class Origin:
    """What one event of a page says of its text. The page says itself which draft and which stretch of it is on it: the selection
    that all tabs share may have moved on."""

    source: Source
    sheet: str = ""
    opening: bool = False
    token: int | None = None  # of the draft, that was chosen elsewhere, when the tab is opened


def origin_of(studio: Studio, owner: str, selection: Selection, data: Data) -> Origin:
    """Raises `SettingsError` for what no page would send, `NarrativeError` where there is no such draft."""
    model = text_of(data, "model")
    require_choice("source", data.get("source"), SOURCES)
    if data["source"] == "own":
        return Origin(Source(model or text_of(data, "usual"), None, text_of(data, "prompt"), text_of(data, "completion")))
    if data.get("opening") is True:
        chosen = _wanted(data) or selection
        draft = _chosen(studio, owner, chosen)
        token = chosen.token if chosen.draft == draft.id else None
        return Origin(Source(model or draft.model, draft, until=token), chosen.sheet or "", True, token)
    until = data.get("until")
    if not (until is None or isinstance(until, int)):
        raise SettingsError(f"The page sent {shown(until)} as the last word that is shown. Reload it.")
    draft = studio.draft(owner, text_of(data, "draft"))
    return Origin(Source(model or draft.model, draft, until=until), text_of(data, "sheet"))


def _chosen(studio: Studio, owner: str, selection: Selection) -> Draft:
    """The draft that is chosen in Generate; a newcomer's is the first of the example."""
    if selection.draft:
        return studio.draft(owner, selection.draft)
    drafts = studio.example_drafts()
    if not drafts:
        raise NarrativeError("Nothing is written yet. Write something in Generate, or type a text of your own here.")
    return drafts[0]


def _wanted(data: Data) -> Selection | None:
    """The draft whose link was pressed: the shared selection may not know of it yet."""
    sheet, draft, token = (data.get(name) for name in ("sheet", "draft", "token"))
    if not isinstance(sheet, str) or not isinstance(draft, str) or not draft or not isinstance(token, int):
        return None
    return Selection(sheet, draft, token)


def place_of(origin: Origin, passage: Passage) -> int | None:
    """Where the word that was chosen elsewhere stands in the sequence, if it is to be seen."""
    begin = None if origin.source.draft is None or origin.token is None else _offset(passage, origin.source.draft)
    place = None if begin is None or origin.token is None else begin + origin.token
    return place if place is not None and 0 <= place < len(passage.sequence) else None


def selected(origin: Origin, passage: Passage, place: int | None) -> Selection | None:
    """What is chosen everywhere when this place is chosen here; None where it is no word of the draft."""
    draft = origin.source.draft
    begin = None if draft is None or not origin.sheet else _offset(passage, draft)
    if draft is None or begin is None or place is None or not 0 <= place - begin < len(draft.tokens):
        return None
    return Selection(origin.sheet, draft.id, place - begin)


def _offset(passage: Passage, draft: Draft) -> int | None:
    """Where the first token of the draft would stand in the sequence that is shown, below 0 when it was left out.

    None when the draft was cut into other tokens, for then its tokens are not these.
    """
    left_out = len(draft.tokens) - len(passage.completion) - passage.cut
    same = left_out >= 0 and [piece.id for piece in passage.completion] == list(draft.ids[left_out : len(draft.tokens) - passage.cut])
    return passage.written_from - left_out if same else None


def run_of(pieces: Sequence[Piece], spans: Sequence[Span], written_from: int) -> list[list[Any]]:
    """[text, place, whether it was written, whether it is but a label] a span. What has no text of its own shows its label."""
    words = []
    for span in spans:
        text = "".join(piece.text for piece in pieces[span.start : span.stop])
        words.append([text if text.strip() else text + span.label, span.start, span.start >= written_from, not text.strip()])
    return words


def draft_line(source: Source) -> str:
    return f"Draft {source.draft.number + 1} of “{brief(source.draft.prompt, 60)}”" if source.draft else ""


def file_for(name: str, media_type: str, data: bytes) -> Data:
    """A download, as the courier takes it."""
    return {"kind": "file", "name": name, "type": media_type, "data": base64.b64encode(data).decode(), "number": time.time_ns()}
