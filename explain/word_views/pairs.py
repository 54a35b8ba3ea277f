"""Two maps word by word: which words belong together, and numbers that may stand on one axis."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explain.importance import LOW
from explain.word_views.sentences import signless
from explain.word_views.shading import same_scale

if TYPE_CHECKING:
    from explain.importance import WordImportance


@dataclass(frozen=True)
class Pair:
    """A word of one map and the same word of another; None where the other text hasn't got it."""

    label: str
    one: int | None
    other: int | None


@dataclass(frozen=True, eq=False)
class Compared:
    """one, other: (word,) of each map, NaN for words that don't count."""

    pairs: tuple[Pair, ...]  # in text order
    one: NDArray[np.float64]
    other: NDArray[np.float64]
    scale: str  # what the numbers are
    logarithmic: bool = False

    def values(self, pair: Pair) -> tuple[float, float]:
        """NaN where there is none."""
        return (
            float("nan") if pair.one is None else float(self.one[pair.one]),
            float("nan") if pair.other is None else float(self.other[pair.other]),
        )


def compared(one: WordImportance, other: WordImportance) -> Compared:
    """Scores as they are where they mean the same; otherwise each as a share of its own map's strongest word, -100 to 100 %."""
    pairs = paired([span.label for span in one.words], [span.label for span in other.words])
    if not same_scale(one, other):
        return Compared(pairs, _relative(one), _relative(other), "percent of each map's strongest word")
    scale = "noise that a word can bear (low = important)" if one.direction == LOW else "importance"
    scale = "log-probability, nats" if one.signed and not signless(one) else scale
    return Compared(pairs, _scores(one), _scores(other), scale, one.direction == LOW)


def paired(one: list[str], other: list[str]) -> tuple[Pair, ...]:
    """Words that stand in the same order in both, repeated ones each by itself; the others alone, where they stand."""
    found: list[Pair] = []
    for kind, start, stop, begin, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [Pair(one[place], place, begin + place - start) for place in range(start, stop)]
        else:
            found += [Pair(one[place], place, None) for place in range(start, stop)]
            found += [Pair(other[place], None, place) for place in range(begin, end)]
    return tuple(found)


def _scores(importance: WordImportance) -> NDArray[np.float64]:
    return np.where(importance.counted(), importance.scores, np.nan)


def _relative(importance: WordImportance) -> NDArray[np.float64]:
    values = np.where(importance.counted(), importance.scores if importance.signed else importance.weight(), np.nan)
    largest = float(np.nanmax(np.abs(values))) if importance.counted().any() else 0.0
    return 100 * values / largest if largest > 0 else values
