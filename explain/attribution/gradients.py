"""Captum's methods that ask for gradients, on the embeddings of a text. The target is one number, so that one pass does for a passage."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
from captum.attr import GradientShap, InputXGradient, IntegratedGradients, Saliency
from numpy.typing import NDArray

from explain.attribution.chance import seeded
from explain.method import Found, MethodSettings
from explain.scorer import Scorer
from explain.words import Span, summed

ENOUGH = 0.01  # of what the target gains over the baseline: so far may the scores of integrated gradients miss it
MOST_STEPS = 4096
_ROUNDING = 1e-5  # of a log-probability: less than that is missed by rounding, and no points would help
DRAWS = 32  # of gradient SHAP
_LONGEST = 256  # points of one stretch: the places of more than that take seconds to find


def saliency(scorer: Scorer, spans: Sequence[Span], _: MethodSettings) -> Found:
    """Length of the gradient over the embedding's width, summed over the word's tokens; nats per unit of embedding, never below 0."""
    found = Saliency(scorer.scores).attribute(scorer.embeddings[None].requires_grad_())
    return Found(_by_words(scorer, spans, found[0].norm(dim=-1)))


def input_x_gradient(scorer: Scorer, spans: Sequence[Span], _: MethodSettings) -> Found:
    """Embedding times gradient, summed over the embedding's width and the word's tokens."""
    found = InputXGradient(scorer.scores).attribute(scorer.embeddings[None].requires_grad_())
    return Found(_by_words(scorer, spans, found[0].sum(-1)))


def gradient_shap(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """The gradient at points drawn by chance between the baseline and the text, times the way between them (`samples`, 32 without).

    All draws start from the one baseline that was chosen, and no noise is added, so that in the mean the scores add up to what the
    target gains over it; how far these are from that is among the checks.
    """
    samples, most = settings.samples or DRAWS, scorer.rows(gradient=True)
    start, total = _Way(scorer).point(0), torch.zeros_like(scorer.embeddings)
    with seeded(scorer, settings.seed):
        for begin in range(0, samples, most):  # Captum would read all draws at once
            count = min(most, samples - begin)
            part = GradientShap(scorer.scores).attribute(scorer.embeddings[None], start, n_samples=count, stdevs=0.0)
            total += part[0].detach() * (count / samples)
    return Found(_by_words(scorer, spans, total.sum(-1)))


def integrated_gradients(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """The gradient along the way from the baseline to the text, times that way (Sundararajan et al. 2017, equation 1).

    Captum integrates over the whole way with `steps` points. Where the scores then don't add up within 1 %, the stretch of the way
    that misses most is halved and its halves are integrated with as many points each, until what all of them miss is less than that
    or 4,096 points are read. Twice the points on all of the way would cost the same and find less.
    """
    way = _Way(scorer)
    count = ceil(settings.steps / _LONGEST)
    points = ceil(settings.steps / count)
    stretches = [way.stretch(part / count, (part + 1) / count, points) for part in range(count)]
    heapify(stretches)
    gain = way.height(1) - way.height(0)
    allowed = max(ENOUGH * abs(gain), _ROUNDING * max(abs(way.height(0)), abs(way.height(1))))
    while -sum(one.error for one in stretches) > allowed and way.steps + 2 * points <= MOST_STEPS:
        worst = heappop(stretches)
        middle = (worst.begin + worst.end) / 2
        heappush(stretches, way.stretch(worst.begin, middle, points))
        heappush(stretches, way.stretch(middle, worst.end, points))
    total = torch.stack([one.scores for one in stretches]).sum(0)
    note = f"The scores don't add up within 1 %, even with {way.steps:,} points on the way from the baseline: take another baseline."
    missed = abs(float(total.sum()) - gain) > allowed
    return Found(_by_words(scorer, spans, total), checks={"steps": float(way.steps)}, notes=(note,) if missed else ())


class _Stretch(NamedTuple):
    """A part of the way, 0 to 1. error: minus how far it misses what the target gains on it, in nats, so that the worst comes first."""

    error: float
    begin: float
    end: float
    scores: torch.Tensor  # (token,)


class _Way:
    """The straight way from a text of baselines (0) to the text (1). What can't be taken away is the same on all of it."""

    def __init__(self, scorer: Scorer) -> None:
        self.steps = 0  # points read so far
        self._scorer = scorer
        vector = scorer.baseline.vector.to(scorer.embeddings.dtype)
        self._start = torch.where(scorer.free[:, None], vector, scorer.embeddings)
        self._heights: dict[float, float] = {}

    def point(self, place: float) -> torch.Tensor:
        """(1, token, width)"""
        return torch.lerp(self._start, self._scorer.embeddings, place)[None]

    @torch.no_grad()
    def height(self, place: float) -> float:
        """The target's log-probability there, in nats."""
        if place not in self._heights:
            self._heights[place] = float(self._scorer.scores(self.point(place))[0])
        return self._heights[place]

    def stretch(self, begin: float, end: float, points: int) -> _Stretch:
        most = self._scorer.rows(gradient=True)
        captum = IntegratedGradients(self._scorer.scores)
        found = captum.attribute(self.point(end), self.point(begin), n_steps=points, internal_batch_size=most)
        self.steps += points
        scores = found[0].detach().double().sum(-1)
        return _Stretch(-abs(float(scores.sum()) - (self.height(end) - self.height(begin))), begin, end, scores)


def _by_words(scorer: Scorer, spans: Sequence[Span], scores: torch.Tensor) -> NDArray[np.float64]:
    """(token,) -> by words. Signs that are given score nothing, in a span that holds them too."""
    return summed((scores.detach() * scorer.free).cpu().numpy(), spans)
