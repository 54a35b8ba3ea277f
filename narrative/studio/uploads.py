"""Files that a browser has sent: taken over where they lie, under the names their owner knows them by."""

from __future__ import annotations

import contextlib
import shutil
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from narrative.errors import CorpusError, shown
from narrative.text import REPLACEMENT, writable

LONGEST_NAME = 180  # bytes; file systems take 255, and a name on the shelf may get a number behind it
A_DAY = 24 * 3600
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, and marks that turn the reading direction round


@dataclass(frozen=True)
class Upload:
    """One file as the page tells of it. Neither part is to be trusted."""

    path: str  # where the server put it
    name: str  # what it was called on its owner's machine


def safe_name(name: str) -> str:
    """`name` as one file name: no folders, nothing invisible, not hidden, not too long; its ending stays."""
    last = writable(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    seen = "".join(sign for sign in last if sign != REPLACEMENT and unicodedata.category(sign) not in _UNSEEN)
    seen = unicodedata.normalize("NFC", seen).strip().lstrip(".").strip() or "file"
    ending = PurePosixPath(seen).suffix if len(PurePosixPath(seen).suffix.encode()) <= 12 else ""
    stem = seen.removesuffix(ending) if ending else seen
    while len(stem.encode()) + len(ending.encode()) > LONGEST_NAME:
        stem = stem[:-1]
    return stem.rstrip() + ending


def take_over(uploads: Sequence[Upload], *, arrived: Path, into: Path) -> list[Path]:
    """Move each upload from the folder `arrived` into a folder of its own under `into`; nothing is copied where a rename will do.

    Raises `CorpusError` for a path that leads anywhere else, before anything is moved.
    """
    found = [(_checked(upload, arrived), safe_name(upload.name)) for upload in uploads]
    taken: dict[Path, Path] = {}  # the same file dropped twice arrives once
    into.mkdir(parents=True, exist_ok=True)
    first = sum(1 for _ in into.iterdir())
    for number, (source, name) in enumerate(found, first):
        if source not in taken:
            place = into / f"{number:06}" / name
            place.parent.mkdir(parents=True)
            shutil.move(source, place)
            taken[source] = place
    return list(taken.values())


def sweep(arrived: Path) -> None:
    """Remove what arrived a day ago or earlier and was never taken over: its page was closed half-way."""
    for entry in arrived.glob("*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < time.time() - A_DAY:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _checked(upload: Upload, arrived: Path) -> Path:
    given = Path(upload.path)
    try:
        real = given.resolve(strict=True)
        inside = real.is_relative_to(arrived.resolve()) and real.is_file() and not given.is_symlink()
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise CorpusError(f"The file {shown(safe_name(upload.name))} did not arrive. Drop it again.")
    return real
