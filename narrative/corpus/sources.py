"""Every file in what was given: files, folders, zips of files and .gz or .xz, each as one plain file to read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from narrative.corpus.archive import DAMAGE, Archive
from narrative.corpus.limits import MAX_FILE, MAX_FILES, MB
from narrative.corpus.unpacking import COMPRESSED, allowed, blocks_of, copy, unpack
from narrative.errors import DocumentError

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_ZIPS_DEEP = 2  # a zip, and a zip in it
_FOLDERS_DEEP = 100


@dataclass(frozen=True)
class Source:
    """A file to read. It is there until the next one is asked for."""

    label: str  # where it stands in what was given, as in 'archive.zip/inner/book.epub'
    path: Path
    name: str  # the file's own name, without .gz or .xz


@dataclass(frozen=True)
class Refused:
    """What is not read, and why, in a whole sentence."""

    label: str
    reason: str


Found = Source | Refused


def gather(paths: Iterable[Path], *, scratch: Path) -> Iterator[Found]:
    """The files in `paths`, one at a time: folders in the order of their names, at all depths, and zips opened.

    Hidden files and what systems leave behind are passed over. What is compressed is unpacked into the folder `scratch`
    under a name of ours and deleted when the next file is asked for: there are never more than four such files. Never
    raises for what is found; pipes and devices are never opened. Stops after `MAX_FILES` files.
    """
    unpacker = _Unpacker(scratch)
    for number, found in enumerate(_all(paths, unpacker)):
        if number == MAX_FILES:
            yield Refused(found.label, f"More than {MAX_FILES:,} files; this one and all after it were left out.")
            return
        yield found


def _all(paths: Iterable[Path], unpacker: _Unpacker) -> Iterator[Found]:
    for path in paths:
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError) as error:
            yield Refused(_shown(path.name or str(path)), _why(error))
            continue
        if stat.S_ISDIR(mode):
            found = None
            for found in _folder(path, path.resolve(), "", unpacker):
                yield found
            if found is None:
                yield Refused(_shown(path.resolve().name), "There are no files in the folder.")
        else:
            yield from unpacker.file(path, _shown(path.name), path.name)


def _folder(folder: Path, root: Path, label: str, unpacker: _Unpacker, *, linked: bool = False, depth: int = 0) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Refused(label or _shown(folder.name), _why(error))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _JUNK:
            continue
        path, inner = folder / entry.name, f"{label}/{_shown(entry.name)}".lstrip("/")
        reason = _link_refusal(path, root, linked=linked) if entry.is_symlink() else ""
        if reason:
            yield Refused(inner, reason)
        elif not entry.is_dir():
            yield from unpacker.file(path, inner, entry.name)
        elif depth == _FOLDERS_DEEP:
            yield Refused(inner, f"The folder lies more than {_FOLDERS_DEEP} folders deep.")
        else:
            yield from _folder(path, root, inner, unpacker, linked=linked or entry.is_symlink(), depth=depth + 1)


def _link_refusal(path: Path, root: Path, *, linked: bool) -> str:
    """Links may lead to what lies in the folder that was given, and a folder reached by one is not left by another."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "The link leads nowhere, or to itself."
    if not target.is_relative_to(root):
        return "The link leads out of the folder that was given."
    if target.is_dir() and (linked or path.parent.resolve().is_relative_to(target)):
        return "The link leads back to a folder that it lies in."
    return ""


class _Unpacker:
    """Gives each file its turn, out of its zip or compressed form, in a scratch folder that it leaves empty."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._numbers = count(1)

    def file(self, path: Path, label: str, name: str, *, zips: int = 0, unpacked: bool = False) -> Iterator[Found]:
        """What the file at `path` holds: itself, what it unpacks to, or the files in it."""
        try:
            _check(path)
            suffix = _suffix(name)
            if suffix in COMPRESSED and unpacked:
                raise DocumentError("It is compressed twice. Unpack it once.")
            if suffix in COMPRESSED:
                with self._room(name[: -len(suffix)]) as target:
                    with path.open("rb") as source:
                        unpack(source, suffix, path.stat().st_size, target)
                    yield from self.file(target, label, name[: -len(suffix)], zips=zips, unpacked=True)
            elif suffix == ".zip":
                yield from self._zip(path, label, zips + 1)
            else:
                yield Source(label, path, _shown(name))
        except DocumentError as error:
            yield Refused(label, str(error))
        except OSError as error:
            yield Refused(label, _why(error))

    def _zip(self, path: Path, label: str, zips: int) -> Iterator[Found]:
        if zips > _ZIPS_DEEP:
            raise DocumentError("It is a zip in a zip in a zip, which is not opened. Unpack the outer one.")
        with Archive(path) as archive:
            if not archive.entries:
                raise DocumentError("There are no files in the zip.")
            for entry in archive.entries:
                path_inside = PurePosixPath(entry.filename.replace("\\", "/"))
                parts = path_inside.parts
                if any(part in _JUNK or (part.startswith(".") and part != "..") for part in parts):
                    continue
                inner = f"{label}/{_shown(str(path_inside)).lstrip('/')}"
                name = parts[-1] if parts else "file"
                try:
                    with self._room(name) as target:
                        with archive.open(entry) as source:
                            copy(blocks_of(source), target, most=allowed(entry.compress_size))  # type: ignore[arg-type]
                        yield from self.file(target, inner, name, zips=zips)
                except DocumentError as error:
                    yield Refused(inner, str(error))
                except OSError as error:
                    yield Refused(inner, _why(error))
                except DAMAGE as error:
                    yield Refused(inner, f"It is damaged in the zip: {str(error).rstrip('.') or type(error).__name__}.")

    @contextmanager
    def _room(self, name: str) -> Iterator[Path]:
        """A path for one file; the file is gone afterwards. Its ending is kept for people who look, and means nothing."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        stem = "".join(character if character.isalnum() or character in " -" else "_" for character in PurePosixPath(name).stem)[:40]
        target = self._scratch / f"{next(self._numbers)}" / (stem.strip() or "file")
        target.parent.mkdir()
        try:
            yield target
        finally:
            target.unlink(missing_ok=True)
            target.parent.rmdir()


def _check(path: Path) -> None:
    """Raise `DocumentError` unless `path` is a file that can be opened, with something in it, of a size that is read."""
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise DocumentError("It is a pipe, a socket or a device and no file.")
    if info.st_size == 0:
        raise DocumentError("The file is empty.")
    if info.st_size > MAX_FILE:
        raise DocumentError(f"The file has {info.st_size / MB:,.0f} MB; at most {MAX_FILE / MB:,.0f} MB are read.")
    with path.open("rb"):
        pass  # raises when it may not be read


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _shown(name: str) -> str:
    """A name that can be printed and stored, whatever bytes and signs the file system or zip has in it."""
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in readable)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "There is no such file."
    if isinstance(error, PermissionError):
        return "It may not be read: its permissions forbid it."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"It can't be opened: {reason.lower().rstrip('.')}."
