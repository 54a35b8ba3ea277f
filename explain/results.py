"""What explaining gives: frozen data that can be kept, sent and drawn. Nothing here runs a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explain.passage import Passage
from explain.stored import store, taken_from
from explain.words import Piece, Span, one_hot, words_as_spans
from narrative.errors import require_choice

Unit = Literal["pieces", "words"]
UNITS = ("pieces", "words")
SELF, ENCODER, DECODER, CROSS = "self", "encoder", "decoder", "cross"
TITLES = {
    SELF: "the text on itself",
    ENCODER: "the encoder: the prompt on itself",
    DECODER: "the decoder: what was written on itself",
    CROSS: "cross: from what was written to the prompt",
}


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """One kind of attention in all layers and heads. weights: (layer, head, query, key), float32; rows sum to 1."""

    name: str  # self | encoder | decoder | cross
    weights: NDArray[np.float32]
    queries: tuple[Span, ...]  # who looks, in tokens of its sequence
    keys: tuple[Span, ...]  # what is looked at
    causal: bool  # nobody looks ahead: only the lower triangle holds anything
    query_border: int  # the first query that was written after the prompt; 0 where all were, len(queries) where none
    key_border: int
    hidden: NDArray[np.float32] | None = None  # (layer, head): share of attention on the first key, when that is left out

    @property
    def layers(self) -> int:
        return int(self.weights.shape[0])

    @property
    def heads(self) -> int:
        return int(self.weights.shape[1])

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def left_out(self) -> str:
        """What is to be said where the first key is left out; "" where it isn't."""
        if self.hidden is None:
            return ""
        mean, most = (f"{share:.0%}".replace("%", " %") for share in (float(self.hidden.mean()), float(self.hidden.max())))
        return f"The first, “{self.keys[0].label}”, is left out: {mean} of all attention goes there, in one head {most}."

    def labels(self) -> tuple[list[str], list[str]]:
        """What is shown for queries and keys."""
        return [span.label for span in self.queries], [span.label for span in self.keys]


@dataclass(frozen=True, eq=False)
class AttentionMaps:
    """Where a model looked while it read a passage: one map for a decoder-only model, three for an encoder-decoder."""

    passage: Passage
    unit: Unit
    maps: tuple[AttentionMap, ...]
    notes: tuple[str, ...] = ()  # sentences about what these maps don't cover

    def map(self, name: str | None = None) -> AttentionMap:
        """The map of that name, or the one to begin with. Raises `SettingsError` for an unknown one."""
        if name is None:
            return self.maps[0] if len(self.maps) == 1 else next(one for one in self.maps if one.name == DECODER)
        require_choice("kind of attention", name, [one.name for one in self.maps])
        return next(one for one in self.maps if one.name == name)

    def by_words(self) -> AttentionMaps:
        """Keys of a word summed, its queries averaged: rows still sum to 1. Maps by words stay as they are."""
        if self.unit == "words":
            return self
        return replace(self, unit="words", maps=tuple(_by_words(one, self.passage) for one in self.maps))

    def without_sink(self) -> AttentionMaps:
        """The first key of each map left out and its share told in `hidden`; what is left keeps its values."""
        return replace(self, maps=tuple(without_sink(one) for one in self.maps))

    def save(self, path: Path) -> None:
        """One .npz file; `load` gives equal maps."""
        arrays = {f"{one.name}.{kind}": array for one in self.maps for kind, array in (("weights", one.weights), ("hidden", one.hidden))}
        told = {
            "passage": asdict(self.passage), "unit": self.unit, "notes": self.notes,
            "maps": [{name: getattr(one, name) for name in _PLAIN} for one in self.maps],
        }  # fmt: skip
        store(path, told, arrays)

    @classmethod
    def load(cls, path: Path) -> AttentionMaps:
        """What `save` wrote. Raises `ExplainError` when the file is something else or damaged."""
        with taken_from(path, "attention maps") as (told, arrays):
            maps = tuple(_stored_map(entry, arrays) for entry in told["maps"])
            return cls(stored_passage(told["passage"]), told["unit"], maps, tuple(told["notes"]))


_PLAIN = ("name", "queries", "keys", "causal", "query_border", "key_border")


def _stored_map(entry: dict[str, Any], stored: dict[str, Any]) -> AttentionMap:
    name = entry["name"]
    values = dict(entry) | {side: tuple(Span(*span) for span in entry[side]) for side in ("queries", "keys")}
    hidden = stored.get(f"{name}.hidden")
    return AttentionMap(weights=stored[f"{name}.weights"], hidden=hidden, **values)


def stored_passage(entry: dict[str, Any]) -> Passage:
    """From what `asdict` made of one."""
    pieces = {side: tuple(Piece(*piece) for piece in entry[side]) for side in ("prompt", "completion")}
    start = Piece(*entry["start"]) if entry["start"] else None
    return Passage(**dict(entry) | pieces | {"start": start})


def _by_words(one: AttentionMap, passage: Passage) -> AttentionMap:
    """(W / W.sum(0)).T @ a @ W with W: (token, word), one-hot."""
    looking = _words_of(one.name, passage, as_key=False)
    looked = _words_of(one.name, passage, as_key=True)
    rows, columns = one_hot(looking, len(one.queries)), one_hot(looked, len(one.keys))
    weights = np.matmul(np.matmul((rows / rows.sum(0)).T, one.weights), columns)
    return replace(
        one, weights=weights.astype(np.float32), queries=looking, keys=looked,
        query_border=_border(looking, one.query_border), key_border=_border(looked, one.key_border),
    )  # fmt: skip


def _words_of(name: str, passage: Passage, *, as_key: bool) -> tuple[Span, ...]:
    if name == ENCODER or (name == CROSS and as_key):
        return words_as_spans(passage.encoder)
    return words_as_spans(passage.sequence, breaks=(passage.written_from,))


def _border(spans: tuple[Span, ...], token: int) -> int:
    """The first span that begins at `token` or after it."""
    return next((place for place, span in enumerate(spans) if span.start >= token), len(spans))


def without_sink(one: AttentionMap) -> AttentionMap:
    """The map without what goes to its first key, where attention goes that has nowhere else to go (Xiao et al. 2024, "attention sink")."""
    if one.hidden is not None or len(one.keys) < 2:
        return one
    weights = one.weights.copy()
    first = 1 if one.causal else 0  # the first word of a decoder can look at nothing but itself: that is no choice
    hidden = weights[:, :, first:, 0].mean(-1)
    weights[..., 0] = 0
    return replace(one, weights=weights, hidden=hidden.astype(np.float32))
