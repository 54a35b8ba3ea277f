"""A second model of the same weights: explaining hooks into it and changes its settings, and whoever writes meanwhile notices nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from narrative.models import SEQ2SEQ, LanguageModel


def twin(model: LanguageModel, *, attention: str | None = None) -> PreTrainedModel:
    """Modules and configuration of its own, parameters and buffers shared: a few milliseconds, no memory to speak of.

    `attention` sets how it attends ("eager" gives the weights out); without it, as the model does.
    """
    shared = {id(tensor): tensor for tensor in (*model.model.parameters(), *model.model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model.model, memo=shared)
    if attention is not None:
        copied.set_attn_implementation(attention)
    copied.eval()
    return copied


def precise_twin(model: LanguageModel) -> PreTrainedModel:
    """As `twin`, in float32: small differences of probabilities drown in half precision. Of a model in float32 the weights are shared."""
    if model.model.dtype == torch.float32:
        return twin(model)
    copied: PreTrainedModel = copy.deepcopy(model.model).float()
    copied.eval()
    return copied


def layers_of(model: LanguageModel, reader: Any) -> list[Any]:
    """The layers of a twin's writing part, of an encoder-decoder the decoder's: its outermost list of modules. Empty
    where there is none."""
    root: nn.Module = reader.get_decoder() if model.kind == SEQ2SEQ else reader.base_model
    return next((list(module) for module in root.modules() if isinstance(module, nn.ModuleList)), [])


@contextmanager
def giving_out(blocks: Sequence[Any], outputs: Sequence[Any]) -> Iterator[None]:
    """Each of these blocks of a twin gives out what is told here, whatever goes in: nothing is computed in it."""
    for block, given in zip(blocks, outputs, strict=True):
        block.forward = lambda *_, _given=given, **__: _given
    try:
        yield
    finally:
        for block in blocks:
            del block.forward
