"""From the codes that a PDF page draws to letters, and how wide they are."""

from __future__ import annotations

import unicodedata

from pypdf.generic import DictionaryObject
from pypdf.generic._font import Font  # pypdf's own text extraction throws the widths away that columns and spaces need

__all__ = ["Font", "decoded", "fonts_in", "in_logical_order"]


def decoded(part: bytes | str, font: Font) -> tuple[list[str], str]:
    """The text of each glyph, and the codes that the font's widths go by."""
    if isinstance(part, str):
        return list(part), part
    if isinstance(font.encoding, str):
        codes = letters = part.decode(font.encoding, "surrogatepass" if len(part) % 2 == 0 else "replace")
        return [str(font.character_map.get(letter, letter)) for letter in letters], codes
    known = [font.encoding.get(byte, chr(byte)) for byte in part]
    return [str(font.character_map.get(letter, letter)) for letter in known], part.decode("latin-1")


def in_logical_order(glyphs: list[str]) -> list[str]:
    """Arabic and Hebrew are drawn from the left and read from the right; numbers and Latin words inside them are not."""
    if not any(unicodedata.bidirectional(letter) in {"R", "AL"} for glyph in glyphs for letter in glyph):
        return glyphs
    ordered: list[str] = []
    kept = 0  # so many at the end read from the left
    for glyph in reversed(glyphs):
        leftward = unicodedata.bidirectional(glyph[0]) in {"L", "EN", "AN"} if glyph else False
        kept = kept + 1 if leftward else 0
        ordered.insert(len(ordered) - kept + 1 if kept else len(ordered), glyph)
    return ordered


def fonts_in(resources: DictionaryObject) -> dict[str, Font]:
    """The fonts of a page or form by their names. One that can't tell which letters it shows is not `interpretable`."""
    found: dict[str, Font] = {}
    fonts = resources.get("/Font", DictionaryObject()).get_object()
    for name in fonts if isinstance(fonts, DictionaryObject) else ():
        font = fonts[name].get_object()
        if isinstance(font, DictionaryObject):
            found[name] = Font.from_font_resource(font)
            if font.get("/Encoding") in {"/Identity-H", "/Identity-V"} and not found[name].character_map:
                found[name].interpretable = False  # its codes number glyphs and no table says which letters they are
    return found
