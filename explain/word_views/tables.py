"""Word importance as CSV text, number by number; conventions and the rule for formulas as in `tables`. Nothing is measured here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from explain.tables import cell_text, six_digits, table
from explain.word_views.pairs import paired

if TYPE_CHECKING:
    from explain.faithfulness import Faithfulness
    from explain.importance import WordImportance

PROMPT, MODEL = "prompt", "model"  # whose text a word is of
_CURVE = ("map", "random", "low", "high", "oracle")
_MEASURE = ("value", "random", "spread", "oracle", "worst")


def importance_csv(importance: WordImportance) -> str:
    """word (from 1), text, side (prompt | model), counts (yes | no: whether the target can depend on it), score, spread; of maps that
    look into the layers also layer_1, layer_2, ...

    Cells without a number are empty: no spread, or a word that learned noise says nothing about.
    """
    layers = [] if importance.layers is None else list(importance.layers)
    spread, counted = importance.spread, importance.counted()
    rows = (
        (
            place + 1, cell_text(span.label), _side(importance, place), "yes" if counted[place] else "no", _cell(importance.scores[place]),
            _cell(None if spread is None else spread[place]), *(_cell(layer[place]) for layer in layers),
        )
        for place, span in enumerate(importance.words)
    )  # fmt: skip
    return table(("word", "text", "side", "counts", "score", "spread", *(f"layer_{number}" for number in range(1, len(layers) + 1))), rows)


def comparison_csv(one: WordImportance, other: WordImportance) -> str:
    """text, word_1, score_1, word_2, score_2: words from 1 in their own text, empty where only the other map has the word.

    Scores are each map's own; what they mean is told by the maps' methods.
    """
    pairs = paired([span.label for span in one.words], [span.label for span in other.words])
    rows = ((cell_text(pair.label), *_half(one, pair.one), *_half(other, pair.other)) for pair in pairs)
    return table(("text", "word_1", "score_1", "word_2", "score_2"), rows)


def check_csv(faithfulness: Faithfulness) -> str:
    """One line a measure: name, title, how, value, random (the mean of random orders), spread (of these), oracle, worst, better."""
    rows = (
        (one.name, cell_text(one.title), cell_text(one.how), *(_cell(getattr(one, name)) for name in _MEASURE), one.better)
        for one in faithfulness.measures
    )
    return table(("name", "title", "how", *_MEASURE, "better"), rows)


def curves_csv(faithfulness: Faithfulness) -> str:
    """One line a point: name, how, share (0 to 1 of the words), and nats by this map, random orders (random, low, high), oracle."""
    rows = (
        (curve.name, cell_text(curve.how), _cell(share), *(_cell(getattr(curve, name)[point]) for name in _CURVE))
        for curve in faithfulness.curves
        for point, share in enumerate(curve.shares)
    )
    return table(("name", "how", "share", *_CURVE), rows)


def _side(importance: WordImportance, place: int) -> str:
    return MODEL if importance.words[place].start >= importance.question.written_from else PROMPT


def _half(importance: WordImportance, place: int | None) -> tuple[Any, str]:
    return ("", "") if place is None else (place + 1, _cell(importance.scores[place]))


def _cell(value: Any) -> str:
    return "" if value is None or not math.isfinite(value) else six_digits(value)
