"""Which books are learned from and which are held back for testing."""

from __future__ import annotations

import random
from collections.abc import Iterable

from narrative.errors import require_number


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
