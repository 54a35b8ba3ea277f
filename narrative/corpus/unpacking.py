"""Compressed bytes written out under limits: what is too much stops while it is still small."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from narrative.corpus.limits import MAX_FILE, MAX_RATIO, MAX_RATIO_XZ, MAX_XZ_MEMORY, MB
from narrative.errors import DocumentError

COMPRESSED = (".gz", ".xz")
_BLOCK = 256 * 1024
_DAMAGE = (zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)


def unpack(source: BinaryIO, suffix: str, size: int, target: Path) -> None:
    """Write what the .gz or .xz stream `source` of `size` bytes unpacks to into the new file `target`.

    Raises `DocumentError` when it is damaged, cut short or a bomb; what was written by then is the caller's to delete.
    """
    ratio, blocks = (MAX_RATIO_XZ, _xz(source)) if suffix == ".xz" else (MAX_RATIO, _gz(source))
    try:
        copy(blocks, target, most=allowed(size, ratio))
    except _DAMAGE as error:
        if "limit" in str(error).lower():
            raise DocumentError(f"Unpacking the {suffix} file takes more than {MAX_XZ_MEMORY / MB:,.0f} MB of memory.") from error
        raise DocumentError(f"The {suffix} file is damaged or cut short.") from error


def allowed(size: int, ratio: int = MAX_RATIO) -> int:
    """The most bytes that `size` compressed bytes may become: any small file, and a large one up to its ratio."""
    return min(MAX_FILE, max(size * ratio, MB))


def copy(blocks: Iterator[bytes], target: Path, *, most: int) -> None:
    """Write the blocks, up to `most` bytes together. Raises `DocumentError` beyond."""
    written = 0
    with target.open("xb") as out:
        for block in blocks:
            written += len(block)
            if written > most:
                raise DocumentError(f"It unpacks to more than {most / MB:,.0f} MB, which no book does: it is left out.")
            out.write(block)


def blocks_of(source: BinaryIO) -> Iterator[bytes]:
    """The bytes of a stream, a block at a time."""
    return iter(lambda: source.read(_BLOCK), b"")


def _gz(source: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=source) as unpacked:
        yield from iter(lambda: unpacked.read(_BLOCK), b"")


def _xz(source: BinaryIO) -> Iterator[bytes]:
    """All streams of the file, as the library's own reader gives them, but within a limit of memory, which that lacks."""
    rest = source.read(_BLOCK)
    while rest:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
        while not stream.eof:
            fresh = (rest or source.read(_BLOCK)) if stream.needs_input else b""
            if stream.needs_input and not fresh:
                raise EOFError
            rest = b""
            yield stream.decompress(fresh, _BLOCK)
        rest = (stream.unused_data or source.read(_BLOCK)).lstrip(b"\0")  # streams may be padded with zeros
        while not rest and (more := source.read(_BLOCK)):
            rest = more.lstrip(b"\0")
