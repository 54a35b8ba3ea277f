"""Leaving out one word at a time: exact, and the yardstick for the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from explain.method import Found, MethodSettings
from explain.scorer import Scorer
from explain.words import Span, one_hot


def ablation(scorer: Scorer, spans: Sequence[Span], _: MethodSettings) -> Found:
    """Log-probability of the target minus that with the word replaced by the baseline (feature ablation), in nats."""
    before = scorer.original()
    kept = torch.from_numpy(one_hot(spans, len(scorer.question.tokens)).T == 0)
    return Found((before - scorer.replaced(kept).double()).numpy())
