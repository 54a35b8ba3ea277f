"""One thread's work: sequences through the whole model and back, their gradients summed in its own buffers."""

from __future__ import annotations

import torch
from transformers import GPT2Config

from narrative.training.fast.block import Block, Norm, Tensors
from narrative.training.fast.cross_entropy import linear_cross_entropy

IGNORED = -100
APPROXIMATE = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}  # activation -> torch's name for its formula


class Worker:
    """Goes through `batch` sequences of `length` tokens at a time; the buffers are made once."""

    def __init__(self, config: GPT2Config, *, batch: int, length: int) -> None:
        inner, epsilon = config.n_inner or 4 * config.n_embd, config.layer_norm_epsilon
        shape = {"batch": batch, "length": length, "heads": config.n_head, "width": config.n_embd, "inner": inner}
        approximate = APPROXIMATE[config.activation_function]
        self.blocks = [Block(**shape, approximate=approximate, epsilon=epsilon) for _ in range(config.n_layer)]
        self.norm = Norm("ln_f", epsilon)
        self.scratch = torch.empty(self.blocks[0].attention.largest_chunk)

    @torch.no_grad()
    def run(
        self, pieces: list[tuple[torch.Tensor, torch.Tensor]], *, scale: float, weights: Tensors
    ) -> tuple[float, dict[str, torch.Tensor]]:
        """`pieces`: ids and targets, (batch, length) each. -> the pieces' loss, summed and times `scale`, and its gradients by name."""
        grads = {name: torch.zeros_like(weight, memory_format=torch.contiguous_format) for name, weight in weights.items()}
        mine = [_part(weights, f"h.{number}.") for number in range(len(self.blocks))]
        theirs = [_part(grads, f"h.{number}.") for number in range(len(self.blocks))]
        total = 0.0
        for ids, targets in pieces:
            x = (weights["wte.weight"][ids] + weights["wpe.weight"][: ids.shape[1]]).flatten(0, 1)
            for block, own in zip(self.blocks, mine, strict=True):
                x = block.forward(x, own)
            loss, grad = self._loss(x, targets.flatten(), scale, weights, grads)
            total += loss
            for block, own, learned in zip(reversed(self.blocks), reversed(mine), reversed(theirs), strict=True):
                grad = block.backward(grad, own, learned, self.scratch)
            grads["wte.weight"].index_add_(0, ids.flatten(), grad)
            grads["wpe.weight"][: ids.shape[1]] += grad.view(*ids.shape, -1).sum(0)
        return total, grads

    def _loss(self, x: torch.Tensor, targets: torch.Tensor, scale: float, weights: Tensors, grads: Tensors) -> tuple[float, torch.Tensor]:
        head = "head" if "head" in weights else "wte.weight"
        hidden = self.norm.forward(x, weights)
        rows = (targets != IGNORED).nonzero().flatten()
        loss, learned = linear_cross_entropy(hidden[rows], weights[head], targets[rows], scale=scale, grad_head=grads[head])
        grad = torch.zeros_like(hidden).index_copy_(0, rows, learned)
        return loss, self.norm.backward(grad, weights, grads)


def _part(tensors: Tensors, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
