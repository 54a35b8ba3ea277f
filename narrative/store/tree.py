"""The history as an editor sees it: sheets beneath the sheets they were branched from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from narrative.store.sheets import SheetRow


class SheetEntry(NamedTuple):
    """One line of the history. A parent always stands before its children."""

    id: str
    parent: str | None  # the nearest sheet above that is not deleted
    depth: int  # 0: a root
    label: str
    created: float  # seconds since 1970
    pinned: bool
    current: bool


def arrange(rows: Sequence[SheetRow], *, current: int | None) -> list[SheetEntry]:
    """The sheets that aren't deleted: pinned roots, then the newest roots first, each followed by its branches, oldest first.

    `rows` come in the order they were made. Branches of a deleted sheet move up to what it was branched from.
    """
    by_number = {row.number: row for row in rows}
    above: dict[int, int | None] = {}  # the nearest ancestor that is shown; a parent is always older than its child
    branches: dict[int | None, list[SheetRow]] = {}
    for row in rows:
        parent = row.parent
        if parent is not None and by_number[parent].deleted is not None:
            parent = above[parent]
        above[row.number] = parent
        if row.deleted is None:
            branches.setdefault(parent, []).append(row)
    roots = sorted(branches.get(None, []), key=lambda row: (bool(row.pinned), row.number))  # the last is shown first
    entries: list[SheetEntry] = []
    waiting = [(row, 0) for row in roots]
    while waiting:  # no recursion: an editor may go on from the last sheet a thousand times
        row, depth = waiting.pop()
        parent = above[row.number]
        parent_id = by_number[parent].id if parent is not None else None
        entries.append(SheetEntry(row.id, parent_id, depth, row.label, row.created, bool(row.pinned), row.number == current))
        waiting.extend((branch, depth + 1) for branch in reversed(branches.get(row.number, [])))
    return entries
