"""The states of a job, in the order of its life."""

from __future__ import annotations

QUEUED, RUNNING, STOPPING = "queued", "running", "stopping"
FINISHED, STOPPED, INTERRUPTED, FAILED = "finished", "stopped", "interrupted", "failed"

STATES = (QUEUED, RUNNING, STOPPING, FINISHED, STOPPED, INTERRUPTED, FAILED)
LIVE = frozenset((QUEUED, RUNNING, STOPPING))
BUSY = (RUNNING, STOPPING)  # it has, or is about to have, a process
RESUMABLE = (STOPPED, INTERRUPTED, FAILED)
