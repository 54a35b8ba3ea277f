"""What a PDF page draws as text: every run with its place, its size and its width, as far as the file tells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, NameObject

from narrative.corpus.limits import MAX_PACKAGE
from narrative.corpus.readers.pdf_fonts import Font, decoded, fonts_in, in_logical_order
from narrative.errors import DocumentError

Matrix = tuple[float, float, float, float, float, float]
UNMOVED: Matrix = (1, 0, 0, 1, 0, 0)
MAX_FORMS = 12
"""Levels of drawings inside drawings."""
MAX_RUNS = 200_000
"""Runs of text on one page."""


@dataclass(frozen=True)
class Run:
    """Text drawn in one go, upright, with x to the right and y up, in points."""

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool = False
    artifact: bool = False  # the file says that it is a running head, a page number or decoration
    outside: bool = False  # cut off when the page is trimmed: printers' marks


@dataclass
class _State:
    matrix: Matrix = UNMOVED
    font: Font | None = None
    size: float = 12.0
    spacing: float = 0.0
    word_spacing: float = 0.0
    stretch: float = 1.0
    leading: float = 0.0
    rise: float = 0.0


class Budget:
    """Bytes of page content that one document may still take to read: a form that is drawn twice counts twice."""

    def __init__(self, left: int = MAX_PACKAGE) -> None:
        self._left = left

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise DocumentError("Its pages hold far more drawing than any book does.")


class PageText:
    """Runs through the drawing instructions of one page.

    After `runs`, `turned` counts the characters that stand at another angle than the most, `trimmed` those outside the trimmed page,
    and `unknown` those of fonts that don't tell which letters they draw; none of them are among the runs.
    """

    def __init__(self, page: Any, reader: Any, budget: Budget) -> None:
        self._reader, self._budget = reader, budget
        self._state, self._stack = _State(), list[_State]()
        self._text, self._line = UNMOVED, UNMOVED
        self._fonts: dict[str, Font] = {}
        self._marked: list[tuple[bool, str | None, int]] = []  # artifact, text given instead, runs before
        self._runs: list[tuple[int, Run]] = []
        self._forms: Any = {}
        self.turned = self.trimmed = self.unknown = 0
        box = [float(edge) for edge in page.trimbox]
        self._box = min(box[0], box[2]) - 1, min(box[1], box[3]) - 1, max(box[0], box[2]) + 1, max(box[1], box[3]) + 1
        self._draw(page.get("/Contents"), page.get("/Resources"), 0)

    def runs(self) -> list[Run]:
        """The runs at the angle that most of the text has, as if the page were turned upright."""
        angles: Counter[int] = Counter()
        for angle, run in self._runs:
            angles[angle] += len(run.text)
        upright = max(angles, key=lambda angle: angles[angle], default=0)
        self.turned = sum(count for angle, count in angles.items() if angle != upright)
        kept = [run for angle, run in self._runs if angle == upright]
        inside = [run for run in kept if not run.outside]
        if len(inside) * 2 < len(kept):  # the box is wrong, not the text
            return kept
        self.trimmed = sum(len(run.text) for run in kept if run.outside)
        return inside

    def _draw(self, contents: Any, resources: Any, depth: int) -> None:
        contents = None if contents is None else contents.get_object()
        resources = None if resources is None else resources.get_object()
        if not hasattr(contents, "get_data") and not isinstance(contents, ArrayObject):
            return
        stream = ContentStream(contents, self._reader, "bytes")
        self._budget.take(len(stream.get_data()))
        outer = self._fonts, self._forms
        if isinstance(resources, DictionaryObject):
            self._fonts = {**self._fonts, **fonts_in(resources)}
            self._forms = resources.get("/XObject", {})
        for operands, operator in stream.operations:
            if operator == b"Do":
                self._form(operands, depth)
            elif handler := self._HANDLERS.get(operator):
                handler(self, operands)
            if len(self._runs) > MAX_RUNS:
                raise DocumentError(f"One page has more than {MAX_RUNS:,} pieces of text.")
        self._fonts, self._forms = outer

    def _form(self, operands: list[Any], depth: int) -> None:
        forms = self._forms.get_object() if hasattr(self._forms, "get_object") else self._forms
        form = forms.get(operands[0]) if operands and isinstance(forms, dict) else None
        form = None if form is None else form.get_object()
        if depth >= MAX_FORMS or not isinstance(form, DictionaryObject) or form.get("/Subtype") != "/Form":
            return
        state, stack, self._stack = self._state, self._stack, []
        self._state = replace(state, matrix=_joined(_matrix(form.get("/Matrix")), state.matrix))
        self._draw(form, form.get("/Resources"), depth + 1)
        self._state, self._stack = state, stack

    def _save(self, _operands: list[Any]) -> None:
        if len(self._stack) < 1000:
            self._stack.append(replace(self._state))

    def _restore(self, _operands: list[Any]) -> None:
        if self._stack:
            self._state = self._stack.pop()

    def _concatenate(self, operands: list[Any]) -> None:
        self._state.matrix = _joined(_matrix(operands), self._state.matrix)

    def _begin(self, _operands: list[Any]) -> None:
        self._text = self._line = UNMOVED

    def _set_font(self, operands: list[Any]) -> None:
        self._state.font = self._fonts.get(operands[0]) if operands else None
        self._state.size = _number(operands, 1, self._state.size)

    def _move(self, operands: list[Any]) -> None:
        self._text = self._line = _joined((1, 0, 0, 1, _number(operands, 0), _number(operands, 1)), self._line)

    def _move_and_lead(self, operands: list[Any]) -> None:
        self._state.leading = -_number(operands, 1)
        self._move(operands)

    def _set_matrix(self, operands: list[Any]) -> None:
        self._text = self._line = _matrix(operands)

    def _next_line(self, _operands: list[Any]) -> None:
        self._move([0, -self._state.leading])

    def _show(self, operands: list[Any]) -> None:
        for part in operands[-1:]:
            self._draw_text(part)

    def _show_next(self, operands: list[Any]) -> None:
        if len(operands) == 3:
            self._state.word_spacing, self._state.spacing = _number(operands, 0), _number(operands, 1)
        self._next_line([])
        self._show(operands)

    def _show_spaced(self, operands: list[Any]) -> None:
        for part in operands[0] if operands and isinstance(operands[0], list) else ():
            if isinstance(part, int | float):
                self._advance(-float(part) / 1000 * self._state.size * self._state.stretch)
            else:
                self._draw_text(part)

    def _advance(self, width: float) -> None:
        a, b, c, d, e, f = self._text
        self._text = a, b, c, d, e + width * a, f + width * b

    def _draw_text(self, part: Any) -> None:
        state, font = self._state, self._state.font
        if not isinstance(part, bytes | str) or isinstance(part, NameObject) or font is None:
            return
        glyphs, codes = decoded(part, font)
        width = sum(font.space_width if code == font.space_char else font.get_text_width(code) for code in codes) / 1000
        gaps = len(codes) * state.spacing + codes.count(font.space_char) * state.word_spacing
        start = _joined((1, 0, 0, 1, 0, state.rise), _joined(self._text, state.matrix))
        self._advance((width * state.size + gaps) * state.stretch)
        end = _joined((1, 0, 0, 1, 0, state.rise), _joined(self._text, state.matrix))
        text = "".join(in_logical_order(glyphs))
        if not font.interpretable:
            self.unknown += len(text)
        elif text and all(map(math.isfinite, start + end)):
            self._add(text, start, end, font)

    def _add(self, text: str, start: Matrix, end: Matrix, font: Font) -> None:
        quarter = round(math.atan2(start[1], start[0]) / (math.pi / 2)) % 4
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter]
        left, right = start[4] * cosine + start[5] * sine, end[4] * cosine + end[5] * sine
        base = start[5] * cosine - start[4] * sine
        height = min(abs(self._state.size) * math.hypot(start[2], start[3]), 10_000.0)
        outside = not (self._box[0] <= start[4] <= self._box[2] and self._box[1] <= start[5] <= self._box[3])
        bold = "bold" in font.name.lower() or "black" in font.name.lower()
        artifact = any(artifact for artifact, _, _ in self._marked)
        self._runs.append((quarter, Run(text, min(left, right), max(left, right), base, height, bold, artifact, outside)))

    def _mark(self, operands: list[Any]) -> None:
        properties = operands[1].get_object() if len(operands) > 1 and hasattr(operands[1], "get_object") else None
        instead = properties.get("/ActualText") if isinstance(properties, dict) else None
        if isinstance(instead, bytes):
            instead = instead.decode("utf-16" if instead[:2] in {b"\xfe\xff", b"\xff\xfe"} else "latin-1", "replace")
        self._marked.append((bool(operands) and operands[0] == "/Artifact", instead if isinstance(instead, str) else None, len(self._runs)))

    def _unmark(self, _operands: list[Any]) -> None:
        if not self._marked:
            return
        _, instead, before = self._marked.pop()
        drawn = self._runs[before:]
        if instead is not None and drawn:
            angle, first = drawn[0]
            whole = replace(first, text=instead, left=min(run.left for _, run in drawn), right=max(run.right for _, run in drawn))
            if all(abs(run.base - first.base) < first.size for _, run in drawn):  # over several lines it would lose its place
                self._runs[before:] = [(angle, whole)] if instead else []

    def _setter(name: str, scale: float = 1) -> Callable[[PageText, list[Any]], None]:  # type: ignore[misc]  # noqa: N805
        def set_value(self: PageText, operands: list[Any]) -> None:
            setattr(self._state, name, _number(operands, 0) / scale)

        return set_value

    _HANDLERS: ClassVar[dict[bytes, Callable[[PageText, list[Any]], None]]] = {
        b"q": _save, b"Q": _restore, b"cm": _concatenate, b"BT": _begin, b"Tf": _set_font, b"Td": _move, b"TD": _move_and_lead,
        b"Tm": _set_matrix, b"T*": _next_line, b"Tj": _show, b"TJ": _show_spaced, b"'": _show_next, b'"': _show_next,
        b"Tc": _setter("spacing"), b"Tw": _setter("word_spacing"), b"Tz": _setter("stretch", 100),
        b"TL": _setter("leading"), b"Ts": _setter("rise"), b"BDC": _mark, b"BMC": _mark, b"EMC": _unmark,
    }  # fmt: skip


def _joined(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _matrix(operands: Any) -> Matrix:
    numbers = [float(part) for part in operands or () if isinstance(part, int | float)]
    return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]) if len(numbers) == 6 else UNMOVED


def _number(operands: list[Any], place: int, default: float = 0.0) -> float:
    return float(operands[place]) if place < len(operands) and isinstance(operands[place], int | float) else default
