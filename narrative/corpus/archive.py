"""A zip of files from a stranger: what is in it, and each file's bytes, under limits."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO

from narrative.corpus.limits import MAX_DIRECTORY, MAX_ENTRIES, MB
from narrative.errors import DocumentError

DAMAGE: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError)
DAMAGE += (RuntimeError, ValueError, MemoryError)
_ENCRYPTED = 0x1
_TAIL = 65_557  # bytes from the end in which a zip's end record stands
_LOCAL_HEADER = 30


class Archive:
    """Entries by name. Raises `DocumentError` when it is no whole zip, and before it costs much when it is a bomb."""

    def __init__(self, path: Path) -> None:
        try:
            _check_directory(path)
            self._zip = zipfile.ZipFile(path)
        except DAMAGE as error:
            raise DocumentError("The zip is damaged or cut short.") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            self._zip.close()
            raise DocumentError(f"The zip has {len(entries):,} entries; at most {MAX_ENTRIES:,} are read.")
        if _overlap(entries):
            self._zip.close()
            raise DocumentError("The zip's entries lie over each other, as they do in a zip bomb.")
        self.entries = [entry for entry in entries if not entry.is_dir()]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    def open(self, entry: zipfile.ZipInfo) -> IO[bytes]:
        """The entry's bytes as a stream; reading from it may raise any of `DAMAGE`. Raises `DocumentError` for what is not opened."""
        if reason := _refusal(entry):
            raise DocumentError(reason)
        return self._zip.open(entry)


def _refusal(entry: zipfile.ZipInfo) -> str:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":") or "\0" in name:
        return "Its name in the zip is a path of somebody's machine, which is not followed."
    if ".." in PurePosixPath(name).parts:
        return "Its name in the zip leads out of the archive ('..'), which is not followed."
    if entry.flag_bits & _ENCRYPTED:
        return "It is protected by a password. Pack it without one."
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return "It is a link or a device and no file."
    return "It is empty." if entry.file_size == 0 else ""


def _check_directory(path: Path) -> None:
    """Look at the stated size of the list of entries before `zipfile` builds an object for each."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL - 100))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise DocumentError("The file is no zip, or it is cut short.")
    (size,) = struct.unpack_from("<L", tail, end + 12)
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if size == 0xFFFFFFFF and large >= 0:
        (size,) = struct.unpack_from("<Q", tail, large + 40)
    if size > MAX_DIRECTORY:
        raise DocumentError(
            f"The zip's list of entries has more than {MAX_DIRECTORY / MB:,.0f} MB; at most {MAX_ENTRIES:,} entries are read."
        )


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether two entries share bytes: 'a better zip bomb' unpacks the same bytes thousands of times."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            return True
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    return False
