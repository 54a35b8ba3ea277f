"""The curve of a job, or of several over each other: whole at first, and then only the points that came."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from narrative.jobs import JobRow
from narrative.plots import Mark, compared, decorations, figure
from narrative.studio.curves import POINTS, lines_compared, lines_of
from narrative.studio.workbench import Standing, Workbench

MOST_DRAWN = 3 * POINTS  # points that a page collects before it gets a thinned curve again
OVERLAY_EVERY = 5.0  # seconds between two whole drawings of compared jobs
MOST_MARKS = 5
MARKS = {
    "memorising": "memorising", "early stop": "stopped early", "memory": "smaller batch", "disk": "disk full", "resumed": "resumed",
    "truncated": "",
}  # fmt: skip


def draw_curve(bench: Workbench, standing: Standing, rows: Sequence[JobRow], quantity: str, given: Any) -> dict[str, Any] | None:
    """What the page must draw, None when nothing is new.

    `given` is what it has: {"tag": of the drawing, "at": how far its measurements went, "drawn": how many points}.
    """
    has = given if isinstance(given, dict) else {}
    return _overlay(bench, rows, quantity, has) if len(rows) > 1 else _single(bench, standing, quantity, has)


def _single(bench: Workbench, standing: Standing, quantity: str, has: dict[str, Any]) -> dict[str, Any] | None:
    job = bench.lines(standing.row)
    cursor = job.measured.cursor
    whole = lines_of(job, quantity)
    tag = "|".join([standing.row.name, quantity, str(standing.row.steps), *(one.name for one in whole)])
    marks = _marks(standing)
    since = job.measured.follows(has.get("at")) if has.get("tag") == tag else None
    base = {"tag": tag, "at": cursor, "empty": not any(one.x for one in whole)}
    if since:
        fresh = lines_of(job, quantity, since=since)
        count = sum(len(one.x) for one in fresh)
        moved = decorations(whole, quantity=quantity, marks=marks, until=float(standing.row.steps))
        if not count:
            return None
        if isinstance(has.get("drawn"), int) and has["drawn"] + count <= MOST_DRAWN and count <= POINTS:
            return base | {
                "from": has["at"],
                "extend": [[list(one.x), list(one.y)] for one in fresh],
                "layout": moved,
                "drawn": has["drawn"] + count,
            }
    elif since == 0 and cursor == has.get("at"):
        return None
    until = float(standing.row.steps)
    return base | {"figure": figure(whole, quantity=quantity, marks=marks, until=until), "drawn": sum(len(one.x) for one in whole)}


def _overlay(bench: Workbench, rows: Sequence[JobRow], quantity: str, has: dict[str, Any]) -> dict[str, Any] | None:
    jobs = [bench.lines(row) for row in rows]
    tag = "|".join([quantity, *(row.name for row in rows)])
    cursor = [one for job in jobs for one in job.measured.cursor]
    if has.get("tag") == tag and (has.get("at") == cursor or time.time() - float(has.get("time") or 0) < OVERLAY_EVERY):
        return None
    series, across = lines_compared(jobs, quantity)
    drawn = compared(series, quantity=quantity, across=across)
    return {
        "tag": tag, "at": cursor, "figure": drawn, "drawn": sum(len(one.x) for one in series), "time": time.time(),
        "empty": not any(one.x for one in series), "compared": len(rows),
    }  # fmt: skip


def _marks(standing: Standing) -> list[Mark]:
    """The first note of each kind has its place on the curve."""
    found: dict[str, Mark] = {}
    for note in standing.notes:
        kind, step = str(note.get("kind", "")), note.get("step")
        if MARKS.get(kind) and isinstance(step, int | float) and step > 0:
            found.setdefault(kind, Mark(step, MARKS[kind]))
    return list(found.values())[:MOST_MARKS]
