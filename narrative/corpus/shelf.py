"""Files as they were read, before anything is cleaned: what a build starts from, and what "before" is in before and after.

A shelf is a folder: `documents.jsonl` (one document a line), `files.jsonl` (one file a line, with where its documents
lie) and `edits.json` (what the keeper changed). Files are added at the end; one that can't be read to its end leaves nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from os import SEEK_END
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from narrative.corpus.document import Document
from narrative.corpus.edits import Edits
from narrative.corpus.limits import LEAST_FREE, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.reading_process import ReadingProcess, document_from_json
from narrative.corpus.sources import Refused, Source, gather
from narrative.errors import CorpusError, DocumentError

READ, REFUSED, READING = "read", "refused", "reading"
NEWS = 0.5  # seconds between two entries about a file that is still being read


@dataclass(frozen=True)
class FileEntry:
    """One file on the shelf. `path` is its name there; no two files share one."""

    path: str
    status: str  # read | refused; or reading, while it goes on
    reason: str | None = None  # why it was refused
    format: str | None = None
    title: str = ""
    author: str = ""
    language: str = ""
    documents: int = 0
    chapters: int = 0
    words: int = 0
    characters: int = 0
    warnings: tuple[str, ...] = ()
    start: int = 0  # bytes in documents.jsonl
    end: int = 0

    @property
    def rows(self) -> bool:
        """Many short documents, as in a table of stories or tweets: each is on a side of the split by itself."""
        return self.documents > 1 and self.words < ROW_WORDS * self.documents


ROW_WORDS = 2_000


class Shelf:
    """The folder of files that were read. Safe to leave half-way: what was added whole is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def _documents(self) -> Path:
        return self.folder / "documents.jsonl"

    @property
    def _files(self) -> Path:
        return self.folder / "files.jsonl"

    def entries(self) -> list[FileEntry]:
        if not self._files.exists():
            return []
        lines = self._files.read_bytes().splitlines(keepends=True)
        stored = [json.loads(line) for line in lines if line.endswith(b"\n")]  # a last line without its end was cut by a crash
        return [FileEntry(**{**entry, "warnings": tuple(entry["warnings"])}) for entry in stored]

    @property
    def edits(self) -> Edits:
        return Edits.load(self.folder)

    def add(self, paths: Iterable[Path], *, options: ReadOptions) -> Iterator[FileEntry]:
        """Read files, folders and zips of files onto the shelf. Yields each file while it is read and when that is over."""
        scratch = self.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        taken = {entry.path for entry in self.entries()}
        try:
            with ReadingProcess() as reading, self._documents.open("ab") as documents, self._files.open("ab") as files:
                _cut_half_line(files)
                documents.truncate(max((entry.end for entry in self.entries()), default=0))
                documents.seek(0, SEEK_END)
                for found in gather(paths, scratch=scratch):
                    entry = FileEntry(_free_name(found.label, taken), READING)
                    taken.add(entry.path)
                    for news in self._take(entry, found, reading, documents, options):
                        yield news
                        entry = news
                    documents.flush()
                    files.write(json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n")
                    files.flush()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _take(
        self, entry: FileEntry, found: Source | Refused, reading: ReadingProcess, out: BinaryIO, options: ReadOptions
    ) -> Iterator[FileEntry]:
        start, told = out.tell(), time.monotonic()
        entry = replace(entry, start=start, end=start)
        yield entry
        try:
            if isinstance(found, Refused):
                raise DocumentError(found.reason)
            for form, document in reading.read(found.path, name=found.name, options=options):
                entry = _with(entry, form, document, found.name)
                out.write(json.dumps(asdict(document), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
                if time.monotonic() - told > NEWS:
                    told = time.monotonic()
                    self._check_room()
                    yield entry
            yield replace(entry, status=READ, end=out.tell())
        except DocumentError as error:
            out.truncate(start)
            out.seek(start)
            yield FileEntry(entry.path, REFUSED, str(error), entry.format, start=start, end=start)

    def _check_room(self) -> None:
        if shutil.disk_usage(self.folder).free < LEAST_FREE:
            raise CorpusError(f"The disk has less than {LEAST_FREE / MB:,.0f} MB left. Make room and build again; nothing was kept.")

    def documents(self, entry: FileEntry) -> Iterator[Document]:
        """The documents of one file as it was read, one in memory at a time."""
        if entry.end == entry.start:
            return
        with self._documents.open("rb") as lines:
            lines.seek(entry.start)
            while lines.tell() < entry.end:
                yield document_from_json(json.loads(lines.readline()))

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy_to(self, folder: Path) -> Shelf:
        """The same shelf in another folder."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("scratch"))
        return Shelf(folder)


def _with(entry: FileEntry, form: str, document: Document, name: str) -> FileEntry:
    """The entry after one more document. Parts of one text share its title; of many texts none stands for the file."""
    first, stem = entry.documents == 0, _title_from(name)
    title = (document.title or stem) if first else (entry.title if document.title.startswith(entry.title) else stem)
    return replace(
        entry,
        format=form,
        title=title,
        author=document.author if first else (entry.author if document.author == entry.author else ""),
        language=document.language if first else entry.language,
        documents=entry.documents + 1,
        chapters=entry.chapters + len(document.sections),
        words=entry.words + document.words,
        characters=entry.characters + sum(len(paragraph.text) for paragraph in document.paragraphs),
        warnings=_together(entry.warnings, document.warnings),
    )


def _together(had: tuple[str, ...], new: Collection[str], *, most: int = 20) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*had, *new)))[:most]


def _title_from(name: str) -> str:
    return PurePosixPath(name).stem.replace("_", " ").strip() or name


def _free_name(label: str, taken: set[str]) -> str:
    """`label`, or with a number behind it: the same file may be dropped twice."""
    names = (label if number == 1 else f"{label} ({number})" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _cut_half_line(files: Any) -> None:
    """Take off what a crash left after the last line's end."""
    path = Path(files.name)
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        files.truncate(whole)
