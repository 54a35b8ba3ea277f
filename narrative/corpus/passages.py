"""A section's paragraphs as passages: the pieces that are compared with each other and kept or dropped whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from narrative.corpus.document import Paragraph

ALONE = 40  # words from which a paragraph is a passage of its own
LONGEST_RUN = 120  # words after which a run of short paragraphs is cut anywhere
CUT = 4  # a run is cut after one short paragraph in so many, chosen by its own words: so two copies are cut alike

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Passage:
    """Paragraphs that belong together; `compared` is what near-duplicates are looked for in: its words in lower case."""

    paragraphs: tuple[str, ...]
    compared: tuple[str, ...]


def passages(paragraphs: Sequence[Paragraph]) -> Iterator[Passage]:
    """A long paragraph is a passage; short ones, as in dialogue, are taken together up to a place that their words decide.

    A heading stands alone and is never compared.
    """
    run: list[str] = []
    words: list[str] = []
    for paragraph in paragraphs:
        own = _WORD.findall(paragraph.text.lower())
        alone = paragraph.kind == "heading" or len(own) >= ALONE
        if alone and run:
            yield Passage(tuple(run), tuple(words))
            run, words = [], []
        if alone:
            yield Passage((paragraph.text,), () if paragraph.kind == "heading" else tuple(own))
            continue
        run.append(paragraph.text)
        words.extend(own)
        if len(words) >= LONGEST_RUN or (len(words) >= ALONE and crc32(" ".join(own).encode()) % CUT == 0):
            yield Passage(tuple(run), tuple(words))
            run, words = [], []
    if run:
        yield Passage(tuple(run), tuple(words))
