"""The second pass: from the spool to the records of both sides, counting what each file gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from narrative.corpus.building import BuildSettings, Progress
from narrative.corpus.choosing import OUT, TEST, TRAIN, Choice
from narrative.corpus.corpus import writing_corpus
from narrative.corpus.intake import Intake
from narrative.corpus.report import FileReport, report_json
from narrative.corpus.spool import Piece
from narrative.corpus.tokens import Counter
from narrative.formats import Record

TOKENS_AT_ONCE = 64
NEWS_EVERY = 500  # records between two pieces of news


class Writing:
    """Writes what was chosen."""

    def __init__(self, intake: Intake, choice: Choice, settings: BuildSettings, count_tokens: Counter | None) -> None:
        self._intake, self._choice, self._settings = intake, choice, settings
        self._count_tokens = count_tokens
        self._waiting: list[tuple[FileReport, str, str]] = []  # (file, side, text) whose tokens are not counted yet
        self._chapters: set[tuple[int, int]] = set()
        self.tokens = {"train": 0, "test": 0}

    def run(self, name: str, folder: Path) -> Iterator[Progress]:
        self._count_repeats()
        settings, pieces = self._settings, self._intake.spool.pieces
        sides = {"train": self._records(TRAIN, "train"), "test": self._records(TEST, "test")}
        origin = settings.origin or f"{len(self._intake.files):,} files"
        writing = writing_corpus(name, **sides, origin=origin, licence=settings.licence, folder=folder, report=self._report)
        for written in writing:
            if written % NEWS_EVERY == 0:
                yield Progress("writing", min(written, pieces), pieces)
        yield Progress("writing", pieces, pieces)

    def _records(self, wanted: int, side: str) -> Iterator[Record]:
        first = 0
        for piece in self._intake.spool:
            chosen = self._choice.side[first : first + len(piece.passages)]
            first += len(piece.passages)
            texts = [text for text, where in zip(piece.passages, chosen, strict=True) if where == wanted]
            if texts:
                cut = wanted == TEST and bool((chosen == TRAIN).any())  # one chapter on both sides: two records
                text = "\n\n".join(texts)
                self._count(piece, side, text)
                yield Record(
                    f"{piece.source}#{piece.number}{'.end' if cut else ''}", piece.source, piece.title, piece.section, text, piece.metadata
                )
        self._flush()

    def _count(self, piece: Piece, side: str, text: str) -> None:
        file = self._intake.files[piece.file]
        file.count_text(text, side)
        if (piece.unit, piece.number) not in self._chapters:
            self._chapters.add((piece.unit, piece.number))
            file.chapters += 1
        if self._count_tokens:
            self._waiting.append((file, side, text))
            if len(self._waiting) >= TOKENS_AT_ONCE:
                self._flush()

    def _flush(self) -> None:
        if self._count_tokens and self._waiting:
            counts = self._count_tokens([text for _, _, text in self._waiting])
            for (file, side, _), tokens in zip(self._waiting, counts, strict=True):
                file.tokens = (file.tokens or 0) + tokens
                self.tokens[side] += tokens
        self._waiting.clear()

    def _count_repeats(self) -> None:
        """Tell each file which of its passages went because another file has them."""
        spool, repeats, side = self._intake.spool, self._choice.repeats, self._choice.side
        words, piece, file = spool.words, spool.piece, spool.file
        for passage in np.flatnonzero((repeats.of >= 0) & (side == OUT)):
            own = self._intake.files[file[piece[passage]]]
            own.duplicate_passages += 1
            own.duplicate_words += int(words[passage])
            own.duplicates_of[self._intake.files[file[piece[repeats.of[passage]]]].entry.path] += 1

    def _report(self) -> dict[str, object]:
        report = report_json(self._intake.files, self._intake.values, self._settings)
        if self._count_tokens:
            report |= {"train_tokens": self.tokens["train"], "test_tokens": self.tokens["test"]}
        if self._settings.test_share and not (self._choice.side == TEST).any():
            report["warnings"] = ["Nothing could be held back for testing: there is too little text to divide."]
        return report
