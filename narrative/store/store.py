"""The store: each method is one transaction on behalf of one owner."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from narrative.errors import StoreError, shown
from narrative.generation.draft import Draft
from narrative.store import desk as desks
from narrative.store import drafts as stored_drafts
from narrative.store import history, links, sheets
from narrative.store.database import Database
from narrative.store.sheets import Sheet, SheetRow
from narrative.store.tree import SheetEntry, arrange
from narrative.text import writable


class Store:
    """What editors wrote, in one SQLite file, for many threads and processes at once.

    An owner is a browser's unguessable id (`new_owner`). Whoever names another owner's sheet or draft gets the `StoreError`
    that an unknown one gets. Nothing that was written is ever erased: a deleted sheet can be restored, a draft is never
    replaced by a shorter one, and a new write only adds.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, make it and its folder when there is none, and bring an older one up to date."""
        self.database = Database(path)

    @staticmethod
    def new_owner() -> str:
        return secrets.token_urlsafe(24)

    def put(self, owner: str, drafts: Iterable[Draft], *, parent: str | None = None, label: str, sheet: str | None = None) -> Sheet:
        """Store drafts on a new sheet beneath `parent` and look at it; or, with `sheet`, on that one, while they are being written.

        Go on with the sheet that comes back. It is a new one beneath `sheet` when a draft that lies there is neither among the
        new ones nor continued by one of them: what was written stays. A draft of which more is stored already keeps that, and
        one that says something else than the stored draft of its id gets a new id.
        """
        given = tuple(drafts)
        if not given:
            raise StoreError("There is nothing to store: a sheet holds at least one draft.")
        with self._writing(owner) as connection:
            kept = tuple(stored_drafts.keep(connection, owner, draft) for draft in given)
            row = _sheet_to_write(connection, owner, kept, parent=parent, label=label, sheet=sheet)
            stored_drafts.lay(connection, owner, row.number, kept)
            return sheets.with_drafts(connection, row, kept)

    def current(self, owner: str) -> Sheet | None:
        """The sheet the owner looks at; None before the first."""
        with self._reading(owner) as connection:
            here = history.standing(connection, owner)
            return self._sheet(connection, here.sheet if here else None)

    def sheet(self, owner: str, sheet_id: str) -> Sheet:
        """A sheet, without going there."""
        with self._reading(owner) as connection:
            return sheets.with_drafts(connection, sheets.find_shown(connection, owner, sheet_id))

    def open(self, owner: str, sheet_id: str) -> Sheet:
        """Go to a sheet; `undo` comes back."""
        with self._writing(owner) as connection:
            row = sheets.find_shown(connection, owner, sheet_id)
            history.visit(connection, owner, row.number)
            return sheets.with_drafts(connection, row)

    def undo(self, owner: str) -> Sheet | None:
        """Go back to the sheet looked at before; None when there is none."""
        with self._writing(owner) as connection:
            return self._sheet(connection, history.back(connection, owner))

    def redo(self, owner: str) -> Sheet | None:
        """Take back an undo; None when there is none, or when something was written or opened since."""
        with self._writing(owner) as connection:
            return self._sheet(connection, history.forward(connection, owner))

    def ways(self, owner: str) -> tuple[bool, bool]:
        """Whether `undo` and `redo` would lead anywhere."""
        with self._reading(owner) as connection:
            return history.ways(connection, owner)

    def tree(self, owner: str) -> list[SheetEntry]:
        """The history: pinned roots, then the newest first, each followed by its branches. Reads no drafts."""
        with self._reading(owner) as connection:
            here = history.standing(connection, owner)
            return arrange(sheets.of_owner(connection, owner), current=here.sheet if here else None)

    def pin(self, owner: str, sheet_id: str, pinned: bool) -> None:
        with self._writing(owner) as connection:
            sheets.set_pinned(connection, sheets.find(connection, owner, sheet_id), pinned)

    def delete(self, owner: str, sheet_id: str) -> None:
        """Take a sheet out of sight, not its branches; `restore` brings it back to its place."""
        with self._writing(owner) as connection:
            sheets.set_deleted(connection, sheets.find(connection, owner, sheet_id), True)

    def restore(self, owner: str, sheet_id: str) -> None:
        with self._writing(owner) as connection:
            sheets.set_deleted(connection, sheets.find(connection, owner, sheet_id), False)

    def deleted(self, owner: str) -> list[SheetEntry]:
        """What `restore` can bring back, the last deleted first; flat."""
        with self._reading(owner) as connection:
            rows = [row for row in sheets.of_owner(connection, owner) if row.deleted is not None]
        rows.sort(key=lambda row: (row.deleted or 0.0, row.number), reverse=True)
        return [SheetEntry(row.id, None, 0, row.label, row.created, bool(row.pinned), False) for row in rows]

    def draft(self, owner: str, draft_id: str) -> Draft:
        """A draft, whichever sheet it lies on, deleted ones included."""
        with self._reading(owner) as connection:
            asked = isinstance(draft_id, str) and draft_id.isascii()
            found = stored_drafts.read(connection, owner, draft_id) if asked else None
        if found is None:
            raise sheets.unknown("draft", draft_id)
        return found

    def find(self, draft_id: str) -> Draft:
        """A draft of anybody's: for programs of whoever may read the database itself, never for a page."""
        with self.database.reading() as connection:
            found = connection.execute("SELECT owner FROM drafts WHERE id = ?", (draft_id if draft_id.isascii() else "",)).fetchone()
        if found is None:
            raise sheets.unknown("draft", draft_id)
        return self.draft(found[0], draft_id)

    def set_desk(self, owner: str, desk: Mapping[str, Any], *, tab: str = "") -> None:
        """Keep what is not sent yet: seed text, settings, model. Browser tabs that give their names don't overwrite each other."""
        with self._writing(owner) as connection:
            desks.write(connection, owner, desk, tab=tab)

    def desk(self, owner: str, *, tab: str = "") -> dict[str, Any]:
        """The desk of that tab, else the one changed last, else {}."""
        with self._reading(owner) as connection:
            return desks.read(connection, owner, tab=tab)

    def link(self, owner: str, sheet_id: str) -> str:
        """A token that shows this sheet to whoever has it. Asking again gives the same."""
        with self._writing(owner) as connection:
            return links.token_for(connection, sheets.find_shown(connection, owner, sheet_id).number)

    def follow(self, token: str) -> Sheet:
        """The sheet behind a link, as it is now. Its owner is left out."""
        with self.database.reading() as connection:
            row = sheets.numbered(connection, links.sheet_for(connection, token))
            return replace(sheets.with_drafts(connection, row), owner="")

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _reading(self, owner: str) -> AbstractContextManager[sqlite3.Connection]:
        _check_owner(owner)
        return self.database.reading()

    def _writing(self, owner: str) -> AbstractContextManager[sqlite3.Connection]:
        _check_owner(owner)
        return self.database.writing()

    @staticmethod
    def _sheet(connection: sqlite3.Connection, number: int | None) -> Sheet | None:
        return None if number is None else sheets.with_drafts(connection, sheets.numbered(connection, number))


def _sheet_to_write(
    connection: sqlite3.Connection, owner: str, drafts: tuple[Draft, ...], *, parent: str | None, label: str, sheet: str | None
) -> SheetRow:
    """The sheet that `put` writes on: the one named, unless that would cost a draft, else a new one, which is then looked at."""
    above = None if parent is None else sheets.find(connection, owner, parent).number
    if sheet is not None:
        row = sheets.find(connection, owner, sheet)
        if not stored_drafts.would_lose(connection, row.number, drafts):
            return row if row.label == label else sheets.relabel(connection, row, label)
        above = row.number
    new = sheets.insert(connection, owner, parent=above, label=label)
    history.visit(connection, owner, new.number)
    return new


def _check_owner(owner: str) -> None:
    """Without this, all who come without an id would share one history."""
    if not isinstance(owner, str) or not owner or writable(owner) != owner:
        raise StoreError(f"The browser's id is {shown(owner)}; it must be text that is not empty. Reload the page.")
