"""Whose probability is watched when a head is taken out."""

from __future__ import annotations

from explain.ablation import Target
from explain.reading.about import query_at
from explain.reading.desk import Opened
from explain.reading.look import Look
from explain.results import ENCODER, SELF
from narrative.errors import ExplainError
from narrative.models import SEQ2SEQ


def target_of(opened: Opened, look: Look) -> tuple[Target, str]:
    """The tokens and what a reader calls them. Raises `ExplainError` where there is nothing to watch."""
    passage = opened.passage
    first = 1  # nothing stands before the first token that would make it likely
    if look.watched == "word":
        one = opened.map(look)
        if one.name == ENCODER:
            raise ExplainError("Watch what was written: a word of the prompt has no probability in an encoder-decoder model.")
        query = query_at(one, look.place)
        if query is None:
            raise ExplainError("Choose a word in the text first: its probability is what is watched.")
        span = one.queries[query]
        if span.start < first:
            raise ExplainError("Nothing stands before the first word that could make it more or less likely. Choose a later one.")
        return Target(span.start, span.stop), f"“{span.label}”"
    start = max(first, passage.written_from if passage.completion else first)
    if start >= len(passage.sequence):
        raise ExplainError("There is nothing to watch in a text of one token.")
    return Target(start, len(passage.sequence)), "what was written" if passage.completion else "the text"


def part_of(opened: Opened, look: Look) -> str:
    """Which heads are taken out: those of the map that is looked at."""
    return opened.map(look).name if opened.model.kind == SEQ2SEQ else SELF
