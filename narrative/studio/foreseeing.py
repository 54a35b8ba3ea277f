"""What a training would cost, worked out behind the form while it is being filled in: one estimate at a time for the whole house."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from narrative.errors import NarrativeError
from narrative.training.settings import TrainingSettings

if TYPE_CHECKING:
    from narrative.training.estimate import Estimate

log = logging.getLogger(__name__)

PAUSE = 0.8  # seconds without another change before it begins
KEPT = 64  # estimates that are remembered


class Work(Protocol):
    """`narrative.training.estimate.estimate`, or what stands for it."""

    def __call__(self, settings: TrainingSettings, *, cancelled: Callable[[], bool]) -> Estimate: ...


@dataclass
class _Asking:
    """One editor's question."""

    key: str
    settings: TrainingSettings
    stop: threading.Event


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
            if before and before.key == key and (key in self._answers or not before.stop.is_set()):
                return
            if before:
                before.stop.set()
            asking = self._asking[owner] = _Asking(key, settings, threading.Event())
            if key in self._answers:
                return
        threading.Thread(target=self._run, args=(asking,), daemon=True, name="estimate").start()

    def answer(self, owner: str) -> Foreseen | None:
        """None when nothing was asked."""
        with self._lock:
            asking = self._asking.get(owner)
            return None if asking is None else self._answers.get(asking.key, Foreseen(asking.settings))

    def forget(self, owner: str) -> None:
        """Nobody waits for it any more: what is going on is called off."""
        with self._lock:
            asking = self._asking.pop(owner, None)
            if asking:
                asking.stop.set()

    def call_off(self, owner: str) -> None:
        """What is still being worked out is called off; an answer that is there stays."""
        answer = self.answer(owner)
        if answer and answer.working:
            self.forget(owner)

    def _run(self, asking: _Asking) -> None:
        if asking.stop.wait(PAUSE):
            return
        with self._turn:  # two at once would spoil each other's times
            if asking.stop.is_set():
                return
            try:
                found = Foreseen(asking.settings, self._work(asking.settings, cancelled=asking.stop.is_set))
            except NarrativeError as error:
                found = Foreseen(asking.settings, wrong=str(error))
            except Exception:
                log.exception("an estimate failed")
                found = Foreseen(asking.settings, wrong="What this will cost could not be worked out. It can be started all the same.")
        if not asking.stop.is_set():
            with self._lock:
                self._answers[asking.key] = found
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
