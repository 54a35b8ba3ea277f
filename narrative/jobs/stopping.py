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

    def __init__(self, job: Job, child: Child, *, grace: float, steps: float, last_grace: float) -> None:
        """`grace` seconds at least, and the time of so many `steps`, until it is told; then `last_grace` until it is ended."""
        self.forced = ""  # a sentence, once asking was not enough
        self._job, self._child, self._grace, self._steps, self._last_grace = job, child, grace, steps, last_grace
        self._asked: float | None = None
        self._told = 0.0

    def press(self) -> None:
        """Call it again and again while the child lives."""
        if self._asked is None:
            self._asked = time.monotonic()
            with suppress(OSError):  # a full disk: the signals will do
                self._job.ask_stop()
        waited = time.monotonic() - self._asked
        if not self.forced and waited >= self._patience():
            when = verdict.after(state_of(self._job))
            self.forced = f"It did not stop within {waited:,.3g} seconds and was ended {when}."
            self._told = time.monotonic()
            self._child.terminate()
        elif self.forced and time.monotonic() - self._told >= self._last_grace:
            self._child.kill()

    def _patience(self) -> float:
        """Seconds: it stops at the end of a step, and on a busy machine a step of a large model takes minutes."""
        state = state_of(self._job)
        seconds, step, pause = state.get("seconds"), state.get("step"), state.get("pause")
        known = isinstance(seconds, int | float) and isinstance(step, int) and step > 0
        paces = self._steps * seconds / step if known else 0.0  # type: ignore[operator]
        return max(self._grace, paces) + (pause if isinstance(pause, int | float) else 0.0)  # an evaluation is not broken off
