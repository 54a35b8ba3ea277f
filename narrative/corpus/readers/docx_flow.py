"""WordprocessingML as lines: what a reader of the printed page would see, with every tracked change accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from narrative.corpus.readers.docx_place import Controls, Paragraph, Place, Row
from narrative.corpus.readers.docx_styles import number, on
from narrative.corpus.readers.office_flow import Line, as_notes
from narrative.corpus.readers.office_styles import Styles
from narrative.corpus.readers.office_symbols import symbol
from narrative.corpus.xml import Event
from narrative.errors import DocumentError

Attributes = Mapping[str, str]
Notes = dict[str, list[Line]]

MOST_FIELDS = 50
"""Fields in each other; of more the outer ones are forgotten."""
_TEXTS = {"w:t", "m:t"}
_NO_NOTES = {"separator", "continuationSeparator", "continuationNotice"}
_SKIPPED = {"w:pPrChange", "w:rPrChange", "w:tblPrChange", "w:trPrChange", "w:tcPrChange", "w:sectPrChange", "w:rt"}
_SIGNS = {"w:cr": "\n", "w:ptab": "\t", "w:noBreakHyphen": "\u2011", "w:softHyphen": "\u00ad"}


class Flow:
    """Reads one part: `lines` and `notes` hold what it had, `warnings` what it could not give.

    `notes` are those to place, by kind and id; each is placed once, however often the text refers to it.
    """

    def __init__(self, styles: Styles, notes: Notes | None = None) -> None:
        self.notes: Notes = {}
        self.warnings: list[str] = []
        self._styles = styles
        self._to_place = notes or {}
        self._path: list[str] = []
        self._skipping = 0
        self._places = [Place()]
        self._rows: list[Row] = []
        self._controls = Controls()
        self._branches: list[int] = []
        self._said = 0
        self._opening = ""

    @property
    def lines(self) -> list[Line]:
        return self._places[0].story.lines

    def read(self, events: Iterable[Event], *, root: str = "") -> None:
        """Raises `DocumentError` when a root is asked for and the part has another."""
        for kind, name, attributes in events:
            if self._skipping:
                self._skipping += {"start": 1, "end": -1}.get(kind, 0)
            elif kind == "text":
                self._text(name)
            elif kind == "start":
                if root and not self._path and name != root:
                    raise DocumentError("The package holds no Word document.")
                self._start(name, attributes)
            else:
                self._path.pop()
                if name in self._ends:
                    self._ends[name](self)
        self._finish()

    def _start(self, name: str, attributes: Attributes) -> None:
        if name in _SKIPPED:
            self._skipping = 1
        elif name in _SIGNS:
            self._say(_SIGNS[name])
        elif name in self._starts:
            self._opening = name
            self._starts[name](self, attributes)
        if not self._skipping:
            self._path.append(name)

    @property
    def _place(self) -> Place:
        return self._places[-1]

    def _text(self, text: str) -> None:
        if self._path[-1] in _TEXTS and not self._place.marked:
            self._say(" ".join(text.split("\n")).replace("\t", " "))

    def _say(self, text: str) -> None:
        if self._place.shown(self._styles):
            self._place.story.say(text)
            self._said += 1

    def _inside(self, *names: str) -> bool:
        return tuple(self._path[-len(names) :]) == names

    def _open_paragraph(self, _: Attributes) -> None:
        if not self._place.paragraph.joined:
            self._finish()
        self._place.paragraph = Paragraph()

    def _close_paragraph(self) -> None:
        self._place.fields = [begun for begun in self._place.fields if begun]  # a field without a result hides no other paragraph
        if not self._place.paragraph.joined:
            self._finish()

    def _finish(self) -> None:
        look = self._place.look(self._styles)
        role = self._controls.role or look.role
        self._place.story.finish(replace(look, role=role, level=look.level if role == "body" else None))

    def _break(self, attributes: Attributes) -> None:
        if attributes.get("w:type") in {"page", "column"}:
            self._finish()
        else:
            self._say("\n")

    def _tab(self, _: Attributes) -> None:
        if self._inside("w:r"):  # elsewhere a tab stop is defined
            self._say("\t")

    def _style(self, attributes: Attributes) -> None:
        self._place.paragraph.style = attributes.get("w:val", "")

    def _outline(self, attributes: Attributes) -> None:
        self._place.paragraph.outline = number(attributes)

    def _number(self, attributes: Attributes) -> None:
        self._place.paragraph.numbered = bool(number(attributes))

    def _run_style(self, attributes: Attributes) -> None:
        if self._inside("w:r", "w:rPr") and self._styles.hidden(attributes.get("w:val", "")):
            self._place.hidden = True

    def _vanish(self, attributes: Attributes) -> None:
        if self._inside("w:r", "w:rPr"):
            self._place.hidden = on(attributes)

    def _end_run(self) -> None:
        self._place.hidden = None
        self._place.marked = False

    def _deleted(self, _: Attributes) -> None:
        if self._inside("w:pPr", "w:rPr"):
            self._place.paragraph.joined = True
        elif self._inside("w:trPr"):
            if self._rows:
                self._rows[-1].deleted = True
        else:
            self._skipping = 1

    def _frame(self, attributes: Attributes) -> None:
        if attributes.get("w:dropCap") in {"drop", "margin"}:
            self._place.paragraph.joined = True  # a large first letter, whose word goes on in the next paragraph

    def _cell_deleted(self, _: Attributes) -> None:
        self._place.deleted = True

    def _field(self, attributes: Attributes) -> None:
        fields, step = self._place.fields, attributes.get("w:fldCharType")
        if step == "begin":
            self._place.fields = [*fields[-MOST_FIELDS:], False]
        elif step == "separate" and fields:
            fields[-1] = True
        elif step == "end" and fields:
            fields.pop()

    def _symbol(self, attributes: Attributes) -> None:
        code = attributes.get("w:char", "")
        if 0 < len(code) <= 6 and all(digit in "0123456789abcdefABCDEF" for digit in code):
            self._say(symbol(int(code, 16), attributes.get("w:font", "")))

    def _refer(self, attributes: Attributes) -> None:
        kind = self._opening.removesuffix("Reference")
        self._place.story.follow(self._to_place.pop(f"{kind} {attributes.get('w:id')}", ()))
        self._place.marked = "w:customMarkFollows" in attributes and on({"w:val": attributes["w:customMarkFollows"]})

    def _open_note(self, attributes: Attributes) -> None:
        if attributes.get("w:type") in _NO_NOTES:
            self._skipping = 1
            return
        self._places.append(Place())
        self.notes[f"{self._opening} {attributes.get('w:id')}"] = self._place.story.lines

    def _close_note(self) -> None:
        lines = self._pop()
        lines[:] = as_notes(lines)

    def _open_cell(self, _: Attributes) -> None:
        self._places.append(Place())

    def _open_box(self, _: Attributes) -> None:
        if self._place.hidden:
            self._skipping = 1
        else:
            self._places.append(Place())

    def _pop(self) -> list[Line]:
        self._finish()
        return self._places.pop().story.lines

    def _close_box(self) -> None:
        lines = self._pop()
        self._place.story.follow(lines)

    def _open_table(self, _: Attributes) -> None:
        self._finish()

    def _open_row(self, _: Attributes) -> None:
        self._rows.append(Row())

    def _close_cell(self) -> None:
        place = self._place
        lines = self._pop()
        if not self._rows:
            self._place.story.follow(lines)
        elif not place.deleted:
            self._rows[-1].cells.append(place.story)

    def _close_row(self) -> None:
        row = self._rows.pop()
        if not row.deleted:
            self._place.story.row(row.cells, self._controls.role or "body")

    def _open_control(self, _: Attributes) -> None:
        self._controls.enter()

    def _close_control(self) -> None:
        self._controls.leave()

    def _gallery(self, attributes: Attributes) -> None:
        self._controls.declare(attributes.get("w:val", ""))

    def _placeholder(self, attributes: Attributes) -> None:
        self._controls.prompt(on(attributes))

    def _control_content(self, _: Attributes) -> None:
        if self._controls.prompts:
            self._skipping = 1

    def _open_branches(self, _: Attributes) -> None:
        self._branches.append(self._said)

    def _close_branches(self) -> None:
        self._branches.pop()

    def _branch(self, _: Attributes) -> None:
        """The same drawing again, for programs that can't show the branch before: read only when that one said nothing."""
        if self._branches and self._said != self._branches[-1]:
            self._skipping = 1

    def _apart(self, _: Attributes) -> None:
        self.warnings.append("A part of the text is a file inside the file, which is not read. Save a copy in Word that holds it.")

    _starts: ClassVar[dict[str, Callable[[Flow, Attributes], None]]] = {
        "w:p": _open_paragraph,
        "w:pStyle": _style,
        "w:outlineLvl": _outline,
        "w:numId": _number,
        "w:rStyle": _run_style,
        "w:vanish": _vanish,
        "w:del": _deleted,
        "w:moveFrom": _deleted,
        "w:cellDel": _cell_deleted,
        "w:framePr": _frame,
        "w:fldChar": _field,
        "w:br": _break,
        "w:tab": _tab,
        "w:sym": _symbol,
        "w:footnoteReference": _refer,
        "w:endnoteReference": _refer,
        "w:footnote": _open_note,
        "w:endnote": _open_note,
        "w:txbxContent": _open_box,
        "w:tbl": _open_table,
        "w:tr": _open_row,
        "w:tc": _open_cell,
        "w:sdt": _open_control,
        "w:docPartGallery": _gallery,
        "w:showingPlcHdr": _placeholder,
        "w:sdtContent": _control_content,
        "mc:AlternateContent": _open_branches,
        "mc:Choice": _branch,
        "mc:Fallback": _branch,
        "w:altChunk": _apart,
        "w:subDoc": _apart,
    }
    _ends: ClassVar[dict[str, Callable[[Flow], None]]] = {
        "w:p": _close_paragraph,
        "w:r": _end_run,
        "w:footnote": _close_note,
        "w:endnote": _close_note,
        "w:txbxContent": _close_box,
        "w:tr": _close_row,
        "w:tc": _close_cell,
        "w:sdt": _close_control,
        "mc:AlternateContent": _close_branches,
    }
