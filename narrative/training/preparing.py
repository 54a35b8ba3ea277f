"""What goes before the first step: told to whoever watches, and called off when somebody asks for a stop meanwhile."""

from __future__ import annotations

import time

from narrative.training import ranks
from narrative.training.job import Job

TELL_EVERY = 0.5  # seconds
KEPT = ("step", "steps", "seconds", "test_loss", "perplexity", "bits_per_byte")  # of what an earlier part of the run has told


class StoppedError(Exception):
    """Somebody asked for a stop before the first step."""


class Preparing:
    """Writes each sentence into `state.json`. Raises `StoppedError` when a stop is asked for that was not there at the beginning.

    (One that was there already is honoured at the first step, with a checkpoint.)
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        before = job.state()
        self._kept = {name: before[name] for name in KEPT if before.get(name) is not None}
        self._stopped_before, self._told = job.stop_asked, float("-inf")
        self._stage = ""

    def __call__(self, sentence: str) -> None:
        if self.job.stop_asked and not self._stopped_before and ranks.count() == 1:
            raise StoppedError
        stage = sentence.partition(" (")[0]
        if stage != self._stage or time.monotonic() - self._told >= TELL_EVERY:
            self._stage, self._told = stage, time.monotonic()
            self.job.write_state("preparing", **self._kept, stage=sentence)

    def stopped(self) -> None:
        """Leave the last word of a run that was called off."""
        self.job.write_state("stopped", **self._kept, reason="It was stopped before its first step.")
