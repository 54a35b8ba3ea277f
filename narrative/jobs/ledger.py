"""A worker's hold on the database: patient when it fails, and gone the moment the device or the job is another's."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from narrative.errors import StoreError
from narrative.jobs import leases, table
from narrative.jobs.leases import Holder
from narrative.jobs.states import BUSY
from narrative.jobs.table import Entry
from narrative.store.database import Database

Result = TypeVar("Result")
BETWEEN = 2.0  # seconds between two tries


class LeaseLostError(Exception):
    """Another worker has the device, or the job is no longer this worker's. Nobody is shown it: the worker steps down."""


class Ledger:
    """Transactions on behalf of the worker of one device."""

    def __init__(self, database: Database, device: str, *, patience: float) -> None:
        """`patience`: how many seconds a failing database (a full disk, say) may take to be well again."""
        self.device, self.worker = device, Holder.me()
        self._database, self._patience = database, patience

    def reading(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return self._persistently(lambda: self._read(work))

    def writing(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """`work` may run several times; what it wrote before the last is taken back."""
        return self._persistently(lambda: self._write(work))

    def check(self, connection: sqlite3.Connection) -> None:
        """Raises `LeaseLostError` when the device isn't this worker's."""
        if leases.holder(connection, self.device) != self.worker:
            raise LeaseLostError

    def mine(self, connection: sqlite3.Connection, entry: Entry) -> Entry:
        """The job as it stands now. Raises `LeaseLostError` when it isn't this worker's."""
        self.check(connection)
        now = table.find(connection, entry.name)
        if now is None or now.launch != entry.launch or now.state not in BUSY:
            raise LeaseLostError
        return now

    def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._database.reading() as connection:
            return work(connection)

    def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._database.writing() as connection:
            return work(connection)

    def _persistently(self, attempt: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return attempt()
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(min(BETWEEN, self._patience / 10))
