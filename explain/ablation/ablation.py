"""Taking heads out, one or all in turn (Michel, Levy & Neubig 2019, "Are sixteen heads really better than one?", section 3).

A head's output, the slice of the attention output projection's input that is its own, is set to zero, or to its mean over the
tokens of this passage, in all places at once. What is told is the change in the summed log-probability of the target tokens,
in nats: negative where the head helped. Heads that stand in for each other hide each other's worth: that is not covered.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from explain.ablation.reading import EARLY, KINDS, LATE, WHOLE, Reading
from explain.passage import Passage
from explain.question import Question, Target
from explain.results import ENCODER, SELF
from narrative.errors import require_choice, require_whole
from narrative.models import LanguageModel

_CHECKED = 2  # layers whose quick way is held against a plain pass: one that is read anew, one that is taken up midway
_CLOSE = 1e-3  # nats a token
_ROUGHLY = 0.25  # the same in half precision
_UNFIT = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True)
class HeadEffect:
    """One head taken out: summed log-probability of the target before and after, in nats."""

    before: float
    after: float
    tokens: tuple[float, ...]  # change of each target token

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, eq=False)
class AblationMap:
    """All heads of one part taken out in turn."""

    part: str  # self | encoder | decoder | cross
    kind: str  # zero | mean
    target: Target
    before: float  # nats, with all heads
    effects: NDArray[np.float32]  # (layer, head), nats: log-probability without the head minus with it; NaN where not computed yet
    done: int  # layers


def ablate_head(
    model: LanguageModel, passage: Passage, *, part: str = SELF, layer: int, head: int, kind: str = "zero", target: Target,
) -> HeadEffect:  # fmt: skip
    """What taking out one head (counted from 0) does to the target.

    Raises as `ablation_map` does, and `SettingsError` for a head that isn't there.
    """
    reading = _reading(model, passage, part=part, kind=kind, target=target)
    require_whole("the layer (counted from 0)", layer, low=0, high=len(reading.layers) - 1)
    require_whole("the head (counted from 0)", head, low=0, high=reading.layers[layer].heads - 1)
    before, after = reading.plain().double(), reading.without(layer, (head,))[0].double()
    return HeadEffect(float(before.sum()), float(after.sum()), tuple((after - before).tolist()))


def ablation_map(
    model: LanguageModel, passage: Passage, *, part: str = SELF, kind: str = "zero", target: Target,
) -> Generator[AblationMap, None, None]:  # fmt: skip
    """All heads of one part, layer by layer: a map after each layer, the last one complete. Close it to stop.

    Raises at once: `SettingsError` for an unknown part or kind, or a target outside the passage; `ExplainError` for a target that
    has nothing before it, and for models whose heads can't be reached.
    """
    return _layers(_reading(model, passage, part=part, kind=kind, target=target), part, kind, target)


def _layers(reading: Reading, part: str, kind: str, target: Target) -> Generator[AblationMap, None, None]:
    before = reading.plain().double().sum()
    effects = np.full((len(reading.layers), max(one.heads for one in reading.layers)), np.nan, dtype=np.float32)
    ways = [LATE, EARLY, WHOLE] if part in {SELF, ENCODER} else [EARLY, WHOLE]
    for layer, one in enumerate(reading.layers):
        after = _layer(reading, layer, ways)
        effects[layer, : one.heads] = (after - before).float().cpu().numpy()
        yield AblationMap(part, kind, target, float(before), effects.copy(), layer + 1)


def _layer(reading: Reading, layer: int, ways: list[str]) -> torch.Tensor:
    """(head,): the target's summed log-probability without each. Ways that don't fit this model are dropped from `ways`."""
    heads = range(reading.layers[layer].heads)
    chunks = [heads[first : first + reading.most_rows] for first in heads[:: reading.most_rows]]
    while len(ways) > 1:
        try:
            scores = torch.cat([reading.without(layer, chunk, way=ways[0]) for chunk in chunks])
        except _UNFIT:
            pass
        else:
            if layer >= _CHECKED or _same(reading, scores[-1], reading.without(layer, heads[-1:])[0]):
                return scores.double().sum(-1)
        del ways[0]
    return torch.cat([reading.without(layer, chunk) for chunk in chunks]).double().sum(-1)


def _same(reading: Reading, quick: torch.Tensor, plain: torch.Tensor) -> bool:
    return bool((quick - plain).abs().max() < (_CLOSE if reading.precise else _ROUGHLY))


def _reading(model: LanguageModel, passage: Passage, *, part: str, kind: str, target: Target) -> Reading:
    require_choice("kind of ablation", kind, KINDS)
    Question(passage, target)  # which checks it
    return Reading(model, passage, part=part, kind=kind, target=target)
