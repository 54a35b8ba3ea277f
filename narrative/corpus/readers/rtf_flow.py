"""RTF as lines: groups, their destinations, and the properties that paragraphs and characters inherit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from narrative.corpus.limits import MAX_DEPTH
from narrative.corpus.readers.office_flow import Line, as_notes
from narrative.corpus.readers.office_symbols import symbol
from narrative.corpus.readers.rtf_codes import BULLETS, OPTIONAL, SETS, SIGNS, SKIPPED, SYMBOLS, code_page
from narrative.corpus.readers.rtf_head import Head
from narrative.corpus.readers.rtf_place import Place
from narrative.corpus.readers.rtf_tokens import Token, tokens
from narrative.errors import DocumentError

MOST_SKIPPED = 32
"""Bytes that may stand for one Unicode character in readers that know none."""
_BODY, _NOWHERE = "body", ""
_TABLES = {"fonttbl", "stylesheet"}
_TURNS = {(_BODY, "fonttbl"), (_BODY, "stylesheet"), (_BODY, "info"), ("info", "title"), ("info", "author")}
_SURROGATES = range(0xD800, 0xE000)


@dataclass
class _Group:
    """What holds in a group until it ends."""

    goes: str = _BODY  # where its text goes: the body, a table of the head, a fact, or nowhere
    outer: str = _BODY  # where the group around an \\upr goes
    optional: bool = False
    font: int = 0
    fallback: int = 1  # bytes that stand for a Unicode character in readers that know none
    hidden: bool = False
    deleted: bool = False
    style: int = 0
    outline: int | None = None
    numbered: bool = False
    joined: bool = False  # a large first letter, whose word goes on in the next paragraph
    table: bool = False
    inner: int = 0  # tables around the paragraph, as \\itap counts them


class Flow:
    """Reads one file: `lines` holds its text, `head` its tables, `whole` whether its groups were all closed."""

    def __init__(self, *, notes: bool) -> None:
        self.head = Head()
        self.lines: list[Line] = []
        self.whole = False
        self._notes = notes
        self._groups: list[_Group] = []
        self._places = [Place()]
        self._bytes = bytearray()
        self._skip = 0
        self._high = 0
        self._default_font = 0

    def read(self, content: bytes) -> None:
        """Raises `DocumentError` for groups inside groups without end."""
        for token in tokens(content):
            if self._skipped(token):
                continue
            if token.kind == "bytes":
                self._bytes += token.content if self._group.goes else b""
                continue
            self._flush()
            self._kinds[token.kind](self, token)
            if self.whole:
                break
        self._flush()
        self._groups = [replace(self._group, goes=_BODY, deleted=False, joined=False)]
        while len(self._places) > 1:
            self._close_place()
        self._end_paragraph()
        self.lines = self._places[0].close()

    def _skipped(self, token: Token) -> bool:
        """Whether it belongs to what stands for a Unicode character in readers that know none."""
        stands = token.kind in {"bytes", "sign"} or token.name in SIGNS
        if not self._skip or not stands:
            self._skip = 0
            return False
        over = token.content[self._skip :] if self._group.goes else b""
        self._skip = max(0, self._skip - max(len(token.content), 1))
        self._bytes += over
        return True

    @property
    def _group(self) -> _Group:
        return self._groups[-1]

    @property
    def _place(self) -> Place:
        return self._places[-1]

    def _open(self, _: Token) -> None:
        if len(self._groups) >= MAX_DEPTH:
            raise DocumentError(f"Its groups stand more than {MAX_DEPTH} deep in each other.")
        self._groups.append(replace(self._group, optional=False) if self._groups else _Group())

    def _close(self, _: Token) -> None:
        if self._place.depth == len(self._groups) and len(self._places) > 1:
            self._close_place()
        if len(self._groups) > 1:
            self._groups.pop()
        else:
            self.whole = True

    def _sign(self, token: Token) -> None:
        if token.name == "*":
            self._group.optional = True
        elif token.name in "\r\n":
            self._end_paragraph()
        else:
            self._say(SYMBOLS.get(token.name, ""))

    def _word(self, token: Token) -> None:
        group, name = self._group, token.name
        if name in BULLETS:
            self._place.listed = True
        if not group.goes or self._turns(group, name):
            return
        if group.goes in _TABLES:
            self.head.word(group.goes, name, token.number)
        elif name in SIGNS:
            self._say(SIGNS[name])
        elif name in SETS:
            self.head.encoding = SETS[name]
        elif name in self._words:
            self._words[name](self, token.number)

    def _turns(self, group: _Group, name: str) -> bool:
        """Whether the word says where the text of its group goes."""
        optional, group.optional = group.optional, False
        if name in SKIPPED or (optional and name not in OPTIONAL):
            group.goes = _NOWHERE
        elif group.goes == "upr":
            group.goes = group.outer if name == "ud" else "upr"
        elif (group.goes, name) in _TURNS:
            group.goes = _NOWHERE if name in self.head.facts else name  # some name the author twice
        elif name == "upr":
            group.outer, group.goes = group.goes, name
        else:
            return False
        return True

    def _flush(self) -> None:
        """The bytes so far are text: what they mean depends on the font that held until here."""
        if self._bytes:
            content = bytes(self._bytes)
            self._bytes.clear()
            self._high = 0
            self._say(self.head.decode(content, self.head.font(self._group.font)))

    def _say(self, text: str) -> None:
        group = self._group
        if group.goes != _BODY:
            self.head.text(group.goes, text)
        elif not group.hidden and not group.deleted:
            self._place.paragraph.say(text)

    def _unicode(self, number: int | None) -> None:
        unit = (number or 0) & 0xFFFF
        self._skip = self._group.fallback
        font = self.head.font(self._group.font)
        if unit in _SURROGATES:
            pair = self._high.to_bytes(2, "little") + unit.to_bytes(2, "little") if self._high else b""
            self._high = unit if unit < 0xDC00 else 0
            self._say(pair.decode("utf-16-le", "ignore"))
        elif font.symbols and unit >= 0xF000:
            self._say(symbol(unit, font.name))
        elif unit >= 0x20:
            self._say(chr(unit))

    def _paragraph_ends(self, _: int | None) -> None:
        self._end_paragraph()

    def _end_paragraph(self, level: int | None = None) -> None:
        """`level` is that of a cell which ends with it."""
        group = self._group
        if group.goes != _BODY or group.deleted or group.joined:  # a deleted end joins two paragraphs
            return
        look = self.head.styles.look(str(group.style), group.outline)
        if (group.numbered or self._place.listed) and look.kind == "text" and look.role == "body":
            look = replace(look, kind="list")
        stated = max(group.inner, 1) if group.table else 0
        self._place.end_paragraph(look, stated if level is None else level)

    def _end_cell(self, _: int | None) -> None:
        self._end_paragraph(1)
        self._place.end_cell()

    def _end_row(self, _: int | None) -> None:
        self._end_paragraph(1)
        self._place.end_row()

    def _end_inner_cell(self, _: int | None) -> None:
        self._end_paragraph(2)
        self._place.end_inner_cell()

    def _end_inner_row(self, _: int | None) -> None:
        self._place.end_inner_row()

    def _open_box(self, _: int | None) -> None:
        self._open_place(note=False)

    def _open_place(self, *, note: bool) -> None:
        group = self._group
        if group.hidden or group.deleted or (note and not self._notes):
            group.goes = _NOWHERE
        else:
            self._places.append(Place(len(self._groups), note=note))
            self._plain_paragraph(None)

    def _open_note(self, _: int | None) -> None:
        self._open_place(note=True)

    def _close_place(self) -> None:
        self._end_paragraph()
        place = self._places.pop()
        lines = place.close()
        self._place.paragraph.follow(as_notes(lines) if place.note else lines)

    def _plain_paragraph(self, _: int | None) -> None:
        group = self._group
        group.style, group.outline, group.inner = 0, None, 0
        group.numbered = group.joined = group.table = False

    def _plain(self, _: int | None) -> None:
        self._group.hidden = self._group.deleted = False
        self._group.font = self._default_font

    def _hides(self, number: int | None) -> None:
        self._group.hidden = number != 0

    def _deletes(self, number: int | None) -> None:
        self._group.deleted = number != 0

    def _in_font(self, number: int | None) -> None:
        self._group.font = number or 0

    def _default_in_font(self, number: int | None) -> None:
        self._default_font = self._group.font = number or 0

    def _in_style(self, number: int | None) -> None:
        self._group.style = number or 0

    def _at_level(self, number: int | None) -> None:
        self._group.outline = number

    def _numbered(self, number: int | None) -> None:
        self._group.numbered = bool(number)

    def _joins(self, number: int | None) -> None:
        self._group.joined = bool(number)

    def _in_table(self, number: int | None) -> None:
        self._group.table = number != 0

    def _in_tables(self, number: int | None) -> None:
        self._group.inner = min(max(number or 0, 0), 2)

    def _falls_back(self, number: int | None) -> None:
        self._group.fallback = min(max(1 if number is None else number, 0), MOST_SKIPPED)

    def _encoded(self, number: int | None) -> None:
        self.head.encoding = code_page(number or 0) or self.head.encoding

    _kinds: ClassVar[dict[str, Callable[[Flow, Token], None]]] = {"{": _open, "}": _close, "sign": _sign, "word": _word}
    _words: ClassVar[dict[str, Callable[[Flow, int | None], None]]] = {
        **dict.fromkeys(("par", "sect", "page", "column"), _paragraph_ends),
        **dict.fromkeys(("deleted", "mvf"), _deletes),
        **dict.fromkeys(("shptxt", "dptxbxtext"), _open_box),
        "footnote": _open_note,
        "cell": _end_cell,
        "row": _end_row,
        "nestcell": _end_inner_cell,
        "nestrow": _end_inner_row,
        "pard": _plain_paragraph,
        "plain": _plain,
        "u": _unicode,
        "uc": _falls_back,
        "v": _hides,
        "f": _in_font,
        "deff": _default_in_font,
        "s": _in_style,
        "outlinelevel": _at_level,
        "ls": _numbered,
        "dropcapli": _joins,
        "intbl": _in_table,
        "itap": _in_tables,
        "ansicpg": _encoded,
    }
