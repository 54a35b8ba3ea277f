"""Which passages stay, and on which side of the split: decided on numbers alone, while the text lies on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from narrative.corpus.building import BuildSettings
from narrative.corpus.duplicates import Repeats, find_repeats
from narrative.corpus.splitting import cut_off, hold_back, hold_back_rows, in_drawn_order
from narrative.corpus.spool import Spool

OUT, TRAIN, TEST = 0, 1, 2


@dataclass
class Units:
    """What a split keeps whole: books, and rows of tables. One entry each, in the order of the spool."""

    sources: list[str] = field(default_factory=list)
    rows: list[bool] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, source: str, *, row: bool, label: str) -> int:
        """The number of the new unit."""
        self.sources.append(source)
        self.rows.append(row)
        self.labels.append(label)
        return len(self.sources) - 1


@dataclass(frozen=True)
class Choice:
    """`side[n]` of passage n: OUT, TRAIN or TEST; `repeats`: why some are out."""

    side: np.ndarray
    repeats: Repeats


def choose(spool: Spool, signatures: np.ndarray, units: Units, settings: BuildSettings) -> Choice:
    """Duplicates first, then the sample, then the sides: so that shares are shares of what is left."""
    words, piece = spool.words, spool.piece
    unit = spool.unit[piece] if len(piece) else piece
    repeats = find_repeats(signatures, unit, threshold=settings.duplicates or 2.0)
    kept = repeats.of < 0
    if settings.sample is not None:
        kept &= _sampled(spool, units, kept, settings)[piece]
    side = np.where(kept, TRAIN, OUT).astype(np.int8)
    sizes = np.bincount(unit, weights=words * kept, minlength=len(units.sources)).astype(int)
    rows = np.array(units.rows, dtype=bool)
    test = _test_rows(units, rows, sizes, settings)
    books = np.flatnonzero(~rows)
    held, missing = hold_back([units.sources[n] for n in books], sizes[books].tolist(), share=settings.test_share, seed=settings.seed)
    test[books[sorted(held)]] = True
    side[test[unit] & kept] = TEST
    if missing:
        _cut_a_book([int(n) for n in books if not test[n] and sizes[n]], missing, side, spool, signatures, repeats, units, settings)
    return Choice(side, repeats)


def _sampled(spool: Spool, units: Units, kept: np.ndarray, settings: BuildSettings) -> np.ndarray:
    """(piece,) whether it is among the drawn; pieces of which nothing is left don't take part."""
    left = np.flatnonzero(np.bincount(spool.piece, weights=kept, minlength=spool.pieces))
    names = [f"{units.sources[spool.unit[n]]} {n}" for n in left]
    drawn = np.zeros(spool.pieces, dtype=bool)
    drawn[left[in_drawn_order(names, settings.seed)[: settings.sample]]] = True
    return drawn


def _test_rows(units: Units, rows: np.ndarray, sizes: np.ndarray, settings: BuildSettings) -> np.ndarray:
    """(unit,) True for the table rows that are held back."""
    test = np.zeros(len(rows), dtype=bool)
    places = np.flatnonzero(rows & (sizes > 0))
    labels, names = [units.labels[n] for n in places], [units.sources[n] for n in places]
    drawn = hold_back_rows(labels, names, share=settings.test_share, seed=settings.seed)
    test[places[sorted(drawn)]] = True
    return test


def _cut_a_book(
    books: Sequence[int], missing: int, side: np.ndarray, spool: Spool, signatures: np.ndarray, repeats: Repeats, units: Units,
    settings: BuildSettings,
) -> None:  # fmt: skip
    """Give the end of one book to the test side. What its end repeats of its beginning is left out: it would be tested on what it knows."""
    words, piece = spool.words, spool.piece
    unit = spool.unit[piece]
    for place in in_drawn_order([units.sources[n] for n in books], settings.seed):
        own = np.flatnonzero((unit == books[place]) & (side == TRAIN))
        starts = np.unique(piece[own], return_index=True)[1]
        passages = [words[part].tolist() for part in np.split(own, starts[1:])]
        cut = cut_off([sum(part) for part in passages], passages, words=missing)
        if cut is None:
            continue
        chapter, passage = cut
        tail = own[starts[chapter] + passage :]
        side[tail] = TEST
        if settings.duplicates:
            again = find_repeats(signatures[own], side[own], threshold=settings.duplicates)
            for later in np.flatnonzero(again.of >= 0):
                side[own[later]] = OUT
                repeats.of[own[later]], repeats.similarity[own[later]] = own[again.of[later]], again.similarity[later]
        return
