"""Passages that stand in two places, found by MinHash (Broder 1997) with banding (Leskovec, Rajaraman & Ullman 2014, 3.4).

A passage is the set of its runs of `SHINGLE` words. `PERMUTATIONS` hash functions give each passage a signature; two
signatures agree in a place with the probability of the sets' Jaccard similarity. Passages that agree in all rows of one
of the `BANDS` bands are looked at. At a similarity of 0.8 that finds 99.1 % of all pairs; the agreement of the whole
signature then decides, with a standard deviation of 0.05. Signatures lie on disk: 12 bytes a passage are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

SHINGLE = 5
BANDS, ROWS = 12, 5
PERMUTATIONS = BANDS * ROWS
LEAST_WORDS = 20  # shorter passages repeat for good reasons ("Yes," he said); see `Signatures.add`

_DRAW = np.random.default_rng(0x0DD)
_FACTORS = _DRAW.integers(1, 2**64, PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
_SHIFTS = _DRAW.integers(0, 2**64, PERMUTATIONS, dtype=np.uint64)
_POWERS = np.uint64(0x9E3779B97F4A7C15) ** np.arange(SHINGLE, dtype=np.uint64) | np.uint64(1)
_MANY = 4096  # shingles hashed at once, so that a passage of any length takes little memory


def signature(words: Sequence[str]) -> np.ndarray:
    """(PERMUTATIONS,) uint32 of a passage of at least one word. Fewer words than a shingle are one shingle: equal or not."""
    codes = np.fromiter((crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))
    with np.errstate(over="ignore"):
        if len(codes) < SHINGLE:
            shingles = np.array([(codes * _POWERS[: len(codes)]).sum(dtype=np.uint64) + np.uint64(len(codes))])
        else:
            ends = len(codes) - SHINGLE + 1
            shingles = np.zeros(ends, dtype=np.uint64)
            for place in range(SHINGLE):
                shingles += codes[place : place + ends] * _POWERS[place]
        shingles = _mixed(shingles)
        least = np.full(PERMUTATIONS, 2**32 - 1, dtype=np.uint64)
        for start in range(0, len(shingles), _MANY):
            some = shingles[start : start + _MANY, None] * _FACTORS + _SHIFTS
            least = np.minimum(least, (some >> np.uint64(32)).min(axis=0))
    return least.astype(np.uint32)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Every bit of the input in every bit of the output (the finalizer of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    mixed: np.ndarray = values ^ (values >> np.uint64(33))
    return mixed


class Signatures:
    """Signatures of all passages of a corpus, in order, in one file. Passage n is the nth that was added."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._path = path
        self.count = 0

    def add(self, words: Sequence[str], *, short: bool = False) -> None:
        """The next passage. One of fewer than LEAST_WORDS is never compared unless `short`: a table's row is all there is of it."""
        compared = len(words) >= (1 if short else LEAST_WORDS)
        (signature(words) if compared else np.zeros(PERMUTATIONS, dtype=np.uint32)).tofile(self._file)
        self.count += 1

    def rows(self) -> np.ndarray:
        """(passage, PERMUTATIONS), memory-mapped."""
        self._file.flush()
        shape = (self.count, PERMUTATIONS)
        return np.memmap(self._path, dtype=np.uint32, mode="r", shape=shape) if self.count else np.zeros(shape, dtype=np.uint32)

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Repeats:
    """`of[n]`: the earlier passage that passage n repeats, or -1. `similarity[n]`: how much, from 0 to 1."""

    of: np.ndarray
    similarity: np.ndarray


def find_repeats(rows: np.ndarray, units: np.ndarray, *, threshold: float) -> Repeats:
    """Which passages stand earlier already, in another unit: a poem's refrain is the poet's own, a chapter in two files is not.

    `rows`: (passage, PERMUTATIONS) signatures; `units`: (passage,) the book or table row that each belongs to. The
    earliest stays; what repeats a repeat repeats that one's original.
    """
    repeats = Repeats(np.full(len(rows), -1, dtype=np.int64), np.zeros(len(rows), dtype=np.float32))
    for later, earlier in _candidates(rows):
        similarity = (rows[later] == rows[earlier]).mean(axis=1)
        better = (units[later] != units[earlier]) & (similarity >= threshold) & (similarity > repeats.similarity[later])
        repeats.of[later[better]] = earlier[better]
        repeats.similarity[later[better]] = similarity[better]
    for passage in np.flatnonzero(repeats.of >= 0):  # in order: what it repeats is settled already
        original = int(repeats.of[repeats.of[passage]])
        if original >= 0:
            repeats.of[passage] = original
    return repeats


def _candidates(rows: np.ndarray, *, at_once: int = 65_536) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(later, earlier) pairs that agree in a whole band: each passage with the first of its kind and with the one before it.

    Not all pairs: a notice that stands in ten thousand files would make fifty million.
    """
    for band in range(BANDS):
        keys = np.zeros(len(rows), dtype=np.uint64)
        with np.errstate(over="ignore"):
            for row in range(band * ROWS, (band + 1) * ROWS):
                keys = _mixed(keys + rows[:, row] + np.uint64(row))
        order = np.argsort(keys, kind="stable")
        order = order[rows[order, 0] > 0]  # those that are never compared are zeros
        ordered = keys[order]
        same = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
        fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, dtype=bool)
        first = np.maximum.accumulate(np.where(fresh, np.arange(len(ordered)), 0))
        for start in range(0, len(same), at_once):
            some = same[start : start + at_once]
            yield order[some], order[first[some]]
            yield order[some], order[some - 1]
