"""What is to be said about a job: the few words of its line, and the one sentence under its curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from narrative.jobs import JobRow
from narrative.jobs.states import FAILED, FINISHED, INTERRUPTED, QUEUED, RUNNING, STOPPED, STOPPING

GOES_ON = "You can close this page; the job goes on."
LEVEL = 0.002  # a test loss that moves less than this share of itself is level
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def state_in_words(row: JobRow) -> str:
    """running, 62 %, 12 min left"""
    if row.state == QUEUED:
        return f"waiting, {ordinal(row.place)}" if row.place > 1 else "waiting, next" if row.place else "waiting"
    if row.state == RUNNING:
        return _running(row)
    if row.state == FINISHED:
        return "finished, published" if row.published else "finished"
    at = f" at step {row.step:,}" if row.step else ""
    return {STOPPING: f"stopping{at}", STOPPED: f"stopped{at}", INTERRUPTED: f"interrupted{at}", FAILED: f"failed{at}"}.get(
        row.state, row.state
    )


def _running(row: JobRow) -> str:
    if not row.steps or not row.step:
        return "getting ready"
    left = f", {duration(row.seconds_left)} left" if row.seconds_left is not None else ""
    return f"running, {min(99, int(100 * row.step / row.steps))} %{left}"


def told(row: JobRow, *, tests: Sequence[float], notes: Sequence[Mapping[str, Any]], checkpoint: int) -> str:
    """One or two sentences: how it stands, and what that means for whoever looks.

    `tests`: the test losses so far. `checkpoint`: the step of the last one that a resume would go on from, 0 for none.
    """
    return _TOLD[row.state](row, tests, notes, checkpoint) if row.state in _TOLD else row.reason


def _queued(row: JobRow, *_: Any) -> str:
    before = {0: "", 1: " It is the next one."}.get(row.place, f" It is the {ordinal(row.place)} in line.")
    return f"Waiting.{before} It begins by itself when the device is free; you can close this page."


def _learning(row: JobRow, tests: Sequence[float], notes: Sequence[Mapping[str, Any]], _: int) -> str:
    if not row.step:
        return f"{_sentence(row.stage or 'Getting ready')} {GOES_ON}"
    if any(note.get("kind") == "memorising" for note in notes) and trend(tests) != "falling":
        best = f" (its best test loss was {min(tests):.2f})" if tests else ""
        return f"It is memorising: it knows these texts better and better, and unseen text worse{best}. {GOES_ON}"
    return f"{_TRENDS[trend(tests)]} {GOES_ON}"


_TRENDS = {
    "few": "It has begun to learn. The test curve, on text it never learns from, says more after a few measurements.",
    "falling": "Still learning: the test curve falls with the training curve.",
    "level": "The test curve has become level: it learns little that is new.",
    "rising": "The test curve has turned up: it may begin to know these texts by heart.",
}


def _stopping(*_: Any) -> str:
    return "Stopping: it writes a checkpoint first, so that nothing is lost. That can take a moment."


def _stopped(row: JobRow, _: Any, __: Any, checkpoint: int) -> str:
    return f"{_sentence(row.reason) or 'It was stopped.'} {_resume(checkpoint)}"


def _failed(row: JobRow, _: Any, __: Any, checkpoint: int) -> str:
    kept = f" The checkpoint of step {checkpoint:,} is kept." if checkpoint else ""
    return f"{_sentence(row.reason) or 'It failed; the log says more.'}{kept} Duplicate its settings to try again with others."


def _finished(row: JobRow, tests: Sequence[float], *_: Any) -> str:
    head = "Finished."
    if row.perplexity is not None and row.bits_per_byte is not None:
        fell = (
            ""
            if len(tests) < 2
            else f" Its test loss went from {tests[0]:.2f} to {row.test_loss if row.test_loss is not None else tests[-1]:.2f}."
        )
        head = f"Finished: on unseen text its perplexity is {row.perplexity:,.1f}, {row.bits_per_byte:.3f} bits a byte.{fell}"
    use = f"It is in the catalogue as “{row.published}”." if row.published else "Use in Generate puts it among the models to write with."
    early = f" {_sentence(row.reason)}" if row.reason else ""
    return f"{head}{early} {use}"


def _resume(checkpoint: int) -> str:
    if checkpoint:
        return f"Resume goes on from its checkpoint of step {checkpoint:,}, on the same curve."
    return "It had written no checkpoint yet: Resume begins it again."


_TOLD = {
    QUEUED: _queued, RUNNING: _learning, STOPPING: _stopping, STOPPED: _stopped, INTERRUPTED: _stopped, FAILED: _failed,
    FINISHED: _finished,
}  # fmt: skip


def trend(tests: Sequence[float]) -> str:
    """few | falling | level | rising: where the last measurements are against the best ones before them."""
    if len(tests) < 3:
        return "few"
    best_before, last = min(tests[:-1]), tests[-1]
    if last < best_before * (1 - LEVEL) or last <= best_before < min(tests[:-2]) * (1 - LEVEL):
        return "falling"
    return "rising" if min(tests[-2:]) > min(tests[:-2]) * (1 + 2 * LEVEL) else "level"


def duration(seconds: float | None) -> str:
    """40 s, 12 min, 3 h 20 min, 2 days"""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
    return f"{round(hours / 24)} days"


def ordinal(number: int) -> str:
    return f"{number}{'th' if number % 100 in (11, 12, 13) else _ORDINALS.get(number % 10, 'th')}"


def _sentence(text: str) -> str:
    """With a capital and an end."""
    words = text.strip()
    return words[:1].upper() + words[1:] + ("" if not words or words[-1] in ".!?…" else ".") if words else ""
