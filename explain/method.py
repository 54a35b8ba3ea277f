"""What every method of word importance takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.importance import RAISES
from explain.scorer import Scorer
from explain.words import Span
from narrative.errors import SettingsError, require_choice, require_number, require_whole

TUNNELS = {
    "": "as it is",
    "smoothgrad": "SmoothGrad: the mean over noisy texts",
    "smoothgrad_sq": "SmoothGrad-Sq: the mean of squares",
    "vargrad": "VarGrad: the variance",
}


@dataclass(frozen=True)
class MethodSettings:
    """Settings of all methods; each uses the ones that are its own."""

    steps: int = 32
    """Integrated gradients: points on the way from the baseline to the text. More are read, 4,096 at most, until the scores add up."""
    samples: int = 0
    """Random methods: how many draws; 0 for each method's own number."""
    window: int = 3
    """Occlusion: how many neighbouring words are taken away together."""
    tunnel: str = ""
    """NoiseTunnel (Smilkov et al. 2017; Adebayo et al. 2018) around the method: smoothgrad, smoothgrad_sq, vargrad, or none."""
    tunnel_samples: int = 8
    """NoiseTunnel: how many noisy texts."""
    tunnel_noise: float = 0.15
    """NoiseTunnel: standard deviation of the noise, in standard deviations of the model's word embeddings."""
    noise_rate: float = 0.1
    """Learned noise: how much large noise is rewarded against a changed output (Guan et al. 2019)."""
    noise_steps: int = 100
    """Learned noise: optimiser steps."""
    noise_seeds: int = 1
    """Learned noise: runs over which the noise is averaged; with two or more their spread is told."""
    noise_layers: bool = True
    """Learned noise: also layer by layer."""
    seed: int = 1
    """Of all that is drawn by chance."""

    def __post_init__(self) -> None:
        require_whole("the number of steps", self.steps, low=1, high=4096)
        require_whole("the number of samples", self.samples, low=0, high=100_000)
        require_whole("the window", self.window, low=1, high=64)
        require_choice("NoiseTunnel", self.tunnel, TUNNELS)
        require_whole("the number of noisy texts", self.tunnel_samples, low=2, high=1000)
        require_number("the noise", self.tunnel_noise, low=0, high=10, above=True)
        require_number("the noise rate", self.noise_rate, low=0, high=10, above=True)
        require_whole("the number of noise steps", self.noise_steps, low=1, high=5000)
        require_whole("the number of noise runs", self.noise_seeds, low=1, high=20)
        if not isinstance(self.noise_layers, bool):
            raise SettingsError("Layer by layer is either wanted or not: give true or false.")
        require_whole("seed", self.seed, low=0, high=2**31 - 1)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> MethodSettings:
        """Unknown fields are refused with their names; missing ones take their defaults."""
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise SettingsError(f"Unknown settings: {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
        return cls(**given)


@dataclass(frozen=True, eq=False)
class Found:
    """scores: (word,), one for each span that the method was given; the rest as in `WordImportance`."""

    scores: NDArray[np.float64]
    spread: NDArray[np.float64] | None = None
    layers: NDArray[np.float64] | None = None  # (layer, word)
    checks: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Run = Callable[[Scorer, Sequence[Span], MethodSettings], Found]
Passes = Callable[[int, MethodSettings], float]  # (words that count, settings) -> rows read; a row with its gradient counts three


@dataclass(frozen=True)
class Method:
    """One way to tell which words drove a target."""

    title: str  # as a reader would call it
    pace: str  # instant | quick | thorough
    sentence: str  # what it does, in plain words
    source: str  # paper
    run: Run
    passes: Passes
    direction: str = RAISES  # a key of `importance.DIRECTIONS`
    linear: bool = True  # the map of a difference is the difference of the maps
    complete: bool = False  # the scores add up to what the target gains over the baseline
    baseline: bool = True  # whether anything stands in for words that are taken away
    tunnels: bool = True  # whether it can go through NoiseTunnel
    uses: tuple[str, ...] = ()  # fields of `MethodSettings`
