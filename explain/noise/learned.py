"""Learned noise as a method of word importance: for the target, and layer by layer on the way there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from explain.method import Found, MethodSettings
from explain.noise.layers import state_after
from explain.noise.optimiser import PROBES, SAMPLES, SPOTS, Noise, bearable_noise
from explain.noise.problem import Phi
from explain.noise.scale import TEXTS, most_noise, spread_of
from explain.scorer import Scorer
from explain.twin import layers_of
from explain.words import Span

_PROBES = 16  # in the layers, whose states have far more components than could be probed one by one
_LATER = 0.6  # of the steps
_TIED = 0.25  # of the pairs of words


def learned_noise(scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> Found:
    """The noise that each word's embedding bears before the target changes (Guan et al. 2019): low = important; NaN for words that
    can't change it. In units of the embedding, at most ten of its standard deviations.

    What must not change are the log-probabilities of the target's tokens; of a contrast, their sum minus that of the other words.
    With several seeds the scores are the geometric mean of the runs and `spread` is the standard deviation of sigma itself.

    `layers`: the same for the state after each layer of the writing part, in the places that the target is read from (see
    `layers.state_after`), from one run each; of an encoder-decoder the decoder's layers, for the encoder's words too. Each layer
    begins anew from its own linear part (from the last layer's noise it came out worse, with words stuck near the cap), and all
    but the first, where words that have not arrived must climb to the cap, take 0.6 of the steps.
    """
    problem = _Words(scorer, spans, settings)
    phi = _output(scorer)
    r = spread_of(phi, scorer, seed=settings.seed)
    runs = [problem.noise(phi, r, seed=settings.seed + number) for number in range(settings.noise_seeds)]
    logs = torch.stack([run.sigma.log() for run in runs])
    sigma = logs.mean(0).exp()
    layers = problem.layers() if settings.noise_layers else []
    spread = problem.by_word(logs.exp().std(0)) if len(runs) > 1 else None
    checks = {
        "loss": sum(run.loss for run in runs) / len(runs),
        "converged": float(all(run.converged for run in runs)),
        "capped": float((sigma > problem.cap * 0.999).float().mean()),
    }
    if layers:
        checks["layers_converged"] = sum(layer.converged for layer in layers) / len(layers)
    maps = np.stack([problem.by_word(layer.sigma) for layer in layers]) if layers else None
    return Found(problem.by_word(sigma), spread, maps, checks, _notes(runs, sigma, checks, wanted=settings.noise_layers))


def rows_read(_: int, settings: MethodSettings) -> float:
    """Rows of whole readings, one with its gradient counted as three. About: a long target is probed more often, and for the layers
    six of them are reckoned, each read half-way on average."""
    once = 3 * (SAMPLES * settings.noise_steps + _PROBES + SPOTS)
    layers = 3 * once * _LATER if settings.noise_layers else 0
    return TEXTS + settings.noise_seeds * once + layers


def _output(scorer: Scorer) -> Phi:
    """(row, token, width) -> (row, target), or (row, 1) of a contrast."""
    return (lambda embeddings: scorer.scores(embeddings)[:, None]) if scorer.question.instead else scorer.token_scores


class _Words:
    """The words that take noise, and what all states of one question have in common."""

    def __init__(self, scorer: Scorer, spans: Sequence[Span], settings: MethodSettings) -> None:
        self._scorer, self._settings, self._count = scorer, settings, len(spans)
        free = scorer.free.cpu()
        self._places = [number for number, span in enumerate(spans) if free[span.start : span.stop].any()]
        groups = torch.full((len(free),), -1)
        for number, place in enumerate(self._places):
            groups[spans[place].start : spans[place].stop] = number
        self._groups = groups.where(free, -1)[: scorer.length].to(scorer.ids.device)
        self._inputs = scorer.embeddings[: scorer.length]
        self.cap = most_noise(scorer)

    def noise(self, phi: Phi, r: torch.Tensor, *, seed: int, steps: int = 0, probes: int = PROBES) -> Noise:
        return bearable_noise(
            phi, self._inputs, self._groups, normaliser=r, rate=self._settings.noise_rate, cap=self.cap,
            steps=steps or self._settings.noise_steps, samples=SAMPLES, seed=seed, rows=self._scorer.rows(gradient=True),
            probes=probes,
        )  # fmt: skip

    def layers(self) -> list[Noise]:
        found: list[Noise] = []
        for layer in range(len(layers_of(self._scorer.model, self._scorer.reader))):
            phi = state_after(self._scorer, layer)
            r = spread_of(phi, self._scorer, seed=self._settings.seed)
            steps = math.ceil(self._settings.noise_steps * (_LATER if found else 1))
            found.append(self.noise(phi, r, seed=self._settings.seed, steps=steps, probes=_PROBES))
        return found

    def by_word(self, values: torch.Tensor) -> NDArray[np.float64]:
        """(word that takes noise,) -> (word,), NaN for the others."""
        found = np.full(self._count, np.nan)
        found[self._places] = values.double().cpu().numpy()
        return found


def _notes(runs: Sequence[Noise], sigma: torch.Tensor, checks: dict[str, float], *, wanted: bool) -> tuple[str, ...]:
    notes = []
    if not checks["converged"]:
        notes.append("The noise was still changing when the steps were used up: take more steps before you trust this map.")
    if checks.get("layers_converged", 1.0) < 1:
        notes.append("In some layers the noise was still changing when the steps were used up: take more steps for the layers.")
    if wanted and "layers_converged" not in checks:
        notes.append("This model's layers are not built one after the other in a way that is known, so that there is no map of them.")
    tied = _tied(sigma.log(), torch.stack([run.doubt for run in runs]).mean(0) / len(runs) ** 0.5)
    if tied > _TIED:
        notes.append(
            f"About {tied:.0%} of the pairs of words bear so nearly the same noise that their order may be chance: take more runs, and "
            "read only the large differences."
        )
    return tuple(notes)


def _tied(logs: torch.Tensor, doubt: torch.Tensor) -> float:
    """The share of pairs of words whose order may be chance: they differ by less than twice their doubts together. Pairs at the cap, which
    are equal on purpose, have no doubt and are not among them."""
    first, second = torch.triu_indices(len(logs), len(logs), 1)
    if not len(first):
        return 0.0
    apart = (logs[first] - logs[second]).abs()
    return float((apart < 2 * (doubt[first].square() + doubt[second].square()).sqrt()).float().mean())
