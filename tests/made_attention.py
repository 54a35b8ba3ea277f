"""Attention made up: maps of any shape, without a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain.neurons import Neurons
from explain.passage import Passage
from explain.results import SELF, AttentionMap, AttentionMaps
from explain.words import Piece, pieces_as_spans


def attention(*, tokens: int, layers: int, heads: int, sharpness: float | None = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """(layer, head, query, key), rows sum to 1, nobody looks ahead: softmax of normal logits times `sharpness`; None: any shares."""
    draw = np.random.default_rng(seed)
    shape, seen = (layers, heads, tokens, tokens), np.tri(tokens, dtype=np.float32)
    if sharpness is None:
        weights = draw.standard_exponential(shape, dtype=np.float32) * seen
    else:
        logits = draw.standard_normal(shape, dtype=np.float32) * np.float32(sharpness)
        logits[..., seen == 0] = -np.inf
        weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def made_maps(
    labels: Sequence[str] = (),
    *,
    tokens: int = 0,
    layers: int = 2,
    heads: int = 4,
    sharpness: float | None = 1.0,
    prompt: int | None = None,
) -> AttentionMaps:
    """One causal map of `labels`, or of so many tokens; the first `prompt` of them (half) are the prompt."""
    shown = list(labels) or [f"word{place}" for place in range(tokens)]
    pieces = tuple(Piece(place, f" {label}", label) for place, label in enumerate(shown))
    border = len(shown) // 2 if prompt is None else prompt
    spans, weights = pieces_as_spans(pieces), attention(tokens=len(shown), layers=layers, heads=heads, sharpness=sharpness)
    passage = Passage("made", "0" * 16, "causal", pieces[:border], pieces[border:])
    return AttentionMaps(passage, "pieces", (AttentionMap(SELF, weights, spans, spans, True, border, border),))


def made_neurons(one: AttentionMap, *, layer: int = 0, width: int = 8) -> Neurons:
    draw = np.random.default_rng(1)
    shape = (one.heads, len(one.queries), width)
    return Neurons(layer, draw.standard_normal(shape, dtype=np.float32), draw.standard_normal(shape, dtype=np.float32))
