"""Two maps side by side: of two methods, two models or two drafts."""

from __future__ import annotations

from dataclasses import dataclass

from explain.faithfulness import rank_agreement
from explain.importance import WordImportance
from explain.word_views.shading import common_limit, same_scale
from narrative.errors import ExplainError

METHOD, MODEL, DRAFT = "method", "model", "draft"
KINDS = (METHOD, MODEL, DRAFT)
_ALIKE, _UNLIKE = 0.7, 0.3  # rank correlations that are called agreement, and none


@dataclass(frozen=True, eq=False)
class Comparison:
    kind: str  # method | model | draft
    one: WordImportance
    other: WordImportance
    titles: tuple[str, str]
    limit: float | None  # the scale that both are drawn on; None where their numbers mean different things
    agreement: float | None  # rank correlation (Spearman), of two maps of the same words
    sentence: str


def compare(one: WordImportance, other: WordImportance, *, kind: str, titles: tuple[str, str]) -> Comparison:
    limit = common_limit(one, other) if same_scale(one, other) else None
    scale = "Both texts have one scale." if limit else "Their numbers mean different things, so each has a scale of its own."
    try:
        agreement = None if kind == DRAFT else rank_agreement(one, other)
        told = "" if agreement is None else _told(agreement, titles)
    except ExplainError as error:
        agreement, told = None, str(error)
    return Comparison(kind, one, other, titles, limit, agreement, f"{told} {scale}".strip())


def _told(agreement: float, titles: tuple[str, str]) -> str:
    if agreement >= _ALIKE:
        verdict = "they put the words into much the same order"
    elif agreement >= _UNLIKE:
        verdict = "they agree in part: trust what both say"
    else:
        verdict = "they disagree: trust neither alone"
    return f"{titles[0]} and {titles[1]}: {verdict} (rank correlation {agreement:.2f})."
