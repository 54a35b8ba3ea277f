"""Records <-> the text a model reads. One format, one entry in `FORMATS`; training and generation share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from narrative.errors import require_choice


@dataclass(frozen=True)
class Record:
    """One piece of text to learn from: a chapter, a story, a tweet.

    `source` names the file or book it came from (the unit that a split keeps whole), `metadata` holds whatever else
    is known as text (author, tags, gid, label).
    """

    id: str
    source: str
    title: str
    section: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """How a record becomes training text, and how an editor's words become a prompt of the same shape."""

    name: str
    summary: str
    example: Callable[[Record], str]
    prompt: Callable[[str], str]


FORMATS: dict[str, Format] = {
    "stream": Format(
        name="stream",
        summary="continuous text; an end-of-text token stands between records",
        example=lambda record: record.text,
        prompt=lambda text: text,
    ),
}


def format_named(name: str) -> Format:
    """The format of that name; `SettingsError` names the others."""
    require_choice("format", name, FORMATS)
    return FORMATS[name]
