"""What can be opened beneath a curve: samples, log, settings, and how the estimate held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from narrative.errors import NarrativeError
from narrative.studio.telling import duration
from narrative.studio.wording import command_line, in_words
from narrative.studio.workbench import Standing, Workbench

LONGEST_PROMPT, LONGEST_SAMPLE = 160, 600  # characters
Detail = Callable[[Workbench, Standing], dict[str, Any]]


def _samples(bench: Workbench, standing: Standing) -> dict[str, Any]:
    shown = [
        {"step": one.get("step"), "prompt": _cut(one.get("prompt"), LONGEST_PROMPT), "text": _cut(one.get("text"), LONGEST_SAMPLE)}
        for one in bench.samples(standing.row)
    ]
    return {"samples": shown}


def _cut(text: Any, most: int) -> str:
    words = str(text or "")
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _log(bench: Workbench, standing: Standing) -> dict[str, Any]:
    return {"log": bench.log_tail(standing.row)}


def _settings(_: Workbench, standing: Standing) -> dict[str, Any]:
    try:
        settings = standing.row.job.settings()
    except NarrativeError as error:
        return {"wrong": str(error)}
    return {"words": in_words(settings), "command": command_line(settings, name=standing.row.name)}


def _estimate(_: Workbench, standing: Standing) -> dict[str, Any]:
    """(what, foreseen, came) line by line."""
    foreseen, state, row = standing.row.job.estimate(), standing.facts, standing.row
    lines = [
        ("Steps", _count(foreseen.get("steps")), _count(row.step or None)),
        ("Time", duration(foreseen.get("seconds")), duration(row.seconds or None)),
        ("Memory", size(foreseen.get("memory")), size(state.get("memory"))),
        ("Tokens a second", _count(foreseen.get("tokens_per_second")), _count(_speed(standing))),
    ]
    return {"lines": [line for line in lines if line[1] or line[2]]}


def _speed(standing: Standing) -> float | None:
    speed = standing.facts.get("tokens_per_second")
    return float(speed) if isinstance(speed, int | float) else None


def _count(number: Any) -> str:
    return f"{number:,.0f}" if isinstance(number, int | float) else ""


def size(count: Any) -> str:
    """940 MB, 9.8 GB"""
    if not isinstance(count, int | float) or count <= 0:
        return ""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


DETAILS: dict[str, Detail] = {"samples": _samples, "log": _log, "settings": _settings, "estimate": _estimate}
