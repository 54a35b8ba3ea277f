"""NoiseTunnel: any method on several noisy texts, and what becomes of each word's score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from captum.attr import Attribution, NoiseTunnel
from captum.log import log_usage

from explain.attribution.chance import seeded
from explain.method import Found, MethodSettings, Run
from explain.scorer import Scorer
from explain.words import Span


def through_noise(run: Run, scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """`run` on `tunnel_samples` noisy texts, and of each word's scores the mean (SmoothGrad, Smilkov et al. 2017), the mean of their
    squares (SmoothGrad-Sq, Hooker et al. 2019) or their variance (VarGrad, Adebayo et al. 2018).

    The noise on the embeddings has `tunnel_noise` times the standard deviation of all embeddings that the model knows. A method that
    draws by chance itself draws the same for each text, so that what varies is the text.
    """
    method = _OnNoisyTexts(run, scorer, spans, settings)
    with seeded(scorer, settings.seed):
        scores = NoiseTunnel(method).attribute(
            scorer.embeddings[None].cpu(), settings.tunnel, settings.tunnel_samples, nt_samples_batch_size=1,
            stdevs=settings.tunnel_noise * spread(scorer),
        )  # fmt: skip
    signed = settings.tunnel == "smoothgrad"
    scores = scores if signed else scores.clamp(min=0)  # rounding may put a variance of nearly nothing below 0
    return Found(scores[0].numpy(), notes=tuple(method.notes))


@torch.no_grad()
def spread(scorer: Scorer) -> float:
    """Standard deviation of all numbers of the embeddings that the model's tokenizer knows."""
    known = torch.arange(min(len(scorer.model.tokenizer), scorer.model.vocabulary), device=scorer.ids.device)
    count, total, squares = 0, 0.0, 0.0
    for ids in known.split(8192):
        part = scorer.embed(ids).double()
        count, total, squares = count + part.numel(), total + float(part.sum()), squares + float(part.square().sum())
    return float(max(squares / count - (total / count) ** 2, 0.0) ** 0.5)


class _OnNoisyTexts(Attribution):  # type: ignore[misc]
    """A method as NoiseTunnel takes one: (row, token, width) -> (row, word). Captum's own give (row, token, width), and the words'
    squares and variances could not be had from those."""

    def __init__(self, run: Run, scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> None:
        super().__init__(scorer.scores)
        self._run, self._scorer, self._spans, self._settings = run, scorer, spans, settings
        self.notes: dict[str, None] = {}  # each once

    @log_usage()  # type: ignore[untyped-decorator]  # NoiseTunnel unwraps it
    def attribute(self, inputs: torch.Tensor) -> torch.Tensor:
        scorer, rows = self._scorer, []
        for row in inputs.to(scorer.embeddings.device):
            noisy = torch.where(scorer.free[:, None], row, scorer.embeddings)  # what is given stays what it is
            found = self._run(scorer.with_embeddings(noisy), self._spans, self._settings)
            self.notes.update(dict.fromkeys(found.notes))
            rows.append(torch.from_numpy(found.scores))
        return torch.stack(rows)
