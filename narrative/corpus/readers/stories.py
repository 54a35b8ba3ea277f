"""TinyStories-Instruct: stories with a header of features, words and a summary, parted by <|endoftext|>."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from narrative.corpus.document import Document
from narrative.corpus.encoding import lines, open_text
from narrative.corpus.limits import MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import text
from narrative.corpus.tally import Tally

END = "<|endoftext|>"
MAX_RECORD = 8 * MB
_KEYS = {"features": "tags", "words": "words", "summary": "summary", "random sentence": "sentence"}
_HEADER = re.compile(r"\s*(Features|Words|Summary|Random sentence|Story):[ \t]*(.*)$")
_FIRST = re.compile(r"\ufeff?\s*(?:(?:Features|Words|Random sentence|Summary):[ \t]*\S|<\|endoftext\|>)")


def looks_like(first_line: str) -> bool:
    """Whether a file that begins so is tagged stories. With more than the first line, a plain <|endoftext|> tells too."""
    return bool(_FIRST.match(first_line)) or END in first_line


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """A document a story, its header as metadata: tags, words, summary, sentence. Raises `DocumentError` when there is none.

    A file that only begins as such a one does, with a line `Summary:`, is read as the plain text that it is.
    """
    stream, warnings = open_text(path)
    tally = Tally()
    with stream:
        source = lines(stream)
        head = text.beginning(source)
        if any(END in line or line.strip().startswith("Story:") for line in head):
            stories = _stories(_records(chain(head, source)), tally)
            yield from tally.told(stories, first=warnings, nothing="No record of the file has a story.")
            return
    yield from text.read(path, options)


def _stories(records: Iterable[list[str]], tally: Tally) -> Iterator[Document]:
    for record in records:
        story = _story(record)
        if story is None:
            tally.add("Records left out because they have no story")
        else:
            yield story


def _records(source: Iterable[str]) -> Iterator[list[str]]:
    record: list[str] = []
    size = 0
    for line in source:
        *ended, rest = line.split(END)
        for part in ended:
            yield [*record, part]
            record, size = [], 0
        record.append(rest)
        size += len(rest) + 1
        if size > MAX_RECORD:  # the mark is missing: what was gathered is a story as long as a book
            yield record
            record, size = [], 0
    if any(line.strip() for line in record):
        yield record


def _story(record: list[str]) -> Document | None:
    """The story without its header, whose lines stand in any order above `Story:`; a record without header is all story."""
    facts: dict[str, str] = {}
    key = ""
    for number, line in enumerate(record):
        found = _HEADER.match(line)
        if found and found[1] == "Story":
            return _document([found[2], *record[number + 1 :]], facts)
        if found:
            key = _KEYS[found[1].casefold()]
            facts[key] = found[2].strip()
        elif key and line.strip() and number < 50:
            facts[key] = f"{facts[key]} {line.strip()}".strip()
        elif line.strip():
            break
    return None if facts else _document(record, {})


def _document(story: list[str], facts: dict[str, str]) -> Document | None:
    sections = text.sections_of("\n".join(story))
    return Document("", sections, metadata={key: fact for key, fact in facts.items() if fact}) if sections else None
