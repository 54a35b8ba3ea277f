"""The text of a Markdown paragraph without its markup, in one pass whatever stands in it."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from dataclasses import dataclass

_TARGET = r"\(\s?<?[^\s()<>]{0,2000}(?:\([^\s()<>]{0,500}\)[^\s()<>]{0,2000})?>?(?:\s{1,3}(?:\"[^\"]{0,500}\"|'[^']{0,500}'))?\s?\)"
_REFERENCE = r"\[[^\[\]]{0,200}\]"
_LABEL = r"(?:[^\[\]\\]|\\.){0,1000}"
_TOKEN = re.compile(
    rf"""\\(?P<escape>[!-/:-@\[-`{{-~])
    |(?P<ticks>`+)(?P<code>[^`\s](?:[^`\n]{{0,1000}}[^`\s])?)(?P=ticks)(?!`)
    |(?P<linked>\[!\[{_LABEL}\]{_TARGET}\]{_TARGET})
    |(?P<image>!\[(?P<alt>{_LABEL})\]{_TARGET})
    |\[\^[^\s\[\]]{{1,80}}\]
    |(?P<link>\[(?P<label>{_LABEL})\](?:{_TARGET}|(?P<reference>{_REFERENCE})))
    |<(?P<address>(?:https?|ftp|mailto):[^\s<>]{{1,2000}}|[\w.+-]{{1,100}}@[\w.-]{{1,200}})>
    |(?P<break><br\s?/?>)
    |(?P<tag></?[a-z][a-z0-9-]{{0,20}}(?:\s[^<>]{{0,500}})?/?>)
    |(?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});)
    |(?P<run>\*+|_+)""",
    re.VERBOSE | re.IGNORECASE,
)
_SPECIAL = re.compile(r"[\\`*_\[<&]")
_FOOTNOTE = re.compile(r"\[\^([^\s\[\]]{1,80})\]")
_BLANK = 4  # underscores and more are a gap in the text, not markup


@dataclass(frozen=True)
class _Run:
    """Emphasis marks that may have their partner."""

    marks: str
    opens: bool
    closes: bool


def plain(text: str, references: Collection[str] = ()) -> str:
    """`text` without emphasis marks, links' addresses, images' addresses, tags and footnote marks; escapes and entities resolved.

    `references` are the labels, in small letters, that the document gives an address elsewhere: `[text][label]` is a link then.
    """
    if not _SPECIAL.search(text):
        return text
    pieces: list[str | _Run] = []
    end = 0
    for found in _TOKEN.finditer(text):
        pieces.append(text[end : found.start()])
        end = found.end()
        pieces.append(_run(text, found) if found["run"] else _replaced(found, references))
    pieces.append(text[end:])
    return _without_emphasis(pieces)


def footnotes(text: str) -> list[str]:
    """The labels of the footnotes that `text` refers to, in order."""
    return _FOOTNOTE.findall(text) if "[^" in text else []


def _replaced(found: re.Match[str], references: Collection[str]) -> str:
    if found["escape"]:
        return found["escape"]
    if found["entity"]:
        return html.unescape(found["entity"])
    if found["break"]:
        return "\n"
    if found["link"]:
        reference = found["reference"]
        if reference and (reference[1:-1] or found["label"]).casefold() not in references:
            return found["link"]
        return plain(found["label"])
    return found["code"] or (plain(found["alt"]) if found["alt"] else "") or found["address"] or ""


def _run(text: str, found: re.Match[str]) -> _Run | str:
    """CommonMark's rule by which marks open and close; but four underscores are a blank, and only equal runs are partners."""
    marks = found["run"]
    if len(marks) >= _BLANK:
        return marks
    before, after = text[found.start() - 1] if found.start() else " ", text[found.end()] if found.end() < len(text) else " "
    left = not after.isspace() and (after.isalnum() or before.isspace() or not before.isalnum())
    right = not before.isspace() and (before.isalnum() or after.isspace() or not after.isalnum())
    if marks[0] == "_":
        return _Run(marks, left and (not right or not before.isalnum()), right and (not left or not after.isalnum()))
    return _Run(marks, left, right)


def _without_emphasis(pieces: list[str | _Run]) -> str:
    """Each closing run takes the nearest open one of its kind; what has no partner is text."""
    waiting: dict[str, list[int]] = {}
    gone: set[int] = set()
    for number, piece in enumerate(pieces):
        if isinstance(piece, str):
            continue
        openers = waiting.setdefault(piece.marks, [])
        if piece.closes and openers:
            gone |= {openers.pop(), number}
        elif piece.opens:
            openers.append(number)
    return "".join(piece if isinstance(piece, str) else piece.marks for number, piece in enumerate(pieces) if number not in gone)
