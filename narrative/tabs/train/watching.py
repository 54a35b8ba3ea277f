"""What a page has of the jobs, and what it wants -> only what is new for it. An answer of nothing new is a few bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from narrative.jobs import JobRow
from narrative.jobs.states import FINISHED, LIVE, QUEUED, RESUMABLE, RUNNING
from narrative.plots import QUANTITIES
from narrative.studio.telling import duration, state_in_words
from narrative.studio.workbench import Standing, Workbench
from narrative.tabs.train.curve_view import draw_curve
from narrative.tabs.train.details import DETAILS

A_PAGE = 20
MOST_COMPARED = 8
MANY_ROWS = 8
LONGEST_NAME = 100
LONGEST_NOTE = 400


@dataclass(frozen=True)
class Wish:
    """Whatever the page sends, something sensible is shown."""

    job: str = ""
    compare: tuple[str, ...] = ()
    quantity: str = "loss"
    page: int = 0
    open: str = ""  # one of DETAILS
    have: Mapping[str, Any] = field(
        default_factory=dict
    )  # part -> the tag of what it shows; "rows": name -> tag; "curve": see `draw_curve`

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Wish:
        compare, page, have = given.get("compare"), given.get("page"), given.get("have")
        names = [name for name in compare if isinstance(name, str)] if isinstance(compare, list) else []
        return cls(
            job=given["job"][:LONGEST_NAME] if isinstance(given.get("job"), str) else "",
            compare=tuple(dict.fromkeys(names))[:MOST_COMPARED],
            quantity=given["quantity"] if given.get("quantity") in QUANTITIES else "loss",
            page=max(0, page) if isinstance(page, int) else 0,
            open=given["open"] if given.get("open") in DETAILS else "",
            have=have if isinstance(have, dict) else {},
        )


def tag_of(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()[:10]


def draw_jobs(bench: Workbench, wish: Wish, *, token: bool) -> dict[str, Any]:
    """The list, the chosen job, its curve (or those that are compared) and what is open beneath.

    `token`: whether the hub can be pushed to.
    """
    rows = bench.rows()
    names = {row.name: row for row in rows}
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(wish.page, pages - 1)
    chosen = names.get(wish.job) or next(iter(rows), None)
    answer: dict[str, Any] = {
        "count": len(rows), "page": page, "pages": pages, "running": sum(row.state in LIVE and row.state != QUEUED for row in rows),
        "live": any(row.state in LIVE for row in rows), "chosen": chosen.name if chosen else "",
        "trouble": bench.trouble,
    }  # fmt: skip
    answer |= _draw_rows(rows[page * A_PAGE : (page + 1) * A_PAGE], wish.have)
    if chosen is None:
        return answer
    standing = bench.standing(chosen)
    answer |= _if_new("panel", draw_panel(standing, token=token), wish.have)
    compare = [names[name] for name in dict.fromkeys((chosen.name, *wish.compare)) if name in names][:MOST_COMPARED]
    if len(compare) > 1 and len(answer.get("rows", ())) > MANY_ROWS:
        return answer | {"more": True}  # so many lines, and as many curves: one after the other
    curve = draw_curve(bench, standing, compare, wish.quantity, wish.have.get("curve"))
    if curve:
        answer["curve"] = curve
    if wish.open and curve and "figure" in curve:
        answer["more"] = True  # a whole curve is enough for one answer; the page looks again at once
    elif wish.open:
        answer |= _if_new("detail", {"kind": wish.open, "job": chosen.name} | DETAILS[wish.open](bench, standing), wish.have)
    return answer


def _if_new(part: str, value: Any, have: Mapping[str, Any]) -> dict[str, Any]:
    tag = tag_of(value)
    return {} if have.get(part) == tag else {part: {"tag": tag, "value": value}}


def _draw_rows(rows: Sequence[JobRow], have: Mapping[str, Any]) -> dict[str, Any]:
    """The names in their order when that has changed, and the lines that have."""
    known = have.get("rows")
    known = known if isinstance(known, dict) else {}
    drawn = {row.name: draw_row(row) for row in rows}
    fresh = [line | {"tag": tag} for name, line in drawn.items() if known.get(name) != (tag := tag_of(line))]
    order = {} if list(known) == list(drawn) else {"order": list(drawn)}
    return order | ({"rows": fresh} if fresh else {})


def draw_row(row: JobRow) -> dict[str, Any]:
    return {
        "name": row.name, "state": row.state, "words": state_in_words(row), "method": row.method, "published": row.published,
        "perplexity": _short(row.perplexity, 1), "bits": _short(row.bits_per_byte, 3),
        "time": duration(row.seconds) if row.seconds >= 1 else "", "act": next(iter(acts_of(row)), ""),
    }  # fmt: skip


def acts_of(row: JobRow, *, finished: bool = True) -> list[str]:
    """What can be done with a job in this state, the likeliest first."""
    if row.state in (QUEUED, RUNNING):
        return ["stop"]
    if row.state == FINISHED:
        return ["use"] if finished else []
    return ["resume"] if row.state in RESUMABLE else []


def draw_panel(standing: Standing, *, token: bool) -> dict[str, Any]:
    row = standing.row
    acts = acts_of(row, finished=standing.finished)
    acts += ["download", *(["push"] if token else [])] if standing.finished else []
    return {
        "name": row.name, "state": row.state, "words": state_in_words(row), "sentence": standing.sentence, "facts": _facts(standing),
        "notes": [_note(note) for note in standing.notes[-8:]],
        "acts": [*acts, "duplicate", *([] if row.state in LIVE else ["delete"])], "published": row.published,
        "foreseen": bool(row.job.estimate()) and row.state not in LIVE,
    }  # fmt: skip


def _note(note: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": note.get("step"), "kind": str(note.get("kind", "")), "text": str(note.get("text", ""))[:LONGEST_NOTE]}


def _facts(standing: Standing) -> list[str]:
    """The line under the curve."""
    row, state = standing.row, standing.facts
    told = [
        " + ".join(part for part in (row.base or "from scratch", row.corpora) if part),
        "all weights" if row.method == "full" else row.method,
    ]
    if row.state in LIVE and state.get("tokens_per_second"):
        told.append(f"{state['tokens_per_second']:,.0f} tokens/s")
    if row.state in LIVE and state.get("learning_rate") is not None:
        told.append(f"learning rate {state['learning_rate']:.1e}".replace("e-0", "e-"))
    if row.steps:
        told.append(f"step {row.step:,} of {row.steps:,}")
    if row.state in LIVE and row.seconds_left is not None and row.step:
        told.append(f"{duration(row.seconds_left)} left")
    if row.device and row.state in LIVE:
        told.append(f"on {row.device}")
    return told


def _short(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.{decimals}f}"
