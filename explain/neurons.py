"""Queries and keys of one layer: what a head asks for, and what each token offers, number by number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from explain.results import AttentionMap, AttentionMaps
from explain.twin import twin
from narrative.errors import ExplainError, require_whole
from narrative.models import SEQ2SEQ, LanguageModel

_CAPTURE = "narrative-neurons"  # our name among transformers' ways to attend
_EXACT = 1e-4  # how far the attention made of queries and keys may be from the captured one
_HALVES = 0.05  # the same for models in bfloat16 or float16, whose captured weights carry two or three digits


@dataclass(frozen=True, eq=False)
class Neurons:
    """softmax(q.k / sqrt(width)) over the keys that a query may see is the layer's attention; what scales it otherwise is in the queries.

    Of models that turn queries and keys by their place (RoPE: Llama, Qwen, Mistral) they are the turned ones.
    """

    layer: int
    queries: NDArray[np.float32]  # (head, token, width)
    keys: NDArray[np.float32]  # (head, token, width); of heads that share their keys each has its copy


def neurons(model: LanguageModel, maps: AttentionMaps, *, layer: int) -> Neurons:
    """Queries and keys of `layer` (from 0) for the passage of `maps`, which are by pieces and `model`'s own.

    The attention that they make is compared with the captured one before anything is returned. Raises `ExplainError` for
    models whose attention is more than query times key (T5, Bloom), and `SettingsError` for a layer that isn't there.
    """
    _check(model, maps)
    captured = maps.map()
    require_whole("the layer", layer + 1, low=1, high=captured.layers)
    ids = torch.tensor([[piece.id for piece in maps.passage.sequence]], device=model.device)
    read = _READERS.get(model.model.config.model_type, _by_interface)
    with torch.inference_mode():
        taken = read(model, ids, layer)
    if taken.calls != captured.layers or taken.queries is None or taken.keys is None:
        raise ExplainError(f"{_title(model)} doesn't give out its queries and keys. {_INSTEAD}")
    found = Neurons(layer, taken.queries.float().cpu().numpy(), taken.keys.float().cpu().numpy())
    _verify(model, found, captured)
    return found


@dataclass
class _Taken:
    """What one pass gave: layers are counted as they attend, the wanted one is kept."""

    layer: int
    calls: int = 0
    queries: torch.Tensor | None = None  # (head, token, width)
    keys: torch.Tensor | None = None

    def keep(self, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """One layer's (batch 1, head, token, width); queries are scaled so that dividing by sqrt(width) is all that is left to do."""
        if self.calls == self.layer:
            self.queries = query[0].float() * (scaling * query.shape[-1] ** 0.5)
            self.keys = key[0].repeat_interleave(query.shape[1] // key.shape[1], dim=0)
        self.calls += 1


_taken: ContextVar[_Taken | None] = ContextVar("taken", default=None)  # of this thread: several may explain at once


def _attend(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any, **settings: Any) -> Any:
    """The model's own eager attention, with its queries and keys noted."""
    taken = _taken.get()
    if taken is not None:
        scaling = settings.get("scaling")
        taken.keep(query, key, query.shape[-1] ** -0.5 if scaling is None else scaling)
    return sys.modules[type(module).__module__].eager_attention_forward(module, query, key, value, attention_mask, **settings)


AttentionInterface.register(_CAPTURE, _attend)
AttentionMaskInterface.register(_CAPTURE, eager_mask)


def _by_interface(model: LanguageModel, ids: torch.Tensor, layer: int) -> _Taken:
    """Of models that attend by transformers' interface, which are nearly all."""
    reader: Any = twin(model, attention=_CAPTURE)
    taken = _Taken(layer)
    before = _taken.set(taken)
    try:
        reader.base_model(input_ids=ids, use_cache=False)
    finally:
        _taken.reset(before)
    return taken


def _by_projections(model: LanguageModel, ids: torch.Tensor, layer: int) -> _Taken:
    """GPT-Neo attends by itself, without dividing by sqrt(width): what its projections give is cut into heads."""
    reader: Any = twin(model, attention="eager")
    taken, heads = _Taken(layer), reader.config.num_heads
    last: list[torch.Tensor] = []  # the queries come first, then the keys of the same layer

    def cut(given: torch.Tensor) -> torch.Tensor:
        return given.reshape(*given.shape[:-1], heads, -1).transpose(1, 2)

    for block in reader.base_model.h:
        inner = block.attn.attention
        inner.q_proj.register_forward_hook(lambda _module, _given, query: last.append(cut(query)))
        inner.k_proj.register_forward_hook(lambda _module, _given, key: taken.keep(last.pop(), cut(key), 1.0))
    reader.base_model(input_ids=ids, use_cache=False)
    return taken


_READERS: dict[str, Callable[[LanguageModel, torch.Tensor, int], _Taken]] = {"gpt_neo": _by_projections}
_INSTEAD = "There is no neuron view of it; the head view and the model view show its attention."
_DISTANCE = "adds a bias for the distance between two words to query times key, so queries and keys alone don't make its attention."
_REFUSED = {"t5": _DISTANCE, "mt5": _DISTANCE, "umt5": _DISTANCE, "longt5": _DISTANCE, "bloom": _DISTANCE, "mpt": _DISTANCE}


def _title(model: LanguageModel) -> str:
    return f"{model.card.title or model.name} ({model.model.config.model_type})"


def _check(model: LanguageModel, maps: AttentionMaps) -> None:
    """That there can be a neuron view of these maps at all."""
    reason = _REFUSED.get(model.model.config.model_type)
    if reason:
        raise ExplainError(f"{_title(model)} {reason} {_INSTEAD}")
    if model.kind == SEQ2SEQ:
        raise ExplainError(f"{_title(model)} has an encoder and a decoder, and the neuron view shows models with one part only. {_INSTEAD}")
    if maps.passage.fingerprint != model.fingerprint:
        raise ExplainError(f"These attention maps were made by another model than {_title(model)}. Read the text with this one first.")
    if maps.unit != "pieces" or maps.map().hidden is not None:
        raise ExplainError("The neuron view needs attention by tokens, with the first token in sight.")


def _verify(model: LanguageModel, found: Neurons, captured: AttentionMap) -> None:
    """That queries and keys make the attention that was captured, head by head."""
    off = float(np.abs(attention_of(found, captured.weights[found.layer] > 0) - captured.weights[found.layer]).max())
    if not off < (_EXACT if model.model.dtype == torch.float32 else _HALVES):
        raise ExplainError(
            f"{_title(model)} makes its attention of more than query times key: in layer {found.layer + 1} the two are up to "
            f"{100 * off:.2g} percentage points apart. {_INSTEAD}"
        )


def attention_of(found: Neurons, seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """softmax(q.k / sqrt(width)) over what is `seen`; both (head, query, key). A query that sees nothing gets zeros."""
    scores = np.matmul(found.queries, found.keys.swapaxes(-1, -2)) / np.float32(found.queries.shape[-1] ** 0.5)
    scores = np.where(seen, scores, -np.inf)
    highest = scores.max(-1, keepdims=True)
    parts = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    return np.asarray(parts / np.maximum(parts.sum(-1, keepdims=True), np.finfo(np.float32).tiny), dtype=np.float32)
