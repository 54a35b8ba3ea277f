"""What a file really is. The content decides where it can be told; the name only where it can't."""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath

from narrative.corpus.readers import BY_SUFFIX, READERS, Reader
from narrative.errors import DocumentError

_HEAD = 4096
_KNOWN = "ePub, Word, InDesign (.idml), PDF, OpenDocument, RTF, HTML, Markdown, text"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of binary Word files, and of encrypted new ones
_IN_ZIP = {
    "application/epub+zip": "ePub",
    "application/vnd.oasis.opendocument.text": "OpenDocument",
    "application/vnd.adobe.indesign-idml-package": "InDesign",
}
_PARTS = {"word/document.xml": "Word", "META-INF/container.xml": "ePub", "designmap.xml": "InDesign", "content.xml": "OpenDocument"}


def kind_of(path: Path, name: str) -> tuple[Reader, tuple[str, ...]]:
    """The reader for the file at `path` that its owner calls `name`, and a warning when name and content disagree.

    Raises `DocumentError` for an empty file and for what no reader reads.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise DocumentError("The file is empty.")
    suffix = PurePath(name).suffix.lower()
    named = BY_SUFFIX.get(suffix)
    found = next((kind for sign, kind in _SIGNS if sign(_File(path, head))), None)
    if found is None:
        return _by_name(named, suffix, head), ()
    reader = READERS[found]
    if named is reader or (named is not None and reader.name in _FINER.get(named.name, ())):
        return reader, ()
    if named is None and not suffix:
        return reader, ()
    return reader, (f"Its name ends in {suffix}, but it is {_article(reader.name)} file and was read as one.",)


def _by_name(named: Reader | None, suffix: str, head: bytes) -> Reader:
    if named is not None:
        return named
    if head.startswith(b"PK\x03\x04"):
        raise DocumentError(f"It is a zip package ({suffix}) that is neither ePub, Word, OpenDocument nor InDesign.")
    raise DocumentError(f"Files that end in {suffix} are not read. Bring {_KNOWN}, or tables as .csv, .tsv or .jsonl.")


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeioAEIO" or name in {"RTF", "HTML"} else f"a {name}"


def _zip_kind(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as package:
            if "mimetype" in package.NameToInfo:
                with package.open("mimetype") as part:
                    kind = _IN_ZIP.get(part.read(100).decode("ascii", "replace").strip())
                    if kind:
                        return kind
            return next((kind for part, kind in _PARTS.items() if part in package.NameToInfo), None)
    except Exception:  # noqa: BLE001  # a damaged zip: its name decides, and that reader says what is wrong
        return None


@dataclass(frozen=True)
class _File:
    path: Path
    head: bytes


_Sign = Callable[[_File], bool]


def _in_zip(kind: str) -> _Sign:
    return lambda file: file.head.startswith(b"PK\x03\x04") and _zip_kind(file.path) == kind


def _starts(*marks: bytes) -> _Sign:
    return lambda file: file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower().startswith(marks)


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(mark) >= 0


def _first_line(name: str) -> _Sign:
    """Ask the reader of that name whether the first line looks like its own."""

    def looks(file: _File) -> bool:
        with file.path.open("rb") as lines:
            line = lines.readline(_HEAD * 16).decode("utf-8-sig", "replace")
        return bool(import_module(f"narrative.corpus.readers.{READERS[name].module}").looks_like(line))

    return looks


_FINER = {"text": ("tagged stories",), "table": ("verse",)}  # what a name says roughly and the content says better
_SIGNS: tuple[tuple[_Sign, str], ...] = (
    *((_in_zip(kind), kind) for kind in ("ePub", "Word", "OpenDocument", "InDesign")),
    (lambda file: b"%PDF-" in file.head[:1024], "PDF"),
    (_starts(b"{\\rtf"), "RTF"),
    (_starts(b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5"), "InDesign"),
    (lambda file: file.head.startswith(_OLE) and _holds(file.path, "EncryptedPackage".encode("utf-16-le")), "Word"),
    (lambda file: file.head.startswith(_OLE), "Word 97"),
    (_starts(b"<!doctype html", b"<html"), "HTML"),
    (_first_line("verse"), "verse"),
    (_first_line("tagged stories"), "tagged stories"),
)
