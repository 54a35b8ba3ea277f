"""What the keeper changed before the build: files and chapters left out, titles and authors mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from narrative.corpus.document import Document
from narrative.files import read_json, write_json


@dataclass(frozen=True)
class Edits:
    """Frozen; each change makes a new one. Chapters are named by file, document and place, since titles repeat."""

    files: frozenset[str] = frozenset()
    """Files that are left out."""
    chapters: frozenset[tuple[str, int, int]] = frozenset()
    """(file, document, section) that are left out."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """File -> the title that replaces the one it brought."""
    authors: Mapping[str, str] = field(default_factory=dict)
    """File -> the author likewise."""

    def with_file(self, path: str, *, excluded: bool) -> Edits:
        return replace(self, files=self.files | {path} if excluded else self.files - {path})

    def with_chapter(self, path: str, document: int, section: int, *, excluded: bool) -> Edits:
        chapter = {(path, document, section)}
        return replace(self, chapters=self.chapters | chapter if excluded else self.chapters - chapter)

    def with_names(self, path: str, *, title: str, author: str) -> Edits:
        return replace(self, titles={**self.titles, path: title.strip()}, authors={**self.authors, path: author.strip()})

    def apply(self, path: str, number: int, document: Document) -> Document:
        """Document `number` of file `path` as the keeper wants it."""
        left = tuple(section for place, section in enumerate(document.sections) if (path, number, place) not in self.chapters)
        title, author = self.titles.get(path, document.title), self.authors.get(path, document.author)
        return replace(document, sections=left, title=title, author=author)

    def save(self, folder: Path) -> None:
        stored = asdict(self) | {"files": sorted(self.files), "chapters": sorted(self.chapters)}
        write_json(folder / "edits.json", stored)

    @classmethod
    def load(cls, folder: Path) -> Edits:
        try:
            stored = read_json(folder / "edits.json")
        except FileNotFoundError:
            return cls()
        chapters = frozenset((path, document, section) for path, document, section in stored["chapters"])
        return cls(frozenset(stored["files"]), chapters, stored["titles"], stored["authors"])
