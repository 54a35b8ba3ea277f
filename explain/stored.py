"""Results as one file: arrays, and beside them what is told in plain values."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from narrative.errors import ExplainError
from narrative.files import write_bytes

_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, RuntimeError, BadZipFile, zlib.error)


def store(path: Path, told: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """One .npz file. Arrays that are None are left out."""
    kept: dict[str, Any] = {name: array for name, array in arrays.items() if array is not None}
    stored = io.BytesIO()
    np.savez_compressed(stored, told=np.array(json.dumps(told)), **kept)
    write_bytes(path, stored.getvalue())


@contextmanager
def taken_from(path: Path, what: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """What was told, and the arrays. Whatever goes wrong while they are put together again means that the file is something else or
    damaged, and becomes an `ExplainError`. Nothing in the file is ever run."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored if name != "told"}
            yield json.loads(str(stored["told"])), arrays
    except _DAMAGED as error:
        raise ExplainError(f"{path.name} holds no {what} of Narrative, or is damaged.") from error
