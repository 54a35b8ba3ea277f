"""The map against chance and against leaving out one word at a time: words are taken away in each order, and what is lost is compared.

Comprehensiveness and sufficiency: DeYoung et al. 2020 (ERASER), equations 1 and 2, averaged over shares of the words (AOPC, Samek et
al. 2016). In place of a class's probability stands the mean log-probability for each of the target's tokens, which holds for passages.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from explain.faithfulness.erasing import Erasing
from explain.faithfulness.rankings import Order, counts_of, first, order_of, random_orders
from explain.faithfulness.report import HIGHER, LOWER, Curve, Measure
from explain.faithfulness.settings import CheckSettings
from explain.faithfulness.wording import Beside, Taken, words_gone, words_kept

STEPS = 10  # of a curve
_MAP, _WORST, _ORACLE, _RANDOM = 0, 1, 2, slice(3, None)  # rows of what is measured


class Trial:
    """One way of taking words away, followed in four kinds of order: the map's, that one backwards, the oracle's, random ones."""

    def __init__(self, erasing: Erasing, ranking: NDArray[np.float64], settings: CheckSettings, *, instead_of_word: str = "") -> None:
        self._erasing, self._words, self._width = erasing, erasing.words, len(ranking)
        self._put = instead_of_word
        own = order_of(ranking, self._words, seed=settings.seed)
        self.oracle = order_of(erasing.alone(), self._words, seed=settings.seed)
        chance = random_orders(self._words, settings.randoms, seed=settings.seed)
        self._orders: Order = np.concatenate([[own], [own[::-1]], [self.oracle], chance])
        self.counts = np.minimum(counts_of(settings.shares, len(self._words)), erasing.most)
        self._steps = np.unique(np.rint(np.linspace(0, len(self._words), STEPS + 1)).astype(np.intp))
        self._full = float(erasing.without(np.zeros(self._width, dtype=bool)))

    def measures(self) -> tuple[Measure, Measure]:
        """Comprehensiveness and sufficiency, both (DeYoung et al. 2020) as nats for each of the target's tokens."""
        lost = self._full - self._erasing.without(self._gone(self.counts)).mean(-1)
        short = self._full - self._erasing.without(self._left(self.counts)).mean(-1)
        return (
            self._measure("comprehensiveness", "Without the top words", lost, HIGHER, words_gone),
            self._measure("sufficiency", "With only the top words", short, LOWER, words_kept),
        )

    def curves(self) -> tuple[Curve, Curve]:
        away = self._steps[self._steps <= self._erasing.most]
        there = self._steps[self._steps >= len(self._words) - self._erasing.most]
        return (
            self._curve("deletion", away, self._erasing.without(self._gone(away))),
            self._curve("insertion", there, self._erasing.without(self._left(there))),
        )

    def _gone(self, counts: Order) -> NDArray[np.bool_]:
        """(order, step, word): the first `count` words are gone."""
        return first(self._orders, counts, width=self._width)

    def _left(self, counts: Order) -> NDArray[np.bool_]:
        """(order, step, word): all that may go is gone, but for the first `count` words."""
        may_go = np.zeros(self._width, dtype=bool)
        may_go[self._words] = True
        return may_go & ~self._gone(counts)

    def _measure(self, name: str, title: str, values: NDArray[np.float64], better: str, say: Callable[[Taken, Beside], str]) -> Measure:
        chance = values[_RANDOM]
        own, worst, oracle = (float(values[row]) for row in (_MAP, _WORST, _ORACLE))
        found = Beside(own, float(chance.mean()), float(chance.std(ddof=1)), oracle, worst)
        sentence = say(Taken(self._erasing.how, self._put, self.counts.tolist(), len(self._words)), found)
        return Measure(name, title, self._erasing.how, *found, better, sentence)

    def _curve(self, name: str, counts: Order, values: NDArray[np.float64]) -> Curve:
        low, high = np.percentile(values[_RANDOM], (10, 90), axis=0)
        mean = values[_RANDOM].mean(0)
        return Curve(name, self._erasing.how, counts / len(self._words), values[_MAP], mean, low, high, values[_ORACLE])
