"""Which pages are writing."""

from __future__ import annotations

import threading


class Runs:
    """Which pages are writing or waiting to write: one run a page, and a way to stop it, also while it waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}

    def arm(self, page: str) -> bool:
        """False when this page has a run already."""
        with self._lock:
            if page in self._stops:
                return False
            self._stops[page] = threading.Event()
            return True

    def others(self, page: str) -> int:
        """How many other pages are writing or waiting."""
        with self._lock:
            return len(self._stops.keys() - {page})

    def event(self, page: str) -> threading.Event:
        with self._lock:
            return self._stops.setdefault(page, threading.Event())

    def stop(self, page: str) -> bool:
        with self._lock:
            event = self._stops.get(page)
        if event is not None:
            event.set()
        return event is not None

    def release(self, page: str) -> None:
        with self._lock:
            self._stops.pop(page, None)
