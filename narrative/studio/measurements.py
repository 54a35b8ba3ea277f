"""The measurements of one job, read on as its process appends them, and thinned out for drawing."""

from __future__ import annotations

import json
import math
import threading
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

TRAINED = ("tokens", "loss", "learning_rate", "tokens_per_second")
TESTED = ("test_loss", "perplexity", "bits_per_byte")
STEP, LINE = "step", "line"


@dataclass(frozen=True)
class Measured:
    """What was measured up to a moment: columns of numbers, NaN where there is none.

    `training` and each of `tests` hold `step`, `line` (where the point stands in the file) and their own values.

    A cursor is (lines, time of the last of them). Whoever holds one gets only what came after, if the file still has that
    line in that place: a resume drops the points after its checkpoint, and then the curve is sent whole.
    """

    training: Mapping[str, np.ndarray] = field(default_factory=lambda: {name: np.zeros(0) for name in (STEP, LINE, *TRAINED)})
    tests: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def cursor(self) -> list[float]:
        return [len(self.times), float(self.times[-1]) if len(self.times) else 0.0]

    def follows(self, cursor: Any) -> int | None:
        """The line to go on from; None when the cursor is of another curve."""
        if not isinstance(cursor, list) or len(cursor) != 2 or not all(isinstance(one, int | float) for one in cursor):
            return None
        lines, last = cursor
        if not 0 <= lines <= len(self.times) or lines != int(lines):
            return None
        return int(lines) if (self.times[int(lines) - 1] if lines else 0.0) == last else None

    @property
    def tokens_a_step(self) -> float:
        """How much text an optimizer step reads; 0 when that isn't known."""
        steps, tokens = self.training[STEP], self.training["tokens"]
        return float(tokens[-1] / steps[-1]) if len(steps) and steps[-1] > 0 and math.isfinite(tokens[-1]) else 0.0


class Measurements:
    """What `metrics.jsonl` says. `refresh` reads only what was appended; a file that was replaced is read anew."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._forget(file=0)

    def _forget(self, *, file: int) -> None:
        self._file, self._read = file, 0
        self._training = _columns(TRAINED)
        self._tests: dict[str, dict[str, array[float]]] = {}
        self._times: array[float] = array("d")
        self._now = Measured()

    def refresh(self) -> Measured:
        with self._lock:
            try:
                facts = self._path.stat()
            except OSError:
                self._forget(file=0)
                return self._now
            if facts.st_ino != self._file or facts.st_size < self._read:
                self._forget(file=facts.st_ino)
            if facts.st_size > self._read and self._read_on():
                tests = {name: _frozen(columns) for name, columns in self._tests.items()}
                self._now = Measured(_frozen(self._training), tests, np.array(self._times))
            return self._now

    def _read_on(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        whole = fresh.rfind(b"\n") + 1  # a line that is being written is read when it is complete
        self._read += whole
        for text in fresh[:whole].splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                self._take(line)
        return whole > 0

    def _take(self, line: Mapping[str, Any]) -> None:
        number = len(self._times)
        self._times.append(_number(line.get("time")))
        if "corpus" in line:
            _add(self._tests.setdefault(str(line["corpus"]), _columns(TESTED)), line, number)
        elif "loss" in line:
            _add(self._training, line, number)


def thin(values: np.ndarray, most: int) -> np.ndarray:
    """The indices of at most `most` points that keep the look of a curve: of each stretch the lowest and the highest one,
    and the ends. So a single spike among a hundred thousand points is still there."""
    count = len(values)
    if count <= most or most < 4:
        return np.arange(count)
    edges = np.linspace(1, count - 1, (most - 2) // 2 + 1).astype(int)
    kept = [0, count - 1]
    for first, last in pairwise(edges.tolist()):
        stretch = values[first:last]
        if len(stretch) and not np.isnan(stretch).all():
            kept += [first + int(np.nanargmin(stretch)), first + int(np.nanargmax(stretch))]
    return np.unique(kept)


def _columns(names: tuple[str, ...]) -> dict[str, array[float]]:
    return {name: array("d") for name in (STEP, LINE, *names)}


def _add(columns: dict[str, array[float]], line: Mapping[str, Any], number: int) -> None:
    for name, column in columns.items():
        column.append(number if name == LINE else _number(line.get(name)))


def _frozen(columns: Mapping[str, array[float]]) -> dict[str, np.ndarray]:
    return {name: np.array(column) for name, column in columns.items()}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
