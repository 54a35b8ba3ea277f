"""transformers' Trainer that takes the fast way in training where there is one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from transformers import Trainer

from narrative.training.fast.loss import FastLoss, fast_loss


class FastTrainer(Trainer):
    """`Trainer`, with `fast_loss` for the training batches that it fits; all else, and every evaluation, as ever."""

    @cached_property
    def fast(self) -> FastLoss | None:
        """Asked for at the first batch, when the model is where it will learn; a model wrapped for several processes has none."""
        return fast_loss(self.model_wrapped)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        if model.training and not return_outputs and not self.label_smoother and self.fast:
            loss = self.fast(inputs, count=num_items_in_batch)
            if loss is not None:
                return loss
        return super().compute_loss(model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch)
