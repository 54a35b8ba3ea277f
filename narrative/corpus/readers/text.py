"""Plain text: paragraphs by empty lines, indents or one a line; chapters by what their headings say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.encoding import lines, open_text
from narrative.corpus.headings import heading_lines, plain_heading, wiki_level
from narrative.corpus.layout import Layout, paragraphs, runs, sniff
from narrative.corpus.options import ReadOptions
from narrative.corpus.parts import Block, documents, sections
from narrative.errors import DocumentError

SAMPLE_LINES = 3_000
SAMPLE_CHARACTERS = 300_000
_HAS_CHAPTERS = 20_000  # characters: in a shorter cell of a table, 'I.' is no chapter
_FACT = re.compile(r"(Title|Author|Language):\s*(\S.*)")
_FACT_LINES = 120
_LANGUAGES = {"english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "dutch": "nl", "portuguese": "pt"}
_LANGUAGES |= {"finnish": "fi", "swedish": "sv", "danish": "da", "norwegian": "no", "latin": "la", "greek": "el", "russian": "ru"}
_LANGUAGES |= {"polish": "pl", "czech": "cs", "hungarian": "hu", "chinese": "zh", "japanese": "ja", "arabic": "ar", "hebrew": "he"}


def read(path: Path, options: ReadOptions) -> Iterator[Document]:  # noqa: ARG001  # plain text leaves nothing to decide
    """The file as one document, or as several when it is long. Raises `DocumentError` for what is not text."""
    stream, warnings = open_text(path)
    with stream:
        source = lines(stream)
        head = beginning(source)
        facts = _facts(head, warnings)
        found = False
        for document in documents(_blocks(chain(head, source), sniff(head)), facts=facts, name=path.stem.replace("_", " ")):
            found = True
            yield document
    if not found:
        raise DocumentError("There is no text in the file.")


def beginning(source: Iterator[str]) -> list[str]:
    """The first lines, enough to see how the text is laid out."""
    head: list[str] = []
    size = 0
    for line in islice(source, SAMPLE_LINES):
        head.append(line)
        size += len(line)
        if size > SAMPLE_CHARACTERS:
            break
    return head


def sections_of(text: str) -> tuple[Section, ...]:
    """The sections of a text that stands in a cell or record: without headings, unless it is as long as a book."""
    split = text.splitlines()
    if len(split) == 1 and len(text) < _HAS_CHAPTERS:
        return (Section("", (Paragraph(text.strip()),)),) if text.strip() else ()
    layout = sniff(split[:SAMPLE_LINES])
    if len(text) >= _HAS_CHAPTERS:
        return tuple(sections(_blocks(split, layout)))
    found = tuple(paragraph for run in runs(split, layout) for paragraph in paragraphs(run, layout))
    return (Section("", found),) if found else ()


def _blocks(source: Iterable[str], layout: Layout) -> Iterator[Block]:
    titled = False  # the last block is a heading that may have its title below the next empty line
    for run in runs(source, layout):
        for part in [run] if layout.wrapped or len(run) == 1 or heading_lines(run) > 1 else _chapters_apart(run):
            count = heading_lines(part)
            if titled and len(part) == 1 and _is_title(part[0]):
                count = 1
            titled = count > 0
            if count:
                text = plain_heading("\n".join(part[:count]))
                yield Block(Paragraph(text, "heading"), level=wiki_level(part[0]) or 2)
            if part[count:]:
                titled = False
                yield from (Block(paragraph) for paragraph in paragraphs(part[count:], layout))


def _chapters_apart(run: Sequence[str]) -> Iterator[list[str]]:
    """Where each line is a paragraph, a heading needs no empty line around it; a numeral still does."""
    held: list[str] = []
    for line in run:
        if heading_lines([line, "x" * 300]):
            if held:
                yield held
            yield [line]
            held = []
        else:
            held.append(line)
    if held:
        yield held


def _is_title(line: str) -> bool:
    return line.isupper() and 3 < len(line.strip()) <= 80


def _facts(head: Sequence[str], warnings: tuple[str, ...]) -> Document:
    """What the header of a Project Gutenberg file says; of any other text, nothing is known."""
    facts: dict[str, str] = {}
    if any("Project Gutenberg" in line for line in head[:_FACT_LINES]):
        for number, line in enumerate(head[:_FACT_LINES]):
            if (found := _FACT.match(line)) and found[1] not in facts:
                goes_on = [after.strip() for after in islice(head, number + 1, number + 4)]
                indents = [after[:1].isspace() and bool(after.strip()) for after in islice(head, number + 1, number + 4)]
                count = indents.index(False) if False in indents else len(indents)
                facts[found[1]] = " ".join([found[2].strip(), *goes_on[:count]])
    language = _LANGUAGES.get(facts.get("Language", "").casefold(), "")
    return Document(facts.get("Title", ""), (), facts.get("Author", ""), language, warnings=warnings)
