"""Long work that goes on when nobody is watching: one thread, the last news from it, and a way to call it off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from narrative.errors import NarrativeError

log = logging.getLogger(__name__)

READING, BUILDING = "reading", "building"
DONE, STOPPED, FAILED = "done", "stopped", "failed"


@dataclass(frozen=True)
class News:
    """How far an errand has come. Once it has `ended`, `outcome` says in a sentence how."""

    kind: str  # READING | BUILDING
    stage: str
    done: int = 0
    total: int = 0  # 0 when it isn't known
    detail: str = ""
    words: int = 0  # of the file that is being read
    corpus: str = ""  # the name of the one that is being built
    stopping: bool = False
    ended: str = ""  # DONE | STOPPED | FAILED
    outcome: str = ""

    @property
    def running(self) -> bool:
        return not self.ended


Steps = Generator[News, None, str]
"""Yields news; returns the sentence in which it ends."""


class Errand:
    """Runs `steps` in a thread of its own, after `before` is over. Ask `news` as often as you like."""

    def __init__(self, first: News, steps: Steps, *, stopped: Callable[[News], str], before: Errand | None = None) -> None:
        self._news, self._steps, self._stopped, self._before = first, steps, stopped, before
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=first.kind)
        self._thread.start()

    @property
    def news(self) -> News:
        return replace(self._news, stopping=self._stop.is_set() and self._news.running)

    def stop(self) -> None:
        """Ends it at its next step; what it has half done is taken away before it says that it is over."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it is over."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._before is not None:
            self._before.wait()
        ended = FAILED
        try:
            ended, outcome = self._go()
        except NarrativeError as error:
            outcome = str(error)
        except MemoryError:
            outcome = "The machine ran out of memory. Take fewer or smaller files at a time."
        except OSError as error:
            log.exception("an errand failed")
            outcome = f"The disk did not take it: {error.strerror or error}."
        except Exception:
            log.exception("an errand failed")
            outcome = "Something went wrong that was not foreseen. What was on the shelf is kept; please try again."
        self._news = replace(self._news, ended=ended, outcome=outcome)

    def _go(self) -> tuple[str, str]:
        try:
            while not self._stop.is_set():
                self._news = next(self._steps)
        except StopIteration as end:
            return DONE, str(end.value)
        finally:
            self._steps.close()
        return STOPPED, self._stopped(self._news)
