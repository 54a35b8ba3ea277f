"""A model that has learned nothing: does the method still tell the same story? (Adebayo et al. 2018, Sanity Checks for Saliency Maps)"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable
from dataclasses import replace

import torch

from explain.faithfulness.agreement import rank_agreement
from explain.importance import WordImportance
from explain.method import MethodSettings
from explain.methods import explain_words
from narrative.models import LanguageModel


def shuffled(model: LanguageModel, *, seed: int) -> LanguageModel:
    """The same model with the entries of every parameter in random order: sizes and spread stay, what was learned is gone.

    A copy, as large as the model; the given one stays as it is, and tied weights stay tied.
    """
    chance = torch.Generator().manual_seed(seed)
    copied = copy.deepcopy(model.model)
    with torch.no_grad():
        for parameter in copied.parameters():  # tied ones come once
            order = torch.randperm(parameter.numel(), generator=chance).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    copied.eval()
    fingerprint = hashlib.sha256(f"{model.fingerprint} shuffled {seed}".encode()).hexdigest()[:16]
    return replace(model, model=copied, fingerprint=fingerprint)


def randomised_agreement(
    model: LanguageModel, importance: WordImportance, *, seed: int, rows: float, baseline: str, tick: Callable[[int], None]
) -> tuple[float | None, str]:  # fmt: skip
    """Spearman's rank correlation of the map with that of the shuffled model; or None, and why.

    The same question, method, settings and words. rows: how many may be read at most, since Integrated Gradients, which goes on until
    its scores add up, may go on much longer where nothing was learned.
    """
    left = [rows]

    def counting(read: int) -> None:
        tick(read)
        left[0] -= read
        if left[0] < 0:
            raise _TooLongError

    question, settings = importance.question, replace(MethodSettings.of(importance.settings), noise_layers=False)
    try:
        other = explain_words(
            shuffled(model, seed=seed), question, method=importance.method, settings=settings, unit=importance.unit,
            drawn=() if importance.words == question.spans(importance.unit) else importance.words, baseline=baseline, tick=counting,
        )  # fmt: skip
    except _TooLongError:
        return None, "The map of shuffled weights is left out: on such a model this method takes many times longer."
    found = rank_agreement(importance, other)
    if math.isnan(found):
        return None, "With shuffled weights, or with the true ones, all words score the same, so that there are no orders to compare."
    return found, ""


class _TooLongError(Exception):
    """Nobody would wait for that."""
