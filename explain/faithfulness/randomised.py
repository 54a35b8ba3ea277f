"""A model that has learned nothing: does the method still tell the same story? (Adebayo et al. 2018, Sanity Checks for Saliency Maps)"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace

import torch

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


def explained_again(
    model: LanguageModel, importance: WordImportance, *, baseline: str, tick: Callable[[int], None] = lambda _: None
) -> WordImportance:
    """The same question of another model, by the same method, settings and words."""
    question, settings = importance.question, MethodSettings.of(importance.settings)
    drawn = () if importance.words == question.spans(importance.unit) else importance.words
    return explain_words(
        model, question, method=importance.method, settings=replace(settings, noise_layers=False), unit=importance.unit, drawn=drawn,
        baseline=baseline, tick=tick,
    )  # fmt: skip
