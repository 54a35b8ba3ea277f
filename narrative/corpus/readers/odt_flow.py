"""OpenDocument text as lines: what stands in the document now, without what its margins, tracked changes and indexes keep apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from narrative.corpus.readers.office_flow import Line, Look, Story, as_notes
from narrative.corpus.readers.office_styles import Style, Styles
from narrative.corpus.xml import Event

Attributes = Mapping[str, str]

MOST_SPACES = 40
_SPACE, _TAB, _BREAK = "\x01", "\x02", "\x03"  # meant ones, apart from the spaces of the XML: no XML can hold these characters
_MEANT = str.maketrans({_SPACE: " ", _TAB: "\t", _BREAK: "\n"})
_SIGNS = {"text:tab": _TAB, "text:line-break": _BREAK}
_SKIPPED = {
    *("text:tracked-changes", "text:note-citation", "text:ruby-text", "text:number", "text:script", "office:annotation", "office:forms"),
    *("office:binary-data", "draw:object", "svg:title", "svg:desc", "table:covered-table-cell"),
}
_INDEXES = {
    **dict.fromkeys(("text:table-of-content", "text:illustration-index", "text:table-index", "text:object-index"), "contents"),
    "text:user-index": "contents",
    "text:alphabetical-index": "index",
    "text:bibliography": "bibliography",
}


def tidy(text: str) -> str:
    """One space for every run of white space in the XML, then the spaces, tabs and line breaks that have elements of their own."""
    return re.sub(r"[ \t\r\n]+", " ", text).translate(_MEANT)


def read_styles(events: Iterable[Event], styles: Styles) -> None:
    """Adds the named styles of styles.xml; its automatic ones belong to headers and footers."""
    style, automatic = Style(""), False
    for kind, name, attributes in events:
        if name == "office:automatic-styles":
            automatic = kind == "start"
        elif kind == "start" and not automatic:
            style = _read_style(name, attributes, style, styles)


def _read_style(name: str, attributes: Attributes, style: Style, styles: Styles) -> Style:
    """The style being read, after this element."""
    if name == "style:style":
        family = attributes.get("style:family", "")
        own = attributes.get("style:name", "")
        style = Style(attributes.get("style:display-name", own), _key(family, attributes.get("style:parent-style-name", "")))
        styles.add(_key(family, own), style)
    elif name == "style:text-properties" and "text:display" in attributes:
        style.hidden = attributes["text:display"] == "none"
    return style


def _key(family: str, name: str) -> str:
    """Styles of two families may share a name."""
    return name if family == "paragraph" else f"{family}:{name}" if name else ""


@dataclass
class _Place:
    """One story being read: the body, a cell, a note, a text box or shape."""

    story: Story = field(default_factory=lambda: Story(tidy))
    look: Look = field(default_factory=Look)
    open: bool = False  # inside a paragraph, where alone text counts
    hidden: bool = False
    lists: int = 0


class Flow:
    """Reads content.xml: `lines` holds what it had, `is_text` whether it is a text document at all."""

    def __init__(self, styles: Styles, *, notes: bool) -> None:
        self.is_text = False
        self._styles = styles
        self._style = Style("")
        self._notes = notes
        self._skipping = 0
        self._places = [_Place()]
        self._shapes: list[bool] = []  # of each open paragraph, whether it is the text of a shape
        self._rows: list[list[Story]] = []
        self._roles: list[str] = []

    @property
    def lines(self) -> list[Line]:
        return self._places[0].story.lines

    def read(self, events: Iterable[Event]) -> None:
        for kind, name, attributes in events:
            if self._skipping:
                self._skipping += {"start": 1, "end": -1}.get(kind, 0)
            elif kind == "text":
                if self._place.open:
                    self._place.story.say(name)
            elif kind == "end":
                if name in self._ends:
                    self._ends[name](self)
            else:
                self._start(name, attributes)

    def _start(self, name: str, attributes: Attributes) -> None:
        if name in _SKIPPED:
            self._skipping = 1
        elif name in _SIGNS:
            self._place.story.say(_SIGNS[name])
        elif name in _INDEXES:
            self._roles.append(_INDEXES[name])
        elif name in self._starts:
            self._starts[name](self, attributes)
        elif not self.is_text:
            self._style = _read_style(name, attributes, self._style, self._styles)

    @property
    def _place(self) -> _Place:
        return self._places[-1]

    @property
    def _role(self) -> str:
        return self._roles[-1] if self._roles else ""

    def _body(self, _: Attributes) -> None:
        self.is_text = True

    def _paragraph(self, attributes: Attributes) -> None:
        self._open(attributes, None)

    def _heading(self, attributes: Attributes) -> None:
        level = attributes.get("text:outline-level", "1")
        self._open(attributes, int(level) - 1 if re.fullmatch(r"[1-9][0-9]?", level) else 0)

    def _open(self, attributes: Attributes, outline: int | None) -> None:
        style = attributes.get("text:style-name", "")
        if self._styles.hidden(style):
            self._skipping = 1
            return
        self._shapes.append(self._place.open)
        if self._place.open:  # a shape, which holds its paragraphs itself
            self._places.append(_Place())
        look = self._styles.look(style, outline)
        if self._place.lists and look.kind == "text" and look.role == "body":
            look = replace(look, kind="list")
        role = self._role or look.role
        self._place.look = replace(look, role=role, level=look.level if role == "body" else None)
        self._place.open = True

    def _close(self) -> None:
        place = self._place
        if place.hidden:
            place.story.forget()
        place.story.finish(place.look)
        place.open = place.hidden = False
        if self._shapes.pop():
            self._close_box()

    def _open_place(self, _: Attributes) -> None:
        self._places.append(_Place())

    def _close_box(self) -> None:
        self._after(self._places.pop().story.lines)

    def _after(self, lines: list[Line]) -> None:
        """After the paragraph that is open, or here."""
        self._place.story.follow(lines)
        if not self._place.open:
            self._place.story.finish(Look())

    def _open_note(self, _: Attributes) -> None:
        if self._notes:
            self._places.append(_Place())
        else:
            self._skipping = 1

    def _close_note(self) -> None:
        self._after(as_notes(self._places.pop().story.lines))

    def _open_item(self, _: Attributes) -> None:
        self._place.lists += 1

    def _close_item(self) -> None:
        self._place.lists -= 1

    def _open_row(self, _: Attributes) -> None:
        self._rows.append([])

    def _close_cell(self) -> None:
        story = self._places.pop().story
        if self._rows:
            self._rows[-1].append(story)
        else:
            self._after(story.lines)

    def _close_row(self) -> None:
        self._place.story.row(self._rows.pop(), self._role or "body")

    def _spaces(self, attributes: Attributes) -> None:
        count = attributes.get("text:c", "1")
        self._place.story.say(_SPACE * (min(int(count), MOST_SPACES) if re.fullmatch(r"[0-9]{1,9}", count) else 1))

    def _span(self, attributes: Attributes) -> None:
        if self._styles.hidden(_key("text", attributes.get("text:style-name", ""))):
            self._skipping = 1

    def _section(self, attributes: Attributes) -> None:
        if attributes.get("text:display") == "none":
            self._skipping = 1

    def _hidden_text(self, attributes: Attributes) -> None:
        if attributes.get("text:is-hidden") == "true":
            self._skipping = 1

    def _hidden_paragraph(self, attributes: Attributes) -> None:
        self._place.hidden = attributes.get("text:is-hidden") == "true"

    def _close_index(self) -> None:
        self._roles.pop()

    _starts: ClassVar[dict[str, Callable[[Flow, Attributes], None]]] = {
        "office:text": _body,
        "text:p": _paragraph,
        "text:h": _heading,
        "draw:text-box": _open_place,
        "text:note": _open_note,
        "text:list-item": _open_item,
        "text:list-header": _open_item,
        "table:table-row": _open_row,
        "table:table-cell": _open_place,
        "text:s": _spaces,
        "text:span": _span,
        "text:section": _section,
        "text:hidden-text": _hidden_text,
        "text:hidden-paragraph": _hidden_paragraph,
    }
    _ends: ClassVar[dict[str, Callable[[Flow], None]]] = {
        "text:p": _close,
        "text:h": _close,
        "draw:text-box": _close_box,
        "text:note": _close_note,
        "text:list-item": _close_item,
        "text:list-header": _close_item,
        "table:table-row": _close_row,
        "table:table-cell": _close_cell,
        **dict.fromkeys(_INDEXES, _close_index),
    }
