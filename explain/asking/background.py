"""Long work on a thread of its own, watched from a generator that can be closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Tick = Callable[[int], None]
_EVERY = 0.15  # seconds


@dataclass(frozen=True)
class Working:
    """How far it is. `share`: 0..1, never 1 before the end; `left`: seconds, None while nobody can know."""

    share: float
    left: float | None


class _Stopped(BaseException):
    """Raised inside the work when nobody wants it any more. No `Exception`, so that nothing on the way takes it for trouble."""


def in_background(work: Callable[[Tick], T], *, rows: float) -> Generator[Working, None, T]:
    """Run `work(tick)`, which calls `tick` for every row it reads, about `rows` in all. -> what it returns, by way of its progress.

    Closing the generator stops the work at its next tick. What the work raises is raised here.
    """
    stopped, ended = threading.Event(), threading.Event()
    done, found, failed = [0], [], []

    def tick(read: int) -> None:
        if stopped.is_set():
            raise _Stopped
        done[0] += read

    def run() -> None:
        try:
            found.append(work(tick))
        except _Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            failed.append(error)
        finally:
            ended.set()

    began = time.monotonic()
    threading.Thread(target=run, daemon=True, name="word importance").start()
    try:
        while not ended.wait(_EVERY):
            yield _working(done[0] / max(rows, 1), time.monotonic() - began)
    finally:
        stopped.set()
    if failed:
        raise failed[0]
    return found[0]


def _working(share: float, seconds: float) -> Working:
    share = min(share, 0.98)  # the count of rows is an estimate: it may be passed
    return Working(share, seconds / share - seconds if share > 0.05 else None)


def finished(work: Generator[Any, None, T]) -> T:
    """What comes of it, without its steps."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
