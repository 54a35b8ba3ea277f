"""Tables: .csv and .tsv in any dialect, and JSON lines; a row is a document."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from narrative.corpus.columns import KNOWN, Columns, Row, choose, sound, value
from narrative.corpus.dialect import names_columns, sniff_dialect
from narrative.corpus.document import Document
from narrative.corpus.encoding import open_text
from narrative.corpus.limits import MAX_DOCUMENT, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import markdown, text
from narrative.corpus.tally import Tally
from narrative.errors import DocumentError

MAX_CELL = 16 * MB
"""Characters of one cell; a quote that is never closed would otherwise make the rest of the table one cell."""
_SAMPLE_LINES, _SAMPLE_CHARACTERS = 400, 256 * 1024
_SAMPLE_ROWS, _SAMPLE_CELLS = 50, 4 * MB
_SPANNED = 1_000  # lines in one row of a .csv: more than cells have unless a quote is missing


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """A document a row. What was wrong with rows stands in the last document's warnings.

    Raises `DocumentError` for what is not text, an unknown column (the message lists those there are), and a table without
    any text.
    """
    stream, warnings = open_text(path, newline="")
    tally = Tally()
    with stream:
        rows = _rows(stream, options, tally)
        head = _beginning(rows)
        if not head:
            raise DocumentError(" ".join(("No row of the table can be read.", *tally.sentences())))
        columns = choose(head, options)
        books = any(_is_markdown(row.get(columns.text)) for row in head)
        documents = (
            _document(row, columns, options, tally, markup=books or _is_markdown(row.get(columns.text)))
            for row in chain(_emptied(head), rows)
        )
        yield from tally.told(filter(None, documents), first=warnings, nothing=f"No row has text in the column {columns.text!r}.")


def _rows(stream: TextIO, options: ReadOptions, tally: Tally) -> Iterator[Row]:
    first = stream.readline(MAX_DOCUMENT)
    while first and not first.strip():
        first = stream.readline(MAX_DOCUMENT)
    if first.lstrip("\ufeff ").startswith("{"):
        return _json_rows(first, stream, tally)
    if first.strip() == "[" or first.startswith(("[{", "[ {")):
        raise DocumentError("The file is one JSON list. Save it as JSON lines: one object a line.")
    return _csv_rows(first, stream, options, tally)


def _json_rows(first: str, stream: TextIO, tally: Tally) -> Iterator[Row]:
    for line in chain([first], iter(lambda: stream.readline(MAX_DOCUMENT), "")):
        if len(line) >= MAX_DOCUMENT and not line.endswith("\n"):
            _skip_line(stream)
            tally.add(f"Rows left out because they have more than {MAX_DOCUMENT / MB:,.0f} MB")
        elif line.strip("\ufeff\0 \t\r\n"):
            try:
                row = json.loads(line.strip("\ufeff\0 \t\r\n"))
            except (ValueError, RecursionError, MemoryError):
                row = None
            if isinstance(row, dict):
                yield row
            else:
                tally.add("Lines left out because they are no JSON objects")


def _csv_rows(first: str, stream: TextIO, options: ReadOptions, tally: Tally) -> Iterator[Row]:
    head, size = [first], len(first)
    while size < _SAMPLE_CHARACTERS and len(head) < _SAMPLE_LINES and (line := stream.readline(MAX_CELL)):
        head.append(line)
        size += len(line)
    if size > MAX_CELL:
        raise DocumentError(f"A line of the table has more than {MAX_CELL / MB:,.0f} MB.")
    csv.field_size_limit(MAX_CELL)
    dialect = sniff_dialect(head)
    sample = dialect.parse(head)
    asked = (options.text_column, options.title_column, options.author_column, *options.columns)
    header = names_columns(sample, KNOWN) or any(name and name in sample[0] for name in asked if sample)
    width = Counter(map(len, sample)).most_common(1)[0][0] if sample else 0
    names = [cell.strip() for cell in sample[0]] if header else [f"column {number}" for number in range(1, width + 1)]
    reader = dialect.reader(_bounded(chain(head, iter(lambda: stream.readline(MAX_CELL), "")), stream, tally))
    skip, before = int(header), 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            tally.add("Rows left out because they can't be cut into cells")
            continue
        if reader.line_num - before > _SPANNED:
            tally.add(f"Rows of more than {_SPANNED:,} lines, before which a quote may be missing")
        before = reader.line_num
        if skip or not any(cell.strip() for cell in cells):
            skip = 0
            continue
        yield _named(cells, names, dialect.delimiter, tally)


def _bounded(source: Iterator[str], stream: TextIO, tally: Tally) -> Iterator[str]:
    for line in source:
        if len(line) >= MAX_CELL and not line.endswith(("\n", "\r")):
            _skip_line(stream)
            tally.add(f"Rows left out because they have more than {MAX_CELL / MB:,.0f} MB")
        else:
            yield line.replace("\0", "")


def _skip_line(stream: TextIO) -> None:
    while (piece := stream.readline(MB)) and not piece.endswith(("\n", "\r")):
        pass


def _named(cells: list[str], names: list[str], delimiter: str, tally: Tally) -> Row:
    """The row by its columns. Cells beyond the last column belong to it: its text has the sign that parts cells, unquoted."""
    if len(cells) != len(names):
        tally.add("Rows with more or fewer cells than there are columns")
        if len(cells) > len(names):
            cells = [*cells[: len(names) - 1], delimiter.join(cells[len(names) - 1 :])]
    return dict(zip(names, cells, strict=False))


def _beginning(rows: Iterator[Row]) -> list[Row]:
    head: list[Row] = []
    size = 0
    for row in islice(rows, _SAMPLE_ROWS):
        head.append(row)
        size += sum(len(cell) for cell in row.values() if isinstance(cell, str))
        if size > _SAMPLE_CELLS:
            break
    return head


def _emptied(rows: list[Row]) -> Iterator[Row]:
    while rows:
        yield rows.pop(0)


def _is_markdown(cell: object) -> bool:
    return isinstance(cell, str) and bool(markdown.HAS_HEADINGS.search(cell))


def _document(row: Row, columns: Columns, options: ReadOptions, tally: Tally, *, markup: bool) -> Document | None:
    """The row as a document. `markup`: it is Markdown, by its own headings or by those of the first rows."""
    cell = row.get(columns.text)
    if cell is not None and not isinstance(cell, str):
        tally.add(f"Rows left out because the column {columns.text!r} holds no text but {type(cell).__name__}")
        return None
    content = sound(cell or "")
    if not content.strip():
        tally.add("Rows left out because they have no text")
        return None
    sections = markdown.sections_of(content, notes=options.notes) if markup else text.sections_of(content)
    if not sections:
        tally.add("Rows left out because they have no text")
        return None
    facts = {name: value(row, name) for name in (columns.title, columns.author, columns.language, *columns.kept) if name}
    return Document(
        facts.get(columns.title, ""),
        sections,
        facts.get(columns.author, ""),
        facts.get(columns.language, ""),
        {name: facts[name] for name in columns.kept if facts[name]},
    )
