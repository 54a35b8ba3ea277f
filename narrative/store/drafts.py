"""Drafts in the database: compact, written as they grow, and never replaced by less."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from narrative.errors import NarrativeError, StoreError, shown
from narrative.generation.draft import Draft


class Stored(NamedTuple):
    """What is known of a stored draft without reading it."""

    number: int
    length: int  # tokens
    finished: bool
    said: str  # see `_said`


def keep(connection: sqlite3.Connection, owner: str, draft: Draft) -> Draft:
    """Store `draft` and return it as it is stored now. Of a draft that grew, only the new tokens are written.

    A partial draft that comes late returns the fuller one. A draft that says something else than the stored one of its id
    is stored under a new id: neither is lost.
    """
    stored = _find(connection, owner, draft.id)
    if stored is None:
        head = connection.execute(
            "INSERT INTO drafts (owner, id, length, finished, said, head) VALUES (?, ?, 0, 0, '', x'')", (owner, draft.id)
        ).lastrowid
        return _write(connection, Stored(int(head or 0), 0, False, ""), draft)
    if len(draft.tokens) < stored.length:
        fuller = _read(connection, stored.number, draft.id)
        return fuller if _continues(fuller, draft) else keep(connection, owner, draft.copy())
    if _said(draft, stored.length) != stored.said:
        return keep(connection, owner, draft.copy())
    if stored.finished and len(draft.tokens) == stored.length:
        return draft if draft.stopped else _read(connection, stored.number, draft.id)
    return _write(connection, stored, draft)


def read(connection: sqlite3.Connection, owner: str, draft_id: str) -> Draft | None:
    stored = _find(connection, owner, draft_id)
    return _read(connection, stored.number, draft_id) if stored else None


def on_sheet(connection: sqlite3.Connection, sheet: int) -> tuple[Draft, ...]:
    """The drafts of a sheet, from left to right."""
    return tuple(_read(connection, number, draft_id) for number, draft_id in _lying(connection, sheet))


def lay(connection: sqlite3.Connection, owner: str, sheet: int, drafts: Sequence[Draft]) -> None:
    """Put the drafts, which are stored already, on the sheet. What lay there leaves the sheet, not the database."""
    connection.execute("DELETE FROM sheet_drafts WHERE sheet = ?", (sheet,))
    connection.executemany(
        "INSERT INTO sheet_drafts (sheet, place, draft) SELECT ?, ?, number FROM drafts WHERE owner = ? AND id = ?",
        [(sheet, place, owner, draft.id) for place, draft in enumerate(drafts)],
    )


def would_lose(connection: sqlite3.Connection, sheet: int, drafts: Sequence[Draft]) -> bool:
    """Whether a draft of the sheet is neither among `drafts` nor the beginning of one of them."""
    kept = {draft.id for draft in drafts}
    gone = [_read(connection, number, draft_id) for number, draft_id in _lying(connection, sheet) if draft_id not in kept]
    return any(not any(_continues(new, old) for new in drafts) for old in gone)


def _find(connection: sqlite3.Connection, owner: str, draft_id: str) -> Stored | None:
    row = connection.execute("SELECT number, length, finished, said FROM drafts WHERE owner = ? AND id = ?", (owner, draft_id)).fetchone()
    return Stored(row[0], row[1], bool(row[2]), row[3]) if row else None


def _lying(connection: sqlite3.Connection, sheet: int) -> list[tuple[int, str]]:
    return connection.execute(
        "SELECT number, id FROM sheet_drafts JOIN drafts ON number = draft WHERE sheet = ? ORDER BY place", (sheet,)
    ).fetchall()


def _write(connection: sqlite3.Connection, stored: Stored, draft: Draft) -> Draft:
    length = len(draft.tokens)
    head = replace(draft, tokens=draft.tokens[stored.length :]).to_json()
    tokens = head.pop("tokens")
    if tokens:
        connection.execute("INSERT INTO draft_tokens (draft, start, body) VALUES (?, ?, ?)", (stored.number, stored.length, _pack(tokens)))
    connection.execute(
        "UPDATE drafts SET length = ?, finished = ?, said = ?, head = ? WHERE number = ?",
        (length, draft.stopped is not None, _said(draft, length), _pack(head), stored.number),
    )
    return draft


def _read(connection: sqlite3.Connection, number: int, draft_id: str) -> Draft:
    head = connection.execute("SELECT head FROM drafts WHERE number = ?", (number,)).fetchone()[0]
    pieces = connection.execute("SELECT body FROM draft_tokens WHERE draft = ? ORDER BY start", (number,))
    try:
        return Draft.from_json(_unpack(head) | {"tokens": [token for (piece,) in pieces for token in _unpack(piece)]})
    except (zlib.error, ValueError, KeyError, TypeError, NarrativeError) as error:
        raise StoreError(f"The draft {shown(draft_id)} can't be read any more: {error}") from error


def _pack(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"))  # ASCII: half characters survive as escapes


def _unpack(body: bytes) -> Any:
    return json.loads(zlib.decompress(body))


def _said(draft: Draft, length: int) -> str:
    """A short mark of the prompt and the first `length` tokens."""
    return hashlib.sha256(json.dumps([draft.prompt, draft.ids[:length]]).encode("ascii")).hexdigest()[:16]


def _continues(new: Draft, old: Draft) -> bool:
    return new.prompt == old.prompt and new.ids[: len(old.tokens)] == old.ids
