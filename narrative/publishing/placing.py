"""A folder that takes another's place in one step: whoever reads finds the old one or the new one, never half of one."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from narrative.errors import PublishingError

try:
    import fcntl
except ImportError:  # Windows: two who publish at the same moment are not kept apart there
    fcntl = None  # type: ignore[assignment]

PART, ASIDE = ".part", ".before"
A_DAY = 24 * 3600
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux; RENAME_SWAP of macOS is 2 as well


@contextmanager
def in_one_sentence(what: str) -> Iterator[None]:
    """Whatever the disk answers becomes one `PublishingError`: full, read-only, not a folder."""
    try:
        yield
    except OSError as error:
        place = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        raise PublishingError(f"{what} can't be written: {error.strerror or error}{place}. Nothing was changed.") from error


@contextmanager
def taking_the_place_of(folder: Path, *, allowed: Callable[[], None], room: int = 0) -> Iterator[Path]:
    """An empty folder to fill. At the end of the block it becomes `folder`; after an error nothing of it is left.

    `allowed` is asked right before the exchange, while nobody else exchanges: it raises when the place has been taken. `room`
    are the bytes that will be written. Raises `PublishingError` for a disk that is full or can't be written to.
    """
    with in_one_sentence(f"'{folder.name}'"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            _tidy(folder.parent)
        require_room(folder.parent, room)
        part = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
        part.mkdir()
        try:
            yield part
            for path in (*part.rglob("*"), part):
                _settle(path)
            with _alone(folder.parent):
                allowed()
                _exchange(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)  # what is under this name now is the old folder, or what came of an error


def require_room(folder: Path, room: int) -> None:
    """Raise `PublishingError` unless `room` bytes can be written in `folder`."""
    free = shutil.disk_usage(folder).free
    if free < room:
        raise PublishingError(f"The disk is too full: {room / 1e6:,.0f} MB are needed in {folder.name}, and {free / 1e6:,.0f} MB are free.")


def _exchange(new: Path, old: Path) -> None:
    if not os.path.lexists(old):
        new.rename(old)
    elif not _swapped(new, old):  # a file system that can't: for a moment there is neither, and a crash then is mended by `_tidy`
        aside = old.with_name(f".{old.name}{ASIDE}")
        old.rename(aside)
        try:
            new.rename(old)
        except OSError:
            aside.rename(old)
            raise
        aside.rename(new)


def _swapped(one: Path, other: Path) -> bool:
    """Exchange two names in one step, where the system can. Both exist."""
    library = ctypes.CDLL(None) if sys.platform in ("linux", "darwin") else None
    names = (os.fsencode(one), os.fsencode(other))
    if library is not None and hasattr(library, "renameat2"):
        return bool(library.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if library is not None and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*names, _EXCHANGE) == 0)
    return False


def _settle(path: Path) -> None:
    """To the disk, so that a power cut after the exchange finds all of it. A link is never followed."""
    with suppress(PermissionError):  # Windows opens no folders
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            os.fsync(file)
        finally:
            os.close(file)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds the folder itself, so that no lock file lies about. Windows opens no folders."""
    with ExitStack() as held:
        if fcntl:
            opened = os.open(root, os.O_RDONLY)
            held.callback(os.close, opened)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _tidy(root: Path) -> None:
    """Remove what a crash left behind a day ago or earlier, and put back what was set aside for a folder that never came."""
    for aside in root.glob(f".*{ASIDE}"):
        place = aside.with_name(aside.name.removeprefix(".").removesuffix(ASIDE))
        with suppress(OSError):
            shutil.rmtree(aside) if place.exists() else aside.rename(place)
    for part in root.glob(f".*{PART}"):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - A_DAY:
                shutil.rmtree(part) if part.is_dir() else part.unlink()
