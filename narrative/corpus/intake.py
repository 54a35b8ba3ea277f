"""From a shelf to a spool: edited, cleaned, divided into passages, scored, and signed for the search for duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from narrative.corpus.building import BuildSettings, Progress
from narrative.corpus.choosing import Units
from narrative.corpus.cleaning import clean
from narrative.corpus.document import Document, Section
from narrative.corpus.duplicates import Signatures
from narrative.corpus.passages import passages
from narrative.corpus.quality import quality
from narrative.corpus.report import FileReport, Values
from narrative.corpus.shelf import READ, Shelf
from narrative.corpus.spool import Piece, Spool
from narrative.errors import CorpusError

NEWS_EVERY = 200  # documents between two pieces of news
SCORED = 50  # texts of a file whose quality is measured when no threshold asks for all of them


class Intake:
    """What the first pass over the text leaves: everything that the decision and the second pass need."""

    def __init__(self, shelf: Shelf, settings: BuildSettings, folder: Path) -> None:
        self._shelf, self._settings, self._edits = shelf, settings, shelf.edits
        self.files = [FileReport.of(entry, self._edits) for entry in shelf.entries()]
        self.spool, self.signatures = Spool(folder / "spool.jsonl"), Signatures(folder / "signatures.bin")
        self.units, self.values = Units(), Values()

    def close(self) -> None:
        self.spool.close()
        self.signatures.close()

    def run(self) -> Iterator[Progress]:
        """Raises `CorpusError` when no file is left to learn from."""
        taken = [number for number, file in enumerate(self.files) if file.status == READ]
        for done, number in enumerate(taken):
            path = self.files[number].entry.path
            yield Progress("cleaning", done, len(taken), path)
            for place, document in enumerate(self._shelf.documents(self.files[number].entry)):
                self._take(number, place, document)
                if place % NEWS_EVERY == NEWS_EVERY - 1:
                    yield Progress("cleaning", done, len(taken), f"{path}, text {place + 1:,}")
        if not self.spool.pieces:
            raise CorpusError(_nothing_left(self.files))
        yield Progress("cleaning", len(taken), len(taken))

    def _take(self, number: int, place: int, document: Document) -> None:
        file = self.files[number]
        entry = file.entry
        cleaned = clean(self._edits.apply(entry.path, place, document), rules=self._settings.rules)
        file.count_cleaning(cleaned)
        kept = cleaned.document
        row = entry.rows if self._settings.split_by == "auto" else self._settings.split_by == "record"
        source = entry.path if entry.documents == 1 else f"{entry.path}#{place + 1}"
        unit = self.units.add(source, row=row, label=kept.metadata.get(self._settings.stratify or "label", ""))
        known = {"author": kept.author, "language": kept.language, **kept.metadata}
        metadata = {key: value for key, value in known.items() if value}
        for nth, section in enumerate(kept.sections):
            self._spool(file, Piece(number, unit, source, kept.title or file.title, section.title, nth, metadata, ()), section, row)
        if kept.words:
            self.values.count(kept.metadata)

    def _spool(self, file: FileReport, piece: Piece, section: Section, row: bool) -> None:
        found = list(passages(section.paragraphs))
        texts = tuple("\n\n".join(passage.paragraphs) for passage in found)
        if not texts:
            return
        if self._settings.quality or len(file.quality) < SCORED:
            score = quality("\n\n".join(texts)).score
            file.quality.append(score)
            if score < self._settings.quality:
                file.low_quality += 1
                return
        for passage in found:
            self.signatures.add(passage.compared, short=row)
        self.spool.add(replace(piece, passages=texts))


def _nothing_left(files: list[FileReport]) -> str:
    refused = [file for file in files if file.entry.reason]
    if not files:
        return "There is no file to read. Name files, folders or zips of files."
    if len(refused) == len(files):
        first = refused[0]
        more = f" (and {len(refused) - 1:,} more)" if len(refused) > 1 else ""
        return f"None of the files could be read. {first.entry.path}: {first.entry.reason}{more}"
    return "Nothing is left to learn from: all text was left out by the keeper, by cleaning or by the quality threshold."
