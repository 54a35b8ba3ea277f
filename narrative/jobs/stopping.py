"""How a job is brought to its end: asked, then told, then ended."""

from __future__ import annotations

import time
from contextlib import suppress

from narrative.jobs import verdict
from narrative.jobs.child import Child
from narrative.jobs.row import state_of
from narrative.training.job import Job


class Stopping:
    """Presses harder the longer it takes. The clock is one that nobody sets."""

    def __init__(self, job: Job, child: Child, *, grace: float, last_grace: float) -> None:
        self.forced = ""  # a sentence, once asking was not enough
        self._job, self._child, self._grace, self._last_grace = job, child, grace, last_grace
        self._asked: float | None = None

    def press(self) -> None:
        """Call it again and again while the child lives."""
        if self._asked is None:
            self._asked = time.monotonic()
            with suppress(OSError):  # a full disk: the signals will do
                self._job.ask_stop()
        waited = time.monotonic() - self._asked
        if waited >= self._grace and not self.forced:
            when = verdict.after(state_of(self._job))
            self.forced = f"It did not stop within {self._grace:g} seconds and was ended {when}."
            self._child.terminate()
        elif waited >= self._grace + self._last_grace:
            self._child.kill()
