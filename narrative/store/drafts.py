"""Drafts in the database: compact, and never replaced by less."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Sequence

from narrative.errors import NarrativeError, StoreError, shown
from narrative.generation.draft import Draft

Extent = tuple[int, bool]  # tokens, finished: the greater of two is the fuller draft


def extent(draft: Draft) -> Extent:
    return len(draft.tokens), draft.stopped is not None


def pack(draft: Draft) -> bytes:
    plain = json.dumps(draft.to_json(), separators=(",", ":"))  # ASCII: half characters survive as escapes
    return zlib.compress(plain.encode("ascii"), level=6)


def unpack(body: bytes, *, draft_id: str) -> Draft:
    try:
        return Draft.from_json(json.loads(zlib.decompress(body)))
    except (zlib.error, ValueError, KeyError, TypeError, NarrativeError) as error:
        raise StoreError(f"The draft {shown(draft_id)} can't be read any more: {error}") from error


def extents(connection: sqlite3.Connection, owner: str, ids: Iterable[str]) -> dict[str, Extent]:
    """How much of each draft is stored; those that aren't are left out."""
    found: dict[str, Extent] = {}
    for draft_id in ids:
        row = connection.execute("SELECT length, finished FROM drafts WHERE owner = ? AND id = ?", (owner, draft_id)).fetchone()
        if row:
            found[draft_id] = (row[0], bool(row[1]))
    return found


def worth_writing(draft: Draft, stored: Extent | None) -> bool:
    """Whether `draft` says more than what is stored. A partial draft that comes late does not."""
    return stored is None or extent(draft) > stored or (extent(draft) == stored and not stored[1])


def write(connection: sqlite3.Connection, owner: str, draft: Draft, body: bytes) -> None:
    """Store `draft`, unless a fuller one came in between."""
    length, finished = extent(draft)
    connection.execute(
        """INSERT INTO drafts (owner, id, length, finished, body) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (owner, id) DO UPDATE SET length = excluded.length, finished = excluded.finished, body = excluded.body
        WHERE excluded.length > length OR (excluded.length = length AND finished = 0)""",
        (owner, draft.id, length, finished, body),
    )


def read(connection: sqlite3.Connection, owner: str, draft_id: str) -> Draft | None:
    row = connection.execute("SELECT body FROM drafts WHERE owner = ? AND id = ?", (owner, draft_id)).fetchone()
    return unpack(row[0], draft_id=draft_id) if row else None


def on_sheet(connection: sqlite3.Connection, sheet: int) -> tuple[Draft, ...]:
    """The drafts of a sheet, from left to right."""
    rows = connection.execute(
        """SELECT drafts.id, drafts.body FROM sheet_drafts JOIN drafts ON drafts.number = sheet_drafts.draft
        WHERE sheet_drafts.sheet = ? ORDER BY sheet_drafts.place""",
        (sheet,),
    )
    return tuple(unpack(body, draft_id=draft_id) for draft_id, body in rows)


def lay(connection: sqlite3.Connection, owner: str, sheet: int, drafts: Sequence[Draft]) -> None:
    """Put the drafts, which are stored already, on the sheet. What lay there leaves the sheet, not the database."""
    connection.execute("DELETE FROM sheet_drafts WHERE sheet = ?", (sheet,))
    connection.executemany(
        "INSERT INTO sheet_drafts (sheet, place, draft) SELECT ?, ?, number FROM drafts WHERE owner = ? AND id = ?",
        [(sheet, place, owner, draft.id) for place, draft in enumerate(drafts)],
    )


def would_lose(connection: sqlite3.Connection, sheet: int, drafts: Sequence[Draft]) -> bool:
    """Whether a draft of the sheet is neither among `drafts` nor the beginning of one of them."""
    rows = connection.execute(
        "SELECT drafts.id, drafts.body FROM sheet_drafts JOIN drafts ON drafts.number = sheet_drafts.draft WHERE sheet_drafts.sheet = ?",
        (sheet,),
    )
    kept = {draft.id for draft in drafts}
    gone = [unpack(body, draft_id=draft_id) for draft_id, body in rows if draft_id not in kept]
    return any(not any(_continues(new, old) for new in drafts) for old in gone)


def _continues(new: Draft, old: Draft) -> bool:
    return new.prompt == old.prompt and new.ids[: len(old.tokens)] == old.ids
