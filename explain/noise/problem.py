"""What noise does to a state: the first half of the objective, its gradient, and what can be known of it without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Phi = Callable[[torch.Tensor], torch.Tensor]  # (row, token, width) -> (row, ...), differentiable


@dataclass(frozen=True, eq=False)
class Problem:
    """A state, the words that it is made of, and what counts as a change of it.

    phi: see `Phi`. inputs: (token, width). ties: (token, word), one-hot, the rows of tokens that stay as they are all 0.
    normaliser: r, a number for each component of the state, of any shape that broadcasts to it. rows: read at once.
    """

    phi: Phi
    inputs: torch.Tensor
    ties: torch.Tensor
    normaliser: torch.Tensor
    rows: int

    @torch.no_grad()
    def state(self) -> torch.Tensor:
        """(1, ...): without noise."""
        return self.phi(self.inputs[None])

    def changed(self, sigma: torch.Tensor, drawn: torch.Tensor, state: torch.Tensor) -> tuple[float, torch.Tensor]:
        """mean over rows and components of ((Phi(x + sigma e) - Phi(x)) / r)^2, and its gradient by log sigma, (word,).

        sigma: (word,). drawn: e, (row, token, width). Rows are read a few at a time, so that memory stays bounded.
        """
        total, slope = 0.0, torch.zeros_like(sigma)
        for part in drawn.split(self.rows):
            logs = sigma.log().requires_grad_()
            noisy = self.inputs + (self.ties @ logs.exp())[:, None] * part
            apart = ((self.phi(noisy) - state) / self.normaliser).square().flatten(1).mean(1).sum() / len(drawn)
            slope += torch.autograd.grad(apart, logs)[0]
            total += float(apart.detach())
        return total, slope

    def jacobian(self, places: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """(probe, token, width): J^T v / r at `places` (probe, token, width), such that the squares add up to the mean over the
        components of (dPhi / dx / r)^2: exactly with as many probes as there are components, else on average, from random signs v
        (Hutchinson's estimate)."""
        count, found = len(places), list[torch.Tensor]()
        for part in torch.arange(count, device=places.device).split(self.rows):
            noisy = places[part].clone().requires_grad_()
            state = (self.phi(noisy) / self.normaliser).flatten(1)
            width = state.shape[1]
            if width == count:
                seen = state.gather(1, part[:, None]).sum() / width**0.5
            else:
                signs = torch.randint(0, 2, state.shape, generator=generator).to(state) * 2 - 1
                seen = (state * signs).sum() / (count * width) ** 0.5
            found.append(torch.autograd.grad(seen, noisy)[0])
        return torch.cat(found)

    def linear(self, jacobian: torch.Tensor) -> torch.Tensor:
        """(word,): a, such that a word with noise sigma changes a linear state by a sigma^2: the squares of its tokens, added up."""
        return jacobian.square().sum((0, 2)) @ self.ties
