"""One job as the page and the command line show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narrative import home
from narrative.errors import NarrativeError
from narrative.jobs.states import BUSY
from narrative.jobs.table import Entry
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

COUNTS = ("step", "steps")
NUMBERS = ("seconds_left", "seconds", "test_loss", "perplexity", "bits_per_byte")


@dataclass(frozen=True)
class JobRow:
    """A job's state, and how far it has come."""

    name: str
    state: str  # see narrative.jobs.states
    reason: str  # a sentence, or ''
    place: int  # 1 = next in the queue; 0 when it doesn't wait
    method: str  # "full" | "LoRA 16" | "scratch"
    base: str  # '' from scratch
    corpora: str  # names, joined by commas
    step: int
    steps: int  # 0 while it isn't known
    seconds_left: float | None
    seconds: float  # of training so far
    test_loss: float | None
    perplexity: float | None
    bits_per_byte: float | None
    stage: str  # what it prepares, a sentence, or ''
    queued: float | None  # these three in seconds since 1970
    started: float | None
    ended: float | None
    device: str  # '' before it ran
    published: str  # its name in the catalogue, or ''

    @property
    def folder(self) -> Path:
        return home.jobs() / self.name

    @property
    def job(self) -> Job:
        return Job(self.folder)


def row_of(entry: Entry, *, place: int = 0) -> JobRow:
    """What the table says, and for a job at work what its process says this moment."""
    told = {name: value for name, value in entry._asdict().items() if name in JobRow.__dataclass_fields__}
    if entry.state in BUSY:
        told |= facts_of(state_of(Job(home.jobs() / entry.name)))
    return JobRow(**told, place=place)


def state_of(job: Job) -> dict[str, Any]:
    """What the job's process says; {} when it said nothing, or nothing that can be read."""
    try:
        return job.state()
    except (OSError, ValueError, TypeError, NarrativeError):
        return {}


def start_afresh(job: Job, state: str, *, stage: str = "") -> None:
    """Keep an earlier process's figures, and not its last word: that must not be taken for the next one's. Raises `OSError`."""
    kept = {key: value for key, value in state_of(job).items() if key not in ("state", "pid", "time", "reason", "stage")}
    job.write_state(state, stage=stage, **kept)


def facts_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Of a `state.json`, what a row shows, each only if it is there and of its kind: another program may have written it."""
    facts: dict[str, Any] = {name: int(state[name]) for name in COUNTS if _is_number(state.get(name))}
    facts |= {name: float(state[name]) for name in NUMBERS if _is_number(state.get(name))}
    stage = state.get("stage")
    return facts | {"stage": stage if isinstance(stage, str) else ""}


def labels_of(settings: TrainingSettings) -> dict[str, Any]:
    """Of a job's settings, what a row shows."""
    return {
        "method": f"LoRA {settings.lora_rank}" if settings.method == "lora" else settings.method,
        "base": _label(settings.base or ""),
        "corpora": ", ".join(_label(name) for name, _ in settings.corpora),
        "processes": settings.processes,
    }


def _label(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 2**62
