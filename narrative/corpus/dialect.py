"""How a table in text is written: what parts its cells, what quotes them, and whether its first row names the columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

_DELIMITERS = (",", "\t", ";", "|")
_NONE = "\x1f"  # parts nothing: a table of one column
_NUMBER = re.compile(r"(?=\D{0,3}\d)[+-]?[\d.,:/ -]{1,40}%?$")
_DOUBLED = re.compile(r'(?<![\\,;\t|])""(?![,;\t|\r\n])')
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Dialect:
    """What `csv.reader` has to know."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None

    def parse(self, lines: Sequence[str]) -> list[list[str]]:
        """The rows in a few lines. Never raises: a row that `csv` can't read is left out."""
        reader, rows = self.reader(lines), []
        while True:
            try:
                rows.append(next(reader))
            except StopIteration:
                return [row for row in rows if row]
            except csv.Error:
                continue

    def reader(self, lines: Iterable[str]) -> Reader:
        """The rows, one at a time; `csv.Error` comes out where one can't be read, and the next row after it."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or '"',
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            doublequote=self.escape is None,
        )


def sniff_dialect(lines: Sequence[str]) -> Dialect:
    """The dialect in which the rows of `lines` are most alike. One column when no other way is."""
    text = "".join(lines)
    escape = "\\" if '\\"' in text and not _DOUBLED.search(text) else None
    best, best_score = Dialect(_NONE, '"' if text.startswith('"') else None), 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            continue
        for quote in ('"', "'", None):
            if quote and not _in_pairs(text, delimiter, quote):
                continue
            dialect = Dialect(delimiter, quote, escape if quote else None)
            score = _alike(dialect.parse(lines[:-1] or lines), len(lines), quote)
            if score > best_score + 0.001:
                best, best_score = dialect, score
    return best


def _in_pairs(text: str, delimiter: str, quote: str) -> bool:
    """Whether as many cells end with the quote as begin with it: 'Tis begins with one that is an apostrophe."""
    text, edge, mark = re.sub(r"\\.", "", text).replace(quote * 2, ""), re.escape(delimiter), re.escape(quote)
    begin, end = (len(re.findall(pattern, text, re.MULTILINE)) for pattern in (rf"(?:^|{edge}){mark}", rf"{mark}(?:{edge}|\r?$)"))
    return begin > 0 and abs(begin - end) <= 0.2 * max(begin, end)


def _alike(rows: Sequence[Sequence[str]], lines: int, quote: str | None) -> float:
    """0 to 1: the share of rows that have as many cells as most, and of the first row too; less for what looks cut in the wrong place."""
    cells, same = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if cells < 2 or len(rows[0]) < 2 or same < 0.5 * len(rows):
        return 0
    flat = [(number, cell) for row in rows for number, cell in enumerate(row) if cell]
    quoted = sum(
        (cell[0] in "\"'") != (cell[-1] in "\"'") or (len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'") for _, cell in flat
    )
    spaced = sum(number > 0 and cell[0] == " " for number, cell in flat)  # a comma in prose is followed by a space
    swallowed = sum("\n" in cell and len(cell) > 2_000 for _, cell in flat)  # an apostrophe taken for a quote
    doubt = (0.3 * quoted + 0.3 * spaced) / (lines * cells) + 0.5 * swallowed / len(rows)
    return same / len(rows) - doubt - (0.02 if quote == "'" else 0)


def names_columns(rows: Sequence[Sequence[str]], known: Sequence[str]) -> bool:
    """Whether the first of `rows` is a header. `known` are names that a column is expected to have, in small letters."""
    first = [cell.strip() for cell in rows[0]] if rows else []
    if not first or not all(first) or len({cell.casefold() for cell in first}) < len(first):
        return False
    if any(len(cell) > _LONGEST_NAME or _NUMBER.match(cell) for cell in first):
        return False
    if any(cell.casefold() in known for cell in first):
        return True
    others = [row for row in rows[1:] if len(row) == len(first)]
    for number, name in enumerate(first):
        column = [row[number].strip() for row in others]
        if column and (all(_NUMBER.match(cell) for cell in column) or median(map(len, column)) > 3 * len(name) + 10):
            return True
    return False
