"""About the chosen word: which heads look from it and to what, and what the model would have said there after each layer."""

from __future__ import annotations

from dataclasses import dataclass

from explain.lens import Lens, lens
from explain.reading.desk import Opened
from explain.reading.look import Look
from explain.results import ENCODER, AttentionMap
from explain.roles import Glance, glances
from explain.words import Span
from narrative.errors import ExplainError


@dataclass(frozen=True, eq=False)
class WordReport:
    """`keys` are the labels that the targets of the glances count in."""

    span: Span
    glances: tuple[Glance, ...]
    keys: tuple[str, ...]
    lens: Lens | None
    why_no_lens: str = ""


def about_word(opened: Opened, look: Look) -> WordReport | None:
    """None where no word is chosen."""
    one = opened.map(look)
    query = query_at(one, look.place)
    if query is None:
        return None
    span = one.queries[query]
    told, said = None, ""
    try:
        if one.name == ENCODER:
            raise ExplainError("The encoder reads and does not write: there is nothing it would have said here.")
        told = lens(opened.model, opened.passage, span.start)
    except ExplainError as error:
        said = str(error)
    return WordReport(span, glances(one, query), tuple(one.labels()[1]), told, said)


def query_at(one: AttentionMap, place: int | None) -> int | None:
    """Which query holds the token at `place`."""
    if place is None:
        return None
    return next((number for number, span in enumerate(one.queries) if span.start <= place < span.stop), None)
