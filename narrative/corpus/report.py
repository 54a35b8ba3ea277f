"""What a build did with each file, and with all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from narrative.corpus.cleaning import Cleaned
from narrative.corpus.edits import Edits
from narrative.corpus.shelf import READ, FileEntry

EXCLUDED = "excluded"
SHOWN_VALUES = 50  # of a column, in the distribution
SHOWN = 300  # characters of a removed text
SAMPLES = 40  # removed texts that are kept of each file, for looking at
MOST_VALUES = 5_000  # different values of a column that are counted


@dataclass
class FileReport:
    """One file, while its build goes on; `as_json` is what the report shows."""

    entry: FileEntry
    title: str
    author: str
    status: str
    chapters: int = 0
    words: int = 0
    characters: int = 0
    tokens: int | None = None
    train_words: int = 0
    test_words: int = 0
    duplicate_passages: int = 0
    duplicate_words: int = 0
    low_quality: int = 0
    rules: dict[str, dict[str, int]] = field(default_factory=dict)
    removed: list[dict[str, Any]] = field(default_factory=list)
    duplicates_of: Counter[str] = field(default_factory=Counter)
    quality: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, entry: FileEntry, edits: Edits) -> FileReport:
        excluded = entry.status == READ and entry.path in edits.files
        title, author = edits.titles.get(entry.path, entry.title), edits.authors.get(entry.path, entry.author)
        return cls(entry, title, author, EXCLUDED if excluded else entry.status)

    def count_text(self, text: str, side: str) -> None:
        """Add one record that goes into the corpus."""
        words = len(text.split())
        self.words += words
        self.characters += len(text)
        if side == "train":
            self.train_words += words
        else:
            self.test_words += words

    def count_cleaning(self, cleaned: Cleaned) -> None:
        """Add what cleaning did to one document."""
        for gone in cleaned.removed[: SAMPLES - len(self.removed)]:
            self.removed.append({"rule": gone.rule, "section": gone.section, "text": gone.text[:SHOWN], "words": gone.words})
        for rule, change in cleaned.counts.items():
            if change.times:
                total = self.rules.setdefault(rule, {"times": 0, "characters": 0})
                total["times"] += change.times
                total["characters"] += change.characters

    def as_json(self) -> dict[str, Any]:
        entry = self.entry
        side = "both" if self.train_words and self.test_words else "train" if self.train_words else "test" if self.test_words else None
        return {
            "path": entry.path, "status": self.status, "reason": entry.reason, "format": entry.format, "title": self.title,
            "author": self.author, "language": entry.language, "documents": entry.documents, "chapters": self.chapters,
            "words": self.words, "characters": self.characters, "tokens": self.tokens, "words_read": entry.words,
            "split": side, "train_words": self.train_words, "test_words": self.test_words, "rules": self.rules,
            "removed": self.removed, "duplicate_passages": self.duplicate_passages, "duplicate_words": self.duplicate_words,
            "duplicates_of": dict(self.duplicates_of.most_common(5)), "low_quality": self.low_quality,
            "quality": round(sum(self.quality) / len(self.quality), 4) if self.quality else None, "warnings": list(entry.warnings),
        }  # fmt: skip


class Values:
    """How often each value of each metadata column occurs. A column with too many different values is no set of tags: it is dropped."""

    def __init__(self) -> None:
        self._columns: dict[str, Counter[str] | None] = {}

    def count(self, metadata: Mapping[str, str]) -> None:
        for column, value in metadata.items():
            counter = self._columns.setdefault(column, Counter())
            if counter is None:
                continue
            counter.update(tag.strip() for tag in value.split(",") if tag.strip()) if column == "tags" else counter.update([value])
            if len(counter) > MOST_VALUES:
                self._columns[column] = None

    def as_json(self) -> dict[str, dict[str, int]]:
        kept = {column: counter for column, counter in self._columns.items() if counter}
        return {column: dict(counter.most_common(SHOWN_VALUES)) for column, counter in kept.items()}


def report_json(files: Sequence[FileReport], values: Values, settings: Any) -> dict[str, Any]:
    """The report that lies in `corpus.json`."""
    read = [file for file in files if file.status == "read"]
    tokens = [file.tokens for file in read if file.tokens is not None]
    return {
        "files": [file.as_json() for file in files],
        "read": len(read),
        "refused": sum(file.status == "refused" for file in files),
        "excluded": sum(file.status == EXCLUDED for file in files),
        "characters": sum(file.characters for file in read),
        "tokens": sum(tokens) if tokens else None,
        "duplicate_passages": sum(file.duplicate_passages for file in read),
        "duplicate_words": sum(file.duplicate_words for file in read),
        "low_quality": sum(file.low_quality for file in read),
        "values": values.as_json(),
        "settings": asdict(settings),
    }
