"""The table `workers`: one worker a device. Each function runs in its caller's transaction."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import NamedTuple

from narrative.jobs import processes


class Holder(NamedTuple):
    """A worker's process. Number and birth together are never given twice."""

    pid: int
    born: str

    @classmethod
    def me(cls) -> Holder:
        return cls(os.getpid(), processes.born(os.getpid()))

    @property
    def alive(self) -> bool:
        return processes.alive(self.pid, self.born)


def take(connection: sqlite3.Connection, device: str, worker: Holder) -> bool:
    """The device is this worker's, unless another one that lives has it. How long ago it was heard of decides nothing."""
    now = holder(connection, device)
    if now is not None and now != worker and now.alive:
        return False
    connection.execute("INSERT OR REPLACE INTO workers (device, pid, born, beat) VALUES (?, ?, ?, ?)", (device, *worker, time.time()))
    return True


def holder(connection: sqlite3.Connection, device: str) -> Holder | None:
    row = connection.execute("SELECT pid, born FROM workers WHERE device = ?", (device,)).fetchone()
    return Holder(*row) if row else None


def beat(connection: sqlite3.Connection, device: str, worker: Holder) -> bool:
    """Say that the worker is there; False when the device is no longer its own."""
    changed = connection.execute("UPDATE workers SET beat = ? WHERE device = ? AND pid = ? AND born = ?", (time.time(), device, *worker))
    return changed.rowcount == 1


def give_up(connection: sqlite3.Connection, device: str, worker: Holder) -> None:
    connection.execute("DELETE FROM workers WHERE device = ? AND pid = ? AND born = ?", (device, *worker))


def served(connection: sqlite3.Connection) -> set[str]:
    """The devices whose workers live."""
    return {device for device, *who in connection.execute("SELECT device, pid, born FROM workers") if Holder(*who).alive}
