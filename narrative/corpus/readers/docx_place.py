"""Where the reading of a Word file stands: in which story, paragraph, run, field, row and content control."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from narrative.corpus.readers.office_flow import Look, Story
from narrative.corpus.readers.office_styles import Styles


@dataclass
class Paragraph:
    """What a paragraph says of itself; None where its style decides."""

    style: str = ""
    outline: int | None = None
    numbered: bool | None = None
    joined: bool = False  # its end was deleted, or it is a large first letter: the next one goes on with it


@dataclass
class Place:
    """One story being read: the body, a cell, a note, a text box."""

    story: Story = field(default_factory=Story)
    paragraph: Paragraph = field(default_factory=Paragraph)
    fields: list[bool] = field(default_factory=list)  # of each open field, whether its result has begun
    hidden: bool | None = None  # the run, when it says so itself
    marked: bool = False  # the run holds a note's own mark
    deleted: bool = False  # the cell

    def shown(self, styles: Styles) -> bool:
        """Whether text that comes now stands on the page."""
        hidden = styles.hidden(self.paragraph.style) if self.hidden is None else self.hidden
        return not hidden and all(self.fields)

    def look(self, styles: Styles) -> Look:
        """What the paragraph is."""
        look = styles.look(self.paragraph.style, self.paragraph.outline)
        numbered = styles.numbered(self.paragraph.style) if self.paragraph.numbered is None else self.paragraph.numbered
        return replace(look, kind="list") if numbered and look.kind == "text" and look.role == "body" else look


@dataclass
class Row:
    """A row of a table in the making."""

    cells: list[Story] = field(default_factory=list)
    deleted: bool = False


@dataclass
class _Control:
    role: str = ""
    placeholder: bool = False


class Controls:
    """The content controls around: the role they declare, and whether the inner one still shows its prompt instead of text."""

    _galleries: ClassVar = {"Table of Contents": "contents", "Bibliographies": "bibliography", "Cover Pages": "cover"}

    def __init__(self) -> None:
        self._open: list[_Control] = []

    def enter(self) -> None:
        self._open.append(_Control())

    def leave(self) -> None:
        self._open.pop()

    def declare(self, gallery: str) -> None:
        if self._open:
            self._open[-1].role = self._galleries.get(gallery, "")

    def prompt(self, showing: bool) -> None:
        if self._open:
            self._open[-1].placeholder = showing

    @property
    def prompts(self) -> bool:
        return bool(self._open) and self._open[-1].placeholder

    @property
    def role(self) -> str:
        return next((control.role for control in reversed(self._open) if control.role), "")
