"""One transformer block of GPT-2 (Radford et al. 2019, section 2.3), forward and back, written out."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from narrative.training.fast.attention import CausalAttention

Tensors = Mapping[str, torch.Tensor]  # a block's weights, or their gradients, by their names in the model


class Norm:
    """Layer norm; keeps what its backward pass needs."""

    def __init__(self, name: str, epsilon: float) -> None:
        self.weight, self.bias, self.epsilon = f"{name}.weight", f"{name}.bias", epsilon

    def forward(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        self.input = x
        out, self.mean, self.inverse = torch.native_layer_norm(x, x.shape[1:], weights[self.weight], weights[self.bias], self.epsilon)
        return out

    def backward(self, grad: torch.Tensor, weights: Tensors, grads: Tensors) -> torch.Tensor:
        given = (self.input.shape[1:], self.mean, self.inverse, weights[self.weight], weights[self.bias], [True, True, True])
        grad_input, grad_weight, grad_bias = torch.ops.aten.native_layer_norm_backward(grad, self.input, *given)
        grads[self.weight].add_(grad_weight)
        grads[self.bias].add_(grad_bias)
        return grad_input  # type: ignore[no-any-return]  # torch.ops has no types


class Block:
    """x + attention(norm(x)), then x + mlp(norm(x)). Buffers for (batch * length, width) rows are its own."""

    def __init__(self, *, batch: int, length: int, heads: int, width: int, inner: int, approximate: str, epsilon: float) -> None:
        self.attention = CausalAttention(batch=batch, length=length, heads=heads, size=width // heads)
        self.first, self.second = Norm("ln_1", epsilon), Norm("ln_2", epsilon)
        self.approximate = approximate
        rows = batch * length
        self.qkv, self.mixed, self.middle = torch.empty(rows, 3 * width), torch.empty(rows, width), torch.empty(rows, width)
        self.wide, self.active = torch.empty(rows, inner), torch.empty(rows, inner)
        self.out = torch.empty(rows, width)

    def forward(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        """(row, width) -> (row, width)"""
        self.into_attention = self.first.forward(x, weights)
        torch.addmm(weights["attn.c_attn.bias"], self.into_attention, weights["attn.c_attn.weight"], out=self.qkv)
        self.attention.forward(self.qkv, self.mixed)
        torch.addmm(x, self.mixed, weights["attn.c_proj.weight"], out=self.middle).add_(weights["attn.c_proj.bias"])
        self.into_mlp = self.second.forward(self.middle, weights)
        torch.addmm(weights["mlp.c_fc.bias"], self.into_mlp, weights["mlp.c_fc.weight"], out=self.wide)
        torch.ops.aten.gelu.out(self.wide, approximate=self.approximate, out=self.active)
        torch.addmm(self.middle, self.active, weights["mlp.c_proj.weight"], out=self.out).add_(weights["mlp.c_proj.bias"])
        return self.out

    def backward(self, grad: torch.Tensor, weights: Tensors, grads: Tensors, scratch: torch.Tensor) -> torch.Tensor:
        """The gradient for the block's output -> for its input; those for its weights are added to `grads`."""
        _learn("mlp.c_proj", self.active, grad, grads)
        torch.mm(grad, weights["mlp.c_proj.weight"].T, out=self.active)  # no longer needed as what it was
        torch.ops.aten.gelu_backward.grad_input(self.active, self.wide, approximate=self.approximate, grad_input=self.active)
        _learn("mlp.c_fc", self.into_mlp, self.active, grads)
        torch.mm(self.active, weights["mlp.c_fc.weight"].T, out=self.into_mlp)
        grad = self.second.backward(self.into_mlp, weights, grads).add_(grad)
        _learn("attn.c_proj", self.mixed, grad, grads)
        torch.mm(grad, weights["attn.c_proj.weight"].T, out=self.mixed)
        self.attention.backward(self.mixed, self.qkv, scratch)
        _learn("attn.c_attn", self.into_attention, self.qkv, grads)
        torch.mm(self.qkv, weights["attn.c_attn.weight"].T, out=self.into_attention)
        return self.first.backward(self.into_attention, weights, grads).add_(grad)


def _learn(name: str, given: torch.Tensor, grad: torch.Tensor, grads: Tensors) -> None:
    grads[f"{name}.weight"].addmm_(given.T, grad)
    grads[f"{name}.bias"].add_(grad.sum(0))
