"""Several corpora read in turns, each by its share, each in an order of its own that the seed fixes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import numpy as np


def reading_plan(passes: Sequence[Iterator[np.ndarray]], weights: Sequence[float], *, length: int) -> np.ndarray:
    """(length, 2) of (side, place): which corpus is read at each turn, and where.

    `passes` give for each corpus one pass after another, each an array of places in the order in which they are read.
    """
    total = sum(weights)
    chosen = take_turns([weight / total for weight in weights], length)
    plan = np.stack([chosen, np.zeros_like(chosen)], axis=1)
    for side, own in enumerate(passes):
        turns = chosen == side
        plan[turns, 1] = list(islice(chain.from_iterable(own), int(turns.sum())))
    return plan


def take_turns(shares: list[float], length: int) -> np.ndarray:
    """(length,) of side numbers: after any n turns each side has had `share * n` of them, within one (Tijdeman 1980).

    `shares` sum to 1. Of the sides that are due, the one goes first whose share would be overdrawn soonest.
    """
    if len(shares) == 1:
        return np.zeros(length, dtype=int)
    due, had = 1 / (2 * len(shares) - 2), [0] * len(shares)
    turns = np.empty(length, dtype=int)
    for n in range(length):
        owed = [share * (n + 1) - turn for share, turn in zip(shares, had, strict=True)]
        waiting = [side for side in range(len(shares)) if owed[side] >= due] or [max(range(len(shares)), key=owed.__getitem__)]
        side = min(waiting, key=lambda side: (1 - due - owed[side]) / shares[side])
        turns[n] = side
        had[side] += 1
    return turns


def evenly(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` places, taken evenly: the same ones every time."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))
