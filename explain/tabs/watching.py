"""Long work, watched from a page: its steps go there, and it is closed when something newer was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from explain.asking import Working
from narrative.studio import Stage

Data = dict[str, Any]


def watched(
    work: Generator[Stage | Working, None, Any], passed: Callable[[], bool], shown: Callable[[Data], Any]
) -> Generator[Any, None, Any]:  # fmt: skip
    """`shown` of each step, unless that is None; -> what comes of it, or None when something newer was asked for."""
    try:
        while not passed():
            try:
                step = next(work)
            except StopIteration as end:
                return end.value
            told = shown(now(_step(step)))
            if told is not None:
                yield told
        return None
    finally:
        work.close()


def _step(step: Stage | Working) -> Data:
    return {"stage": step.text} if isinstance(step, Stage) else {"share": step.share, "left": step.left}


def now(answer: Data) -> Data:
    """Gradio sends only what differs from the last answer."""
    return answer | {"at": time.time_ns()}
