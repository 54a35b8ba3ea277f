"""What became of a job whose process has ended: judged by what it left in its folder, and by its exit status if that is known."""

from __future__ import annotations

from typing import Any

from narrative.jobs import processes
from narrative.jobs.row import state_of
from narrative.jobs.states import FAILED, FINISHED, INTERRUPTED, STOPPED, STOPPING
from narrative.jobs.table import Entry
from narrative.training.job import Job

CANNOT, ASKED = 2, 3  # exit statuses of narrative.training
GONE = "The job's folder is gone; only its line in this list is left. It can be deleted."


def judge(job: Job, entry: Entry, *, status: int | None, forced: str = "") -> tuple[str, str]:
    """(state, reason as a sentence). `forced`: how its end was brought about when it didn't stop as asked."""
    if not (job.folder / "job.json").exists():
        return FAILED, GONE
    state = state_of(job)
    if job.model.exists():  # written last
        return FINISHED, str(state.get("reason") or "")
    return _as_told(job, state, status) or _as_seen(job, state, status, entry=entry, forced=forced)


def _as_told(job: Job, state: dict[str, Any], status: int | None) -> tuple[str, str] | None:
    """The end that the process announced. Under `accelerate launch` the status is the launcher's, and the file alone tells."""
    told, said = state.get("state"), str(state.get("reason") or "")
    if told == FAILED or (status == CANNOT and told != STOPPED):
        return FAILED, said or last_words(job) or "It can't go on; train.log says more."
    if told == STOPPED or status == ASKED:
        return STOPPED, f"{said or 'It stopped as asked.'} {goes_on(job)}"
    return None


def _as_seen(job: Job, state: dict[str, Any], status: int | None, *, entry: Entry, forced: str) -> tuple[str, str]:
    """An end without a word."""
    if entry.state == STOPPING:
        return STOPPED, f"{forced or what_happened(entry, state, status)} {goes_on(job)}"
    if status == 0:
        return FAILED, "Its process ended without leaving a model; train.log says more."
    return INTERRUPTED, f"{what_happened(entry, state, status)} {goes_on(job)}"


def what_happened(entry: Entry, state: dict[str, Any], status: int | None) -> str:
    when = after(state)
    if status is None:
        restarted = entry.born.split(" ")[0] != processes.this_boot() and processes.this_boot() and entry.born
        return f"The machine was started anew {when}." if restarted else f"The process ended without a word {when}."
    if status < 0:
        return f"The process was killed (signal {-status}) {when}."
    return f"The process broke down (exit status {status}) {when}; train.log says more."


def after(state: dict[str, Any]) -> str:
    step = state.get("step")
    return f"after step {step:,}" if isinstance(step, int) and step else "before its first step"


def goes_on(job: Job) -> str:
    """From where it does when it is resumed."""
    step = checkpoint_step(job)
    return f"It goes on from step {step:,}." if step else "It starts again from the beginning."


def checkpoint_step(job: Job) -> int:
    """The step of the last whole checkpoint; 0 when there is none."""
    try:
        checkpoint = job.last_checkpoint()
        return int(checkpoint.name.split("-")[1]) if checkpoint else 0
    except (OSError, ValueError, IndexError):
        return 0


def last_words(job: Job) -> str:
    """The last line of `train.log`: a process that can't go on says why there."""
    try:
        with job.log.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - 2000))
            lines = log.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:500]
