"""What can be opened beneath a curve: samples, log, settings, and how the estimate held."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from narrative.errors import NarrativeError
from narrative.studio.telling import duration
from narrative.studio.wording import command_line, in_words
from narrative.studio.workbench import Standing, Workbench

LONGEST_PROMPT, LONGEST_SAMPLE = 160, 600  # characters
SAMPLES_BYTES = 9_000  # of all samples together, as they go over the wire
LONGEST_COMMAND = 6_000  # bytes
A_PROMPT = 0.25  # of the room of one
Detail = Callable[[Workbench, Standing], dict[str, Any]]


def _samples(bench: Workbench, standing: Standing) -> dict[str, Any]:
    """Where all of them together are too long, each gets an equal part of the room; what a short one leaves goes to the others."""
    found, shown, room = bench.samples(standing.row), [], SAMPLES_BYTES
    for number, one in enumerate(found):
        part = room // (len(found) - number)
        prompt = _cut(one.get("prompt"), LONGEST_PROMPT, int(A_PROMPT * part))
        text = _cut(one.get("text"), LONGEST_SAMPLE, part - _bytes(prompt))
        shown.append({"step": one.get("step"), "prompt": prompt, "text": text})
        room -= _bytes(prompt) + _bytes(text)
    return {"samples": shown}


def _cut(text: Any, most: int, room: int) -> str:
    """At most so many characters, and so many bytes."""
    words = str(text or "")
    if len(words) <= most and _bytes(words) <= room:
        return words
    words = words[: most - 1]
    while words and _bytes(words) > room:
        words = words[: min(len(words) - 1, len(words) * room // _bytes(words))]
    return f"{words}…"


def _bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))


def _log(bench: Workbench, standing: Standing) -> dict[str, Any]:
    return {"log": bench.log_tail(standing.row)}


def _settings(_: Workbench, standing: Standing) -> dict[str, Any]:
    try:
        settings = standing.row.job.settings()
    except NarrativeError as error:
        return {"wrong": str(error)}
    told = [(what, _cut(how, LONGEST_SAMPLE, LONGEST_SAMPLE)) for what, how in in_words(settings)]
    command = command_line(settings)
    return {"words": told, "command": command if _bytes(command) <= LONGEST_COMMAND else ""}


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
