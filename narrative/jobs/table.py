"""The table `jobs`: its lines, and the steps a job takes. Each function runs in its caller's transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from narrative.jobs.states import BUSY, LIVE, QUEUED, RUNNING, STOPPING


class Entry(NamedTuple):
    """A line of the table; the fields stand as in `_FIELDS`."""

    name: str
    state: str
    reason: str
    turn: int
    method: str
    base: str
    corpora: str
    processes: int
    step: int
    steps: int
    seconds_left: float | None
    seconds: float
    test_loss: float | None
    perplexity: float | None
    bits_per_byte: float | None
    stage: str
    queued: float | None
    started: float | None
    ended: float | None
    device: str
    published: str
    launch: str
    pid: int
    born: str
    kills: int


_FIELDS = ", ".join(Entry._fields)
_BUSY = f"state IN ('{BUSY[0]}', '{BUSY[1]}')"


def entries(connection: sqlite3.Connection) -> list[Entry]:
    """All of them: at work, then waiting in their order, then ended, the last first."""
    found = [Entry(*row) for row in connection.execute(f"SELECT {_FIELDS} FROM jobs")]  # noqa: S608
    return sorted(found, key=_rank)


def _rank(entry: Entry) -> tuple[bool, bool, int]:
    return entry.state not in BUSY, entry.state != QUEUED, entry.turn if entry.state in LIVE else -entry.turn


def find(connection: sqlite3.Connection, name: str) -> Entry | None:
    row = connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return Entry(*row) if row else None


def insert(connection: sqlite3.Connection, name: str, **values: Any) -> None:
    """A new line at the end of the queue, or, with another state, of the ended ones."""
    line = {"name": name, "state": QUEUED, "turn": _last(connection) + 1, "queued": time.time(), **values}
    places = ", ".join("?" * len(line))
    connection.execute(f"INSERT INTO jobs ({', '.join(line)}) VALUES ({places})", tuple(line.values()))  # noqa: S608


def change(connection: sqlite3.Connection, name: str, **values: Any) -> None:
    """Set columns; of a line that is gone, nothing."""
    places = ", ".join(f"{column} = ?" for column in values)
    connection.execute(f"UPDATE jobs SET {places} WHERE name = ?", (*values.values(), name))  # noqa: S608


def queue(connection: sqlite3.Connection, name: str, *, first: bool = False, reason: str = "") -> None:
    """Let a job wait (again): at the end, or before all others."""
    turn = _first_waiting(connection) - 1 if first else _last(connection) + 1
    change(connection, name, state=QUEUED, turn=turn, reason=reason, queued=time.time(), ended=None, **_NOBODY)


def end(connection: sqlite3.Connection, name: str, state: str, reason: str, facts: Mapping[str, Any] | None = None) -> None:
    """A job is at its end, for now; `facts` are the last that its process told."""
    values = {"seconds_left": None, **(facts or {}), "stage": ""}
    change(connection, name, state=state, reason=reason, turn=_last(connection) + 1, ended=time.time(), **values, **_NOBODY)


def claim(connection: sqlite3.Connection, device: str, *, launch: str, kills: int) -> Entry | None:
    """The job that waits longest becomes this device's; None when none waits, or not yet.

    A job over all devices begins when nothing else runs, and nothing begins beside it. Nobody overtakes it while it waits.
    """
    head = connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE state = ? ORDER BY turn LIMIT 1", (QUEUED,)).fetchone()  # noqa: S608
    if head is None:
        return None
    entry = Entry(*head)
    alone = connection.execute(f"SELECT count(*), max(processes) FROM jobs WHERE {_BUSY}").fetchone()  # noqa: S608
    if alone[0] and (entry.processes > 1 or alone[1] > 1):
        return None
    values = {"state": RUNNING, "reason": "", "started": time.time(), "device": device, "launch": launch, "kills": kills}
    change(connection, entry.name, **values)
    return find(connection, entry.name)


def busy_on(connection: sqlite3.Connection, device: str) -> Entry | None:
    """The job that runs on a device, or did when its worker died."""
    row = connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE {_BUSY} AND device = ?", (device,)).fetchone()  # noqa: S608
    return Entry(*row) if row else None


def busy(connection: sqlite3.Connection) -> list[Entry]:
    return [Entry(*row) for row in connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE {_BUSY}")]  # noqa: S608


def waiting(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM jobs WHERE state = ?", (QUEUED,)).fetchone()[0])


def ask_stop(connection: sqlite3.Connection, name: str) -> None:
    change(connection, name, state=STOPPING)


def remove(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("DELETE FROM jobs WHERE name = ?", (name,))


_NOBODY: dict[str, Any] = {"launch": "", "pid": 0, "born": "", "kills": 0}


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(turn), 0) FROM jobs").fetchone()[0])


def _first_waiting(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(min(turn), 1) FROM jobs WHERE state = ?", (QUEUED,)).fetchone()[0])
