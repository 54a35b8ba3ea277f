"""Undo and redo: back and forward over the sheets an owner looked at. Deleted ones are passed over, as if never seen."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Visit(NamedTuple):
    place: int
    sheet: int  # its number


_SHOWN = "SELECT place, sheet FROM visits JOIN sheets ON sheets.number = visits.sheet WHERE visits.owner = ? AND sheets.deleted IS NULL"
_BACK = f"{_SHOWN} AND place < ? AND sheet != ? ORDER BY place DESC LIMIT 1"
_FORWARD = f"{_SHOWN} AND place > ? AND sheet != ? ORDER BY place LIMIT 1"
_AT_OR_BEFORE = f"{_SHOWN} AND place <= ? ORDER BY place DESC LIMIT 1"
_AFTER = f"{_SHOWN} AND place > ? ORDER BY place LIMIT 1"


def standing(connection: sqlite3.Connection, owner: str) -> Visit | None:
    """What the owner looks at. When it was deleted: what came before it, else after it."""
    place = _place(connection, owner)
    for query in (_AT_OR_BEFORE, _AFTER):
        row = connection.execute(query, (owner, place)).fetchone()
        if row:
            return Visit(*row)
    return None


def visit(connection: sqlite3.Connection, owner: str, sheet: int) -> None:
    """Look at a sheet: what lay ahead is forgotten as a place to go forward to, and stays in the tree."""
    here = standing(connection, owner)
    if here and here.sheet == sheet:
        return
    place = max(_place(connection, owner), here.place if here else 0)
    connection.execute("DELETE FROM visits WHERE owner = ? AND place > ?", (owner, place))
    connection.execute("INSERT INTO visits (owner, place, sheet) VALUES (?, ?, ?)", (owner, place + 1, sheet))
    _stand(connection, owner, place + 1)


def back(connection: sqlite3.Connection, owner: str) -> int | None:
    """Step to the sheet looked at before; None, and no step, when there is none."""
    return _step(connection, owner, _BACK)


def forward(connection: sqlite3.Connection, owner: str) -> int | None:
    return _step(connection, owner, _FORWARD)


def ways(connection: sqlite3.Connection, owner: str) -> tuple[bool, bool]:
    """Whether there is a sheet to go back to, and one to go forward to."""
    return _next(connection, owner, _BACK) is not None, _next(connection, owner, _FORWARD) is not None


def _step(connection: sqlite3.Connection, owner: str, query: str) -> int | None:
    there = _next(connection, owner, query)
    if there is None:
        return None
    _stand(connection, owner, there.place)
    return there.sheet


def _next(connection: sqlite3.Connection, owner: str, query: str) -> Visit | None:
    here = standing(connection, owner)
    row = connection.execute(query, (owner, here.place, here.sheet)).fetchone() if here else None
    return Visit(*row) if row else None


def _place(connection: sqlite3.Connection, owner: str) -> int:
    row = connection.execute("SELECT place FROM places WHERE owner = ?", (owner,)).fetchone()
    return int(row[0]) if row else 0


def _stand(connection: sqlite3.Connection, owner: str, place: int) -> None:
    connection.execute(
        "INSERT INTO places (owner, place) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET place = excluded.place", (owner, place)
    )
