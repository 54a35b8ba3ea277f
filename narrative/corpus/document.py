"""What every reader returns: a document of sections of paragraphs, exactly as the file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("text", "heading", "verse", "quote", "list", "table", "caption", "note")
ROLES = ("body", "cover", "title page", "copyright", "contents", "dedication", "preface", "notes", "index", "bibliography", "advertisement")


@dataclass(frozen=True)
class Paragraph:
    """One paragraph. A line break in a `verse` or `table` is meant; in any other kind it is a hard wrap, which cleaning may join."""

    text: str
    kind: str = "text"  # one of KINDS


@dataclass(frozen=True)
class Section:
    """A chapter, story or page. Its heading is its first paragraph too, so `paragraphs` alone is the whole text.

    `role` says what the file itself declares the section to be; readers mark and never drop.
    """

    title: str
    paragraphs: tuple[Paragraph, ...]
    role: str = "body"  # one of ROLES


@dataclass(frozen=True)
class Document:
    """A book, story or table row. Empty strings stand for what the file doesn't say."""

    title: str
    sections: tuple[Section, ...]
    author: str = ""
    language: str = ""  # BCP 47 as the file gives it: en, en-GB, ar
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # whole sentences about what could not be read

    @property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        return tuple(paragraph for section in self.sections for paragraph in section.paragraphs)

    @property
    def words(self) -> int:
        return sum(len(paragraph.text.split()) for paragraph in self.paragraphs)
