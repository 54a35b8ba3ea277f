"""What a check found: frozen data that can be sent and drawn. Nothing here runs a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HIGHER, LOWER = "higher", "lower"
BETTER, CHANCE, WORSE = "better than chance", "no clear difference from chance", "worse than chance"
_CLEARLY = 2  # standard deviations of what random orders give


@dataclass(frozen=True)
class Measure:
    """One number about a map, and what it would be otherwise: None where there is no such thing."""

    name: str  # comprehensiveness | sufficiency | infidelity | sensitivity | completeness
    title: str  # as a reader would call it
    how: str  # replacement | removal | ""
    value: float
    random: float | None  # mean over random orders of the words
    spread: float | None  # standard deviation over them
    oracle: float | None  # words in the order of what leaving out each alone does
    worst: float | None  # the map turned round
    better: str  # higher | lower
    sentence: str  # what it says, with its unit

    @property
    def standing(self) -> str:
        """Beside random orders: better or worse by two of their standard deviations, or neither; "" where there are none."""
        if self.random is None or self.spread is None:
            return ""
        lead = (self.value - self.random) * (1 if self.better == HIGHER else -1)
        return BETTER if lead > _CLEARLY * self.spread else WORSE if lead < -_CLEARLY * self.spread else CHANCE


@dataclass(frozen=True, eq=False)
class Curve:
    """Words taken away from the top of the map (deletion), or put back from the top into a text without words (insertion).

    All (step,), in nats: mean log-probability for each of the target's tokens; with a contrast, the difference.
    """

    name: str  # deletion | insertion
    how: str  # replacement | removal
    shares: NDArray[np.float64]  # of the words: taken away (deletion), there (insertion)
    map: NDArray[np.float64]
    random: NDArray[np.float64]  # mean over random orders
    low: NDArray[np.float64]  # their 10th percentile
    high: NDArray[np.float64]  # their 90th
    oracle: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """All that was found about one map."""

    measures: tuple[Measure, ...]
    curves: tuple[Curve, ...]
    agreement: Mapping[str, float]  # method -> Spearman's rank correlation with its map; NaN where one of them has no order
    randomised: float | None  # rank correlation with the map under shuffled weights: low is good; None where it wasn't made
    notes: tuple[str, ...]
    sentence: str  # the verdicts in words, disagreement included

    def measure(self, name: str, how: str = "replacement") -> Measure | None:
        """None where it was left out; `notes` say why. Measures that take nothing away are found whatever `how`."""
        return next((one for one in self.measures if one.name == name and one.how in {how, ""}), None)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers; None for what is not a number."""
        told = {
            "measures": [asdict(one) | {"standing": one.standing} for one in self.measures],
            "curves": [vars(one) for one in self.curves],
            "agreement": dict(self.agreement), "randomised": self.randomised, "notes": list(self.notes), "sentence": self.sentence,
        }  # fmt: skip
        plain: dict[str, Any] = _plain(told)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
