"""Text that any file can hold: what models and browsers hand over may hold characters that UTF-8, XML and YAML can't."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def writable(text: str) -> str:
    """`text` with NUL and other control characters, half characters (lone surrogates) and non-characters replaced by U+FFFD.

    Tabs and line ends stay. Two halves of one character side by side, as JavaScript writes an emoji, become that character.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWRITABLE.sub(REPLACEMENT, whole)
