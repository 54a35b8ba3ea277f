"""Orders of words, and what is gone when one of them is followed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.intp]  # (word,): numbers of words, the one that should matter most first


def order_of(values: NDArray[np.float64], words: Order, *, seed: int) -> Order:
    """`words` by their values, largest first. Equal ones lie as chance will have it: the place in the text must not decide."""
    chance = np.random.default_rng((seed, 0)).permutation(len(words))
    found: Order = words[np.lexsort((chance, -values[words]))]
    return found


def random_orders(words: Order, count: int, *, seed: int) -> Order:
    """(order, word). In pairs of one order and the same backwards: what one leaves last the other takes first, which steadies their
    mean, and half of the texts are the same for both."""
    chance = np.random.default_rng((seed, 1))
    pairs = [(one, one[::-1]) for one in (chance.permutation(words) for _ in range(math.ceil(count / 2)))]
    return np.array([one for pair in pairs for one in pair][:count])


def counts_of(shares: Sequence[float], words: int) -> Order:
    """How many words each share is, rounded up: one at least."""
    return np.array([min(words, max(1, math.ceil(share * words - 1e-9))) for share in shares])


def first(orders: Order, counts: Order, *, width: int) -> NDArray[np.bool_]:
    """(order, word), (step,) -> (order, step, `width`): whether a word is among the first `count` of the order."""
    place = np.full((len(orders), width), width)
    np.put_along_axis(place, orders, np.arange(orders.shape[1])[None], axis=1)
    return place[:, None, :] < counts[None, :, None]
