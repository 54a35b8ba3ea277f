"""Sheets: what an editor sees side by side. A branch is a new sheet beneath the old one."""

from __future__ import annotations

import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import NamedTuple

from narrative.errors import StoreError, shown
from narrative.generation.draft import Draft
from narrative.store import drafts as stored_drafts
from narrative.text import writable


@dataclass(frozen=True)
class Sheet:
    """Drafts that were written together, and where they came from."""

    id: str
    owner: str  # "" when it was reached by a link: a reader must not learn the writer's id
    parent: str | None  # the sheet it was branched from, even when that one is deleted
    label: str
    created: float  # seconds since 1970
    pinned: bool
    drafts: tuple[Draft, ...]


class SheetRow(NamedTuple):
    """A line of the table `sheets`; the fields stand as in `_SELECT`."""

    number: int
    id: str
    owner: str
    parent: int | None
    label: str
    created: float
    pinned: int
    deleted: float | None


_SELECT = "SELECT number, id, owner, parent, label, created, pinned, deleted FROM sheets WHERE "


def unknown(what: str, identity: object) -> StoreError:
    """One sentence for what is not there and what belongs to someone else: nobody learns which."""
    return StoreError(f"There is no {what} {shown(identity)} for this browser. Choose one from the history.")


def find(connection: sqlite3.Connection, owner: str, sheet_id: str) -> SheetRow:
    """The owner's sheet of that id, deleted or not."""
    if isinstance(sheet_id, str) and sheet_id.isascii():  # other text can't be an id, and some of it can't be asked for
        row = connection.execute(_SELECT + "owner = ? AND id = ?", (owner, sheet_id)).fetchone()
        if row:
            return SheetRow(*row)
    raise unknown("sheet", sheet_id)


def find_shown(connection: sqlite3.Connection, owner: str, sheet_id: str) -> SheetRow:
    """The owner's sheet of that id, unless it is deleted."""
    row = find(connection, owner, sheet_id)
    if row.deleted is not None:
        raise StoreError(f"The sheet {shown(sheet_id)} was deleted. Restore it first.")
    return row


def numbered(connection: sqlite3.Connection, number: int) -> SheetRow:
    return SheetRow(*connection.execute(_SELECT + "number = ?", (number,)).fetchone())


def of_owner(connection: sqlite3.Connection, owner: str) -> list[SheetRow]:
    """All sheets of an owner, deleted ones too, in the order they were made; no draft is read."""
    rows = connection.execute(_SELECT + "owner = ? ORDER BY number", (owner,))
    return list(map(SheetRow._make, rows))


def insert(connection: sqlite3.Connection, owner: str, *, parent: int | None, label: str) -> SheetRow:
    cursor = connection.execute(
        "INSERT INTO sheets (id, owner, parent, label, created) VALUES (?, ?, ?, ?, ?)",
        (secrets.token_urlsafe(12), owner, parent, writable(label), time.time()),
    )
    return numbered(connection, int(cursor.lastrowid or 0))


def relabel(connection: sqlite3.Connection, row: SheetRow, label: str) -> SheetRow:
    connection.execute("UPDATE sheets SET label = ? WHERE number = ?", (writable(label), row.number))
    return row._replace(label=writable(label))


def set_pinned(connection: sqlite3.Connection, row: SheetRow, pinned: bool) -> None:
    connection.execute("UPDATE sheets SET pinned = ? WHERE number = ?", (bool(pinned), row.number))


def set_deleted(connection: sqlite3.Connection, row: SheetRow, deleted: bool) -> None:
    if deleted != (row.deleted is not None):
        connection.execute("UPDATE sheets SET deleted = ? WHERE number = ?", (time.time() if deleted else None, row.number))


def with_drafts(connection: sqlite3.Connection, row: SheetRow, drafts: tuple[Draft, ...] | None = None) -> Sheet:
    """The sheet of that row, with these drafts or with those that lie on it."""
    parent = numbered(connection, row.parent).id if row.parent is not None else None
    lying = stored_drafts.on_sheet(connection, row.number) if drafts is None else drafts
    return Sheet(row.id, row.owner, parent, row.label, row.created, bool(row.pinned), lying)
