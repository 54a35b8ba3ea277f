"""In which encoding bytes are text, or that they are none."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from charset_normalizer import CharsetMatch, from_bytes

from narrative.corpus.limits import MB
from narrative.errors import DocumentError

SAMPLE = 256 * 1024
GUESSED = 32 * 1024  # bytes handed to charset-normalizer, whose time grows with them
MAX_LINE = MB

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
_MARKS_16 = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # the first two bytes of UTF-32 are the same: asked last
_SIGNATURES = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip package",
    b"{\\rtf": "an RTF file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "compressed",
    b"\xfd7zXZ": "compressed",
    b"7z\xbc\xaf": "compressed",
    b"\x7fELF": "a program",
}
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")  # not tab, line ends, form feed, the end mark of DOS, escape
_MOST_CONTROL = 0.01  # of the bytes: stray ones happen in text, many don't
_STRAY = ("\0", "\x1a", "\f")
_TO_LINES = str.maketrans({"\0": "", "\x1a": "", "\f": "\n\n"})
_COMMON = ("cp1252", "cp1250", "cp1251", "mac_roman", "cp932", "euc_jp", "gb18030", "big5", "euc_kr")
_NEVER = ["utf_7", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be", "cp037", "cp273", "cp500", "cp1026", "cp1140"]
_EAST = ["cp949", "euc_kr", "johab", "cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "euc_jisx0213"]
_EAST += ["big5", "big5hkscs", "cp950", "gb2312", "gbk", "gb18030", "hz"]
_HIGH = re.compile(rb"[\x80-\xff]")
_KANA = re.compile("[\u3041-\u3096]")
_CLOSE_CHAOS, _CLOSE_COHERENCE = 0.005, 0.1  # guesses this near to the best are ties, which the commoner encoding wins


@dataclass(frozen=True)
class Encoding:
    """The name of a codec, and a sentence when it had to be guessed or doesn't fit everywhere."""

    name: str
    warning: str = ""
    errors: str = "strict"


def detect(content: bytes, *, whole: bool = True) -> Encoding:
    """The encoding of `content`: what its byte order mark says, UTF-8 when it is, UTF-16 by its zeros, else a guess.

    `whole` is False for the beginning of something longer, where a last character may be cut. Raises `DocumentError` for
    what is no text.
    """
    for mark, name in (*_MARKS, *_MARKS_16):
        if content.startswith(mark):
            return Encoding(name, errors="replace")
    _refuse_other_formats(content)
    head = content[:SAMPLE]
    if b"\0" in head and (name := _zeros(head)):
        return Encoding(name, errors="replace")
    if len(_CONTROL.findall(head)) > _MOST_CONTROL * len(head):
        raise DocumentError("The file is not text: it is full of control characters.")
    failed = _first_failure(content, whole=whole)
    return Encoding("utf-8") if failed is None else _mixed_or_guessed(content, failed)


def detect_file(path: Path) -> Encoding:
    """The same for a file of any size, in flat memory. Raises `DocumentError` for what is no text or can't be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(SAMPLE)
            found = detect(head, whole=len(head) < SAMPLE)
            if found.name != "utf-8" or found.errors != "strict":
                return found
            decoder = codecs.getincrementaldecoder("utf-8")()
            file.seek(0)
            while block := file.read(MB):
                try:
                    decoder.decode(block, final=False)
                except UnicodeDecodeError as error:
                    return _mixed_or_guessed(head + block, len(head) + max(0, error.start - 3))
            return found if not decoder.getstate()[0] else _mixed_or_guessed(head, len(head))
    except OSError as error:
        raise DocumentError(f"The file can't be opened: {error.strerror or error}.") from error


def open_text(path: Path, *, newline: str | None = None) -> tuple[TextIO, tuple[str, ...]]:
    """The file as a stream of text, and warnings about its encoding. Raises `DocumentError` as `detect_file` does."""
    found = detect_file(path)
    stream = path.open(encoding=found.name, errors="replace", newline=newline)
    return stream, (found.warning,) if found.warning else ()


def lines(stream: TextIO) -> Iterator[str]:
    """Lines without their ends. One of more than a megabyte comes in pieces, cut at a space where there is one.

    A form feed is the empty line that it stands for; zero bytes, which some old programs pad with, are left out.
    """
    rest = ""
    while block := stream.read(MAX_LINE):
        block = block.translate(_TO_LINES) if any(sign in block for sign in _STRAY) else block
        *whole, rest = (rest + block).split("\n")
        yield from whole
        while len(rest) >= MAX_LINE:
            cut = rest.rfind(" ", MAX_LINE // 2, MAX_LINE) + 1 or MAX_LINE
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _refuse_other_formats(content: bytes) -> None:
    for signature, what in _SIGNATURES.items():
        if content.startswith(signature):
            raise DocumentError(f"The file is not text: it is {what}.")


def _zeros(head: bytes) -> str:
    """UTF-16 without its mark: zeros stand at one side of the pairs only, and what comes out is mostly letters and spaces."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if min(even, odd) > 0.02 * max(even, odd) or max(even, odd) < 0.02 * len(head):
        return ""
    text = head[: len(head) // 2 * 2].decode(name, "replace")
    plain = sum(character.isalpha() or character.isspace() for character in text)
    return name if plain > 0.6 * len(text) and "\ufffd" not in text[:-1] else ""


def _first_failure(content: bytes, *, whole: bool) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(content, final=whole)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _mixed_or_guessed(content: bytes, failed: int) -> Encoding:
    """UTF-8 with damaged places, when most of what isn't ASCII is good UTF-8; else what charset-normalizer takes it for."""
    near = content[max(0, failed - SAMPLE // 2) : failed + SAMPLE // 2]
    text = near.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - bad
    if good > 4 * bad:
        return Encoding("utf-8", "Some bytes are no UTF-8, as the rest is; each stands as \ufffd.", "replace")
    name = _guess(content[max(0, failed - GUESSED // 4) : failed + GUESSED])
    return Encoding(name, f"The file does not say its encoding; it was read as {name}, which is a guess.", "replace")


def _guess(sample: bytes) -> str:
    high = len(_HIGH.findall(sample))
    eastern = high > 0.3 * len(sample)  # two bytes a character leave little that is ASCII
    for name in ("cp932", "euc_jp") if eastern else ():
        if len(_KANA.findall(sample.decode(name, "replace"))) > 0.1 * high:
            return name
    matches = list(from_bytes(sample, cp_exclusion=_NEVER if eastern else _NEVER + _EAST))
    if not matches:
        raise DocumentError("The file is not text in any encoding that is known.")
    best = matches[0]
    close = {name for match in matches if _ties(match, best) for name in (match.encoding, *match.could_be_from_charset)}
    return next((name for name in _COMMON if name in close), best.encoding)


def _ties(match: CharsetMatch, best: CharsetMatch) -> bool:
    return match.chaos - best.chaos <= _CLOSE_CHAOS and best.coherence - match.coherence <= _CLOSE_COHERENCE
