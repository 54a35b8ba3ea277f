"""What a cleaning rule is."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from narrative.corpus.document import Document, Paragraph
from narrative.corpus.rules.manner import Manner

Place = tuple[int, int]
"""Which section, and which paragraph in it."""

TYPOGRAPHIC = "‘’“”–—…"
TYPOGRAPHIC = "‘’“”–—…"
HARMLESS = f"\\x20-\\x7e{TYPOGRAPHIC}"
"""What plain English prose is made of, as the inside of a character class."""
PLAIN = f"\\x20-\\x25\\x27-\\x5a\\x5c-\\x7a\\x7c-\\x7e{TYPOGRAPHIC}"
"""The same without & [ and {: in a line of these, no rule finds anything to mend as long as its spaces stand singly and inside."""


@dataclass(frozen=True)
class Rule:
    """A rule mends paragraphs one by one, or cuts some out in view of the whole document, or does both."""

    name: str
    summary: str  # for the keeper
    mend: Callable[[Paragraph, Manner], Paragraph] | None = None
    touches: Callable[[str], object] = bool  # true of every text that `mend` would change; false of most others, and quick
    cut: Callable[[Document], Collection[Place]] | None = None
    on: bool = True
