"""Captum's methods on the embeddings of a text."""

from __future__ import annotations

from collections.abc import Sequence

from captum.attr import InputXGradient

from explain.method import Found, MethodSettings
from explain.scorer import Scorer
from explain.words import Span, summed


def input_x_gradient(scorer: Scorer, spans: Sequence[Span], _: MethodSettings) -> Found:
    """Embedding times gradient, summed over the embedding's width and the word's tokens."""
    found = InputXGradient(scorer.scores).attribute(scorer.embeddings[None].requires_grad_())
    return Found(summed(found[0].sum(-1).detach().cpu().numpy(), spans))
