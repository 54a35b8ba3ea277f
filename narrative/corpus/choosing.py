"""Which passages stay, and on which side of the split: decided on numbers alone, while the text lies on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from narrative.corpus.building import BuildSettings
from narrative.corpus.duplicates import Repeats, find_repeats
from narrative.corpus.splitting import cut_off, hold_back, hold_back_rows, in_drawn_order
from narrative.corpus.spool import Spool

OUT, TRAIN, TEST = 0, 1, 2
EDITION = 0.2  # share of a book's words that another book has, from which the two are editions of one text


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
    groups = _editions(np.flatnonzero(~rows & (sizes > 0)), spool, unit, repeats)
    held, missing = hold_back(
        [units.sources[group[0]] for group in groups], [int(sizes[group].sum()) for group in groups],
        share=settings.test_share, seed=settings.seed,
    )  # fmt: skip
    for place in held:
        test[groups[place]] = True
    side[test[unit] & kept] = TEST
    if missing:
        alone = [group[0] for group in groups if len(group) == 1 and not test[group[0]]]
        _cut_a_book(alone, missing, side, spool, signatures, repeats, units, settings)
    return Choice(side, repeats)


def _editions(books: np.ndarray, spool: Spool, unit: np.ndarray, repeats: Repeats) -> list[list[int]]:
    """Books that are editions of one another stand on one side together: what is left of a second edition is the first one's too.

    A book of which a fifth stands in another one is such an edition; a notice that many books share makes none.
    """
    words = spool.words
    total = np.bincount(unit, weights=words, minlength=int(books.max(initial=-1)) + 1)
    of: dict[int, int] = {int(book): int(book) for book in books}

    def first(book: int) -> int:
        while of[book] != book:
            book = of[book]
        return book

    shared: Counter[tuple[int, int]] = Counter()
    for passage in np.flatnonzero(repeats.of >= 0):
        shared[int(unit[passage]), int(unit[repeats.of[passage]])] += int(words[passage])
    for (later, earlier), count in shared.items():
        if later in of and earlier in of and count >= EDITION * total[later]:
            one, other = sorted((first(later), first(earlier)))
            of[other] = one
    groups: dict[int, list[int]] = {}
    for book in of:
        groups.setdefault(first(book), []).append(book)
    return list(groups.values())


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
