"""Which books are learned from and which are held back for testing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import accumulate

from narrative.errors import require_number

OVER = 0.25  # of the test side: how far a whole book may take it beyond its size
UNDER = 0.5  # of the test side: how much may be missing before a book is cut for it


def split_by_source(sources: Iterable[str], *, test_share: float = 0.1, seed: int = 0) -> tuple[list[str], list[str]]:
    """Draw whole sources (books, files) into (train, test); never a source on both sides.

    The draw depends on the set of names, the share and the seed only, not on their order. With two sources or more
    both sides get at least one.
    """
    require_number("test share", test_share, low=0, high=1)
    names = sorted(set(sources))
    shuffled = random.Random(seed).sample(names, len(names))
    count = round(len(names) * test_share)
    if len(names) > 1 and 0 < test_share < 1:
        count = min(max(count, 1), len(names) - 1)
    test = set(shuffled[:count])
    return [name for name in names if name not in test], [name for name in names if name in test]


def hold_back(names: Sequence[str], words: Sequence[int], *, share: float, seed: int) -> tuple[set[int], int]:
    """Draw whole books for testing: (their places in `names`, words still missing to `share` of all words).

    Books come in an order that only their own name and the seed decide, so that one more book doesn't move the others.
    A book that is too big for what is still missing is passed over; when that leaves more than half of the side missing,
    `cut_off` takes the rest from one of those.
    """
    require_number("test share", share, low=0, high=1)
    wanted = missing = share * sum(words)
    held: set[int] = set()
    for place in in_drawn_order(names, seed):
        if 0 < words[place] < 2 * missing and words[place] - missing <= wanted * OVER:  # nearer with it than without
            held.add(place)
            missing -= words[place]
    return held, max(0, round(missing)) if missing > wanted * UNDER else 0


def in_drawn_order(names: Sequence[str], seed: int) -> list[int]:
    """The places of `names` in an order drawn by the seed; each name has its own draw."""
    return sorted(range(len(names)), key=lambda place: (sha256(f"{seed} {names[place]}".encode()).digest(), place))


def cut_off(chapters: Sequence[int], passages: Sequence[Sequence[int]], *, words: int) -> tuple[int, int] | None:
    """Where a book is cut so that about `words` of its end are for testing: (chapter, passage in it), or None if it can't be.

    `chapters` are their words, `passages` those of each chapter's passages. It is cut at a chapter; inside one only when
    the nearest chapter is more than half of `words` off, since then one side would have far too much or nothing.
    """
    ends = list(accumulate(reversed(chapters)))  # words from chapter -1-n to the end
    if not ends or words <= 0:
        return None
    tails = [(abs(tail - words), len(chapters) - 1 - back) for back, tail in enumerate(ends[:-1]) if tail]
    if tails and min(tails)[0] <= words / 2:
        return min(tails)[1], 0
    tail = 0
    flat = [(chapter, passage) for chapter, sizes in enumerate(passages) for passage in range(len(sizes))]
    for chapter, passage in reversed(flat[1:]):
        tail += passages[chapter][passage]
        if tail >= words:
            return chapter, passage
    return flat[-1] if len(flat) > 1 and tail else None


def hold_back_rows(labels: Sequence[str], names: Sequence[str], *, share: float, seed: int) -> set[int]:
    """Draw table rows for testing, `share` of each label's rows (stratified), rounded; the places in `labels`.

    Of two rows or more at least one is held back, unless `share` is 0.
    """
    require_number("test share", share, low=0, high=1)
    by_label: dict[str, list[int]] = {}
    order = in_drawn_order(names, seed)
    for place in order:
        by_label.setdefault(labels[place], []).append(place)
    held = {place for places in by_label.values() for place in places[: round(share * len(places))]}
    return held or (set(order[:1]) if share and len(order) > 1 else held)
