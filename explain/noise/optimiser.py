"""The largest noise that each word bears: the optimisation alone, for any state of any function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from explain.noise.problem import Phi, Problem

RATE, SAMPLES, SPEED = 0.1, 8, 0.1
PROBES, SPOTS = 64, 16  # vector-Jacobian products at the text, and around it
_MOST_PROBED = 1 << 24  # numbers that these hold at once: 64 MB
_BETAS = (0.9, 0.95)  # Adam forgets within some twenty steps, so that first steps with too much noise do not slow it down for good
_TINY, _WIDEST = 1e-30, 1e6
_BALANCED = 0.15  # in log sigma, about 15 % of sigma: see `_off_balance`


@dataclass(frozen=True, eq=False)
class Noise:
    """sigma: (word,), standard deviation of the noise on each component of each of the word's tokens."""

    sigma: torch.Tensor
    loss: float  # averaged over the last half of the steps
    converged: bool  # more noise would have cost about as much as it gained in the last half, and less too: see `_off_balance`
    doubt: torch.Tensor  # (word,): by how much log sigma is chance, about; 0.1 is 10 % of sigma


def bearable_noise(
    phi: Phi,
    inputs: torch.Tensor,
    groups: torch.Tensor,
    *,
    normaliser: torch.Tensor | float = 1.0,
    rate: float = RATE,
    cap: float = math.inf,
    steps: int = 100,
    samples: int = SAMPLES,
    seed: int = 1,
    rows: int = SAMPLES,
    probes: int = PROBES,
) -> Noise:
    """The sigma that minimises E[mean(((Phi(x + sigma e) - Phi(x)) / r)^2)] - rate * mean(log sigma), e ~ N(0, 1) (Guan et al. 2019).

    phi: (row, token, width) -> (row, ...). inputs: x, (token, width). groups: (token,), the number of each token's word, -1 for
    tokens that take no noise; words are counted from 0 and all have a token. normaliser: r. samples: even. probes: at most so many
    vector-Jacobian products at x.

    An input is a word. Its tokens share one sigma, and the mean of log sigma goes over the words: each counts once, however many
    pieces it has. For a linear state of components c, with J = dPhi/dx, the first term is then sum_w a_w sigma_w^2, where
    a_w = mean_c(sum over the word's tokens t and their width of (J_ct / r_c)^2). From 2 a_w sigma_w = rate / (S sigma_w) follows

        sigma_w = sqrt(rate / (2 S a_w)),  S = the number of words that take noise,

    which for Phi = sum_t w_t x_t is sqrt(rate / (2 S mean(1 / r^2))) / sqrt(sum of w_t^2 over the word's tokens): the published form
    when all words have one token. A word of two equal pieces bears 1/sqrt(2) of what each of them would: both let noise in.

    Adam on log sigma (speed 0.1, cosine decay), which is averaged over the last half of the steps; `samples` draws a step in pairs
    of e and -e, which cancel what is odd in e. What the linear part alone makes of the same draws is known exactly, and is taken off
    as far as it goes along with the true gradient (a control variate): a linear state then has next to no sampling noise, any other
    state about as much as before.
    """
    generator = torch.Generator().manual_seed(seed)
    problem = Problem(phi, inputs, _ties(groups, inputs), torch.as_tensor(normaliser, device=inputs.device), rows)
    state = problem.state()
    count = max(1, min(probes, state.numel(), _MOST_PROBED // inputs.numel()))
    jacobian = problem.jacobian(inputs.expand(count, -1, -1), generator)
    guess = _linear_optimum(problem, jacobian, rate, cap, generator)
    walk = _Walk(problem, state, jacobian, guess.clamp(_TINY, cap).log(), rate=rate, cap=cap)
    for step in range(steps):
        walk.step(_drawn(samples, inputs, generator), SPEED * 0.5 * (1 + math.cos(math.pi * step / steps)))
    return walk.noise()


def _ties(groups: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    count = int(groups.max()) + 1
    return (groups[:, None] == torch.arange(count, device=groups.device)).to(inputs)


def _drawn(samples: int, inputs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """(sample, token, width): pairs that mirror each other. Drawn on the processor, so that a seed means the same everywhere."""
    half = torch.randn((max(1, samples // 2), *inputs.shape), generator=generator).to(inputs)
    return torch.cat([half, -half])


def _linear_optimum(problem: Problem, jacobian: torch.Tensor, rate: float, cap: float, generator: torch.Generator) -> torch.Tensor:
    """(word,): the closed form, from the slopes at the text and around it, where a state that happens to be flat here may move."""
    words = problem.ties.shape[1]

    def best(slope: torch.Tensor) -> torch.Tensor:
        return (rate / (2 * words * slope.nan_to_num(nan=0.0).clamp(min=_TINY))).sqrt().clamp(max=cap)

    here = problem.linear(jacobian)
    blur = (problem.ties @ best(here).clamp(max=_WIDEST))[:, None] * _drawn(SPOTS, problem.inputs, generator)
    there = problem.linear(problem.jacobian(problem.inputs + blur, generator))
    return best((here + there.nan_to_num(nan=0.0)) / 2)


class _Walk:
    """log sigma on its way down; `slopes` are what more noise costs in units of what it gains, minus 1: 0 is in balance."""

    def __init__(
        self, problem: Problem, state: torch.Tensor, jacobian: torch.Tensor, logs: torch.Tensor, *, rate: float, cap: float
    ) -> None:
        self.logs, self.passed = logs.detach().clone(), list[torch.Tensor]()
        self.losses, self.slopes = list[float](), list[torch.Tensor]()
        self._problem, self._jacobian, self._rate, self._most = problem, jacobian, rate, math.log(cap)
        self._state, self._linear = state, problem.linear(jacobian)
        self._adam = torch.optim.Adam([self.logs], betas=_BETAS)
        self._along, self._own = torch.zeros_like(logs), torch.zeros_like(logs)

    def step(self, drawn: torch.Tensor, speed: float) -> None:
        sigma, gain = self.logs.exp(), self._rate / len(self.logs)
        change, slope = self._problem.changed(sigma, drawn, self._state)
        self.losses.append(change - self._rate * float(self.logs.mean()))
        slope = self._steadied(slope, sigma, drawn) - gain
        self.slopes.append(slope / gain)
        self.logs.grad = slope / gain
        self._adam.param_groups[0]["lr"] = speed
        self._adam.step()
        self.logs.clamp_(max=self._most)
        self.passed.append(self.logs.clone())

    def noise(self) -> Noise:
        last = max(1, len(self.passed) // 2)
        logs, slopes = torch.stack(self.passed[-last:]).mean(0), torch.stack(self.slopes[-last:])
        loss = sum(self.losses[-last:]) / last
        chance = (slopes.var(0) / last).sqrt() if last > 1 else torch.ones_like(logs)
        free = logs < self._most - 1e-3
        settled = last > 1 and (not free.any() or _off_balance(slopes[:, free].mean(0), chance[free]) <= _BALANCED)
        return Noise(logs.exp().clamp(max=math.exp(self._most)), loss, settled, torch.where(free, chance / 2, 0.0))

    def _steadied(self, slope: torch.Tensor, sigma: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """The gradient without what these draws happen to do to the linear part, as far as both went together in earlier steps."""
        each = torch.einsum("ptd,rtd,tw->rpw", self._jacobian, drawn, self._problem.ties) * sigma
        known = 2 * self._linear * sigma.square()
        luck = 2 * (each.sum(-1, keepdim=True) * each).sum(1).mean(0) - known
        share = (self._along / self._own.clamp(min=_TINY)).clamp(0, 1)
        self._along = 0.9 * self._along + 0.1 * (slope - known) * luck
        self._own = 0.9 * self._own + 0.1 * luck.square()
        return slope - share * luck


def _off_balance(slope: torch.Tensor, chance: torch.Tensor) -> float:
    """How far the optimiser is from its aim, in log sigma: half the root mean square of the words' mean slopes, beyond what chance
    makes of it. Words at the cap want more noise than is allowed, and are left out by the caller."""
    return float((slope.square() - chance.square()).mean().clamp(min=0).sqrt()) / 2
