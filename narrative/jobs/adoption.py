"""Jobs that lie in their folders without a line in the table: made by a recipe, an older version, or copied from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from narrative.errors import NarrativeError
from narrative.jobs import processes, verdict
from narrative.jobs.row import facts_of, labels_of, state_of
from narrative.jobs.states import FAILED, FINISHED, INTERRUPTED, RUNNING, STOPPED
from narrative.training.job import Job


def described(folder: Path) -> dict[str, Any]:
    """The columns of a stranger's line."""
    job = Job(folder)
    told = state_of(job)
    values: dict[str, Any] = {**facts_of(told), "queued": None, "stage": ""}
    try:
        values |= labels_of(job.settings())
    except (NarrativeError, OSError) as error:
        return values | {"state": FAILED, "reason": str(error)}
    pid = told.get("pid")
    if told.get("state") in ("preparing", "running") and isinstance(pid, int) and processes.born(pid) and job.running:
        return values | {"state": RUNNING, "pid": pid, "born": processes.born(pid)}
    state, reason = _ended(job, told)
    return values | {"state": state, "reason": reason, "seconds_left": None}


def _ended(job: Job, told: dict[str, Any]) -> tuple[str, str]:
    said = str(told.get("reason") or "")
    if job.model.exists():
        return FINISHED, said
    if told.get("state") == FAILED:
        return FAILED, said
    if told.get("state") == STOPPED:
        return STOPPED, f"{said} {verdict.goes_on(job)}".strip()
    if told:
        return INTERRUPTED, f"The process ended without a word {verdict.after(told)}. {verdict.goes_on(job)}"
    return STOPPED, f"It has not run yet. {verdict.goes_on(job)}"
