"""What the checks say, in words. Nothing here computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from explain.faithfulness.report import BETTER, CHANCE, WORSE, Measure

RANDOMISED_LOW = 0.3  # rank correlation below which the map under shuffled weights is another one
ALIKE = 0.5  # rank correlation from which two methods tell much the same
_WAYS = {"replacement": "replaced by {}", "removal": "taken out of the text"}
_NAMES = {
    "comprehensiveness": "taking away its top words", "sufficiency": "keeping only its top words",
    "infidelity": "adding up its scores",
}  # fmt: skip


class Taken(NamedTuple):
    """What was done to the text."""

    how: str  # replacement | removal
    put: str  # what stands in a word's place, as a reader would call it
    counts: Sequence[int]  # top words at a time
    words: int  # that could go

    @property
    def way(self) -> str:
        return _WAYS[self.how].format(self.put)

    @property
    def some(self) -> str:
        """“1, 2 and 5 of 20”."""
        return f"{_listed([str(one) for one in sorted({int(count) for count in self.counts})])} of {self.words}"


class Beside(NamedTuple):
    """A value and what it would be otherwise, in nats."""

    value: float
    random: float
    spread: float
    oracle: float
    worst: float

    @property
    def told(self) -> str:
        return (
            f"{self.random:.2f} ± {self.spread:.2f} for random words, {self.oracle:.2f} in the order of leaving out each word alone "
            f"and {self.worst:.2f} from the map's other end"
        )


def words_gone(taken: Taken, found: Beside) -> str:
    return (
        f"With its top words {taken.way} ({taken.some}) the target loses {found.value:.2f} nats for each of its tokens, on average: "
        f"{found.told}. Higher is better: these words were needed."
    )


def words_kept(taken: Taken, found: Beside) -> str:
    return (
        f"With all but its top words {taken.way} ({taken.some} stay) the target is {found.value:.2f} nats for each of its tokens short of "
        f"the whole text, on average: {found.told}. Lower is better: near 0 these words are enough."
    )


def missed(value: float, change: float, chance: float) -> str:
    """Means of squares, told as their roots: nats can be compared with nats."""
    return (
        f"When random words are replaced, the sum of their scores misses what the target truly loses by {math.sqrt(value):.2f} nats for "
        f"each of its tokens, where the loss is {math.sqrt(change):.2f} (roots of mean squares); the same scores dealt out by chance miss "
        f"it by {math.sqrt(chance):.2f}. Lower is better."
    )


def completeness(checks: Mapping[str, float]) -> str:
    sums = ""
    if {"sum", "change"} <= set(checks):
        sums = f"The scores add up to {checks['sum']:.2f} nats; the target gains {checks['change']:.2f} over a text of baselines. "
    return f"{sums}They are {checks['completeness_error']:.1%} apart. Lower is better; a sum that is right may still be dealt out wrongly."


def verdict(measures: Sequence[Measure], agreement: Mapping[str, float], randomised: float | None) -> str:
    """All of it in a few sentences; where checks or methods disagree, that is what is said."""
    return " ".join(part for part in (_beside_chance(measures), _methods(agreement), _shuffled(randomised)) if part)


def _beside_chance(measures: Sequence[Measure]) -> str:
    groups = {kind: [_called(one) for one in measures if one.standing == kind] for kind in (BETTER, CHANCE, WORSE)}
    held = {kind: names for kind, names in groups.items() if names}
    if len(held) > 1:
        return f"The checks disagree. {' '.join(f'{kind.capitalize()}: {_listed(names)}.' for kind, names in held.items())}"
    return "".join(f"All that was tried says the same, {kind}: {_listed(names)}." for kind, names in held.items())


def _called(one: Measure) -> str:
    return _NAMES.get(one.name, one.title.lower()) + (f" (by {one.how})" if one.name != "infidelity" else "")


def _methods(agreement: Mapping[str, float]) -> str:
    alike = [f"{name} ({value:.2f})" for name, value in agreement.items() if value >= ALIKE]
    other = [f"{name} ({value:.2f})" for name, value in agreement.items() if value < ALIKE]
    said = f"Much the same order of words by rank correlation: {_listed(alike)}." if alike else ""
    told = f"The methods disagree: another order by {_listed(other)}. At most one of these maps is the whole truth." if other else ""
    return " ".join(part for part in (said, told) if part)


def _shuffled(randomised: float | None) -> str:
    if randomised is None:
        return ""
    if randomised < RANDOMISED_LOW:
        return f"With the model's weights shuffled the map is another one (rank correlation {randomised:.2f}), as it should be."
    if randomised < ALIKE:
        told = f"With the model's weights shuffled the map is not clearly another one (rank correlation {randomised:.2f})"
        return f"{told}: look at a second text."
    return (
        f"With the model's weights shuffled the map stays much the same (rank correlation {randomised:.2f}): it shows the text rather than "
        "what the model has learned."
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
