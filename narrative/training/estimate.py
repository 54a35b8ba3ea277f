"""Before the start: how much there is to learn from, how long it will take, and whether it fits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from narrative import home
from narrative.errors import TrainingError
from narrative.files import read_json
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

LOOK_EVERY = 0.1  # seconds
RESULT = "estimate.json"


@dataclass(frozen=True)
class Estimate:
    """What a run would be on this machine, from a few real steps of it."""

    tokens: int  # to learn from in one pass
    test_tokens: int
    steps: int
    parameters: int
    trainable: int
    seconds: float  # of the whole run, evaluations and samples included
    memory: int  # bytes at the peak
    memory_here: int  # bytes of the GPU, or of the machine; 0 when unknown
    tokens_per_second: float
    device: str
    warnings: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the parameters that learn."""
        return self.trainable / self.parameters if self.parameters else 0.0

    @property
    def sentence(self) -> str:
        """ "1,942 steps, about 31 minutes, 9.8 GB of memory." """
        return f"{self.steps:,} {'step' if self.steps == 1 else 'steps'}, {duration(self.seconds)}, {self.memory / 1e9:,.1f} GB of memory."

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Estimate:
        """Raises `TypeError` or `KeyError` for what is none."""
        return cls(**stored | {"warnings": tuple(stored["warnings"])})


def estimate(settings: TrainingSettings, *, cancelled: Callable[[], bool] = lambda: False) -> Estimate:
    """Load the base and take two real steps at two sizes, in a process that is thrown away; seconds, not minutes.

    Memory and time are extrapolated to the batch. Raises `NarrativeError` for what would keep the run from starting, and
    `TrainingError` when it was cancelled.
    """
    root = home.home() / "estimates"
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
    try:
        Job.create(folder / "job", settings)
        return _ask(folder, cancelled)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(folder: Path, cancelled: Callable[[], bool]) -> Estimate:
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "narrative.training.probe", str(folder)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    try:
        while child.poll() is None:
            if cancelled():
                raise TrainingError("The estimate was cancelled.")
            time.sleep(LOOK_EVERY)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    try:
        answer = read_json(folder / RESULT)
    except (FileNotFoundError, ValueError):
        if child.returncode == -getattr(signal, "SIGKILL", 9):
            raise TrainingError("This does not fit into the memory of this machine: the trial run was killed for it.") from None
        raise TrainingError(f"No estimate could be made: the trial run broke off (status {child.returncode}).") from None
    if "error" in answer:
        raise TrainingError(str(answer["error"]))
    return Estimate.from_json(answer)


def _sweep(root: Path) -> None:
    """What a crash has left."""
    for left in root.iterdir():
        owner = left.name.partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def duration(seconds: float) -> str:
    """ "about 31 minutes"."""
    if seconds < 60:
        return "less than a minute"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {minutes:,.0f} minutes" if minutes >= 1.5 else "about a minute"
    return f"about {minutes / 60:,.1f} hours" if minutes < 48 * 60 else f"about {minutes / 1440:,.1f} days"
