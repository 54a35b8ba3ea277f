"""The loss on test texts, weighed by tokens."""

from __future__ import annotations

from typing import Any

import torch

from narrative.models.card import SEQ2SEQ


def sums_per_row(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """(row, 2): the summed negative log-likelihood in nats and the number of predicted tokens of each row.

    For models that continue a text: the logits at a position are those of the next token.
    """
    return _sums((logits[0] if isinstance(logits, tuple) else logits)[:, :-1], labels[:, 1:])


def sums_per_target(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """The same for an encoder-decoder, whose logits at a position are those of the label there."""
    return _sums(logits[0] if isinstance(logits, tuple) else logits, labels)


def sums_for(kind: str) -> Any:
    return sums_per_target if kind == SEQ2SEQ else sums_per_row


def _sums(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    losses = torch.nn.functional.cross_entropy(scores.float().transpose(1, 2), targets, ignore_index=-100, reduction="none")
    return torch.stack([losses.sum(1), (targets != -100).sum(1).float()], dim=1)


def exact_loss(evaluation: Any) -> dict[str, float]:
    """Nats per token over all rows together: Trainer's own average of averages is wrong for unequal lengths."""
    nats, tokens = evaluation.predictions.sum(axis=0, dtype="float64")
    return {"nats": float(nats / tokens) if tokens else float("nan")}
