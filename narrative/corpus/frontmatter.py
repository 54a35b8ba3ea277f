"""The block of facts at the top of a Markdown file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LONGEST = 200  # lines
_PAIR = re.compile(r"([\w][\w .-]{0,60}):(?:\s+(.*))?$")
_ENTRY = re.compile(r"\s*-\s+(.*)$")
_TITLES, _AUTHORS, _LANGUAGES = ("title",), ("author", "authors", "creator", "by"), ("lang", "language")


@dataclass(frozen=True)
class FrontMatter:
    """What it says, all as text; lists with commas."""

    title: str = ""
    author: str = ""
    language: str = ""
    others: Mapping[str, str] = field(default_factory=dict)


def split_front_matter(lines: Sequence[str]) -> tuple[FrontMatter, Sequence[str]]:
    """The facts between two lines of `---`, and the lines below. Without such a block all lines come back."""
    if not lines or lines[0].strip() != "---":
        return FrontMatter(), lines
    end = next((number for number, line in enumerate(lines[1:_LONGEST], 1) if line.strip() in {"---", "..."}), 0)
    facts = _facts(lines[1:end]) if end else {}
    if not facts:
        return FrontMatter(), lines
    title, author, language = (next((facts[key] for key in keys if facts.get(key)), "") for keys in (_TITLES, _AUTHORS, _LANGUAGES))
    others = {key: value for key, value in facts.items() if value and key not in (*_TITLES, *_AUTHORS, *_LANGUAGES)}
    return FrontMatter(title, author, language, others), lines[end + 1 :]


def _facts(lines: Sequence[str]) -> dict[str, str]:
    """The plain part of YAML that front matter uses: `key: value`, `[a, b]`, and lists below each other. No tags, no anchors."""
    facts: dict[str, str] = {}
    key = ""
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if found := _PAIR.match(line):
            key = found[1].strip().casefold()
            facts[key] = _value(found[2] or "")
        elif key and (found := _ENTRY.match(line)):
            facts[key] = ", ".join(filter(None, [facts[key], _value(found[1])]))
        elif key and line[0].isspace():
            facts[key] = " ".join([facts[key].lstrip(">|").strip(), line.strip()]).strip()
        else:
            return {}  # prose between two rules
    return facts


def _value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == "[" and text[-1] == "]":
        return ", ".join(filter(None, (_value(part) for part in text[1:-1].split(","))))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text
