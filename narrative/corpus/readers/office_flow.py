"""Text as a word processor's file gives it, piece by piece, made into lines: what Word, OpenDocument and RTF have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from narrative.corpus.document import Paragraph


@dataclass(frozen=True)
class Look:
    """What a paragraph's style says: its kind, the level of a heading (0 the book's title, 1 a chapter, ...) and the section's role."""

    kind: str = "text"
    level: int | None = None
    role: str = "body"


@dataclass(frozen=True)
class Line:
    """A paragraph and its look."""

    paragraph: Paragraph
    look: Look


class Story:
    """Lines in the making: of the body, a cell, a note or a text box. `tidy` is what the format does with white space."""

    def __init__(self, tidy: Callable[[str], str] = str) -> None:
        self.lines: list[Line] = []
        self._tidy = tidy
        self._parts: list[str] = []
        self._after: list[Line] = []

    def say(self, text: str) -> None:
        self._parts.append(text)

    def follow(self, lines: Iterable[Line]) -> None:
        """Lines that stand after the paragraph in the making: its notes and text boxes."""
        self._after.extend(lines)

    def forget(self) -> None:
        """The paragraph in the making is hidden, and all that hangs on it."""
        self._parts.clear()
        self._after.clear()

    def finish(self, look: Look) -> None:
        """The paragraph ends; an empty one leaves nothing."""
        text = _trimmed(self._tidy("".join(self._parts)))
        self._parts.clear()
        if text:
            self.lines.append(Line(_paragraph(text, look.kind), look))
        self.lines.extend(self._after)
        self._after.clear()

    def row(self, cells: Sequence[Story], role: str = "body") -> None:
        """A row of a table: its cells joined by tabs, the paragraphs of a cell by line ends, their notes after it."""
        text = "\t".join(cell.text for cell in cells).rstrip()
        if text:
            self.lines.append(Line(Paragraph(text, "table"), Look("table", role=role)))
        self.lines.extend(line for cell in cells for line in cell.lines if line.paragraph.kind == "note")

    @property
    def text(self) -> str:
        """All lines but the notes, for a cell."""
        return "\n".join(line.paragraph.text for line in self.lines if line.paragraph.kind != "note")


def as_notes(lines: Iterable[Line]) -> list[Line]:
    """The lines of a footnote or endnote, each a note whatever its style says."""
    return [Line(replace(line.paragraph, kind="note"), Look("note")) for line in lines]


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _paragraph(text: str, kind: str) -> Paragraph:
    if kind == "heading":  # its lines are a matter of the page
        return Paragraph(" ".join(text.split()), kind)
    return Paragraph(text, "verse" if "\n" in text and kind in {"text", "quote"} else kind)
