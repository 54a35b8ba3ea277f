"""Where the fast way fits, and how autograd and the Trainer see it: as one loss with its gradients ready."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from narrative.training.fast.worker import APPROXIMATE, IGNORED, Worker

ROWS = 2048  # tokens that go through the model together: enough for the best speed of its products, few enough for the cache
ROOM = 4 << 30  # bytes that the threads' own gradients may take


def fast_loss(model: torch.nn.Module, *, threads: int | None = None) -> FastLoss | None:
    """The fast way for this model, or None where it would not be exact or not fit: then the usual way is right.

    Fits GPT-2 in float32 on a processor, with all weights learning and without dropout. `threads`: torch's number if None.
    """
    threads = threads or torch.get_num_threads()
    if type(model) is not GPT2LMHeadModel or not _plain(model.config):
        return None
    learning = all(p.requires_grad and p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())
    dropping = any(isinstance(layer, torch.nn.Dropout) and layer.p > 0 for layer in model.modules())
    size = sum(p.numel() * 4 for p in model.parameters())
    if not learning or dropping or model.is_activation_checkpointing or size * threads > ROOM:
        return None
    return FastLoss(model, threads=threads)


def _plain(config: GPT2Config) -> bool:
    unusual = config.scale_attn_by_inverse_layer_idx or config.reorder_and_upcast_attn or config.add_cross_attention
    return bool(config.activation_function in APPROXIMATE and config.scale_attn_weights and not unusual)


class FastLoss:
    """`loss(inputs)` for a batch as the model takes it; `loss.backward()` gives the weights their gradients.

    The same batch gives the same bits: each thread has the same sequences every time, and sums are in a fixed order.
    """

    def __init__(self, model: GPT2LMHeadModel, *, threads: int) -> None:
        self.model, self.threads = model, threads
        self.workers: list[Worker] = []
        self.shape: tuple[int, int] | None = None
        started = Barrier(threads + 1)
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="fast-loss")
        for _ in range(threads):
            self.pool.submit(_one_thread, started)
        started.wait()
        torch.set_num_threads(torch.get_num_threads())  # the pool's ones are for the pool only

    def __call__(self, inputs: Mapping[str, Any], *, count: torch.Tensor | float | None = None) -> torch.Tensor | None:
        """The mean loss over `count` predictions (all learned ones here if None); None for a batch that does not fit."""
        ids, labels = inputs.get("input_ids"), inputs.get("labels")
        if ids is None or labels is None or not self._fits(inputs, ids):
            return None
        targets = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)  # a token is predicted from those before it
        count = float((targets != IGNORED).sum() if count is None else count)
        if not count:  # a mean over nothing: what it is then is for the model to say
            return None
        parameters = dict(self.model.named_parameters())
        made: torch.Tensor = _Ready.apply(self, ids, targets, 1 / count, *parameters.values())  # type: ignore[no-untyped-call]
        return made

    def _fits(self, inputs: Mapping[str, Any], ids: torch.Tensor) -> bool:
        mask = inputs.get("attention_mask")
        if set(inputs) - {"input_ids", "labels", "attention_mask"} or len(ids) < self.threads or torch.is_autocast_enabled("cpu"):
            return False
        return mask is None or bool((mask[:, 1:] <= mask[:, :-1]).all())  # padding on the right is never looked at by what learns

    def gradients(self, ids: torch.Tensor, targets: torch.Tensor, scale: float) -> tuple[float, list[torch.Tensor]]:
        """The loss and its gradients in the order of the model's parameters."""
        batch = max(1, min(ROWS // ids.shape[1], len(ids) // self.threads))
        missing = -len(ids) % batch  # the last piece is filled up with sequences of which nothing is learned
        padded = (torch.nn.functional.pad(x, (0, 0, 0, missing), value=fill) for x, fill in ((ids, 0), (targets, IGNORED)))
        pieces = list(zip(*(x.split(batch) for x in padded), strict=True))
        shape = (batch, ids.shape[1])
        if shape != self.shape:
            self.shape, self.workers = shape, [Worker(self.model.config, batch=batch, length=shape[1]) for _ in range(self.threads)]
        weights = {_short(name): parameter.detach() for name, parameter in self.model.named_parameters()}
        shares = [pieces[number :: self.threads] for number in range(self.threads)]
        tasks = [self.pool.submit(w.run, share, scale=scale, weights=weights) for w, share in zip(self.workers, shares, strict=True)]
        results = [task.result() for task in tasks]
        total, sums = results[0][0], list(results[0][1].values())
        for loss, grads in results[1:]:
            total += loss
            torch._foreach_add_(sums, list(grads.values()))
        return total, sums


class _Ready(torch.autograd.Function):
    """Autograd's view: the gradients are made on the way forward and handed over on the way back."""

    @staticmethod
    def forward(ctx: Any, fast: FastLoss, ids: torch.Tensor, targets: torch.Tensor, scale: float, *_: torch.Tensor) -> torch.Tensor:
        loss, ctx.gradients = fast.gradients(ids, targets, scale)
        return torch.tensor(loss, dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *above: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        if above[0] != 1:
            torch._foreach_mul_(gradients, above[0])
        return (None, None, None, None, *gradients)


def _short(name: str) -> str:
    """A parameter's name without what every name shares; the output layer that is no embedding is the head."""
    return "head" if name == "lm_head.weight" else name.removeprefix("transformer.")


def _one_thread(started: Barrier) -> None:
    torch.set_num_threads(1)
    started.wait()
