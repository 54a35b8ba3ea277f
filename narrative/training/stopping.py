"""Why a run ends before its last step: somebody asked, the disk is nearly full, or it learns no more."""

from __future__ import annotations

import errno
import shutil
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from narrative.errors import TrainingError
from narrative.training import ranks
from narrative.training.curve import Curve
from narrative.training.job import Job

RESERVE = 200_000_000  # bytes that a run leaves free for everybody else on the disk
_REFUSALS = tuple(getattr(errno, name) for name in ("ENOSPC", "EROFS", "EDQUOT", "EACCES") if hasattr(errno, name))
LOOK_EVERY = 10  # steps between two looks at the disk


class StopOnRequest(TrainerCallback):
    """A file named `stop` in the job's folder: save a checkpoint at the end of this step, then end."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if ranks.any_of_them(self.job.stop_asked):
            control.should_save = control.should_training_stop = True


class DiskGuard(TrainerCallback):
    """Ends the run, with a checkpoint, while there is still room for one. `reason` then says so."""

    def __init__(self, job: Job, *, weights: int, learning: int) -> None:
        """`weights`: bytes of the model; `learning`: of the weights that learn, which a checkpoint holds with two moments each."""
        self.job, self.checkpoint, self.reason = job, learning * 4 + weights, ""

    def check_room(self) -> None:
        """Raises `TrainingError` when the run could not save anything."""
        free = shutil.disk_usage(self.job.folder).free
        if free < 2 * self.checkpoint + RESERVE:
            needs = f"this run needs about {_gb(2 * self.checkpoint + RESERVE)}"
            raise TrainingError(f"The disk has {_gb(free)} left; {needs} for its checkpoints and its model. Make room, then resume.")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step % LOOK_EVERY:
            return
        free = shutil.disk_usage(self.job.folder).free
        if ranks.any_of_them(free < 2 * self.checkpoint + RESERVE):
            self.reason = f"The disk is nearly full ({_gb(free)} left). Make room, then resume."
            control.should_training_stop = True
            control.should_save = free > self.checkpoint + RESERVE // 4


def refused_by_disk(job: Job, error: Exception) -> str:
    """A sentence if this error comes of a disk that took nothing more; else ''. Libraries hide the system's word in errors of their own."""
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return f"The disk did not take what the run had to write: {error.strerror}. Make room, then resume."
    full = shutil.disk_usage(job.folder).free < RESERVE // 4 if job.folder.exists() else False
    said = "no space left" in str(error).lower()
    return "The disk is full: what the run had to write did not fit. Make room, then resume." if full or said else ""


class Patience:
    """Ends the run when so many evaluations in a row brought no better test loss; warns when the model memorises."""

    def __init__(self, job: Job, evaluations: int | None, *, steps: int) -> None:
        """`steps`: of the whole run, at whose end nothing is left to be cut short."""
        self.job, self.evaluations, self.steps, self.exhausted = job, evaluations, steps, False

    def measured(self, curve: Curve, step: int, model: Any, control: TrainerControl) -> None:
        warned = any(note.get("kind") == "memorising" for note in self.job.notes())
        sentence = "" if warned else curve.memorising()
        if sentence:
            self.job.append_note("memorising", sentence, step=step)
        if self.evaluations and step < self.steps and curve.since_best() >= self.evaluations:
            self.exhausted = control.should_training_stop = True
            best = curve.best()
            told = f"{self.evaluations} evaluations in a row brought no better test loss than {curve.mean(best):.3f} at step {best:,}."
            self.job.append_note("early stop", f"Stopped early: {told}", step=step)


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
