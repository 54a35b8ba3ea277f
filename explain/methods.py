"""The one registry of methods, and the one way to use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from explain.attribution import input_x_gradient
from explain.importance import HIGH, LOW, RAISES, WordImportance
from explain.leaving import ablation
from explain.method import Found, Method, MethodSettings
from explain.question import WORDS, Question
from explain.scorer import Scorer
from explain.words import Span
from narrative.errors import ExplainError, SettingsError, require_choice
from narrative.models import LanguageModel

METHODS: dict[str, Method] = {
    "input x gradient": Method(
        "Gradient", "instant", "How strongly the target answers to a small change of each word, times the word itself. Instant, and rough.",
        "Shrikumar et al. 2016", input_x_gradient, lambda _, __: 3, baseline=False,
    ),
    "ablation": Method(
        "Ablation", "quick", "Each word in turn is replaced by the baseline; its score is what the target loses by that. Exact for one "
        "word at a time, blind to words that stand in for each other.",
        "Li et al. 2016; Zeiler and Fergus 2014", ablation, lambda words, _: words + 1,
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
    found = _found(way, scorer, spans, settings)
    silent = np.nan if empty.direction == LOW else 0.0
    scores = np.where(empty.counted(), found.scores, silent)
    if not np.isfinite(scores[empty.counted()]).all():
        raise ExplainError(f"{way.title} gave no numbers for this text. Take another method or baseline.")
    direction, notes = empty.direction, found.notes
    if question.instead and not _linear(way, settings):
        direction = RAISES if direction == HIGH else direction
    checks = {**found.checks, **(_sums(scorer, scores, before) if way.complete and _linear(way, settings) else {})}
    return replace(empty, scores=scores, direction=direction, checks=checks, notes=notes, spread=found.spread, layers=found.layers)


def _linear(way: Method, settings: MethodSettings) -> bool:
    return way.linear and settings.tunnel in {"", "smoothgrad"}


def _direction(way: Method, settings: MethodSettings) -> str:
    return way.direction if settings.tunnel in {"", "smoothgrad"} else HIGH


def _found(way: Method, scorer: Scorer, spans: tuple[Span, ...], settings: MethodSettings) -> Found:
    """A contrast is the difference of the two maps: by itself for linear methods, by subtraction for the others."""
    if not scorer.question.instead or _linear(way, settings) or way.direction == LOW:
        return way.run(scorer, spans, settings)
    own, other = (way.run(scorer.side(*weights), spans, settings) for weights in ((1, 0), (0, 1)))
    labels = f"for “{scorer.question.label}” than for “{scorer.question.instead_label}”"
    note = f"This method has no sign: what is shown is how much more a word matters {labels}."
    return replace(own, scores=own.scores - other.scores, spread=None, notes=(*own.notes, note))


def _sums(scorer: Scorer, scores: Any, before: float) -> Mapping[str, float]:
    """Whether the scores add up to what the target gains over a text of baselines (completeness, Sundararajan et al. 2017)."""
    nothing = float(scorer.replaced(torch.zeros((1, len(scorer.question.tokens)), dtype=torch.bool))[0])
    change, total = before - nothing, float(np.sum(scores))
    return {"sum": total, "change": change, "completeness_error": abs(total - change) / max(abs(change), 1e-9)}
