"""One job on a device, from its start, or from wherever an earlier worker left it, to its end."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from narrative import home
from narrative.errors import JobError
from narrative.jobs import leases, memory, table, verdict
from narrative.jobs.child import Child
from narrative.jobs.devices import TrainingDevice
from narrative.jobs.launch import Planner
from narrative.jobs.ledger import Ledger
from narrative.jobs.row import facts_of, start_afresh, state_of
from narrative.jobs.states import FAILED, INTERRUPTED, QUEUED, STOPPED, STOPPING
from narrative.jobs.stopping import Stopping
from narrative.jobs.table import Entry
from narrative.training.job import Job

PREPARING = "preparing"  # also what a training's process says first
UNSAID = (None, QUEUED, PREPARING)  # states of a folder that no process has said a word in since the job was queued


@dataclass(frozen=True)
class Pace:
    """How long a worker waits for what, in seconds, by a clock that nobody sets."""

    look: float = 0.5  # between looks at the child and the table
    copy: float = 5.0  # between copies of the child's figures into the table
    idle: float = 20.0  # without a job before the worker leaves
    grace: float = 60.0  # for a child to stop as asked; or
    steps: float = 3.0  # so many of its steps, where they take longer
    last_grace: float = 15.0  # for it to end when told by signal
    patience: float = 300.0  # with a database that fails


class Attendance:
    """A worker's care for one job. The child needs none of it to go on: all of it may be lost and taken up again."""

    def __init__(self, ledger: Ledger, entry: Entry, *, pace: Pace, kills: Callable[[], int]) -> None:
        self._ledger, self._entry, self._pace, self._kills = ledger, entry, pace, kills
        self._job = Job(home.jobs() / entry.name)
        self._child: Child | None = None
        self._forced = ""

    def begin(self, planner: Planner, device: TrainingDevice) -> None:
        """Start the child. Raises `NarrativeError` or `OSError` when the job can't be run."""
        if not (self._job.folder / "job.json").exists():
            raise JobError(verdict.GONE)
        start_afresh(self._job, PREPARING, stage="Starting.")
        launch = planner(self._job, self._job.settings(), device)
        self._child = Child.start(launch, log=self._job.log, mark=self._entry.launch)
        self._write_down(self._child)

    def take_up(self) -> None:
        """Find the child that another worker started."""
        if self._entry.pid:
            self._child = Child(self._entry.pid, self._entry.born, self._entry.launch)
            return
        self._child = Child.find(self._entry.launch)  # that worker died before it wrote the number down
        if self._child is not None:
            self._write_down(self._child)

    def see_through(self) -> None:
        """Until the job is at its end and the end is written down."""
        if self._child is not None:
            self._watch(self._child)
            self._child.kill()  # what it left behind
        elif not self._job.model.exists() and state_of(self._job).get("state") in UNSAID:
            self._ledger.writing(self._put_back)
            return
        self._conclude(self._child.status if self._child else None)

    def give_up(self, reason: str) -> None:
        """The job has failed, for that reason; nothing of it goes on."""
        if self._child is not None:
            self._child.kill()

        def write(connection: sqlite3.Connection) -> None:
            self._ledger.mine(connection, self._entry)
            table.end(connection, self._entry.name, FAILED, reason)

        self._ledger.writing(write)

    def _write_down(self, child: Child) -> None:
        def write(connection: sqlite3.Connection) -> None:
            self._ledger.mine(connection, self._entry)
            table.change(connection, self._entry.name, pid=child.pid, born=child.born)

        self._ledger.writing(write)

    def _watch(self, child: Child) -> None:
        stopping = Stopping(self._job, child, grace=self._pace.grace, steps=self._pace.steps, last_grace=self._pace.last_grace)
        copied = float("-inf")
        while child.alive:
            if self._now().state == STOPPING:
                stopping.press()
            if time.monotonic() - copied >= self._pace.copy:
                self._ledger.writing(self._copy)
                copied = time.monotonic()
                if self._entry.processes > 1:
                    child.make_quiet()
            time.sleep(self._pace.look)
        self._forced = stopping.forced

    def _now(self) -> Entry:
        return self._ledger.reading(lambda connection: self._ledger.mine(connection, self._entry))

    def _copy(self, connection: sqlite3.Connection) -> None:
        self._ledger.mine(connection, self._entry)
        leases.beat(connection, self._ledger.device, self._ledger.worker)
        table.change(connection, self._entry.name, **facts_of(state_of(self._job)))

    def _put_back(self, connection: sqlite3.Connection) -> None:
        """Its worker died before it was started, or it before its first word: nothing has happened to it."""
        if self._ledger.mine(connection, self._entry).state == STOPPING:
            table.end(connection, self._entry.name, STOPPED, f"It was stopped before it began. {verdict.goes_on(self._job)}")
        else:
            table.queue(connection, self._entry.name, first=True)

    def _conclude(self, status: int | None) -> None:
        now = self._now()  # it may have been asked to stop a moment ago
        state, reason = verdict.judge(self._job, now, status=status, forced=self._forced)
        again = bool(self._job.asked_again()) and state in (INTERRUPTED, FAILED)
        if again:
            reason = self._job.asked_again()
            self._job.clear_again()
        elif state == INTERRUPTED and self._memory_ran_out(status):
            step = state_of(self._job).get("step")
            again, told = memory.make_room(self._job, step=step if isinstance(step, int) else 0)
            reason = told if again else f"{told} {verdict.goes_on(self._job)}"
        facts = facts_of(state_of(self._job))
        if again:
            start_afresh(self._job, QUEUED)

        def write(connection: sqlite3.Connection) -> None:
            self._ledger.mine(connection, self._entry)
            table.change(connection, self._entry.name, **facts)
            if again:
                table.queue(connection, self._entry.name, first=True, reason=reason)
            else:
                table.end(connection, self._entry.name, state, reason)

        self._ledger.writing(write)

    def _memory_ran_out(self, status: int | None) -> bool:
        """Whether the system has killed for memory since the start, and the child may be the one. A launcher hides how its own died."""
        killed = status is None or status == -getattr(signal, "SIGKILL", 9) or self._entry.processes > 1
        return killed and self._kills() > self._entry.kills
