"""The one registry of methods, and the one way to use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from explain.attribution import gradients, perturbation, through_noise
from explain.importance import DIFFERS, HIGH, LOW, WordImportance
from explain.leaving import ablation
from explain.method import Found, Method, MethodSettings
from explain.noise import learned_noise, rows_read
from explain.question import WORDS, Question
from explain.scorer import Scorer
from explain.words import Span
from narrative.errors import ExplainError, SettingsError, require_choice
from narrative.models import LanguageModel

GRADIENT = 3  # rows that one with its gradient takes the time of
METHODS: dict[str, Method] = {  # from instant to thorough
    "input x gradient": Method(
        "Gradient", "instant", "How strongly the target answers to a small change of each word, times the word itself. Instant and "
        "rough: it knows the text as it stands, and nothing of what would happen without a word.",
        "Shrikumar et al. 2016", gradients.input_x_gradient, lambda _, __: GRADIENT, baseline=False,
    ),
    "saliency": Method(
        "Saliency", "instant", "How strongly the target answers to a small change of each word, in whatever direction. Instant and "
        "rough: it can't tell a word that helped from one that was in the way.",
        "Simonyan et al. 2013", gradients.saliency, lambda _, __: GRADIENT, direction=HIGH, linear=False, baseline=False,
    ),
    "ablation": Method(
        "Ablation", "quick", "Each word in turn is replaced by the baseline; its score is what the target loses by that. Exact for one "
        "word at a time, blind to words that stand in for each other.",
        "Li et al. 2016; Zeiler and Fergus 2014", ablation, lambda words, _: words + 1,
    ),
    "occlusion": Method(
        "Occlusion", "quick", "A few neighbouring words at a time are replaced by the baseline. It sees what a phrase does together, "
        "and blurs which of its words it was.",
        "Zeiler and Fergus 2014", perturbation.occlusion, lambda words, settings: max(words - settings.window + 1, 1) + 1,
        uses=("window",),
    ),
    "gradient shap": Method(
        "Gradient SHAP", "quick", "The gradient at random points on the way from a text of baselines to this one. Quick, but its scores "
        "are often far from adding up to what they explain: look at its error.",
        "Lundberg and Lee 2017; Erion et al. 2021", gradients.gradient_shap,
        lambda _, settings: GRADIENT * (settings.samples or gradients.DRAWS), complete=True, tunnels=False, uses=("samples", "seed"),
    ),
    "integrated gradients": Method(
        "Integrated Gradients", "quick", "The gradient all along the way from a text of baselines to this one. The scores add up to what "
        "the target gains on it, but what lies between is no text that anybody would write.",
        "Sundararajan et al. 2017", gradients.integrated_gradients, lambda _, settings: GRADIENT * settings.steps + 2, complete=True,
        uses=("steps",),
    ),
    "lime": Method(
        "LIME", "thorough", "Words are replaced at random, about half of them at once, and a straight line is fitted to what becomes of "
        "the target. Blind to words that only matter together.",
        "Ribeiro et al. 2016", perturbation.lime, lambda words, settings: _texts(words, perturbation.draws(words, settings)),
        uses=("samples", "seed"),
    ),
    "kernel shap": Method(
        "Kernel SHAP", "thorough", "As LIME, but weighted so that the scores come near each word's fair share in what all of them do "
        "together. Rough where the draws are few.",
        "Lundberg and Lee 2017", perturbation.kernel_shap, lambda words, settings: _texts(words, perturbation.draws(words, settings)),
        complete=True, uses=("samples", "seed"),
    ),
    "shapley": Method(
        "Shapley values", "thorough", "The words come in one after the other, in random orders; a word's score is what it adds in the "
        "mean. Words that stand in for each other share what they do. Slow.",
        "Shapley 1953; Castro et al. 2009", perturbation.shapley,
        lambda words, settings: _texts(words, words * (settings.samples or perturbation.PERMUTATIONS) + 1), complete=True,
        uses=("samples", "seed"),
    ),
    "noise": Method(
        "Learned noise", "thorough", "How far each word may be blurred before the target's probability changes: a word that bears little "
        "noise matters. Also layer by layer. Words that bear about the same can't be told apart.",
        "Guan et al. 2019", learned_noise, rows_read, direction=LOW, linear=False, baseline=False, tunnels=False,
        uses=("noise_rate", "noise_steps", "noise_seeds", "noise_layers", "seed"),
    ),
}  # fmt: skip
LEFT_OUT = {
    "DeepLIFT": "Captum's DeepLIFT does not know the layers of a transformer (LayerNorm, softmax, GELU) and gives plain gradients instead "
    "without a word, so it is not among the methods.",
}


def explain_words(
    model: LanguageModel,
    question: Question,
    *,
    method: str = "input x gradient",
    settings: MethodSettings | None = None,
    unit: str = WORDS,
    drawn: Iterable[Span] = (),
    baseline: str = "mean",
    tick: Callable[[int], None] = lambda _: None,
) -> WordImportance:
    """Which words of `question.tokens` brought its target about. `tick` hears of every row read, and may raise to stop the work.

    Words that the target can't depend on score 0, and so do given signs (NaN where low is important). Raises `SettingsError` for
    an unknown method, unit or baseline, `ExplainError` for a model or a text that can't be asked.
    """
    require_choice("method", method, METHODS)
    way, settings = METHODS[method], settings or MethodSettings()
    if settings.tunnel and not way.tunnels:
        raise SettingsError(f"{way.title} can't go through NoiseTunnel: choose none.")
    spans = question.spans(unit, drawn=drawn)
    scorer = Scorer(model, question, baseline=baseline, tick=tick)
    before = scorer.original()
    empty = WordImportance(
        question, unit, spans, np.zeros(len(spans)), method, _direction(way, settings), settings.to_json(),
        scorer.baseline.title if way.baseline else "", before,
    )  # fmt: skip
    if not empty.counted().any():
        raise ExplainError("No word stands before the target that could be taken away. Choose a later word, or a longer text.")
    found = run_method(way, scorer, spans, settings)
    silent = np.nan if empty.direction == LOW else 0.0
    scores = np.where(empty.counted(), found.scores, silent)
    if not np.isfinite(scores[empty.counted()]).all():
        raise ExplainError(f"{way.title} gave no numbers for this text. Take another method or baseline.")
    direction, notes = empty.direction, found.notes
    if question.instead and not _linear(way, settings):
        direction = DIFFERS if direction == HIGH else direction
    checks = {**found.checks, **(_sums(scorer, scores, before) if way.complete and not settings.tunnel else {})}
    return replace(empty, scores=scores, direction=direction, checks=checks, notes=notes, spread=found.spread, layers=found.layers)


def estimate(method: str, words: int, settings: MethodSettings, *, contrast: bool = False) -> float:
    """Rows that a method reads for so many words that count; a row with its gradient counts three. With `contrast`, for both sides.

    Integrated Gradients may take more: it goes on until its scores add up.
    """
    require_choice("method", method, METHODS)
    passes: float = METHODS[method].passes(words, settings) * (settings.tunnel_samples if settings.tunnel else 1)
    return (passes + 2) * (2 if contrast else 1)  # the text as it stands, and nothing of it


def _texts(words: int, drawn: int) -> int:
    """How many texts are read of those drawn: none twice, and so many words make only so many texts."""
    return min(drawn, 1 << min(words, 30))


def _linear(way: Method, settings: MethodSettings) -> bool:
    return way.linear and settings.tunnel in {"", "smoothgrad"}


def _direction(way: Method, settings: MethodSettings) -> str:
    return way.direction if settings.tunnel in {"", "smoothgrad"} else HIGH


def run_method(way: Method, scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """Through NoiseTunnel where that is wanted. A contrast is the difference of the two maps: by itself for linear methods, by
    subtraction for the others."""
    run = partial(through_noise, way.run) if settings.tunnel else way.run
    if not scorer.question.instead or _linear(way, settings) or way.direction == LOW:
        return run(scorer, spans, settings)
    own, other = (run(scorer.side(*weights), spans, settings) for weights in ((1, 0), (0, 1)))
    labels = f"for “{scorer.question.label}” than for “{scorer.question.instead_label}”"
    note = f"This method has no sign: what is shown is how much more a word matters {labels}."
    return replace(own, scores=own.scores - other.scores, spread=None, notes=(*own.notes, note))


def _sums(scorer: Scorer, scores: Any, before: float) -> Mapping[str, float]:
    """Whether the scores add up to what the target gains over a text of baselines (completeness, Sundararajan et al. 2017)."""
    nothing = float(scorer.replaced(torch.zeros((1, len(scorer.question.tokens)), dtype=torch.bool))[0])
    change, total = before - nothing, float(np.sum(scores))
    return {"sum": total, "change": change, "completeness_error": abs(total - change) / max(abs(change), 1e-9)}
