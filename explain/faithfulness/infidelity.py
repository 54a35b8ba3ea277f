"""Do the scores of words add up to what happens when these words are replaced?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from captum.metrics import infidelity
from numpy.typing import NDArray

from explain.faithfulness.erasing import Erasing
from explain.faithfulness.rankings import random_orders
from explain.faithfulness.report import LOWER, Measure
from explain.faithfulness.settings import CheckSettings
from explain.faithfulness.wording import missed

Forward = Callable[[torch.Tensor], torch.Tensor]  # (row, word), 1 there and 0 replaced -> (row,), nats


def infidelity_of(forward: Forward, scores: NDArray[np.float64], taken: NDArray[np.bool_]) -> float:
    """Captum's infidelity (Yeh et al. 2019, definition 2.1) at the vector of ones.

    scores: (word,), nats. taken: (row, word), what each perturbation takes from that vector. -> the mean over rows of (sum of the
    scores of the words taken - true loss) squared, nats squared.
    """
    away = torch.from_numpy(taken).double()
    there = torch.ones((1, len(scores)), dtype=torch.float64)
    given = torch.from_numpy(np.array(scores, dtype=np.float64))[None]
    return float(infidelity(forward, lambda rows: (away, rows - away), there, given, n_perturb_samples=len(taken)))


def random_sets(words: int, count: int, *, seed: int) -> NDArray[np.bool_]:
    """(row, word): from one to all of the words, each number of them as likely."""
    chance = np.random.default_rng((seed, 2))
    sizes = chance.integers(1, words, size=count, endpoint=True)
    places = np.argsort(chance.random((count, words)), axis=1)
    found: NDArray[np.bool_] = places < sizes[:, None]
    return found


def infidelity_measure(erasing: Erasing, scores: NDArray[np.float64], settings: CheckSettings, *, per: int) -> Measure:
    """scores: (word,), nats of the whole target, which has `per` tokens. Beside it the same scores dealt out anew by chance, those of
    leaving out each word alone, and the same scores with the other sign."""
    words = erasing.words
    taken = random_sets(len(words), settings.perturbations, seed=settings.seed)

    def forward(there: torch.Tensor) -> torch.Tensor:
        gone = np.zeros((len(there), len(scores)), dtype=bool)
        gone[:, words] = there.numpy() < 0.5
        return torch.from_numpy(erasing.without(gone))

    own, alone = scores[words] / per, erasing.alone()[words]
    dealt = random_orders(np.arange(len(words)), settings.randoms, seed=settings.seed)
    chance = np.array([infidelity_of(forward, own[order], taken) for order in dealt])
    value, oracle, worst = (infidelity_of(forward, one, taken) for one in (own, alone, -own))
    change = infidelity_of(forward, np.zeros_like(own), taken)  # of a map that says nothing: the mean square of the true losses
    mean, spread = float(chance.mean()), float(chance.std(ddof=1))
    sentence = missed(value, change, mean)
    return Measure("infidelity", "Scores against true losses", erasing.how, value, mean, spread, oracle, worst, LOWER, sentence)
