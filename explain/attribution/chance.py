"""What Captum and scikit-learn draw by chance, they draw from the one state of the whole process: here it is lent, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch

from explain.scorer import Scorer

_LOCK = RLock()  # may be taken again by who holds it: a random method within NoiseTunnel
_PATIENCE = 0.2  # seconds


@contextmanager
def seeded(scorer: Scorer, seed: int) -> Iterator[None]:
    """All that is drawn meanwhile follows from `seed`; afterwards the states are what they were, however it ends.

    One thread at a time. Whoever waits goes on ticking, so that it can be cancelled. Draws on a graphics card are left alone:
    what is drawn here is drawn on the processor.
    """
    while not _LOCK.acquire(timeout=_PATIENCE):
        scorer.tick(0)
    try:
        before = np.random.get_state()  # noqa: NPY002 - Captum draws from there
        try:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                np.random.seed(seed)  # noqa: NPY002
                yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
    finally:
        _LOCK.release()
