"""How plain text shows its paragraphs: empty lines, indents, one a line, and the ragged lines of verse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from narrative.corpus.document import Paragraph

MAX_LINES, MAX_CHARACTERS = 2_000, 200_000  # of one run of lines: far beyond a paragraph, far below what memory feels
_VERSE_LINE = 80
_LEAST_WIDTH = 60  # a few lines of a short file say little about its margin
_INDENT = re.compile(r"(?: {2,}|\t|\u3000)\s*\S")
_FIRST_LETTER = re.compile(r"[^\W\d_]")
_ENDS_SENTENCE = re.compile(r"[.!?…:。！？][\"'”’»)\]_*]*$")  # noqa: RUF001


@dataclass(frozen=True)
class Layout:
    """What one file does throughout."""

    wrapped: bool = False
    """Lines are broken at a margin, wherever a sentence is; otherwise each line is a paragraph."""
    indented: bool = False
    """An indent begins a paragraph."""
    width: int = _VERSE_LINE
    """The margin, in characters."""


def sniff(lines: Sequence[str]) -> Layout:
    """The layout of text that begins with `lines`. Prose that goes on in the next line goes on in lower case."""
    pairs = [(line, after) for line, after in pairwise(lines) if line.strip() and after.strip()]
    if not pairs:
        return Layout()
    lengths = sorted(len(line.rstrip()) for line, _ in pairs)
    width = lengths[int(0.95 * (len(lengths) - 1))]
    cased = [letter for _, after in pairs if (letter := _first_letter(after)) and letter.upper() != letter.lower()]
    small = sum(letter.islower() for letter in cased)
    wrapped = small > 0.15 * len(cased) if len(cased) > len(pairs) / 2 else width <= 120
    return Layout(wrapped, wrapped and _indents(pairs), max(width, _LEAST_WIDTH))


def _indents(pairs: Sequence[tuple[str, str]]) -> bool:
    before = [line for line, after in pairs if _INDENT.match(after) and not _INDENT.match(line)]
    ends = sum(bool(_ENDS_SENTENCE.search(line.rstrip())) for line in before)
    return 0.02 * len(pairs) < len(before) < 0.5 * len(pairs) and ends > 0.7 * len(before)


def runs(lines: Iterable[str], layout: Layout) -> Iterator[list[str]]:
    """Lines between empty lines. A run without end is cut: before an indent where these begin paragraphs."""
    run: list[str] = []
    size = 0
    for line in lines:
        if not line.strip():
            if run:
                yield run
            run, size = [], 0
            continue
        run.append(line)
        size += len(line)
        if len(run) >= MAX_LINES or size >= MAX_CHARACTERS:
            marks = [number for number, each in enumerate(run) if number and _INDENT.match(each)] if layout.indented else []
            cut = marks[-1] if marks else len(run)
            yield run[:cut]
            run = run[cut:]
            size = sum(map(len, run))
    if run:
        yield run


def paragraphs(run: Sequence[str], layout: Layout) -> Iterator[Paragraph]:
    """The paragraphs of a run; their lines stand as in the file, parted by line breaks."""
    if is_verse(run, layout):
        yield Paragraph("\n".join(line.strip() for line in run), "verse")
    elif not layout.wrapped:
        yield from (Paragraph(line.strip()) for line in run)
    else:
        lines: list[str] = []
        for line in run:
            if lines and layout.indented and _INDENT.match(line):
                yield Paragraph("\n".join(lines))
                lines = []
            lines.append(line.strip())
        yield Paragraph("\n".join(lines))


def is_verse(run: Sequence[str], layout: Layout) -> bool:
    """Whether lines end where the poet ended them: each begins with a capital, and most before the margin made them."""
    lines = [line.strip() for line in run]
    if len(lines) < 2 or max(map(len, lines)) > _VERSE_LINE:
        return False
    capitals = sum(_first_letter(line).isupper() for line in lines)
    if capitals < 0.75 * len(lines) or "".join(lines).isupper():
        return False
    if not layout.wrapped:  # spoken lines of prose, one a paragraph, end as sentences do
        return sum(not _ENDS_SENTENCE.search(line) for line in lines[:-1]) >= 0.25 * (len(lines) - 1)
    ragged = sum(len(line) + 1 + len(after.split()[0]) <= layout.width for line, after in pairwise(lines))
    return ragged >= 0.8 * (len(lines) - 1)


def _first_letter(line: str) -> str:
    if line[:1].isalpha():
        return line[0]
    found = _FIRST_LETTER.search(line[:20])
    return found[0] if found else ""
