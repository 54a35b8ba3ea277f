"""Running heads, running feet and page numbers: what stands at the edge of page after page and belongs to none."""

from __future__ import annotations

import re
from collections import Counter

from narrative.corpus.readers.pdf_lines import Line

EDGE_ROWS = 2
"""Rows at the top and at the bottom of a page that can be a running head or foot."""
REPEATS = 3
"""Pages on which the same line makes it one."""
NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|p\.|s\.)\s*)?(\d{1,4}|[ivxlc]{1,8})(?:\s*(?:/|of|von|sur|de|van)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

Pages = list[list[Line]]
Edges = list[tuple[int, str, list[Line]]]  # page, which row from which edge, its pieces


def without_heads_and_feet(pages: Pages) -> tuple[Pages, int]:
    """The pages without them, and how many rows were taken away."""
    removed = _repeated(pages)
    rest = [[line for line in lines if (page, line.row) not in removed] for page, lines in enumerate(pages)]
    numbers = _numbers(rest, pages)
    rest = [[line for line in lines if (page, line.row) not in numbers] for page, lines in enumerate(rest)]
    return rest, len(removed) + len(numbers)


def _edges(pages: Pages) -> Edges:
    found: Edges = []
    for page, lines in enumerate(pages):
        rows: dict[int, list[Line]] = {}
        for line in lines:
            rows.setdefault(line.row, []).append(line)
        order = sorted(rows)
        top = order[:EDGE_ROWS] if len(order) > 2 * EDGE_ROWS else order[: len(order) // 2]
        bottom = order[-EDGE_ROWS:] if len(order) > 2 * EDGE_ROWS else order[len(order) // 2 :]
        found += [(page, f"top {place}", rows[row]) for place, row in enumerate(top)]
        found += [(page, f"bottom {place}", rows[row]) for place, row in enumerate(reversed(bottom))]
    return found


def _repeated(pages: Pages) -> set[tuple[int, int]]:
    """Rows of the same words, whatever their figures, at the same height of several pages: the outermost, and those next to such."""
    seen: dict[tuple[str, str], list[tuple[int, Line]]] = {}
    for page, edge, row in _edges(pages):
        key = re.sub(r"\d+", "#", " ".join(line.text for line in row)).casefold()
        if key.strip("# ."):
            seen.setdefault((edge.partition(" ")[0], re.sub(r"^[ivxlc]+ | [ivxlc]+$", "# ", key)), []).append((page, row[0]))
    found: set[tuple[int, int]] = set()
    for places in seen.values():
        heights = Counter(round(line.base / 4) for _, line in places)
        same = [(page, line.row) for page, line in places if sum(heights[round(line.base / 4) + by] for by in (-1, 0, 1)) >= REPEATS]
        found.update(same)
    outer = {
        (page, edge[:3]) for page, edge, row in _edges(pages) if edge.endswith(" 0") and ((page, row[0].row) in found or _is_number(row))
    }
    return {
        (page, row[0].row)
        for page, edge, row in _edges(pages)
        if (page, row[0].row) in found and (edge.endswith(" 0") or (page, edge[:3]) in outer)
    }


def _numbers(pages: Pages, whole: Pages) -> set[tuple[int, int]]:
    """Rows of a bare number at the very edge that count on with the pages; the number of a chapter does not."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for page, edge, row in _edges(pages):
        number = _is_number(row)
        if number and edge.endswith(" 0"):
            found.setdefault((edge, _value(number[1]) - page), []).append((page, row[0].row))
    alone = len(whole) == 1
    return {place for (_, ahead), places in found.items() if len(places) > 1 or (alone and ahead == 1) for place in places}


def _is_number(row: list[Line]) -> re.Match[str] | None:
    return NUMBER.fullmatch(" ".join(line.text for line in row))


def _value(number: str) -> int:
    if number.isdigit():
        return int(number)
    values = [ROMAN[letter] for letter in number.lower()]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))
