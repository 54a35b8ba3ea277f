"""What a training would cost, worked out behind the form while it is being filled in: one estimate at a time for the whole house."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from narrative.errors import NarrativeError
from narrative.files import write_json
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

if TYPE_CHECKING:
    from narrative.training.estimate import Estimate

log = logging.getLogger(__name__)

PAUSE = 0.8  # seconds without another change before it begins
KEPT = 64  # estimates that are remembered


def noting(job: Job) -> Callable[[Estimate], None]:
    """What writes an estimate into this job's folder, unless the job is gone by then or another one has its name."""
    made = _made(job)

    def note(estimate: Estimate) -> None:
        if made and _made(job) == made:
            with suppress(OSError):  # the job goes on without it
                write_json(job.folder / "estimate.json", estimate.to_json())

    return note


def _made(job: Job) -> tuple[int, int] | None:
    try:
        facts = (job.folder / "job.json").stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns


class Work(Protocol):
    """`narrative.training.estimate.estimate`, or what stands for it."""

    def __call__(self, settings: TrainingSettings, *, cancelled: Callable[[], bool]) -> Estimate: ...


@dataclass
class _Asking:
    """One editor's question."""

    key: str
    settings: TrainingSettings
    stop: threading.Event = field(default_factory=threading.Event)
    found: Foreseen | None = None
    tell: Callable[[Estimate], None] | None = None  # who else waits for it


@dataclass(frozen=True)
class Foreseen:
    """The answer to `settings`, or where it stands. Neither estimate nor wrong: it is being worked out."""

    settings: TrainingSettings
    estimate: Estimate | None = None
    wrong: str = ""

    @property
    def working(self) -> bool:
        return self.estimate is None and not self.wrong


class Foresight:
    """`ask` begins, and calls off what the same editor asked before; `answer` looks, as often as you like."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._asking: dict[str, _Asking] = {}
        self._answers: OrderedDict[str, Foreseen] = OrderedDict()

    def ask(self, owner: str, settings: TrainingSettings, *, mark: str = "") -> None:
        """`mark` stands for what else decides: the same settings on a corpus that was built anew are another question."""
        key = json.dumps([settings.to_json(), mark], sort_keys=True, default=str)
        with self._lock:
            before = self._asking.get(owner)
            if before and before.key == key and not (before.found and before.found.wrong):
                return
            if before:
                before.stop.set()
            asking = self._asking[owner] = _Asking(key, settings, found=self._answers.get(key))
            if asking.found:
                return
        self._begin(asking)

    def settle(self, owner: str, settings: TrainingSettings, tell: Callable[[Estimate], None]) -> None:
        """The editor has decided for these settings. `tell` gets their estimate: at once, or when what is being worked out comes.

        Then it belongs to what was decided and not to the editor any more, who may ask the next thing meanwhile. Nothing comes
        when nothing was asked, when it was called off, or when it fails.
        """
        with self._lock:
            asking = self._asking.get(owner)
            if asking is None or asking.settings != settings:
                return
            if asking.found is None:
                del self._asking[owner]
                asking.tell = tell
                return
        if asking.found.estimate:
            tell(asking.found.estimate)

    def _begin(self, asking: _Asking) -> None:
        threading.Thread(target=self._run, args=(asking,), daemon=True, name="estimate").start()

    def answer(self, owner: str) -> Foreseen | None:
        """None when nothing was asked."""
        with self._lock:
            asking = self._asking.get(owner)
            return None if asking is None else asking.found or Foreseen(asking.settings)

    def forget(self, owner: str) -> None:
        """Nobody waits for it any more: what is going on is called off."""
        with self._lock:
            asking = self._asking.pop(owner, None)
            if asking:
                asking.stop.set()

    def _run(self, asking: _Asking) -> None:
        if asking.stop.wait(PAUSE):
            return
        with self._turn:  # two at once would spoil each other's times
            if asking.stop.is_set():
                return
            found = self._answers.get(asking.key) or self._work_out(asking)
        with self._lock:
            if asking.stop.is_set():
                return
            asking.found = found
            if found.estimate:  # what went wrong may go well the next time
                self._answers[asking.key] = found
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
        if asking.tell and found.estimate:
            asking.tell(found.estimate)

    def _work_out(self, asking: _Asking) -> Foreseen:
        try:
            return Foreseen(asking.settings, self._work(asking.settings, cancelled=asking.stop.is_set))
        except NarrativeError as error:
            return Foreseen(asking.settings, wrong=str(error))
        except Exception:
            log.exception("an estimate failed")
            return Foreseen(asking.settings, wrong="What this will cost could not be worked out. It can be started all the same.")
