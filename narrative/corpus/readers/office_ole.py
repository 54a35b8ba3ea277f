"""The old container of Microsoft's files: binary Word files stand in it, and new ones that a password locks."""

from __future__ import annotations

from pathlib import Path

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNS = {"EncryptedPackage": "locked", "WordDocument": "word"}
_CHUNK = 1 << 20
_FIRST_SECTOR = 512
_WORD_MARK = b"\xec\xa5"
_FLAGS = 10
_ENCRYPTED = 0x01


def ole_kind(path: Path) -> str:
    """`word` for a binary Word file, `locked` for one (old or new) with a password, `other` for another such file, else ``."""
    with path.open("rb") as file:
        head = file.read(_FIRST_SECTOR + _FLAGS + 2)
        if not head.startswith(MAGIC):
            return ""
        file.seek(0)
        found, rest = "other", b""
        while found == "other" and (chunk := file.read(_CHUNK)):
            found = next((kind for sign, kind in _SIGNS.items() if sign.encode("utf-16-le") in rest + chunk), "other")
            rest = chunk[-64:]
    words = head[_FIRST_SECTOR:]  # where Word puts the document itself, nearly always
    if found == "word" and words.startswith(_WORD_MARK) and words[_FLAGS + 1] & _ENCRYPTED:
        return "locked"
    return found
