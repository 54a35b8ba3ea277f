"""How thoroughly a map is checked."""

from __future__ import annotations

from dataclasses import dataclass

from narrative.errors import SettingsError, require_number, require_whole, shown


@dataclass(frozen=True)
class CheckSettings:
    """Settings of `check_map`."""

    shares: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5)
    """How much of the words is taken away at once, over which is averaged (AOPC); each is one word at least. ERASER (DeYoung et al.
    2020) takes 1, 5, 10, 20 and 50 %."""
    randoms: int = 10
    """Random orders of the words, beside which the map stands. Every second one is the one before it read backwards."""
    perturbations: int = 16
    """Infidelity: how many random sets of words are replaced. Sensitivity takes as many jittered texts, but four at most."""
    randomise: bool = True
    """Also the map of a model whose weights are shuffled; it takes as long as the map itself."""
    seed: int = 1
    """Of all that is drawn by chance."""

    def __post_init__(self) -> None:
        if not isinstance(self.shares, tuple) or not self.shares:
            raise SettingsError(f"The shares of words are {shown(self.shares)}; give at least one, such as 0.2, in a tuple.")
        for share in self.shares:
            require_number("a share of words", share, low=0, high=1, above=True)
        require_whole("the number of random orders", self.randoms, low=2, high=1000)
        require_whole("the number of perturbations", self.perturbations, low=1, high=10_000)
        if not isinstance(self.randomise, bool):
            raise SettingsError("The map of shuffled weights is either wanted or not: give true or false.")
        require_whole("seed", self.seed, low=0, high=2**31 - 1)
