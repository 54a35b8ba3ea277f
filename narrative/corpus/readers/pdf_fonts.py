"""From the codes that a PDF page draws to letters, and how wide they are."""

from __future__ import annotations

import unicodedata

from pypdf.generic import DictionaryObject
from pypdf.generic._font import Font  # pypdf's own text extraction throws the widths away that columns and spaces need

__all__ = ["Font", "decoded", "direction", "fonts_in", "in_logical_order"]


def decoded(part: bytes | str, font: Font) -> tuple[list[str], str]:
    """The text of each glyph, and the codes that the font's widths go by."""
    if isinstance(part, str):
        return list(part), part
    if isinstance(font.encoding, str):
        codes = letters = part.decode(font.encoding, "surrogatepass" if len(part) % 2 == 0 else "replace")
        return [str(font.character_map.get(letter, letter)) for letter in letters], codes
    known = [font.encoding.get(byte, chr(byte)) for byte in part]
    return [str(font.character_map.get(letter, letter)) for letter in known], part.decode("latin-1")


def direction(text: str) -> int:
    """-1 for text that is read from the right, 1 for text and numbers that are read from the left, 0 for spaces and points."""
    kinds = {unicodedata.bidirectional(letter) for letter in text}
    return -1 if kinds & {"R", "AL"} else int(bool(kinds & {"L", "EN", "AN"}))


def in_logical_order(parts: list[str], *, mirrored: bool = False) -> list[str]:
    """Glyphs or runs as they are read. Arabic and Hebrew are drawn from the left and read from the right, numbers in them are not.

    `mirrored` parts already come from the right.
    """
    if not mirrored and all(direction(part) >= 0 for part in parts):
        return parts
    ordered: list[str] = []
    leftward: list[str] = []  # a number or foreign words, so far from their end to their start
    for part in parts if mirrored else reversed(parts):
        if direction(part) > 0 or (direction(part) == 0 and leftward):
            leftward.append(part)
            continue
        ordered += _turned(leftward)
        leftward = []
        ordered.append(part if direction(part) else part[::-1])  # points drawn in one go stand as they are seen
    return ordered + _turned(leftward)


def _turned(parts: list[str]) -> list[str]:
    """From the left again; the spaces and points that close them stay where they are."""
    end = len(parts)
    while end and direction(parts[end - 1]) == 0:
        end -= 1
    return parts[:end][::-1] + parts[end:]


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
