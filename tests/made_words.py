"""Word importance made up: any words, any scores, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explain.faithfulness import Curve, Faithfulness, Measure
from explain.importance import RAISES, WordImportance
from explain.passage import Passage
from explain.question import Question, Target
from explain.words import Piece
from narrative.models import CAUSAL, SEQ2SEQ

NUANCED = ("The", " Professor's", " economic", " theory", " is", " more", " nuanced")


def made_importance(
    scores: Sequence[float],
    texts: Sequence[str] = NUANCED,
    *,
    prompt: int = 3,
    target: tuple[int, int] | None = None,
    method: str = "ablation",
    direction: str = RAISES,
    instead: str = "",
    unit: str = "pieces",
    model: str = "made",
    **more: Any,
) -> WordImportance:
    """Of a decoder-only model: one token each of `texts`, the first `prompt` of them the prompt. `target`: tokens; without it the last."""
    pieces = tuple(Piece(place, text, text.strip() or "¶") for place, text in enumerate(texts))
    passage = Passage(model, "0123456789abcdef", CAUSAL, pieces[:prompt], pieces[prompt:])
    begin, end = target or (len(pieces) - 1, len(pieces))
    question = Question(passage, Target(begin, end), (Piece(99, f" {instead}", instead),) if instead else ())
    return _made(question, scores, unit, method, direction, more)


def made_translation(scores: Sequence[float], **more: Any) -> WordImportance:
    """Of an encoder-decoder: "The fox</s>" is read, "<pad> Der Fuchs" written; why " Fuchs"?"""
    read = (Piece(1, "The", "The"), Piece(2, " fox", "fox"), Piece(3, "", "</s>"))
    written = (Piece(4, " Der", "Der"), Piece(5, " Fuchs", "Fuchs"))
    passage = Passage("made", "0123456789abcdef", SEQ2SEQ, read, written, Piece(0, "", "<pad>"))
    return _made(Question(passage, Target(2, 3)), scores, "words", "ablation", RAISES, more)


def _made(question: Question, scores: Sequence[float], unit: str, method: str, direction: str, more: Mapping[str, Any]) -> WordImportance:
    """Scores that are missing at the end are those of words that the target can't depend on."""
    words = question.spans(unit)
    silent = 0.0 if direction != "low" else np.nan
    values = np.array([*scores, *[silent] * (len(words) - len(scores))], dtype=np.float64)
    given = {"settings": {"seed": 1}, "baseline": "the average word", "before": -1.25} | more
    arrays = {name: np.asarray(given.pop(name), dtype=np.float64) for name in ("spread", "layers") if given.get(name) is not None}
    return WordImportance(question, unit, words, values, method, direction, **given, **arrays)


def made_curve(name: str = "deletion", how: str = "replacement") -> Curve:
    lines = ((0, 0.5, 1), (-1, -3, -4), (-1, -2, -4), (-1, -2.5, -4), (-1, -1.5, -4), (-1, -3.5, -4))
    return Curve(name, how, *(np.array(line, dtype=np.float64) for line in lines))


def made_check() -> Faithfulness:
    measures = (
        Measure("comprehensiveness", "Taking away", "replacement", 3.125, 0.9, 0.25, 3.6, -0.2, "higher", "They were needed."),
        Measure("completeness", "Scores that add up", "", 0.0041234567, None, None, None, None, "lower", "They add up."),
    )
    curves = (made_curve(), made_curve("insertion"), made_curve(how="removal"))
    return Faithfulness(measures, curves, {"saliency": 0.91, "noise": np.nan}, 0.12, ("A note.",), "The checks disagree.")
