"""What counts as much: how far states lie apart between texts, and word embeddings between words."""

from __future__ import annotations

import math

import torch

from explain.noise.problem import Phi
from explain.scorer import Scorer

TEXTS = 64  # so that r is known to about a tenth
CAP = 10  # of noise, in standard deviations of the word embeddings (Guan et al. 2019)
_LEAST = 0.01  # of the mean: a component that hardly ever moves must not outweigh all others


@torch.no_grad()
def spread_of(phi: Phi, scorer: Scorer, *, seed: int, texts: int = TEXTS) -> torch.Tensor:
    """r: (component,) for a state of (row, place, component), (1,) for one of (row, place): standard deviation over random texts.

    They have the length of the question's text and random words of the tokenizer in all places that may change. The variance is
    taken at each place and averaged over places, so that it does not depend on how long the target is. 1 where nothing ever moves.
    """
    generator = torch.Generator().manual_seed(seed)
    special = set(scorer.model.tokenizer.all_special_ids)
    known = torch.tensor([one for one in range(_known(scorer)) if one not in special])
    drawn = known[torch.randint(0, len(known), (texts, scorer.length), generator=generator)].to(scorer.ids.device)
    ids = torch.where(scorer.free[: scorer.length], drawn, scorer.ids[: scorer.length])
    states = torch.cat([phi(scorer.embed(part)) for part in ids.split(scorer.rows(gradient=True))]).float()
    variance = states.var(0)
    found = (variance.mean(0) if variance.dim() > 1 else variance.mean()[None]).sqrt()
    least = _LEAST * found.square().mean().sqrt()
    return found.clamp(min=float(least) if float(least) > 0 else 1.0)


@torch.no_grad()
def most_noise(scorer: Scorer) -> float:
    """Ten standard deviations of the embedding matrix, as it enters the model: noise beyond that leaves nothing of a word."""
    count, total, squares = 0, 0.0, 0.0
    for part in torch.arange(_known(scorer), device=scorer.ids.device).split(8192):
        vectors = scorer.embed(part).double()
        count, total, squares = count + vectors.numel(), total + float(vectors.sum()), squares + float(vectors.square().sum())
    return CAP * math.sqrt(max(squares / count - (total / count) ** 2, 0.0))


def _known(scorer: Scorer) -> int:
    """Rows of the embedding that stand for a token."""
    return min(len(scorer.model.tokenizer), scorer.model.vocabulary)
