"""RTF cut into its tokens: groups, control words, signs and bytes of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Token(NamedTuple):
    """`kind` is `{`, `}`, `word` (with its number), `sign` (a backslash and one character) or `bytes`."""

    kind: str
    name: str = ""
    number: int | None = None
    content: bytes = b""


OPEN, CLOSE = Token("{"), Token("}")
_TOKEN = re.compile(
    rb"[\r\n\0]+|(?P<group>[{}])|\\(?P<word>[a-zA-Z]{1,64})(?P<number>-?[0-9]{1,10})? ?"
    rb"|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>.)|(?P<text>[^\\{}\r\n\0]+)|.",
    re.DOTALL,
)


def tokens(content: bytes) -> Iterator[Token]:
    """All tokens to the end of the file; the raw bytes that follow `\\bin` are passed over."""
    position = 0
    while match := _TOKEN.match(content, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "text":
            yield Token("bytes", content=match["text"])
        elif kind == "hex":
            yield Token("bytes", content=bytes.fromhex(match["hex"].decode("ascii")))
        elif kind == "group":
            yield OPEN if match["group"] == b"{" else CLOSE
        elif kind == "sign" and match["sign"] in b"\\{}":  # may be the second byte of a character
            yield Token("bytes", content=match["sign"])
        elif kind == "sign":
            yield Token("sign", match["sign"].decode("latin-1"))
        elif kind is not None:
            word, number = match["word"].decode("ascii"), None if match["number"] is None else int(match["number"])
            if word == "bin":
                position += max(number or 0, 0)
            else:
                yield Token("word", word, number)
