"""Captum's methods that take words away. A feature is one word, 1 where it stays and 0 where the baseline stands in for it.

So nothing is copied over the width of an embedding, where a sum in place of a mean would be silently wrong (see the tests).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import KernelShap, Lime, Occlusion, ShapleyValueSampling

from explain.attribution.chance import seeded
from explain.method import Found, MethodSettings
from explain.scorer import Scorer
from explain.words import Span, one_hot

PERMUTATIONS = 16  # of Shapley value sampling
DRAWS, LEAST_DRAWS = 16, 64  # of KernelSHAP and LIME: so many for each word, and in all
_RIDGE = 1.0  # as in LIME's own program


def occlusion(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """What the target loses in the mean over all places of a window of `window` neighbouring words that hold the word, in nats."""
    text = _Text(scorer, spans)
    window = min(settings.window, text.words)
    return text.found(Occlusion(text).attribute(text.whole, (window,), baselines=0, perturbations_per_eval=text.words))


def shapley(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """What a word adds when the words come in one after the other, in the mean over `samples` random orders (16 without), in nats.

    The scores add up to what the target gains over a text of baselines, whatever was drawn.
    """
    text = _Text(scorer, spans)
    with seeded(scorer, settings.seed):
        found = ShapleyValueSampling(text).attribute(
            text.whole, baselines=0, n_samples=settings.samples or PERMUTATIONS, perturbations_per_eval=text.words
        )
    return text.found(found)


def kernel_shap(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """Shapley values as a weighted regression over `samples` draws of words that stay; without, 16 a word and at least 64; in nats."""
    text = _Text(scorer, spans)
    if text.words == 1:  # Captum divides by zero there; and nothing need be drawn
        return text.found(text(text.whole) - text(0 * text.whole))
    samples, notes = _draws(text.words, settings)
    with seeded(scorer, settings.seed):
        found = KernelShap(text).attribute(text.whole, baselines=0, n_samples=samples, perturbations_per_eval=samples)
    return text.found(found, notes)


def lime(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """Slopes of a straight line through `samples` draws of words that stay; without, 16 a word and at least 64; in nats.

    Ridge regression as in LIME's own program (Ribeiro et al. 2016), where Captum takes Lasso: a contrast then is the difference of
    its two maps, and no word is put to exactly 0 for being small.
    """
    text = _Text(scorer, spans)
    samples, notes = _draws(text.words, settings)
    with seeded(scorer, settings.seed):
        captum = Lime(text, interpretable_model=SkLearnRidge(alpha=_RIDGE))
        found = captum.attribute(text.whole, baselines=0, n_samples=samples, perturbations_per_eval=samples)
    return text.found(found, notes)


def draws(words: int, settings: MethodSettings) -> int:
    """How many draws KernelSHAP and LIME take: a line through fewer than two more than there are words says nothing."""
    return max(settings.samples or max(DRAWS * words, LEAST_DRAWS), words + 2)


def _draws(words: int, settings: MethodSettings) -> tuple[int, tuple[str, ...]]:
    taken = draws(words, settings)
    note = f"{settings.samples:,} draws are too few for {words:,} words, so that {taken:,} were taken: even that is rough."
    return taken, (note,) if 0 < settings.samples < taken else ()


class _Text:
    """The forward function that Captum asks: (row, word), 1 where a word stays -> (row,), nats lost against the whole text, below 0.

    `words`: how many can be taken away; `whole`: (1, word), all of them there. No row is read twice.
    """

    def __init__(self, scorer: Scorer, spans: Sequence[Span]) -> None:
        self._scorer = scorer
        table = torch.from_numpy(one_hot(spans, len(scorer.question.tokens)) > 0)
        self._counted = (table & scorer.free.cpu()[:, None]).any(0)  # (span,)
        self._table = table[:, self._counted].float().T  # (word, token)
        self._read: dict[bytes, float] = {}
        self.words = int(self._counted.sum())
        self.whole = torch.ones(1, self.words)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        asked = torch.cat([self.whole, rows]) > 0.5
        names = [row.tobytes() for row in asked.numpy()]
        new = {name: place for place, name in enumerate(names) if name not in self._read}
        if new:
            gone = (~asked[list(new.values())]).float() @ self._table  # (row, token)
            self._read.update(zip(new, self._scorer.replaced(gone == 0).tolist(), strict=True))
        found = np.array([self._read[name] for name in names])
        return torch.from_numpy(found[1:] - found[0]).float()  # small numbers lose less than large ones when Captum fits a line

    def found(self, scores: torch.Tensor, notes: tuple[str, ...] = ()) -> Found:
        """(1, word) of words that can be taken away -> (word,) of all."""
        all_words = np.zeros(len(self._counted))
        all_words[self._counted.numpy()] = scores.flatten().double().numpy()
        return Found(all_words, notes=notes)
