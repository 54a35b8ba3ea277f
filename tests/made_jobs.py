"""Trainings so small that only their way through the queue takes time, and a desk from which a test sends them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from narrative import home
from narrative.corpus import write_corpus
from narrative.formats import Record
from narrative.jobs import JobRow, Queue, leases, processes, table
from narrative.jobs.states import LIVE
from narrative.store.database import Database
from narrative.training import Architecture, TrainingSettings

ROOT = Path(__file__).resolve().parent.parent
WORKER = ROOT / "tests" / "job_worker.py"
PACE = {"look": 0.05, "copy": 0.2, "idle": 0.3, "grace": 0.4, "steps": 0, "last_grace": 0.3, "patience": 5}
PATIENCE = 60  # seconds, on a machine that is busy with other things


def tiny_settings(name: str = "house") -> TrainingSettings:
    def side(split: str) -> list[Record]:
        return [Record(f"{split}{number}", split, "", "", "Once upon a time there was a fox. " * 4) for number in range(5)]

    write_corpus(name, train=side("train"), test=side("test"), origin="made up", licence="CC0-1.0")
    wanted = Architecture(layers=1, heads=1, width=8, vocabulary=300, context=16)
    return TrainingSettings(corpora=((name, 0.0),), method="scratch", architecture=wanted, max_steps=4)


class Desk:
    """An app's part: it submits, tends, looks; and a test's: it kills and reads who ran when."""

    def __init__(self, database: Database, **pace: Any) -> None:
        self.database = database
        self.command = (sys.executable, str(WORKER), json.dumps(PACE | pace))
        self.queue = Queue(database, worker_command=self.command)
        self.settings = tiny_settings()

    def submit(self, name: str, settings: TrainingSettings | None = None, **play: Any) -> JobRow:
        row = self.queue.submit(settings or self.settings, name=name)
        if play:
            (row.folder / "play.json").write_text(json.dumps(play))
        return row

    def until(self, true: Callable[[], Any], *, tend: bool = True) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (value := true()):
            assert time.monotonic() < deadline, [(row.name, row.state, row.reason) for row in self.queue.rows()]
            if tend:
                self.queue._tended = float("-inf")  # a poll three seconds later
                self.queue.tend()
            time.sleep(0.03)
        return value

    def ended(self, *names: str) -> list[JobRow]:
        self.until(lambda: all(self.queue.row(name).state not in LIVE for name in names))
        return [self.queue.row(name) for name in names]

    def runs(self) -> list[str]:
        """The names of the jobs, in the order in which a process was started for each."""
        return [line.split()[0] for line in self._lines("order.log")]

    def child(self, name: str) -> int:
        """The number of the job's process, once it is in its work."""
        self.until(lambda: self.queue.row(name).step)

        def written_down() -> int:
            with self.database.reading() as connection:
                entry = table.find(connection, name)
                return entry.pid if entry else 0

        return int(self.until(written_down))

    def workers(self) -> list[int]:
        """Those that ever came to work."""
        return [int(line.split()[0]) for line in self._lines("workers.log")]

    def worker(self, device: str = "cpu") -> int:
        def holder() -> leases.Holder | None:
            with self.database.reading() as connection:
                return leases.holder(connection, device)

        return int(self.until(lambda: (now := holder()) and now.alive and now.pid))

    def kill_worker(self) -> None:
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: not processes.born(pid), tend=False)

    def go(self, name: str) -> None:
        (home.jobs() / name / "go").touch()

    @staticmethod
    def _lines(name: str) -> list[str]:
        path = home.home() / name
        return path.read_text().splitlines() if path.exists() else []

    def clear(self) -> None:
        """End what the test left running."""
        with self.database.reading() as connection:
            marks = [entry.launch for entry in table.busy(connection)]
        for pid in {*self.workers(), *(pid for mark in marks for pid in processes.marked(mark))}:
            if processes.born(pid):
                os.kill(pid, signal.SIGKILL)
