"""Cleaned sections on disk while a build decides which of their passages stay, and on which side.

The text lies in one file; a few numbers a passage are in memory, so that a corpus of any size can be decided on at once.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Piece:
    """One section as it lies in the spool: a chapter, or a table's row. What becomes a record."""

    file: int  # its place among the shelf's files
    unit: int  # the book or row that a split keeps whole
    source: str
    title: str
    section: str
    number: int  # of the section in its unit
    metadata: Mapping[str, str]
    passages: tuple[str, ...]


class Spool:
    """Pieces in the order in which they were added; passage n of the whole spool has row n in `words`, `piece`, ..."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out = path.open("wb")
        self._words, self._piece = array("l"), array("l")
        self._unit, self._file = array("l"), array("l")

    def add(self, piece: Piece) -> None:
        self._out.write(json.dumps(asdict(piece), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        self._words.extend(len(text.split()) for text in piece.passages)
        self._piece.extend([len(self._unit)] * len(piece.passages))
        self._unit.append(piece.unit)
        self._file.append(piece.file)

    @property
    def pieces(self) -> int:
        return len(self._unit)

    @property
    def words(self) -> np.ndarray:
        """(passage,) words as they are counted in a report."""
        return np.array(self._words, dtype=np.int64)

    @property
    def piece(self) -> np.ndarray:
        """(passage,) the piece that each belongs to."""
        return np.array(self._piece, dtype=np.int64)

    @property
    def unit(self) -> np.ndarray:
        """(piece,) the unit of each."""
        return np.array(self._unit, dtype=np.int64)

    @property
    def file(self) -> np.ndarray:
        """(piece,) the file of each."""
        return np.array(self._file, dtype=np.int64)

    def __iter__(self) -> Iterator[Piece]:
        self._out.flush()
        with self._path.open("rb") as lines:
            for line in lines:
                stored = json.loads(line)
                yield Piece(**{**stored, "passages": tuple(stored["passages"])})

    def close(self) -> None:
        self._out.close()
        self._path.unlink(missing_ok=True)
