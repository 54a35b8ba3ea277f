"""The tables before the text of an RTF file: its fonts, which decide what its bytes mean, its styles, and its title and author."""

from __future__ import annotations

from dataclasses import dataclass

from narrative.corpus.readers.office_styles import Style, Styles
from narrative.corpus.readers.office_symbols import symbol
from narrative.corpus.readers.rtf_codes import SYMBOL_CHARSET, charset, code_page

LONGEST_NAME = 1000
"""Letters of a font's or style's name, and of the title: no honest one is longer."""
_CONTROLS = dict.fromkeys((*range(9), *range(10, 32), 127))


@dataclass
class Font:
    """A font as far as its text depends on it."""

    name: str = ""
    encoding: str = ""  # the document's own where empty
    symbols: bool = False


class Head:
    """What the head says; `word` and `text` take what stands in the group of that name."""

    def __init__(self) -> None:
        self.encoding = "cp1252"
        self.facts: dict[str, str] = {}
        self.styles = Styles()
        self._fonts: dict[int, Font] = {}
        self._font = Font()
        self._style = Style("")
        self._style_id: int | None = 0

    def font(self, number: int) -> Font:
        return self._fonts.get(number) or Font()

    def decode(self, content: bytes, font: Font) -> str:
        """The text of bytes that stand in that font."""
        if font.symbols:
            return "".join(symbol(byte, font.name) for byte in content)
        return content.decode(font.encoding or self.encoding, "replace").translate(_CONTROLS)

    def word(self, group: str, name: str, number: int | None) -> None:
        if group == "fonttbl":
            self._font_word(name, number or 0)
        elif group == "stylesheet":
            self._style_word(name, number or 0)

    def text(self, group: str, text: str) -> None:
        if group == "fonttbl":
            self._font.name = _longer(self._font.name, text.partition(";")[0])
        elif group == "stylesheet":
            name, ends, _ = text.partition(";")
            self._style.name = _longer(self._style.name, name)
            if ends:
                self._end_style()
        elif group in {"title", "author"}:
            self.facts[group] = _longer(self.facts.get(group, ""), text)

    def _font_word(self, name: str, number: int) -> None:
        if name == "f":
            self._font = self._fonts[number] = Font()
        elif name == "fcharset":
            self._font.symbols = number == SYMBOL_CHARSET
            self._font.encoding = self._font.encoding or charset(number)
        elif name == "cpg":
            self._font.encoding = code_page(number)

    def _style_word(self, name: str, number: int) -> None:
        if name == "s":
            self._style_id = number
        elif name in {"cs", "ds", "ts"}:
            self._style_id = None  # of characters, sections and tables
        elif name == "sbasedon":
            self._style.parent = str(number)
        elif name == "outlinelevel":
            self._style.outline = number

    def _end_style(self) -> None:
        if self._style_id is not None:
            self._style.name = self._style.name.strip()
            self._style.parent = "" if self._style.parent == str(self._style_id) else self._style.parent
            self.styles.add(str(self._style_id), self._style)
        self._style, self._style_id = Style(""), 0


def _longer(name: str, text: str) -> str:
    return (name + text)[:LONGEST_NAME]
