"""An XHTML or HTML page as a flat run of blocks: what it says, paragraph by paragraph, and what the markup says about each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from narrative.corpus.limits import MAX_DEPTH
from narrative.corpus.readers.markup_words import (
    BACKLINKS,
    BLOCKS,
    HEADINGS,
    HOLDERS,
    KINDS,
    NOTES,
    NUMBERS,
    OPENERS,
    SKIPPED,
    STANZAS,
    classes_of,
    heading_by_class,
    is_hidden,
    is_page_number,
    kind_by_class,
    name_of,
    role_of,
    short_text,
    types_of,
)
from narrative.errors import DocumentError

BREAK = "\v"  # a line break that is meant; XML has no such character, so it can't be in the text
_SPACES = re.compile(r"[ \t\r\n\f]+")  # not the no-break space, which is a character like others
_ANY_BREAK = re.compile(r"[ \t\r\n\f\v]+")
_AROUND_BREAK = re.compile(r" ?\v ?")
_BREAKS = re.compile(r"[ \v]*\v[ \v]*")
_BLANK = re.compile(r"\n\n+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_ARROWS = frozenset("↩↑⏎^←↵\ufe0e")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph with its surroundings."""

    text: str
    kind: str
    level: int = 0  # of a heading, 1 to 6
    role: str = ""  # what an element around it declares; "" when none does
    note: str = ""  # the key of the note it belongs to
    opens: bool = False  # the first block of an element that is declared to be a chapter or part
    anchors: tuple[str, ...] = ()  # the ids that lead here
    links: tuple[str, ...] = ()  # the keys of the notes that it refers to


@dataclass(frozen=True, slots=True)
class Page:
    """One parsed page, and what was found out about it beforehand."""

    root: Any
    what: str  # for errors
    left_out: frozenset[Any] = frozenset()  # elements that are not the text
    bodies: Mapping[Any, str] = field(default_factory=dict)  # notes: element to key
    references: Mapping[Any, str] = field(default_factory=dict)  # links to them: element to key
    drop_notes: bool = False


def blocks_of(page: Page) -> list[Block]:
    """The blocks of the page in order. Raises `DocumentError` for a page whose elements nest too deep."""
    return _Walk(page).run()


@dataclass(frozen=True, slots=True)
class _Place:
    """What an element passes on to those inside it."""

    kind: str = "text"
    level: int = 0
    role: str = ""
    note: str = ""
    joint: str = ""  # what stands between inner blocks when they don't make paragraphs of their own
    part: str = ""  # of a table: "table", "row" or "cell"
    kept: bool = False  # spaces mean something


class _Walk:
    """Depth first with a stack of its own: no nesting can use up Python's."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.marked = page.bodies.keys() | page.references.keys()
        self.blocks: list[Block] = []
        self.pieces: list[str] = []
        self.cells: list[str] = []
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.opens = False

    def run(self) -> list[Block]:
        root = self.page.root
        stack: list[tuple[Any, Iterator[Any], _Place]] = [(root, iter(root), self.enter(root, _Place()) or _Place())]
        self.say(root.text)
        while stack:
            element, children, place = stack[-1]
            for child in children:
                inner = self.enter(child, place) if isinstance(child.tag, str) else None
                if inner is not None:
                    break
                self.say(child.tail)
            else:
                stack.pop()
                if stack:
                    self.leave(name_of(element), place, stack[-1][2])
                    self.say(element.tail)
                continue
            if len(stack) > MAX_DEPTH:
                raise DocumentError(f"{self.page.what} nests its elements more than {MAX_DEPTH} levels deep.")
            self.say(child.text)
            stack.append((child, iter(child), inner))
        self.flush(_Place())
        return self.blocks

    def say(self, text: str | None) -> None:
        if text:
            self.pieces.append(text)

    def enter(self, element: Any, place: _Place) -> _Place | None:
        """The place that the element makes for what is in it; None when nothing in it is text."""
        name = name_of(element)
        if name in SKIPPED or element in self.page.left_out:
            self.anchor(element)
            return None
        if name == "br":
            self.pieces.append(" " if place.joint == " " else BREAK)
            return place
        block = name in BLOCKS
        types: frozenset[str] = frozenset()
        classes: frozenset[str] = frozenset()
        if element.attrib or element in self.marked:
            types, classes = types_of(element), classes_of(element)
            note = element in self.page.bodies or bool(types & NOTES)
            if self.is_aside(element, types, classes, place, note):
                self.anchor(element)
                return None
            if note and block:
                return self.enter_note(element, place)
        if not block:
            self.anchor(element)
            return place
        return self.enter_block(element, name, types, classes, place)

    def is_aside(self, element: Any, types: frozenset[str], classes: frozenset[str], place: _Place, note: bool) -> bool:
        """Whether the element is no text of the book: hidden, a page's number, a way back from a note, or a note to be dropped."""
        if (note and self.page.drop_notes) or (not note and is_hidden(element)):
            return True
        if types & NUMBERS or is_page_number(element, classes):
            return True
        reference = self.page.references.get(element)
        if reference is not None and not place.note:
            self.links.append(reference)
            return self.page.drop_notes
        if types & BACKLINKS:
            return True
        return bool(place.note) and name_of(element) == "a" and set(short_text(element) or "-") <= _ARROWS

    def enter_note(self, element: Any, place: _Place) -> _Place:
        self.flush(place)
        self.anchor(element)
        last = self.blocks[-1].note if self.blocks else ""
        return _Place(kind="note", role=place.role, note=self.page.bodies.get(element) or place.note or last or "?")

    def enter_block(self, element: Any, name: str, types: frozenset[str], classes: frozenset[str], place: _Place) -> _Place:
        level = HEADINGS.get(name) or (heading_by_class(element, classes) if classes else 0)
        if place.joint and not (level and place.joint == BREAK):
            self.anchor(element)
            self.pieces.append(place.joint)
            return place
        self.flush(place)
        self.anchor(element)
        if place.part and name in {"tr", "td", "th"}:
            self.cells = [] if name == "tr" else self.cells
            return replace(place, part="row") if name == "tr" else replace(place, part="cell", joint=" ")
        if name in HOLDERS and (types or classes):
            self.opens = self.opens or bool((types | classes) & OPENERS)
            place = replace(place, role=role_of(types) or place.role)
        changes = self.changes(element, name, types | classes, level)
        return replace(place, **changes) if changes else place

    def changes(self, element: Any, name: str, words: frozenset[str], level: int) -> dict[str, Any]:
        """What is different in a block from the place that it stands in."""
        if level:
            return {"kind": "heading", "level": level, "joint": " "}
        if name == "table":
            return {} if _is_layout(element) else {"kind": "table", "part": "table"}
        if name == "pre":
            return {"kind": "verse", "kept": True}
        if words & STANZAS:
            return {"kind": "verse", "joint": BREAK}
        kind = KINDS.get(name) or kind_by_class(words)
        return {"kind": kind, "part": ""} if kind else {}

    def leave(self, name: str, inner: _Place, outer: _Place) -> None:
        if name not in BLOCKS:
            return
        if inner.joint and inner is outer:
            self.pieces.append(inner.joint)
        elif inner.part == "cell":
            self.cells.append(_ANY_BREAK.sub(" ", "".join(self.pieces)).strip())
            self.pieces.clear()
        elif inner.part == "row" and name == "tr":
            self.flush(inner)
            if any(self.cells):
                self.add("\t".join(self.cells), inner)
            self.cells = []
        else:
            self.flush(inner)

    def anchor(self, element: Any) -> None:
        """Remember the element's ids for the block that is being filled."""
        names = (element.get("id"), element.get("{http://www.w3.org/XML/1998/namespace}id"), element.get("name"))
        self.anchors += [name for name in names if name]

    def flush(self, place: _Place) -> None:
        """What was said since the last block becomes blocks; white space alone becomes none."""
        text = "".join(self.pieces)
        self.pieces.clear()
        if not text or text.isspace():
            return
        for paragraph in _paragraphs(text, place):
            self.add(paragraph, place)

    def add(self, text: str, place: _Place) -> None:
        kind = place.kind
        if place.note:
            kind = "note"
        elif "\n" in text and kind in {"text", "quote", "list"}:
            kind = "verse"
        anchors, links = tuple(self.anchors), tuple(self.links)
        self.blocks.append(Block(text, kind, place.level, place.role, place.note, self.opens, anchors, links))
        self.anchors.clear()
        self.links.clear()
        self.opens = False


def _paragraphs(text: str, place: _Place) -> Iterator[str]:
    """One for each run of lines between blank ones: two line breaks after another are a paragraph's end, however it is marked up."""
    if place.kept:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").replace(BREAK, "\n").split("\n")
        for part in _BLANK_LINES.split("\n".join(line.rstrip() for line in lines).strip("\n")):
            if part.strip():
                yield part.strip("\n")
        return
    if place.joint == " ":
        yield _ANY_BREAK.sub(" ", text).strip()
        return
    breaks = _BREAKS if place.joint else _AROUND_BREAK  # the lines of a stanza are elements: both their ends are breaks
    for part in _BLANK.split(breaks.sub("\n", _SPACES.sub(" ", text))):
        if part.strip():
            yield part.strip()


def _is_layout(table: Any) -> bool:
    """Whether the table only arranges a page: tables, headings or several paragraphs in its cells, or one cell a row."""
    widest = paragraphs = cells = 0
    for element in table.iter():
        if not isinstance(element.tag, str) or element is table:
            continue
        name = name_of(element)
        if name == "table" or name in HEADINGS:
            return True
        if name in {"td", "th"}:
            cells, paragraphs = cells + 1, 0
        elif name == "tr":
            widest, cells = max(widest, cells), 0
        elif name in {"p", "li", "blockquote"}:
            paragraphs += 1
            if paragraphs > 1:
                return True
    return max(widest, cells) < 2
