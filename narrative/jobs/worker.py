"""The worker: on one device, one job after another. It may die at any moment; the next one goes on where it was."""

from __future__ import annotations

import secrets
import sqlite3
import time
import traceback
from collections.abc import Callable
from functools import partial

from narrative.errors import NarrativeError, StoreError
from narrative.jobs import folders, leases, memory, table
from narrative.jobs.attendance import Attendance, Pace
from narrative.jobs.devices import TrainingDevice
from narrative.jobs.launch import Planner, plan
from narrative.jobs.ledger import LeaseLostError, Ledger
from narrative.jobs.table import Entry
from narrative.store.database import Database


class Worker:
    """Claims jobs for its device, runs each as a process of its own, watches it and writes down what became of it."""

    def __init__(
        self, database: Database, device: TrainingDevice, *, planner: Planner = plan, pace: Pace | None = None,
        kills: Callable[[], int] = memory.kills, claims: bool = True,
    ) -> None:  # fmt: skip
        """`claims`: False to look after the job that runs on the device, and begin no other."""
        self._device, self._planner, self._pace = device, planner, pace or Pace()
        self._kills, self._claims = kills, claims
        self._ledger = Ledger(database, device.name, patience=self._pace.patience)

    def run(self) -> bool:
        """Work until nothing has been left to do for a while. False when another worker has the device, or takes it."""
        if not self._ledger.writing(lambda connection: leases.take(connection, self._device.name, self._ledger.worker)):
            return False
        try:
            self._ledger.writing(lambda connection: folders.recover({entry.name for entry in table.entries(connection)}))
            folders.sweep()
            self._work()
        except LeaseLostError:
            return False
        return True

    def _work(self) -> None:
        idle_since = time.monotonic()
        while True:
            mark = secrets.token_hex(16)
            entry = self._ledger.writing(partial(self._next, mark=mark)) if self._is_wanted() else None
            if entry is not None:
                self._serve(entry, new=entry.launch == mark)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self._pace.idle and self._ledger.writing(self._leave):
                return
            else:
                time.sleep(self._pace.look)

    def _is_wanted(self) -> bool:
        """A look without a lock: most of the time there is nothing to claim."""

        def look(connection: sqlite3.Connection) -> bool:
            self._ledger.check(connection)
            return self._has_work(connection)

        return self._ledger.reading(look)

    def _has_work(self, connection: sqlite3.Connection) -> bool:
        return table.busy_on(connection, self._device.name) is not None or (self._claims and table.waiting(connection) > 0)

    def _next(self, connection: sqlite3.Connection, *, mark: str) -> Entry | None:
        """The job that this device has already, else the one that waits longest."""
        self._ledger.check(connection)
        left = table.busy_on(connection, self._device.name)
        if left is not None or not self._claims:
            return left
        return table.claim(connection, self._device.name, launch=mark, kills=self._kills())

    def _leave(self, connection: sqlite3.Connection) -> bool:
        """Give the device up, unless a job has come this very moment: whoever submits one later finds no worker and starts another."""
        if self._has_work(connection):
            return False
        leases.give_up(connection, self._device.name, self._ledger.worker)
        return True

    def _serve(self, entry: Entry, *, new: bool) -> None:
        """See a job to its end. Whatever is wrong with it is its own end, not the worker's."""
        attendance = Attendance(self._ledger, entry, pace=self._pace, kills=self._kills)
        try:
            if new:
                attendance.begin(self._planner, self._device)
            else:
                attendance.take_up()
            attendance.see_through()
        except (LeaseLostError, StoreError):
            raise  # its process goes on without this worker
        except NarrativeError as error:
            attendance.give_up(str(error))
        except OSError as error:
            attendance.give_up(f"It can't be run: {error.strerror or error} ({error.filename or entry.name}).")
        except Exception as error:  # noqa: BLE001  a mistake in this program must not hold up the jobs behind
            traceback.print_exc()
            attendance.give_up(f"A mistake in Narrative ended it ({error!r}); the worker's log says more.")
