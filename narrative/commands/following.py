"""Watching a job from a terminal. The job is nobody's child: it goes on when the terminal is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from narrative.commands.output import clean, say
from narrative.commands.queue import duration, standing
from narrative.errors import JobError
from narrative.jobs import JobRow, Queue
from narrative.jobs.states import LIVE, QUEUED

LOOK_EVERY = 0.3  # seconds


class Interrupts:
    """Ctrl-C, counted. The handler only counts: it may come in the middle of anything."""

    def __init__(self) -> None:
        self.asked = 0
        self._bell = threading.Event()

    def ring(self, *_: Any) -> None:
        self.asked += 1
        self._bell.set()

    def wait(self, seconds: float) -> None:
        """At most so long; less when Ctrl-C is pressed."""
        self._bell.wait(seconds)
        self._bell.clear()

    @contextmanager
    def counted(self) -> Iterator[None]:
        before = signal.signal(signal.SIGINT, self.ring)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def follow(queue: Queue, name: str) -> JobRow:
    """Say what is new about a job until it has ended; its row then.

    The first Ctrl-C asks it to stop with a checkpoint, a second one leaves it to stop by itself (`KeyboardInterrupt`).
    """
    news, interrupts, heard = News(queue.row(name)), Interrupts(), 0
    with interrupts.counted():
        while True:
            row = queue.row(name)  # before the files, so that the last lines are not missed
            for sentence in news.of(row):
                say(clean(sentence))
            if row.state not in LIVE:
                return row
            if interrupts.asked > heard:
                heard = interrupts.asked
                _stop(queue, name, times=heard)
            with suppress(JobError):  # whoever began it has heard of that; somebody else's worker may serve it
                queue.tend()
            interrupts.wait(LOOK_EVERY)


def _stop(queue: Queue, name: str, *, times: int) -> None:
    if times > 1:
        say(f"Left alone; '{name}' stops by itself. Look at it with: narrative jobs show {name}")
        raise KeyboardInterrupt
    with suppress(JobError):  # it has come to its end this moment
        queue.stop(name)
        say("Stopping, with a checkpoint. Once more Ctrl-C leaves it to stop by itself.")


class News:
    """What a job has done since the last look."""

    def __init__(self, row: JobRow) -> None:
        self._seen = {_key(line) for line in (*row.job.metrics(), *row.job.notes())}  # of a run before this one
        self._stamp: tuple[Any, ...] = ()
        self._standing = ""

    def of(self, row: JobRow) -> Iterator[str]:
        preparing = row.state in LIVE and row.stage and not row.step
        now = standing(row).rstrip(".") if row.state == QUEUED or preparing else ""
        if now and now != self._standing:
            yield f"{row.name}: {now}."
        self._standing = now
        stamp = (row.state, row.step, row.stage, row.test_loss)
        if stamp == self._stamp:
            return  # its files need not be read again
        self._stamp = stamp
        for line in sorted((*row.job.metrics(), *row.job.notes()), key=lambda line: (line.get("time", 0), line.get("step", 0))):
            if _key(line) not in self._seen:
                self._seen.add(_key(line))
                yield _sentence(line, row)


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(str(line.get(name)) for name in ("time", "step", "corpus", "text"))


def _sentence(line: dict[str, Any], row: JobRow) -> str:
    step = f"step {line.get('step', 0):,}" + (f" of {row.steps:,}" if row.steps else "")
    if "text" in line:
        return f"{step}: {line['text']}"
    if "corpus" in line:
        return f"{step}: on {line['corpus']}'s test texts, perplexity {line['perplexity']:.2f}, {line['bits_per_byte']:.3f} bits per byte"
    left = f", {duration(row.seconds_left)} left" if row.seconds_left else ""
    return f"{step}: loss {line.get('loss', 0):.3f}, {line.get('tokens_per_second', 0):,.0f} tokens a second{left}"
