"""AttentionMap -> what is drawn of it: one byte a weight, and from which strength on lines are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain.results import AttentionMap

FULL = 255  # the strongest a line is drawn
MOST_LINES = 10_000  # a picture: a browser takes some 50 microseconds a line until it is painted, and more would be a grey haze
MOST_OF_ONE_HEAD = MOST_LINES // 5  # where one head's picture stands beside all the others, or is drawn five times over


@dataclass(frozen=True, eq=False)
class Shades:
    """levels: (layer, head, query, key), how strongly each weight is drawn, 0 to 255; weight = level / 255 / gain."""

    levels: NDArray[np.uint8]
    gain: float

    def weight(self, level: float) -> float:
        """The attention that is drawn at this level, 0 to 1."""
        return level / FULL / self.gain

    def least_weight(self, level: int) -> float:
        """The attention from which on something is drawn at this level: levels are rounded."""
        return self.weight(level - 0.5)


def shades(one: AttentionMap) -> Shades:
    """Strengths as they are; where the first key is hidden, the largest weight left is drawn full, so that the rest can be seen."""
    largest = float(np.nanmax(one.weights, initial=0)) if one.hidden is not None else 1.0
    gain = 1 / largest if largest > 0 else 1.0
    levels = np.empty(one.weights.shape, dtype=np.uint8)
    for layer, weights in enumerate(one.weights):  # a layer at a time: its copies stay small
        drawn = np.multiply(weights, np.float32(FULL * gain))
        drawn += np.float32(0.5)
        np.clip(drawn, 0, FULL, out=drawn)
        levels[layer] = np.nan_to_num(drawn, copy=False, nan=0).astype(np.uint8)
    return Shades(levels, gain)


def least_level(levels: NDArray[np.uint8], most: int = MOST_LINES) -> int:
    """The smallest level from 1 on that at most `most` entries reach; the largest there is when more than that share it."""
    reaching = np.bincount(levels.ravel(), minlength=FULL + 1)[::-1].cumsum()[::-1]  # by level: how many are at least as strong
    largest = int(np.flatnonzero(reaching)[-1]) if levels.size else 0
    enough = np.flatnonzero(reaching[1:] <= most)
    first = int(enough[0]) + 1 if enough.size else FULL
    return max(1, min(first, largest))
