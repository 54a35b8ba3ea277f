"""From a job's measurements to the lines that are drawn: which quantity, how many points, what is new."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from narrative.plots import TEST, TRAINING, Series
from narrative.studio.measurements import LINE, STEP, Measured, thin

POINTS = 600  # of all lines of a drawing together: as many as a screen shows, and about 9 KB
TRAINED = {"loss": "loss", "perplexity": "loss", "learning rate": "learning_rate", "speed": "tokens_per_second"}
TESTED = {"loss": "test_loss", "perplexity": "perplexity"}
HIGHEST = 1e12  # a perplexity above it is no point to look at
A_FRAME = 32  # points that the frame of a compared line costs about


@dataclass(frozen=True)
class Lines:
    """What a job has measured, with what its settings say about it."""

    name: str
    measured: Measured = field(default_factory=Measured)
    weights: Mapping[str, float] = field(default_factory=dict)  # corpus -> its share in the mean; all 0 when that isn't known

    @property
    def corpora(self) -> list[str]:
        """In the order of the settings; then any that the measurements name otherwise."""
        known = [name for name in self.weights if name in self.measured.tests]
        return known + [name for name in self.measured.tests if name not in self.weights]

    def tests(self, what: str = "test_loss") -> tuple[np.ndarray, np.ndarray]:
        """(steps, values): the mean over the corpora by their shares, wherever all of them were measured.

        As the job itself works it out: the perplexity of several corpora is that of their mean loss.
        """
        if what == "perplexity":
            measured, losses = self.tests()
            return measured, np.exp(np.minimum(losses, 700))
        names = list(self.weights) if self.weights.keys() & self.measured.tests.keys() else self.corpora
        if not names or any(name not in self.measured.tests for name in names):
            return np.zeros(0), np.zeros(0)
        shares = [self.weights.get(name, 0.0) for name in names]
        shares = shares if any(shares) else [1.0] * len(names)
        columns = [self.measured.tests[name] for name in names]
        points = [dict(zip(column[STEP].tolist(), column[what].tolist(), strict=True)) for column in columns]
        steps = [step for step in points[0] if all(step in others for others in points[1:])]
        means = [sum(share * one[step] for share, one in zip(shares, points, strict=True)) / sum(shares) for step in steps]
        return np.array(steps), np.array(means)


def lines_of(job: Lines, quantity: str, *, since: int = 0) -> list[Series]:
    """Training first, then one test line a corpus. `since`: only points from that line of the file on, all of them."""
    training = _one("training", TRAINING, job.measured.training, TRAINED[quantity], quantity, since=since, most=POINTS // 2)
    if quantity not in TESTED:
        return [training]
    names = job.corpora
    return [training] + [
        _one(
            "test" if len(names) == 1 else f"test, {name}", TEST, job.measured.tests[name], TESTED[quantity], quantity,
            since=since, most=POINTS // 2 // len(names),
        )
        for name in names
    ]  # fmt: skip


def lines_compared(jobs: Sequence[Lines], quantity: str) -> tuple[list[Series], str]:
    """Every job over the text it has read, since a step of one may be ten steps of another; and what the axis is called then."""
    by_tokens = all(job.measured.tokens_a_step for job in jobs if len(job.measured.training[STEP]))
    most = max(4, (POINTS - A_FRAME * len(jobs)) // (2 * max(1, len(jobs))))
    drawn = []
    for number, job in enumerate(jobs):
        scale = job.measured.tokens_a_step if by_tokens else 1.0
        column = job.measured.training
        trained = _thinned(job.name, TRAINING, column[STEP] * scale, column[TRAINED[quantity]], quantity, most=most, job=number)
        drawn.append(trained)
        if quantity in TESTED:
            steps, values = job.tests(TESTED[quantity])
            drawn.append(_thinned(job.name, TEST, steps * scale, values, quantity, most=most, job=number))
    return drawn, "tokens read" if by_tokens else "step"


def _one(name: str, side: str, column: Mapping[str, np.ndarray], what: str, quantity: str, *, since: int, most: int) -> Series:
    first = int(np.searchsorted(column[LINE], since))
    return _thinned(name, side, column[STEP][first:], column[what][first:], quantity, most=len(column[STEP]) if since else most)


def _thinned(name: str, side: str, x: np.ndarray, y: np.ndarray, quantity: str, *, most: int, job: int = 0) -> Series:
    kept = thin(y, most)
    shown = [_shown(value, side, quantity) for value in y[kept].tolist()]
    return Series(name, side, [int(one) if math.isfinite(one) else 0 for one in x[kept].tolist()], shown, job)


def _shown(value: float, side: str, quantity: str) -> float | None:
    """As the quantity has it, with as many digits as can be seen."""
    if side == TRAINING and quantity == "perplexity":
        value = math.exp(value) if value < 700 else math.inf
    return float(f"{value:.5g}") if math.isfinite(value) and abs(value) < HIGHEST else None
