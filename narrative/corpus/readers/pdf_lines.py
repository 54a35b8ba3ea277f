"""Lines of text out of the runs that a PDF page draws, column by column, in the order in which they are read."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from narrative.corpus.readers.pdf_fonts import direction, in_logical_order
from narrative.corpus.readers.pdf_runs import Run

SPACE = 0.12
"""Gap between two runs, in sizes of the type, from which they are two words: no kerning is that wide, hardly a space narrower."""
APART = 1.0
"""Gap from which two pieces of one row may belong to two columns."""
CELLS = 2.5
"""Gap from which two pieces of a line are cells of a table, when the line above or below has such a gap too."""
COLUMN_ROWS = 4
COLUMN_LETTERS = 18
"""Rows and average letters a row that make columns of text. Anything less is a table or a list, which is read row by row."""
MAX_PIECES = 3000
"""Pieces of a page up to which columns are looked for."""


@dataclass(frozen=True)
class Line:
    """One printed line, with the column that it stands in."""

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool = False
    row: int = 0
    column: tuple[float, float] = (0, 0)
    page: int = 0
    cells: bool = False  # a row of a table, with tabs between its cells


def pieces(runs: Sequence[Run]) -> list[Line]:
    """The runs of one page as pieces of rows, from the top: words with a word space between them are one piece.

    A page that is read from the right is mirrored, so that all that follows can go from the left.
    """
    directions = Counter(direction(run.text) * len(run.text) for run in runs)
    if sum(-length * count for length, count in directions.items()) > 0:
        runs = [replace(run, left=-run.right, right=-run.left) for run in runs]
    found = []
    for number, row in enumerate(_rows(runs)):
        piece: list[Run] = []
        for run in row:
            if piece and run.left - max(part.right for part in piece[-3:]) > APART * max(run.size, piece[-1].size):
                found.append(_piece(piece, number))
                piece = []
            piece.append(run)
        found.append(_piece(piece, number))
    return [line for line in found if line.text]


def columns(lines: list[Line]) -> list[Line]:
    """Whole lines in reading order. What runs over several columns stands between what is above and what is below it."""
    gutter = _gutter(lines) if len(lines) <= MAX_PIECES else None
    if gutter is None:
        return _with_column(_joined_rows(lines))
    ordered: list[Line] = []
    band: list[Line] = []
    sides = [columns([line for line in lines if line.right <= gutter]), columns([line for line in lines if line.left >= gutter])]
    over = _with_column(_joined_rows([line for line in lines if line.left < gutter < line.right]))
    edges = [math.inf, *(line.base for line in over), -math.inf]
    for above, below, crossing in zip(edges, edges[1:], [*over, None], strict=False):
        band = [line for side in sides for line in side if above > line.base >= below]
        ordered += band if crossing is None else [*band, crossing]
    return ordered


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs on one base line, from the top; a small raised or lowered figure belongs to the row of the large letters beside it."""
    bases: list[float] = []
    rows: dict[float, list[Run]] = {}
    for run in sorted(runs, key=lambda run: -run.size):
        place = bisect_left(bases, run.base)
        near = [base for base in bases[max(0, place - 2) : place + 2] if _same_row(run, rows[base][0])]
        base = min(near, key=lambda base: abs(base - run.base), default=run.base)
        if not near:
            bases.insert(place, base)
        rows.setdefault(base, []).append(run)
    return [_without_shadows(sorted(rows[base], key=lambda run: run.left)) for base in reversed(bases)]


def _same_row(run: Run, other: Run) -> bool:
    up = run.base - other.base
    return abs(up) <= 0.3 * run.size or (run.size < 0.85 * other.size and -0.3 * other.size <= up <= 0.55 * other.size)


def _without_shadows(row: list[Run]) -> list[Run]:
    """Some programs print a letter twice, a hair apart, to make it bold."""
    kept: list[Run] = []
    for run in row:
        if not any(run.text == other.text and abs(run.left - other.left) < 0.1 * run.size and run.text.strip() for other in kept[-4:]):
            kept.append(run)
    return kept


def _piece(runs: list[Run], row: int) -> Line:
    letters = Counter[float]()
    parts: list[str] = []
    end = runs[0].left
    for run in runs:
        if run.left - end > SPACE * run.size:
            parts.append(" ")
        parts.append(run.text)
        end = max(end, run.right)
        letters[round(run.size * 2) / 2] += len(run.text.strip())
    text = "".join(in_logical_order(parts, mirrored=runs[0].left < 0 and any(direction(run.text) < 0 for run in runs)))
    size = max(letters, key=lambda size: letters[size])
    seen = [run for run in runs if run.text.strip()] or runs
    bold = sum(len(run.text) for run in seen if run.bold) > sum(len(run.text) for run in seen) / 2
    base = next((run.base for run in seen if abs(run.size - size) < 0.5), seen[0].base)
    clean = re.sub(r"[ \t\r\n\0]+", " ", text).strip()
    return Line(clean, seen[0].left, max(run.right for run in seen), base, size, bold, row)


def _joined_rows(lines: list[Line]) -> list[Line]:
    """The pieces of each row as one line, from the top."""
    rows: dict[int, list[Line]] = {}
    for line in sorted(lines, key=lambda line: (line.row, line.left)):
        rows.setdefault(line.row, []).append(line)
    joined = [_joined(row) for row in rows.values()]
    tabbed = [False, *("\t" in line.text for line in joined), False]
    return [
        replace(line, cells=True)
        if tabbed[place] and (tabbed[place - 1] or tabbed[place + 1])
        else replace(line, text=line.text.replace("\t", " "))
        for place, line in enumerate(joined, 1)
    ]


def _joined(row: list[Line]) -> Line:
    text = row[0].text
    for before, line in pairwise(row):
        text += ("\t" if line.left - before.right > CELLS * line.size else " ") + line.text
    return replace(max(row, key=lambda line: len(line.text)), text=text, left=row[0].left, right=max(line.right for line in row))


def _with_column(lines: list[Line]) -> list[Line]:
    """The edges of a column are where most of its lines start, and where its longest lines end: one alone may stand out."""
    if not lines:
        return []
    starts = Counter(round(line.left) for line in lines)
    most = max(starts.values())
    ends = sorted((line.right for line in lines), reverse=True)
    end = next((right for right, next_ in pairwise(ends) if right - next_ < lines[0].size), ends[0])
    column = min(float(left) for left, count in starts.items() if count > most * 0.6), end
    return [replace(line, column=column) for line in lines]


def _gutter(lines: list[Line]) -> float | None:
    """Where a column starts with another to its left, both of them text and side by side; None when there is one column."""
    starts = Counter(round(line.left) for line in lines)
    best: tuple[int, float] | None = None
    for left, count in starts.most_common(40):
        edge = left - 1.0
        before = [line for line in lines if line.right <= edge]
        after = [line for line in lines if line.left >= edge]
        side = min(len(before), len(after))
        if count < 2 or side < COLUMN_ROWS or len(lines) - len(before) - len(after) > side or not _beside(before, after):
            continue
        if edge - max(line.right for line in before) < 0.5 * before[0].size:
            continue
        if best is None or side > best[0]:
            best = side, edge
    return best[1] if best else None


def _beside(before: list[Line], after: list[Line]) -> bool:
    spans = [(min(line.base for line in side), max(line.base for line in side)) for side in (before, after)]
    shared = min(high for _, high in spans) - max(low for low, _ in spans)
    wordy = all(sum(len(line.text) for line in side) >= COLUMN_LETTERS * len({line.row for line in side}) for side in (before, after))
    return wordy and shared > 0.4 * min(high - low for low, high in spans)
