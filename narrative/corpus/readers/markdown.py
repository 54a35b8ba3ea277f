"""Markdown as writers use it: headings cut sections, verse keeps its lines, markup goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.encoding import lines, open_text
from narrative.corpus.frontmatter import split_front_matter
from narrative.corpus.inline import footnotes, plain
from narrative.corpus.layout import MAX_CHARACTERS, MAX_LINES, Layout, is_verse, sniff
from narrative.corpus.options import ReadOptions
from narrative.corpus.parts import Block, documents, sections
from narrative.corpus.readers.text import SAMPLE_LINES, beginning
from narrative.errors import DocumentError

HAS_HEADINGS = re.compile(r"^ {0,3}##?[ \t]+\S", re.MULTILINE)
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)(.*)$")
_UNDERLINE = re.compile(r" {0,3}(?:(=)=+|(-)--+)[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_QUOTE = re.compile(r"(?: {0,3}>[ \t]?)+")
_ITEM = re.compile(r"\s{0,12}(?:[-+*][ \t]+|(?=\d{1,9}[.)][ \t]))(?=\S)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[^`]*$")
_REFERENCE = re.compile(r" {0,3}\[(?!\^)([^\[\]]{1,200})\]:\s*\S+(?:\s+[\"'(].*)?$")
_NOTE = re.compile(r" {0,3}\[\^([^\s\[\]]{1,80})\]:\s*(.*)$")
_MOST_NOTES = 5_000_000  # characters of footnotes that are held until their place comes
_LONGEST_COMMENT = 500  # lines; a longer one was never closed
_SPACES = re.compile(r"[ \t]{2,}")
_SCENE = "* * *"  # how a rule across the page is set in a book


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """The file as one document, or as several when it is long. Raises `DocumentError` for what is not text."""
    stream, warnings = open_text(path)
    with stream:
        elsewhere = _elsewhere(lines(stream))
    stream, _ = open_text(path)
    with stream:
        source = lines(stream)
        matter, head = split_front_matter(beginning(source))
        blocks = _Blocks(sniff(head), elsewhere, drop_notes=options.notes == "drop").of(chain(head, source))
        found = False
        facts = Document(matter.title, (), matter.author, matter.language, matter.others, warnings)
        for document in documents(blocks, facts=facts, name=path.stem.replace("_", " ")):
            found = True
            yield document
    if not found:
        raise DocumentError("There is no text in the file.")


def sections_of(text: str, *, notes: str = "place") -> tuple[Section, ...]:
    """The sections of a whole Markdown text, cut at its headings."""
    split = text.splitlines()
    return tuple(sections(_Blocks(sniff(split[:SAMPLE_LINES]), _elsewhere(split), drop_notes=notes == "drop").of(split)))


@dataclass(frozen=True)
class _Elsewhere:
    """What stands in one place of the file and belongs to another."""

    notes: Mapping[str, str] = field(default_factory=dict)
    references: frozenset[str] = frozenset()


def _elsewhere(source: Iterable[str]) -> _Elsewhere:
    notes: dict[str, str] = {}
    references: set[str] = set()
    size, open_note = 0, ""
    for line in source:
        if open_note and line.startswith(("    ", "\t")):
            notes[open_note] += "\n" + line.strip()
            size += len(line)
        elif line.strip():
            open_note = ""
        if "]:" in line and size < _MOST_NOTES:
            if found := _NOTE.match(line):
                open_note = found[1]
                notes[open_note] = found[2]
                size += len(line)
            elif found := _REFERENCE.match(line):
                references.add(found[1].casefold())
                size += len(line)
    return _Elsewhere(notes, frozenset(references))


class _Blocks:
    """The state between lines: the paragraph that is being gathered, and what kind it is."""

    def __init__(self, layout: Layout, elsewhere: _Elsewhere, *, drop_notes: bool) -> None:
        self._layout, self._elsewhere, self._drop_notes = layout, elsewhere, drop_notes
        self._held: list[str] = []
        self._size = 0
        self._kind = "text"
        self._in_note = False

    def of(self, source: Iterable[str]) -> Iterator[Block]:
        fence = ""
        for line in _without_comments(source):
            if fence:
                if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                    yield from self._close()
                    fence, self._kind = "", "text"
                elif line.strip():
                    yield from self._hold(line)
                else:
                    yield from self._close()
                    self._kind = "code"
            elif not line.strip():
                yield from self._close()
            elif found := _FENCE.match(line):
                yield from self._close()
                fence, self._kind = found[1], "code"
            else:
                yield from self._line(line)
        yield from self._close()

    def _line(self, line: str) -> Iterator[Block]:
        if self._is_definition(line):
            return
        if found := _ATX.match(line):
            yield from self._close()
            yield from self._heading(_unclosed(found[2].strip()), len(found[1]))
        elif (found := _UNDERLINE.match(line)) and self._underlines():
            text, self._held = self._held[0], []
            yield from self._heading(text, 1 if found[1] else 2)
        elif _RULE.match(line):
            yield from self._close()
            yield Block(Paragraph(_SCENE))
        else:
            yield from self._text_line(line)

    def _text_line(self, line: str) -> Iterator[Block]:
        quote = _QUOTE.match(line)
        bare = line[quote.end() :] if quote else line
        if bare != line and self._kind != "quote":
            yield from self._close()
            self._kind = "quote"
        if not bare.strip():  # an empty line inside a quote parts its paragraphs
            yield from self._close()
            return
        if (item := _ITEM.match(bare)) and bare == line and (not self._held or self._kind == "list"):
            yield from self._close()
            self._kind, bare = "list", bare[item.end() :]
        elif _is_table_row(bare) and (not self._held or self._kind == "table"):
            self._kind = "table"
        yield from self._hold(bare)

    def _hold(self, line: str) -> Iterator[Block]:
        self._held.append(line)
        self._size += len(line)
        if len(self._held) >= MAX_LINES or self._size >= MAX_CHARACTERS:
            yield from self._close()

    def _is_definition(self, line: str) -> bool:
        """Notes stand where they are referred to, and addresses nowhere; those that were too many to hold stay where they are."""
        if self._in_note and line.startswith(("    ", "\t")):
            return True
        self._in_note = False
        if self._held or "]:" not in line:
            return False
        if (found := _NOTE.match(line)) and found[1] in self._elsewhere.notes:
            self._in_note = True
            return True
        return bool(_REFERENCE.match(line))

    def _underlines(self) -> bool:
        return len(self._held) == 1 and self._kind == "text" and len(self._held[0]) <= 200

    def _heading(self, text: str, level: int) -> Iterator[Block]:
        heading = " ".join(plain(text, self._elsewhere.references).split())
        if heading:
            yield Block(Paragraph(heading, "heading"), level)
        yield from self._notes([text])

    def _close(self) -> Iterator[Block]:
        held, kind = self._held, self._kind
        self._held, self._size, self._kind = [], 0, "text"
        if not held:
            return
        paragraph = _table(held) if kind == "table" else self._paragraph(held, kind)
        if paragraph.text:
            yield Block(paragraph)
        if kind != "code":
            yield from self._notes(held)

    def _paragraph(self, held: Sequence[str], kind: str) -> Paragraph:
        if kind == "code":  # poems and letters stand in fences for their line breaks
            return Paragraph("\n".join(line.rstrip() for line in held), "verse" if len(held) > 1 else "text")
        text = plain("\n".join(line.strip().removesuffix("\\") for line in held), self._elsewhere.references)
        split = [_SPACES.sub(" ", line.strip()) for line in text.splitlines() if line.strip()]
        breaks = sum(line.endswith(("  ", "\\")) for line in held[:-1]) + text.count("\n") - (len(held) - 1)
        if len(split) > 1 and (2 * breaks >= len(split) - 1 or is_verse(split, self._layout)):
            kind = "verse"
        return Paragraph("\n".join(split), kind)

    def _notes(self, held: Sequence[str]) -> Iterator[Block]:
        for label in () if self._drop_notes else footnotes("\n".join(held)):
            text = plain(self._elsewhere.notes.get(label, ""), self._elsewhere.references).strip()
            if text:
                yield Block(Paragraph(text, "note"))


def _unclosed(heading: str) -> str:
    """The heading without the number signs that may stand behind it too."""
    bare = heading.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else heading


def _is_table_row(line: str) -> bool:
    row = line.strip()
    return len(row) > 1 and row[0] == row[-1] == "|"


def _table(held: Sequence[str]) -> Paragraph:
    rows = [line.strip().strip("|").split("|") for line in held if not set(line) <= set("|:- \t")]
    return Paragraph("\n".join("\t".join(plain(cell.strip()) for cell in row) for row in rows), "table")


def _without_comments(source: Iterable[str]) -> Iterator[str]:
    """Lines without <!-- comments -->. What follows a mark that is never closed is text after all."""
    hidden: list[str] = []
    for line in source:
        if hidden:
            hidden.append(line)
            if "-->" in line:
                rest = line.partition("-->")[2]
                hidden = []
                if rest.strip():
                    yield rest
            elif len(hidden) > _LONGEST_COMMENT:
                yield from hidden
                hidden = []
            continue
        if "<!--" in line:
            shown, start = _outside_comments(line)
            hidden = [line[start:]] if start >= 0 else []
            if shown.strip():
                yield shown
        else:
            yield line
    yield from hidden


def _outside_comments(line: str) -> tuple[str, int]:
    """What of the line is seen, and where in it a comment begins that goes on in the next line, else -1."""
    shown: list[str] = []
    end = 0
    while (start := line.find("<!--", end)) >= 0:
        shown.append(line[end:start])
        closed = line.find("-->", start + 4)
        if closed < 0:
            return "".join(shown), start
        end = closed + 3
    return "".join([*shown, line[end:]]), -1
