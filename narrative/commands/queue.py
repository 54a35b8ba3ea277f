"""The queue of trainings as the command line sees it, and what it says of a job."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from narrative import home
from narrative.commands.output import clean, say
from narrative.errors import JobError, NarrativeError
from narrative.jobs import JobRow, Queue
from narrative.jobs.states import LIVE, QUEUED
from narrative.store import Database

FIGURES = ("step", "test_loss", "perplexity", "bits_per_byte")


def open_queue() -> Queue:
    """The queue of this NARRATIVE_HOME."""
    return Queue(Database(home.database()))


def tended(queue: Queue) -> Queue:
    """The same queue, with a worker for whatever waits or runs. That none can be started is a warning: one may look all the same."""
    try:
        queue.tend()
    except JobError as error:
        say(str(error))
    return queue


def standing(row: JobRow) -> str:
    """A job's state in a few words: "waits, 2 in the queue before it", "step 40 of 100, about 3 minutes left"."""
    if row.state == QUEUED:
        return f"waits, {row.place - 1} in the queue before it" if row.place > 1 else "waits for its turn"
    steps = f"step {row.step:,} of {row.steps:,}" if row.steps else ""
    if row.state in LIVE:
        left = f"{duration(row.seconds_left)} left" if row.seconds_left is not None and row.step else ""
        return ", ".join(part for part in (clean(row.stage).rstrip(".") if not row.step else "", steps, left) if part) or "begins"
    figures = f"test loss {row.test_loss:.3f}" if row.test_loss is not None else ""
    return ", ".join(part for part in (steps, figures, f"published as {row.published}" if row.published else "") if part)


def duration(seconds: float) -> str:
    """40 seconds, 3 minutes, 2.5 hours."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:,.0f} minutes" if seconds < 90 * 60 else f"{seconds / 3600:,.1f} hours"


def told(row: JobRow) -> dict[str, Any]:
    """A row for JSON: its fields, and the folder."""
    return {"job": row.name} | {name: value for name, value in asdict(row).items() if name != "name"} | {"folder": str(row.folder)}


def outcome(row: JobRow) -> dict[str, Any]:
    """What came of a job: its row, the last training loss, the last figures on each corpus, and where the model lies."""
    tests, losses = {}, []
    for line in row.job.metrics():
        if "corpus" in line:
            tests[Path(str(line["corpus"])).name] = {name: line.get(name) for name in FIGURES}
        elif "loss" in line:
            losses.append(line["loss"])
    model = str(row.job.model) if row.job.model.is_dir() else None
    return told(row) | {"loss": losses[-1] if losses else None, "metrics": tests, "model": model}


def description(row: JobRow) -> dict[str, Any]:
    """All that is known of a job."""
    job = row.job
    try:
        settings = job.settings().to_json()
    except NarrativeError:
        settings = {}  # its folder is gone
    more = {"settings": settings, "estimate": job.estimate(), "notes": list(job.notes()), "samples": list(job.samples())[-3:]}
    return outcome(row) | more


def when(moment: float | None) -> str:
    """A moment as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else "-"
