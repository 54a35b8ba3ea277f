"""Passage -> AttentionMaps: one teacher-forced pass over the stored tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explain.passage import Passage
from explain.results import CROSS, DECODER, ENCODER, SELF, AttentionMap, AttentionMaps
from explain.twin import twin
from explain.words import pieces_as_spans
from narrative.errors import ExplainError
from narrative.models import SEQ2SEQ, LanguageModel

LARGEST = 1 << 30  # bytes of weights that one capture may hold
_SUM = 1e-3  # how far a row may be from 1 before it is told


def capture(model: LanguageModel, passage: Passage) -> AttentionMaps:
    """Where `model` looks while it reads `passage`, by tokens. Values are those of `output_attentions`, in float32.

    Raises `ExplainError` for models that have no attention to show (state-space models), and for passages whose maps
    would not fit into memory.
    """
    _check_size(model, passage)
    reader: Any = twin(model, attention="eager")
    with torch.inference_mode():
        maps = tuple(_seq2seq(model, reader, passage) if model.kind == SEQ2SEQ else _causal(model, reader, passage))
    return AttentionMaps(passage, "pieces", maps, tuple(_notes(model, maps)))


def _causal(model: LanguageModel, reader: Any, passage: Passage) -> Iterator[AttentionMap]:
    ids = torch.tensor([[piece.id for piece in passage.sequence]], device=model.device)
    read = reader.base_model(input_ids=ids, output_attentions=True, use_cache=False)
    spans, border = pieces_as_spans(passage.sequence), passage.written_from
    yield AttentionMap(SELF, _stacked(model, getattr(read, "attentions", None)), spans, spans, True, border, border)


def _seq2seq(model: LanguageModel, reader: Any, passage: Passage) -> Iterator[AttentionMap]:
    source = torch.tensor([[piece.id for piece in passage.encoder]], device=model.device)
    target = torch.tensor([[piece.id for piece in passage.decoder]], device=model.device)
    read = reader.base_model(input_ids=source, decoder_input_ids=target, output_attentions=True, use_cache=False)
    prompt, written = pieces_as_spans(passage.encoder), pieces_as_spans(passage.decoder)
    yield AttentionMap(ENCODER, _stacked(model, read.encoder_attentions), prompt, prompt, False, len(prompt), len(prompt))
    yield AttentionMap(DECODER, _stacked(model, read.decoder_attentions), written, written, True, 0, 0)
    yield AttentionMap(CROSS, _stacked(model, read.cross_attentions), written, prompt, False, 0, len(prompt))


def _stacked(model: LanguageModel, attentions: Any) -> NDArray[np.float32]:
    """(layer, head, query, key) of the layers that attend."""
    given = [layer for layer in attentions or () if layer is not None and layer.dim() == 4]
    if not given:
        raise ExplainError(
            f"{model.card.title or model.name} ({model.model.config.model_type}) has no attention weights to show: it does not look back "
            "at single words. Choose a model with attention, such as GPT-2, GPT-Neo, Llama or T5."
        )
    return torch.cat(given).float().cpu().numpy()


def _notes(model: LanguageModel, maps: tuple[AttentionMap, ...]) -> Iterator[str]:
    layers = getattr(model.model.config.get_text_config(), "num_hidden_layers", maps[0].layers)
    if maps[0].layers < layers:
        yield f"Only {maps[0].layers} of this model's {layers} layers attend; they are counted from 1, the others are left out."
    if any(abs(float(one.weights.sum(-1).min()) - 1) > _SUM for one in maps):
        yield "This model may look at nothing at all: what is missing from 100 % in a row went nowhere."


def _check_size(model: LanguageModel, passage: Passage) -> None:
    config = model.model.config.get_text_config()
    longest = max(len(passage.sequence), len(passage.prompt))
    heads = getattr(config, "num_hidden_layers", 1) * getattr(config, "num_attention_heads", 1)
    size = 4 * longest**2 * heads * (3 if model.kind == SEQ2SEQ else 1)  # bytes
    if size > LARGEST:
        most = int((LARGEST * longest**2 / size) ** 0.5)
        raise ExplainError(f"{longest:,} tokens are too many for this model's attention maps; at most {most:,} fit into memory.")
