"""Whether two maps put the words into one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explain.importance import WordImportance
from explain.methods import METHODS
from narrative.errors import ExplainError


def rank_agreement(one: WordImportance, other: WordImportance) -> float:
    """Spearman's rank correlation of two maps over the words that count in both: 1 the same order, -1 the opposite, 0 nothing in common.

    Equal scores share their mean rank. Where one of the two has no sign, it is how much each word matters that is ranked. NaN where a
    map gives all words the same score, or fewer than two words count: there is no order then. Raises `ExplainError` for maps of
    different words or targets; models may differ.
    """
    if one.words != other.words or _asked(one) != _asked(other):
        raise ExplainError("These two maps are about different words or different targets, so that their orders can't be compared.")
    counted = one.counted() & other.counted()
    if one.signed and other.signed:
        return correlation(one.ranking()[counted], other.ranking()[counted])
    return correlation(one.weight()[counted], other.weight()[counted])  # one of them knows no against: only how much can be compared


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's; NaN where one of them is constant or has fewer than two values."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    own, others = (ranks - ranks.mean() for ranks in (_ranks(one), _ranks(other)))
    return float(np.clip(own @ others / np.sqrt((own @ own) * (others @ others)), -1, 1))


def agreements(importance: WordImportance, others: Sequence[WordImportance]) -> Mapping[str, float]:
    """By method; where one method comes twice, what tells its maps apart is added."""
    found: dict[str, float] = {}
    for other in others:
        name = other.method
        if name in found and other.baseline:
            name = f"{name} ({other.baseline})"
        number, plain = 1, name
        while name in found:
            number += 1
            name = f"{plain} {number}"
        found[name] = rank_agreement(importance, other)
    return found


def title_of(name: str) -> str:
    """A key of `agreements` as a reader would call it."""
    known = max((key for key in METHODS if name.startswith(key)), key=len, default="")
    return METHODS[known].title + name[len(known) :] if known else name


def _asked(one: WordImportance) -> object:
    question = one.question
    return question.tokens, question.target, question.instead


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
