"""The font Symbol, whose bytes are Greek letters and signs: Word and RTF write them as numbers in that font."""

from __future__ import annotations

_PRIVATE = 0xF000
"""Where Word puts the bytes of a font that has a code of its own."""
_LOW = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"  # noqa: RUF001
_HIGH = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\uf8ff〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"  # noqa: RUF001
_LETTERS = {**dict(enumerate(_LOW, 0x20)), **dict(enumerate(_HIGH, 0xA0))}


def symbol(code: int, font: str) -> str:
    """The character that stands at `code` (a byte, or 0xF000 and a byte) in `font`.

    Signs of other such fonts, Wingdings for one, have no letter: they stay the private character that Word gives them.
    """
    byte = code - _PRIVATE if _PRIVATE <= code < _PRIVATE + 0x100 else code
    if byte == 0x20:
        return " "
    if font.strip().lower() == "symbol":
        return _LETTERS.get(byte, "")
    return chr(_PRIVATE + byte) if 0 < byte < 0x100 else chr(code) if 0x100 <= code < 0xD800 or 0xE000 <= code < 0x110000 else ""
