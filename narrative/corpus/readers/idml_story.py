"""One story of an InDesign file, read out of its XML: what its author typed, without what only the layout needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from narrative.corpus.readers.idml_layout import unseen_item
from narrative.corpus.readers.idml_styles import Styles, number

# Auto page numbers, section markers, footnote numbers and indent marks stand as instructions: only the right-aligned tab is text.
SPECIALS = {"8": "\t"}
BREAKS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\n": " ", "\r": " "})
# Discretionary hyphens and breaks, anchors and byte order marks. The non-joiner spells Persian and Indic words: there it stays.
MARKS = re.compile(r"[\u00ad\u200b\ufeff\ufffc\x00-\x08\x0b-\x1f]|(?<![\u0590-\u1cff\ua800-\uabff\ufb1d-\ufeff])\u200c")
SKIPPED = {"Properties", "Note", "StoryPreference", "InCopyExportOption", "XMLComment", "XMLInstruction"}


@dataclass(frozen=True)
class Typed:
    """A paragraph as it stands in the story; `kind` is "" where only the style can tell."""

    text: str
    style: str = ""
    size: float = 0
    kind: str = ""
    tag: str = ""  # the XML tag that the house put around all of it


@dataclass(frozen=True)
class Anchor:
    """A frame that stands inside the text and shows another story."""

    story: str


@dataclass
class Tally:
    """What was met on the way: characters by language, words by the reason they were left out."""

    languages: Counter[str]
    left_out: Counter[str]


class StoryReader:
    """Walks one story. `endnotes` are the text ranges of endnotes by the id of their reference; a note that was placed is taken out."""

    def __init__(
        self,
        styles: Styles,
        tally: Tally,
        *,
        notes: bool = True,
        endnotes: dict[str, Any] | None = None,
        layers: dict[str, str] | None = None,
    ) -> None:
        self._styles, self._tally, self._notes, self._layers = styles, tally, notes, layers or {}
        self._endnotes = {} if endnotes is None else endnotes
        self._items: list[Typed | Anchor] = []
        self._after: list[Typed | Anchor] = []  # notes and frames of the paragraph at hand
        self._text: list[str] = []
        self._sizes: Counter[float] = Counter()
        self._tags: set[str] = set()
        self._tag = ""
        self._style, self._size, self._language, self._listed = "", 0.0, "", False

    def read(self, story: Any) -> list[Typed | Anchor]:
        """The paragraphs and anchored frames of a story, cell or note, in order."""
        self._children(story)
        self._end()
        return self._items

    def _visit(self, item: Any) -> None:
        if not isinstance(item.tag, str) or item.tag in SKIPPED:
            return
        if "ItemTransform" in item.attrib or "ParentStory" in item.attrib:
            self._object(item)
        else:
            self._HANDLERS.get(item.tag, StoryReader._children)(self, item)

    def _children(self, item: Any) -> None:
        for child in item:
            self._visit(child)

    def _paragraphs(self, item: Any) -> None:
        """A range of one paragraph style. Only a return ends a paragraph, but no paragraph has two styles."""
        style = item.get("AppliedParagraphStyle", self._style)
        if style != self._style:
            self._end()
        self._style = style
        self._listed = item.get("BulletsAndNumberingListType", "") in {"BulletList", "NumberedList"} or self._styles.listed(style)
        self._children(item)

    def _characters(self, item: Any) -> None:
        before = self._size, self._language
        style = item.get("AppliedCharacterStyle", "")
        self._size = number(item.get("PointSize")) or self._styles.size(style)
        self._language = item.get("AppliedLanguage") or self._styles.value(style, "AppliedLanguage")
        self._children(item)
        self._size, self._language = before

    def _tagged(self, item: Any) -> None:
        before, self._tag = self._tag, item.get("MarkupTag", "")
        self._children(item)
        self._tag = before

    def _content(self, item: Any) -> None:
        parts = [item.text or ""]
        for child in item:
            if not isinstance(child.tag, str):
                parts.append(SPECIALS.get((child.text or "").strip(), ""))
            parts.append(child.tail or "")
        self._add("".join(parts))

    def _add(self, text: str) -> None:
        self._text.append(text)
        if text.strip():
            self._tags.add(self._tag)
        self._sizes[self._size or self._styles.size(self._style)] += len(text.strip())
        self._tally.languages[self._language or self._styles.value(self._style, "AppliedLanguage")] += len(text)

    def _end(self, _item: Any = None) -> None:
        text = MARKS.sub("", "".join(self._text).translate(BREAKS)).strip()
        if text:
            size = max(self._sizes, key=lambda size: (self._sizes[size], size))
            tag = next(iter(self._tags)) if len(self._tags) == 1 else ""
            self._items.append(Typed(text, self._style, size, "list" if self._listed else "", tag))
        self._items += self._after
        self._text, self._after, self._sizes, self._tags = [], [], Counter(), set()

    def _inner(self, item: Any) -> list[Typed | Anchor]:
        """What stands in a cell or a note, which has paragraphs of its own."""
        reader = StoryReader(self._styles, self._tally, notes=self._notes, endnotes=self._endnotes, layers=self._layers)
        return reader.read(item)

    def _object(self, item: Any) -> None:
        """A frame, group or picture in the line: its stories stand after the paragraph it is anchored in."""
        if unseen_item(item, self._layers):
            return
        if (story := item.get("ParentStory")) and item.get("PreviousTextFrame", "n") == "n":
            self._after.append(Anchor(story))
        for child in item:
            if isinstance(child.tag, str) and child.tag != "Properties":
                self._object(child)

    def _note(self, item: Any) -> None:
        for inner in self._inner(item) if self._notes else ():
            self._after.append(Typed(inner.text, inner.style, inner.size, "note") if isinstance(inner, Typed) else inner)

    def _endnote(self, item: Any) -> None:
        text = self._endnotes.pop(item.get("Self", ""), None)
        if text is not None:
            self._note(text)

    def _endnote_text(self, item: Any) -> None:
        """The text of an endnote where it is printed: left to its reference, unless none asked for it."""
        if self._endnotes.pop(item.get("SourceEndnote", ""), None) is not None:
            self._note(item)

    def _change(self, item: Any) -> None:
        if item.get("ChangeType") != "DeletedText":
            self._children(item)

    def _hidden_text(self, item: Any) -> None:
        self._tally.left_out["in hidden conditional text"] += count_words(item)

    def _variable(self, item: Any) -> None:
        self._add(item.get("ResultText", ""))

    def _table(self, item: Any) -> None:
        self._end()
        rows: dict[int, list[tuple[int, list[Typed | Anchor]]]] = {}
        for cell in item.iterfind("Cell"):
            column, _, row = cell.get("Name", "").partition(":")
            rows.setdefault(int(number(row)), []).append((int(number(column)), self._inner(cell)))
        boxed = sum(len(cells) for cells in rows.values()) == 1
        for _, cells in sorted(rows.items()):
            inside = [inner for _, inner in sorted(cells, key=lambda cell: cell[0])]
            if boxed:  # a frame around text, no table
                self._items += inside[0]
                continue
            texts = [" ".join(inner.text for inner in cell if isinstance(inner, Typed) and inner.kind != "note") for cell in inside]
            if any(texts):
                self._items.append(Typed("\t".join(text.replace("\n", " ") for text in texts), self._style, 0, "table"))
            self._items += [inner for cell in inside for inner in cell if isinstance(inner, Anchor) or inner.kind == "note"]

    _HANDLERS: ClassVar[dict[str, Callable[[StoryReader, Any], None]]] = {
        "ParagraphStyleRange": _paragraphs,
        "CharacterStyleRange": _characters,
        "XMLElement": _tagged,
        "Content": _content,
        "Br": _end,
        "Footnote": _note,
        "Endnote": _endnote,
        "EndnoteRange": _endnote_text,
        "Change": _change,
        "HiddenText": _hidden_text,
        "TextVariableInstance": _variable,
        "Table": _table,
    }


def count_words(item: Any) -> int:
    """Words in a story that is not read."""
    return sum(len("".join(content.itertext("Content")).split()) for content in item.iter("Content"))
