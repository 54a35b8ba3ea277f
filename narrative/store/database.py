"""One SQLite file, safe for many threads and several processes, and its failures as plain sentences."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from narrative.errors import StoreError
from narrative.store.schema import APPLICATION, MIGRATIONS, Migration

PATIENCE = 60.0  # seconds to wait for another process that is writing
FAULTS = {
    sqlite3.SQLITE_NOTADB: "is damaged or no database. It was left untouched: move it away or put a copy in its place, then start again",
    sqlite3.SQLITE_CORRUPT: "is damaged. It was left untouched: move it away or put a copy in its place, then start again",
    sqlite3.SQLITE_CANTOPEN: "can't be opened. Check that it is a file in a folder that may be written to",
    sqlite3.SQLITE_PERM: "can't be opened. Check who may read and write it",
    sqlite3.SQLITE_READONLY: "can't be written to. Check who may write to the file and its folder",
    sqlite3.SQLITE_FULL: "can't grow: the disk is full. Make room and try again",
    sqlite3.SQLITE_IOERR: "can't be read or written: the disk failed. Check the disk",
    sqlite3.SQLITE_BUSY: f"was kept busy by another program for {PATIENCE:g} seconds. Try again",
}


class Database:
    """Connections to one file, one a thread, in WAL mode: readers never wait, and what was committed survives `kill -9`.

    `reading()` sees one moment of the file; `writing()` is all or nothing. Both raise `StoreError` when the file fails.
    """

    def __init__(self, path: Path, *, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self.path = Path(path)
        self._begin()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder {self.path.parent} can't be made for the database: {error.strerror}.") from error
        try:
            with self._explained():
                self._prepare(migrations)
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._process = os.getpid()
        self._closed = False
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._guard = threading.Lock()
        self._writer = threading.Lock()  # threads queue here, since SQLite's own waiting is not fair

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()  # first: after a fork it renews the lock
        with self._writer, self._explained(), self._transaction("BEGIN IMMEDIATE"):
            yield connection

    def close(self) -> None:
        """Close the connections of all threads. The database can't be used afterwards."""
        with self._guard:
            self._closed = True
            opened, self._opened = self._opened, []
            self._local = threading.local()
        if self._process == os.getpid():
            for _, connection in opened:
                connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute(begin)
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            fault = FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if fault is None:
                raise  # a mistake in this program, not a failure of the file
            raise StoreError(f"The database {self.path} {fault} (SQLite: {error}).") from error

    def _connection(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            self._abandoned = self._opened  # a forked child must neither use nor close its parent's connections
            self._begin()
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise StoreError(f"The database {self.path} was closed.")
            connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            self._opened.append((threading.current_thread(), connection))
            over = [(thread, old) for thread, old in self._opened if not thread.is_alive()]
            self._opened = [pair for pair in self._opened if pair not in over]
        for _, old in over:
            old.close()
        connection.execute("PRAGMA synchronous = FULL")  # each commit also survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        self._local.connection = connection
        return connection

    def _prepare(self, migrations: Sequence[Migration]) -> None:
        """Look before touching: only a new file or one of ours, not from a later version, is changed."""
        connection = self._connection()
        self._check(connection, known=len(migrations))
        self._log_ahead(connection)
        with self._transaction("BEGIN IMMEDIATE"):
            version = self._check(connection, known=len(migrations))  # again: another process may have been faster
            for migration in migrations[version:]:
                for statement in migration:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(migrations)}")

    def _check(self, connection: sqlite3.Connection, *, known: int) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(f"The database {self.path} belongs to another program. Choose another file or folder (NARRATIVE_HOME).")
        if version > known:
            raise StoreError(
                f"The database {self.path} was written by a later Narrative (form {version}; this one knows forms up to {known}). "
                "Update Narrative, or choose another folder (NARRATIVE_HOME)."
            )
        return version

    @staticmethod
    def _log_ahead(connection: sqlite3.Connection) -> None:
        """Switch to WAL, once in the file's life. SQLite doesn't wait by itself when two processes do this at once."""
        deadline = time.monotonic() + PATIENCE
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                    return  # a disk without shared memory: SQLite keeps safe in its older, slower way
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
