"""Causal attention, forward and back, in chunks of queries: nothing is computed where the mask hides whole blocks.

As in FlashAttention (Dao et al. 2022, section 3.1) the division by the softmax's sum comes after the product with the
values. A column of ones beside the values makes that sum part of the product; in the backward pass it takes up the
softmax's correction term. So the scores are touched by one exponential on the way forward and one product on the way back.
"""

from __future__ import annotations

import torch

CHUNK = 64  # queries; with 8 heads and 512 keys the scores are 1 MB: a core's second cache
SAFE = 40.0  # below it, sums of exponentials and their inverses are far from float32's limits, so no maximum is taken off


class CausalAttention:
    """Attention of one layer over `batch` sequences of `length` tokens; keeps what its backward pass needs."""

    def __init__(self, *, batch: int, length: int, heads: int, size: int) -> None:
        self.shape = (batch, length, heads, size)
        rows = batch * heads
        self.query, self.key = torch.empty(rows, length, size), torch.empty(rows, length, size)
        self.value = torch.ones(rows, length, size + 1)  # the last column stays 1
        self.out, self.sums = torch.empty(rows, length, size), torch.empty(rows, length, 1)
        self.chunks = [(start, min(start + CHUNK, length)) for start in range(0, length, CHUNK)]
        self.weights = [torch.empty(rows, end - start, end) for start, end in self.chunks]  # not yet divided by `sums`
        self.seen = torch.ones(CHUNK, CHUNK).tril_()

    def forward(self, qkv: torch.Tensor, out: torch.Tensor) -> None:
        """qkv: (batch * length, 3 * width) -> out: (batch * length, width), heads side by side."""
        batch, length, heads, size = self.shape
        query, key, value = qkv.view(batch, length, 3, heads, size).permute(2, 0, 3, 1, 4)
        torch.mul(query, size**-0.5, out=self.query.view_as(query))
        self.key.view_as(key).copy_(key)
        self.value.view(batch, heads, length, size + 1)[..., :size] = value
        largest = self.query.square().sum(2).max() * self.key.square().sum(2).max()
        safe = bool(largest < SAFE**2)  # by Cauchy and Schwarz no score is larger than that
        for (start, end), weights in zip(self.chunks, self.weights, strict=True):
            torch.bmm(self.query[:, start:end], self.key[:, :end].transpose(1, 2), out=weights)
            seen = self.seen[: end - start, : end - start]
            if not safe:
                weights[:, :, start:].masked_fill_(seen == 0, -torch.inf)
                weights.sub_(weights.amax(2, keepdim=True))
            weights.exp_()
            weights[:, :, start:].mul_(seen)
            summed = torch.bmm(weights, self.value[:, :end])
            self.sums[:, start:end] = summed[..., size:]
            torch.div(summed[..., :size], summed[..., size:], out=self.out[:, start:end])
        out.view(batch, length, heads, size).copy_(self.out.view(batch, heads, length, size).transpose(1, 2))

    def backward(self, grad_out: torch.Tensor, grad_qkv: torch.Tensor, scratch: torch.Tensor) -> None:
        """grad_out: (batch * length, width) -> grad_qkv: (batch * length, 3 * width). `scratch` has room for a chunk's scores."""
        batch, length, heads, size = self.shape
        scale = size**-0.5
        grad = torch.empty_like(self.value)  # beside the gradient, in the last column, minus its product with the output
        torch.div(grad_out.view(batch, length, heads, size).transpose(1, 2).reshape_as(self.out), self.sums, out=grad[..., :size])
        grad[..., size] = -(grad[..., :size] * self.out).sum(2)
        grad_query = torch.empty_like(self.query)
        grad_key, grad_value = torch.zeros_like(self.key), torch.zeros_like(self.value)
        for (start, end), weights in zip(self.chunks, self.weights, strict=True):
            above = grad[:, start:end]
            grad_value[:, :end] += torch.bmm(weights.transpose(1, 2), above)
            scores = scratch[: weights.numel()].view_as(weights)
            torch.bmm(above, self.value[:, :end].transpose(1, 2), out=scores).mul_(weights)
            torch.mul(torch.bmm(scores, self.key[:, :end]), scale, out=grad_query[:, start:end])
            grad_key[:, :end] += torch.bmm(scores.transpose(1, 2), self.query[:, start:end])
        parts = grad_qkv.view(batch, length, 3, heads, size).permute(2, 0, 3, 1, 4)
        for part, made in zip(parts, (grad_query, grad_key, grad_value[..., :size]), strict=True):
            part.copy_(made.reshape(batch, heads, length, size))

    @property
    def largest_chunk(self) -> int:
        """Numbers in the scores of the largest chunk."""
        return max(weights.numel() for weights in self.weights)
