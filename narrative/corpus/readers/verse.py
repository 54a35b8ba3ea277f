"""Books of verse as JSON lines: gid, author, title, and stanzas as lists of lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from narrative.corpus.columns import Row, sound, value
from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.encoding import open_text
from narrative.corpus.limits import MAX_DOCUMENT, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.tally import Tally
from narrative.errors import DocumentError

_STANZAS = re.compile(r'"stanzas"\s*:\s*\[')
_ALWAYS = ("gid", "period")


def looks_like(first_line: str) -> bool:
    """Whether a file that begins so is verse of this kind; the line may be cut."""
    return first_line.lstrip("\ufeff \t\r\n").startswith("{") and bool(_STANZAS.search(first_line))


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """A document a book, a paragraph a stanza. Raises `DocumentError` when no line is such a book."""
    stream, warnings = open_text(path)
    tally = Tally()
    with stream:
        yield from tally.told(
            _books(stream, options, tally), first=warnings, nothing="No line of the file is a book of verse with stanzas."
        )


def _books(stream: TextIO, options: ReadOptions, tally: Tally) -> Iterator[Document]:
    while line := stream.readline(MAX_DOCUMENT):
        if len(line) >= MAX_DOCUMENT and not line.endswith("\n"):
            raise DocumentError(f"A line of the file has more than {MAX_DOCUMENT / MB:,.0f} MB.")
        if not line.strip():
            continue
        book = _book(line, options)
        if book is None:
            tally.add("Lines left out because they are no books of verse")
        else:
            yield book


def _book(line: str, options: ReadOptions) -> Document | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("stanzas"), list):
        return None
    stanzas = tuple(Paragraph(text, "verse") for stanza in row["stanzas"] if (text := _stanza(stanza)))
    if not stanzas:
        return None
    return Document(value(row, "title"), (Section("", stanzas),), value(row, "author"), value(row, "language"), _metadata(row, options))


def _stanza(stanza: object) -> str:
    if not isinstance(stanza, list):
        return ""
    lines = (line.strip() for line in stanza if isinstance(line, str))
    return sound("\n".join(line for line in lines if line))


def _metadata(row: Row, options: ReadOptions) -> dict[str, str]:
    names = dict.fromkeys((*_ALWAYS, *options.columns))
    return {name: fact for name in names if (fact := value(row, name))}
