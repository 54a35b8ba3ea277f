"""Where the reading of a Word file stands: in which story, paragraph, run, field, row and content control."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from narrative.corpus.readers.office_flow import Look, Story
from narrative.corpus.readers.office_styles import Styles


@dataclass
class Paragraph:
    """What a paragraph says of itself; None where its style decides."""

    style: str = ""
    outline: int | None = None
    numbered: bool | None = None
    joined: bool = False  # its end was deleted: the next one goes on with it


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
class Control:
    """A content control: the role it declares, and whether it still shows its prompt instead of text."""

    role: str = ""
    placeholder: bool = False
