"""Two models on the same text: where the one looks more than the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explain.results import AttentionMap, AttentionMaps
from explain.words import Piece, Span
from narrative.errors import ExplainError


@dataclass(frozen=True, eq=False)
class AttentionDifference:
    """What tuning changed in where a model looks, head by head."""

    base: str  # the models' names
    tuned: str
    unit: str  # pieces | words
    map: AttentionMap  # its weights are differences, tuned - base: -1..1, every row sums to 0; `hidden` is one too
    distance: NDArray[np.float32]  # (layer, head), 0..1: share of the attention that went elsewhere, mean over queries

    @property
    def weights(self) -> NDArray[np.float32]:
        """(layer, head, query, key): tuned - base."""
        return self.map.weights

    @property
    def queries(self) -> tuple[Span, ...]:
        return self.map.queries

    @property
    def keys(self) -> tuple[Span, ...]:
        return self.map.keys


def difference(base: AttentionMaps, tuned: AttentionMaps, *, name: str | None = None) -> AttentionDifference:
    """tuned - base, on one map of both. By their own unit where both models cut the text alike, by words where they don't.

    The distance is the total variation of two rows: half the sum of |difference| over the keys, averaged over the queries.
    With the first key left out of both it covers the other keys only. Raises `ExplainError` for maps of different texts,
    kinds, layers or heads.
    """
    if {one.name for one in base.maps} != {one.name for one in tuned.maps}:
        raise ExplainError(f"{_names(base, tuned)} don't read alike: one has an encoder and the other hasn't.")
    base, tuned = _alike(base, tuned)
    before, after = base.map(name), tuned.map(name)
    _check(base, tuned, before, after)
    weights = after.weights - before.weights
    hidden = None if before.hidden is None or after.hidden is None else after.hidden - before.hidden
    distance = np.abs(weights).sum(-1).mean(-1) / 2
    signed = replace(after, weights=weights, hidden=hidden)
    return AttentionDifference(base.passage.model, tuned.passage.model, base.unit, signed, distance.astype(np.float32))


def _alike(base: AttentionMaps, tuned: AttentionMaps) -> tuple[AttentionMaps, AttentionMaps]:
    """Both in a unit that they share."""
    if any((one.hidden is None) != (other.hidden is None) for one, other in zip(base.maps, tuned.maps, strict=False)):
        raise ExplainError("The first word is left out of one model's attention and not of the other's: show it in both, or in neither.")
    same = _tokens(base) == _tokens(tuned)
    if base.unit == tuned.unit and (same or base.unit == "words"):
        return base, tuned
    if any(one.hidden is not None for one in (*base.maps, *tuned.maps)):
        raise ExplainError(
            f"{_names(base, tuned)} cut this text into different tokens, so the first token that is left out is not the same: "
            "show it, or compare by words."
        )
    return base.by_words(), tuned.by_words()


def _tokens(maps: AttentionMaps) -> list[tuple[int, str]]:
    pieces: Sequence[Piece] = (*maps.passage.encoder, *maps.passage.sequence)
    return [(piece.id, piece.text) for piece in pieces]


def _names(base: AttentionMaps, tuned: AttentionMaps) -> str:
    return f"{base.passage.model} and {tuned.passage.model}"


def _check(base: AttentionMaps, tuned: AttentionMaps, before: AttentionMap, after: AttentionMap) -> None:
    """That the maps can be subtracted."""
    if before.name != after.name:
        raise ExplainError(
            f"{_names(base, tuned)} don't read alike: the one shows {before.title}, the other {after.title}. "
            "Compare models of the same kind."
        )
    if before.weights.shape[:2] != after.weights.shape[:2]:
        raise ExplainError(
            f"The layers and heads of {base.passage.model} ({before.layers} and {before.heads}) and {tuned.passage.model} "
            f"({after.layers} and {after.heads}) don't fit: only models of the same build can be compared head by head."
        )
    for one, other in ((before.queries, after.queries), (before.keys, after.keys)):
        _check_words(base, tuned, [span.label for span in one], [span.label for span in other])


def _check_words(base: AttentionMaps, tuned: AttentionMaps, one: list[str], other: list[str]) -> None:
    """That both models read the same words."""
    if one == other:
        return
    place = next((place for place, (word, as_word) in enumerate(zip(one, other, strict=False)) if word != as_word), None)
    if place is None:
        raise ExplainError(
            f"{_names(base, tuned)} don't see equally much of the text: {len(one):,} and {len(other):,} words. Compare a shorter one."
        )
    raise ExplainError(
        f"{_names(base, tuned)} don't read the same words: word {place + 1} is “{one[place]}” for the one and “{other[place]}” "
        "for the other. Compare them on the same text."
    )
