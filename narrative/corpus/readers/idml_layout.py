"""Where the stories of an InDesign file stand: the frames of each page, in the order in which a person reads them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom; down is more, as InDesign counts

UNMOVED: Matrix = (1, 0, 0, 1, 0, 0)
MAX_CUTS = 500
"""Frames on one page up to which columns are looked for; beyond, which no person has laid out, top to bottom will do."""
OVERLAP = 6.0
"""Points by which neighbouring frames may overlap and still stand one after the other: insets and loose drawing."""

HIDDEN = "in hidden frames or on hidden layers"
UNPRINTED = "in frames that are not printed"
OUTSIDE = "on the pasteboard, outside every page"


@dataclass(frozen=True)
class Frame:
    """A text frame or text path: the story that it shows, whether that story starts in it, and why nobody sees it, if so."""

    story: str
    first: bool
    box: Box
    unseen: str = ""


def layers_unseen(designmap: Any) -> dict[str, str]:
    """The layers that no reader of the book sees, by their id, each with the reason."""
    found = {}
    for layer in designmap.iter("Layer"):
        if layer.get("Visible") == "false":
            found[layer.get("Self", "")] = HIDDEN
        elif layer.get("Printable") == "false":
            found[layer.get("Self", "")] = UNPRINTED
    return found


def spread_frames(spread: Any, layers: dict[str, str], *, rightward: bool = True) -> list[Frame]:
    """The frames of one spread: those on its pages in reading order (columns from the left when `rightward`), then the unseen."""
    pages = [_page_box(page) for page in spread.iter("Page")]
    on_page: list[list[Frame]] = [[] for _ in pages]
    unseen: list[Frame] = []
    for frame in _frames(spread, layers):
        page = None if frame.unseen else _page_of(frame.box, pages, rightward=rightward)
        if page is not None:
            on_page[page].append(frame)
        else:
            unseen.append(frame if frame.unseen else Frame(frame.story, frame.first, frame.box, OUTSIDE))
    return [frame for frames in on_page for frame in in_reading_order(frames, rightward=rightward)] + unseen


def in_reading_order(frames: list[Frame], *, rightward: bool = True) -> list[Frame]:
    """Columns where a gutter runs through all frames, each from top to bottom; else the topmost band, then the rest anew."""
    rest = sorted(frames, key=lambda frame: (frame.box[1], frame.box[0] if rightward else -frame.box[2]))
    ordered: list[Frame] = []
    while 1 < len(rest) <= MAX_CUTS:
        columns = _split(rest, 0)
        if len(columns) > 1:
            for column in columns if rightward else columns[::-1]:
                ordered += in_reading_order(column, rightward=rightward)
            return ordered
        band = _split(rest, 1)[0]
        if len(band) == len(rest):  # they overlap: the topmost goes first
            band = rest[:1]
        ordered += in_reading_order(band, rightward=rightward)
        rest = [frame for frame in rest if not any(frame is taken for taken in band)]
    return ordered + rest


def _split(frames: list[Frame], axis: int) -> list[list[Frame]]:
    """Groups of frames with nothing but space between them along one axis (0 across, 1 down)."""
    groups: list[list[Frame]] = []
    end = -math.inf
    for frame in sorted(frames, key=lambda frame: frame.box[axis]):
        low, high = frame.box[axis], frame.box[axis + 2]
        slack = min(OVERLAP, (high - low) / 4)
        if low + slack >= end:
            groups.append([])
        groups[-1].append(frame)
        end = max(end, high - slack)
    order = {id(frame): place for place, frame in enumerate(frames)}
    return [sorted(group, key=lambda frame: order[id(frame)]) for group in groups]


def _frames(spread: Any, layers: dict[str, str]) -> Iterator[Frame]:
    """Every element that shows a story, with the moves of all groups around it."""
    nothing: Box = (math.nan,) * 4
    waiting: list[tuple[Any, Matrix, Box, str]] = [(item, UNMOVED, nothing, "") for item in reversed(spread)]
    while waiting:
        item, around, box, unseen = waiting.pop()
        if not isinstance(item.tag, str) or item.tag in {"Page", "Properties"}:
            continue
        moved = _joined(_matrix(item.get("ItemTransform")), around)
        box = _path_box(item, moved) or box  # a text path has no geometry but that of the line it runs along
        unseen = unseen or unseen_item(item, layers)
        if story := item.get("ParentStory"):
            yield Frame(story, item.get("PreviousTextFrame", "n") == "n", box, unseen)
        waiting += [(child, moved, box, unseen) for child in reversed(item)]


def unseen_item(item: Any, layers: dict[str, str]) -> str:
    """Why this page item is not seen, or "": what lies around it is not asked."""
    if item.get("Visible") == "false":
        return HIDDEN
    return UNPRINTED if item.get("Nonprinting") == "true" else layers.get(item.get("ItemLayer", ""), "")


def _page_of(box: Box, pages: list[Box], *, rightward: bool) -> int | None:
    """The page that a frame belongs to: the first that it lies on with a good part (a heading may run over both)."""
    shares = [_shared(box, page) for page in pages]
    if not shares or max(shares) <= 0:
        return None
    reading = range(len(pages)) if rightward else sorted(range(len(pages)), key=lambda page: -pages[page][0])
    return next(page for page in reading if shares[page] >= max(shares) / 2)


def _shared(first: Box, second: Box) -> float:
    """The area that two boxes share; a line counts as one point wide."""
    sides = []
    for low, high in ((0, 2), (1, 3)):
        width = min(max(first[high], first[low] + 1), second[high]) - max(first[low], second[low])
        if not width > 0:  # also when a side is no number
            return 0
        sides.append(width)
    return sides[0] * sides[1]


def _page_box(page: Any) -> Box:
    top, left, bottom, right = _numbers(page.get("GeometricBounds"), 4) or (0, 0, 0, 0)
    return _around([(left, top), (right, bottom), (left, bottom), (right, top)], _matrix(page.get("ItemTransform")))


def _path_box(item: Any, moved: Matrix) -> Box | None:
    points = [_numbers(point.get("Anchor"), 2) for point in item.iterfind("Properties/PathGeometry//PathPointType")]
    corners = [(point[0], point[1]) for point in points if point]
    return _around(corners, moved) if corners else None


def _around(points: list[tuple[float, float]], matrix: Matrix) -> Box:
    a, b, c, d, e, f = matrix
    across = [a * x + c * y + e for x, y in points]
    down = [b * x + d * y + f for x, y in points]
    return min(across), min(down), max(across), max(down)


def _joined(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _matrix(text: str | None) -> Matrix:
    numbers = _numbers(text, 6)
    return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]) if numbers else UNMOVED


def _numbers(text: str | None, count: int) -> list[float] | None:
    """`count` finite numbers, or None."""
    try:
        numbers = [float(part) for part in (text or "").split()]
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(math.isfinite(number) for number in numbers) else None
