"""The zip inside ePub, Word, OpenDocument and InDesign files, opened as if it came from an enemy."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path
from types import TracebackType

from narrative.corpus.limits import MAX_ENTRIES, MAX_PACKAGE, MAX_PART, MAX_RATIO, MB
from narrative.errors import DocumentError

ENCRYPTED = 0x1


class Package:
    """Parts by name, read whole into memory and never written to disk. Raises `DocumentError` for all that is wrong with it."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise DocumentError("The file is damaged or cut short: it is no whole zip package.") from error
        if len(self._zip.infolist()) > MAX_ENTRIES:
            raise DocumentError(f"The package has {len(self._zip.infolist()):,} parts; at most {MAX_ENTRIES:,} are read.")
        self._read = 0

    def __enter__(self) -> Package:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        return self._zip.namelist()

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str) -> bytes:
        """The bytes of one part. Its stated size is not believed: unpacking stops at the limit."""
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise DocumentError(f"The part {name!r} is missing from the package.") from None
        if info.flag_bits & ENCRYPTED:
            raise DocumentError("The file is protected by a password. Save a copy without it.")
        most = min(MAX_PART, MAX_PACKAGE - self._read, max(info.compress_size * MAX_RATIO, MB))
        try:
            with self._zip.open(info) as part:
                content = part.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
            raise DocumentError(f"The part {name!r} is damaged: {error}.") from error
        if len(content) > most:
            raise DocumentError(f"The part {name!r} unpacks to more than {most / MB:,.0f} MB, far beyond what a book holds.")
        self._read += len(content)
        return content


def resolve(base: str, reference: str) -> str:
    """The part that `reference`, found in part `base`, points to. Never leaves the package: '..' stops at its root."""
    joined = posixpath.normpath(posixpath.join("/", posixpath.dirname(base), reference))
    return joined.lstrip("/")
