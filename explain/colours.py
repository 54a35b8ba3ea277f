"""The colours that mean something in pictures of a text. Of a middle lightness, so that they do for light and dark, and told apart by
every kind of colour vision."""

from __future__ import annotations

TEAL, BROWN = "#128a7c", "#b3702d"  # more and less, for and against
INK_BLUE = "#3b78c2"  # an amount without a sign
PLUM = "#a53d7c"  # a second of something beside ink-blue


def faded(tone: str, opacity: float) -> str:
    """#rrggbb -> rgba(...)"""
    red, green, blue = (int(tone[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
