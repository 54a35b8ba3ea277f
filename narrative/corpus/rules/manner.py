"""How a document as a whole is set: the width its lines are wrapped at, and the words it knows."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from itertools import pairwise

from narrative.corpus.document import Document

WRAPPED_KINDS = ("text", "quote", "note", "list")
"""Where a line break is a hard wrap and not meant."""
LONGEST_WRAP = 140
"""Letters in a line, above which no typewriter, mail program or transcriber has wrapped it: it is a paragraph of its own."""
WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_OPENING = " \t\"'“‘«„([_*—–-"


def starts_with_capital(line: str) -> bool:
    return line.lstrip(_OPENING)[:1].isupper()


class Manner:
    """Asked only by rules that have found a line break; a document without any costs nothing."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @cached_property
    def _breaks(self) -> tuple[list[int], list[bool]]:
        """For every line break that may be a wrap: the length of the line before it, and whether a capital follows."""
        lengths, capitals = [], []
        for paragraph in self._document.paragraphs:
            if paragraph.kind in WRAPPED_KINDS and "\n" in paragraph.text:
                lines = [line.strip() for line in paragraph.text.splitlines()]
                pairs = [(line, after) for line, after in pairwise(lines) if line and after]
                lengths += [len(line) for line, _ in pairs]
                capitals += [starts_with_capital(after) for _, after in pairs]
        return lengths, capitals

    @cached_property
    def width(self) -> int:
        """The length that all but a twentieth of the wrapped lines keep to; 0 when no line is wrapped."""
        lengths = sorted(length for length in self._breaks[0] if length <= LONGEST_WRAP)
        return lengths[int(len(lengths) * 0.95)] if lengths else 0

    @cached_property
    def is_prose(self) -> bool:
        """Whether most lines go on in the middle of a sentence: in verse, nearly every line starts with a capital."""
        capitals = self._breaks[1]
        return sum(capitals) < 0.6 * len(capitals)

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word stands in the document away from line ends, in small letters."""
        counts: Counter[str] = Counter()
        for paragraph in self._document.paragraphs:
            for line in paragraph.text.splitlines():
                counts.update(word.lower() for word in WORD.findall(line)[1:-1])
        return counts
