"""The two curves of a run, and what they say: which step was best, and whether the model has begun to memorise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

RISING = 2  # evaluations in a row with a higher test loss than the one before


@dataclass
class Curve:
    """Training losses, and test losses in nats per token. `weights`: what share each corpus has in the mean of them."""

    weights: Mapping[str, float]
    bits: Mapping[str, float]  # corpus -> what turns nats per token into bits per byte
    training: list[tuple[int, float]] = field(default_factory=list)
    tests: dict[int, dict[str, float]] = field(default_factory=dict)

    def read(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take up what was measured before a stop."""
        for line in lines:
            if "corpus" in line:
                self.add_test(line["step"], line["corpus"], line["test_loss"])
            elif "loss" in line:
                self.training.append((line["step"], line["loss"]))

    def add_test(self, step: int, corpus: str, loss: float) -> bool:
        """Whether all corpora have been measured at this step now."""
        self.tests.setdefault(step, {})[corpus] = loss
        return self.measured(step)

    def measured(self, step: int) -> bool:
        return self.tests.get(step, {}).keys() >= self.weights.keys()

    def mean(self, step: int) -> float:
        """Test loss over the corpora by their weights."""
        return self._mean(step, dict.fromkeys(self.weights, 1.0))

    def figures(self, step: int) -> dict[str, float]:
        """As `state.json` tells them."""
        loss = self.mean(step)
        return {"test_loss": loss, "perplexity": math.exp(min(loss, 700)), "bits_per_byte": self._mean(step, self.bits)}

    def _mean(self, step: int, factors: Mapping[str, float]) -> float:
        total = sum(self.weights.values())
        return sum(weight / total * self.tests[step][name] * factors[name] for name, weight in self.weights.items())

    def steps(self) -> list[int]:
        """At which all corpora were measured, in order."""
        return sorted(step for step in self.tests if self.measured(step))

    def best(self) -> int:
        """The step with the lowest test loss; the first of equals."""
        return min(self.steps(), key=self.mean)

    def since_best(self) -> int:
        """Evaluations since the best one."""
        steps = self.steps()
        return len(steps) - 1 - steps.index(self.best())

    def memorising(self) -> str:
        """A sentence when the test loss has turned up while the training loss falls on; else ''."""
        steps = self.steps()[-RISING - 1 :]
        losses = [self.mean(step) for step in steps]
        if len(steps) <= RISING or any(after <= before for before, after in pairwise(losses)):
            return ""
        before, after = (self._training_before(step) for step in (steps[0], steps[-1]))
        if before is None or after is None or after >= before:
            return ""
        return (
            f"It has begun to memorise: since step {steps[0]:,} the test loss rises ({losses[0]:.3f} to {losses[-1]:.3f}) while the "
            f"training loss falls ({before:.3f} to {after:.3f}). More text, fewer epochs, dropout or a lower learning rate help."
        )

    def _training_before(self, step: int) -> float | None:
        """The mean of the last training losses up to a step."""
        losses = [loss for at, loss in self.training if at <= step][-5:]
        return sum(losses) / len(losses) if losses else None
