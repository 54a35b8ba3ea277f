"""The queue of trainings, for any number of pages, terminals and apps at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from narrative import home
from narrative.errors import JobError, StoreError, shown
from narrative.jobs import adoption, folders, leases, processes, table, verdict
from narrative.jobs.checking import checked
from narrative.jobs.devices import devices
from narrative.jobs.row import JobRow, facts_of, labels_of, row_of, start_afresh, state_of
from narrative.jobs.states import BUSY, FINISHED, LIVE, QUEUED, RESUMABLE, STOPPED
from narrative.jobs.table import Entry
from narrative.jobs.workforce import Workforce
from narrative.store.database import Database
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

TEND_EVERY = 3.0  # seconds


class Queue:
    """Jobs that wait, run and have ended. What is here is in the database and in the jobs' folders; this object may be lost at any time.

    Methods raise `JobError` for a job that isn't there or can't do what is asked, `StoreError` when the database fails.
    """

    def __init__(self, database: Database, *, worker_command: Sequence[str] | None = None) -> None:
        """`worker_command`: what starts a worker when a device's name is put behind it; `python -m narrative.jobs` when not given."""
        self.database = database
        self._workforce = Workforce(worker_command)
        self._tended = float("-inf")
        if folders.left_over():
            self._recover()

    def submit(self, settings: TrainingSettings, *, name: str = "") -> JobRow:
        """Put a new job at the end of the queue. Without a name it gets one from its corpus and method, such as "house-full-3".

        Raises `NarrativeError` before anything is written when a corpus, the base model or the name won't do.
        """
        settings = checked(settings)
        if name:
            folders.check_name(name)
        labels = labels_of(settings)
        with ExitStack() as undo:
            with self.database.writing() as connection:
                taken = {entry.name for entry in table.entries(connection)}
                if name in taken:
                    raise JobError(f"There is a job {shown(name)} already. Choose another name, or resume it.")
                name = name or folders.free_name(f"{labels['corpora'].split(', ')[0]}-{settings.method}", taken)
                table.insert(connection, name, **labels)
                folders.make(name, settings)
                undo.callback(folders.unmake, name)  # a disk may be full just when the line is to be kept
            undo.pop_all()
        self._tended = float("-inf")
        return self.row(name)

    def rows(self) -> list[JobRow]:
        """At work, then waiting in their order, then ended, the last first. Of those at work the figures are this moment's."""
        entries = self._entries()
        strangers = folders.with_settings(besides={entry.name for entry in entries})
        if strangers:
            with suppress(StoreError):  # a database that can't be written to can still be looked at
                self._adopt(strangers)
                entries = self._entries()
        waiting = [entry.name for entry in entries if entry.state == QUEUED]
        places = {name: place for place, name in enumerate(waiting, 1)}
        return [row_of(entry, place=places.get(entry.name, 0)) for entry in entries]

    def row(self, name: str) -> JobRow:
        rows = self.rows()
        found = next((row for row in rows if row.name == name), None)
        if found is None:
            raise _unknown(name, [row.name for row in rows])
        return found

    def stop(self, name: str) -> JobRow:
        """Ask a job to stop with a checkpoint; a waiting one leaves the queue. Its worker sees to it that it ends."""
        with self.database.writing() as connection:
            entry = _found(connection, name)
            if entry.state not in LIVE:
                raise JobError(f"Job {shown(name)} is {entry.state}: there is nothing to stop.")
            if entry.state == QUEUED:
                table.end(connection, name, STOPPED, f"It was taken out of the queue. {verdict.goes_on(_job(name))}")
            else:
                table.ask_stop(connection, name)
        if entry.state in BUSY:
            with suppress(OSError):  # the worker asks too, and knows a way without files
                _job(name).ask_stop()
        self._tended = float("-inf")
        return self.row(name)

    def resume(self, name: str) -> JobRow:
        """Let a job that was stopped, broke off or failed wait at the end of the queue. It goes on from its last checkpoint."""
        with self.database.writing() as connection:
            entry = _found(connection, name)
            if entry.state not in RESUMABLE:
                advice = "Duplicate its settings for another run." if entry.state == FINISHED else "Stop it first, or wait for its end."
                raise JobError(f"Job {shown(name)} is {entry.state} and can't be resumed. {advice}")
            if not (_job(name).folder / "job.json").exists():
                raise JobError(f"Job {shown(name)} can't be resumed. {verdict.GONE}")
            try:
                if _job(name).running:
                    raise JobError(f"Job {shown(name)} is run by a process that this queue did not start. Wait for its end.")
                table.queue(connection, name)
                _job(name).clear_stop()
                start_afresh(_job(name), QUEUED)
            except OSError as error:
                raise JobError(f"Job {shown(name)} can't be resumed, for its folder can't be written to: {error.strerror}.") from error
        self._tended = float("-inf")
        return self.row(name)

    def delete(self, name: str) -> None:
        """Remove a job that is at its end, with its folder and all that it learned; what was published stays."""
        with self.database.writing() as connection:
            entry = _found(connection, name)
            if entry.state in LIVE:
                raise JobError(f"Job {shown(name)} is {entry.state}. Stop it first, then delete it.")
            if _runs(name):
                raise JobError(f"Job {shown(name)} is run by a process that this queue did not start. Wait for its end.")
            with folders.out_of_sight(name):
                table.remove(connection, name)
        self._recover()

    def set_published(self, name: str, model_name: str) -> None:
        """Note under which name of the catalogue a job's model was published."""
        with self.database.writing() as connection:
            _found(connection, name)
            table.change(connection, name, published=model_name)

    def tend(self) -> None:
        """See to it that whatever waits or runs has a worker. Does its work every few seconds, however often it is called.

        Raises `JobError` when no worker can be started, or for devices that aren't here.
        """
        if time.monotonic() - self._tended < TEND_EVERY:
            return
        self._tended = time.monotonic()
        self._workforce.bury()
        with self.database.reading() as connection:
            busy, waiting, served = table.busy(connection), table.waiting(connection), leases.served(connection)
        self._part_with(entry for entry in busy if not entry.device and not processes.alive(entry.pid, entry.born))
        wanted = dict.fromkeys(entry.device for entry in busy if entry.device)
        if waiting:
            idle = [device.name for device in devices() if device.name not in wanted]
            wanted |= dict.fromkeys(idle[:waiting])
        for device in wanted:
            if device not in served:
                self._workforce.start(device)

    def _recover(self) -> None:
        with suppress(StoreError), self.database.writing() as connection:
            folders.recover({entry.name for entry in table.entries(connection)})
        folders.sweep()

    def _part_with(self, ended: Iterable[Entry]) -> None:
        """Close the lines of jobs that no worker ran, but a terminal or a recipe."""
        for entry in ended:
            state, reason = verdict.judge(_job(entry.name), entry, status=None)
            with self.database.writing() as connection:
                if table.find(connection, entry.name) == entry:
                    table.end(connection, entry.name, state, reason, facts_of(state_of(_job(entry.name))))

    def _adopt(self, strangers: Iterable[Path]) -> None:
        for folder in strangers:
            values = adoption.described(folder)
            with self.database.writing() as connection:
                if table.find(connection, folder.name) is None and folder.exists():  # another app may have been faster
                    table.insert(connection, folder.name, **values)

    def _entries(self) -> list[Entry]:
        with self.database.reading() as connection:
            return table.entries(connection)


def _job(name: str) -> Job:
    return Job(home.jobs() / name)


def _runs(name: str) -> bool:
    try:
        return (home.jobs() / name / "lock").exists() and _job(name).running
    except OSError:
        return False


def _found(connection: sqlite3.Connection, name: str) -> Entry:
    entry = table.find(connection, name) if folders.is_name(name) else None
    if entry is None:
        raise _unknown(name, [entry.name for entry in table.entries(connection)])
    return entry


def _unknown(name: str, names: Sequence[str]) -> JobError:
    here = f"Here are: {', '.join(names[:20])}{' ...' if names[20:] else ''}." if names else "There are none yet."
    return JobError(f"There is no job {shown(name)}. {here}")
