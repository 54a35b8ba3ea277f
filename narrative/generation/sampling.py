"""From the model's logits to one token a draft. transformers' own logits processors define what the settings mean."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import cast

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from narrative.generation.settings import GenerationSettings

_CUTS: dict[str, Callable[[GenerationSettings], list[LogitsProcessor]]] = {
    "greedy": lambda _settings: [],
    "top-k": lambda settings: [*_warmed(settings), TopKLogitsWarper(settings.top_k)],
    "nucleus": lambda settings: _warmed(settings) + ([TopPLogitsWarper(settings.top_p)] if settings.top_p < 1 else []),
}


def processors_for(settings: GenerationSettings) -> LogitsProcessorList:
    """The processors that `model.generate` would apply, in its order: penalty, temperature, then the cut."""
    penalty = settings.repetition_penalty
    first = [RepetitionPenaltyLogitsProcessor(penalty)] if penalty != 1 else []
    return LogitsProcessorList([*first, *_CUTS[settings.strategy](settings)])


def processed(ids: torch.Tensor, logits: torch.Tensor, settings: GenerationSettings) -> torch.Tensor:
    """ids: (draft, length) so far; logits: (draft, vocabulary) -> the scores that the draw is made from, same shape."""
    return processors_for(settings)(cast("torch.LongTensor", ids), cast("torch.FloatTensor", logits))


def choose(scores: torch.Tensor, settings: GenerationSettings, *, position: int, numbers: list[int]) -> torch.Tensor:
    """scores: (draft, vocabulary), processed -> (draft,) token ids.

    The draw inverts the cumulative distribution at one uniform number that depends on (seed, draft, position) only,
    so a draft is the same alone or in a batch, and from any token onwards.
    """
    if settings.strategy == "greedy":
        return scores.argmax(dim=-1)
    cumulative = scores.softmax(dim=-1, dtype=torch.float64).cumsum(dim=-1)
    draws = [uniform(settings.seed, number, position) for number in numbers]
    # scaled by the last entry, which rounding leaves a hair off 1; `right` never lands on a token of probability 0
    points = torch.tensor(draws, dtype=torch.float64, device=scores.device)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, points, right=True)[:, 0]


def uniform(seed: int, number: int, position: int) -> float:
    """A number in [0, 1) for token `position` of draft `number`: 53 bits of a hash, equal on every machine."""
    digest = sha256(f"{seed}/{number}/{position}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _warmed(settings: GenerationSettings) -> list[LogitsProcessor]:
    return [TemperatureLogitsWarper(settings.temperature)] if settings.temperature != 1 else []
