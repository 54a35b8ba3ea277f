"""The newest wish of each browser tab: whoever works for an older one can leave off."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 1000  # sessions that are remembered


class Newest:
    """Numbers that only grow, one a session. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def note(self, session: str, number: int) -> None:
        with self._lock:
            self._numbers[session] = max(number, self._numbers.pop(session, number))
            while len(self._numbers) > MOST:
                self._numbers.popitem(last=False)

    def passed(self, session: str, number: int) -> bool:
        """Whether something newer than `number` was wished for."""
        with self._lock:
            return self._numbers.get(session, number) > number
