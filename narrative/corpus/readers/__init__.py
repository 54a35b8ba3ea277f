"""Readers, one file a format, and the one registry of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions


@dataclass(frozen=True)
class Reader:
    """One format. Its module is imported when the first file of its kind is read: most archives hold two or three kinds."""

    name: str  # as people call it
    suffixes: tuple[str, ...]
    module: str

    def read(self, path: Path, options: ReadOptions) -> Iterator[Document]:
        """The documents in the file, one in memory at a time. Raises `DocumentError` with the reason when it can't be read."""
        documents: Iterator[Document] = import_module(f"{__name__}.{self.module}").read(path, options)
        return documents


_ALL = (
    Reader("ePub", (".epub",), "epub"),
    Reader("Word", (".docx", ".docm", ".dotx"), "docx"),
    Reader("Word 97", (".doc", ".dot"), "doc"),
    Reader("InDesign", (".idml", ".indd"), "idml"),
    Reader("PDF", (".pdf",), "pdf"),
    Reader("OpenDocument", (".odt", ".ott"), "odt"),
    Reader("RTF", (".rtf",), "rtf"),
    Reader("HTML", (".html", ".htm", ".xhtml"), "html"),
    Reader("Markdown", (".md", ".markdown"), "markdown"),
    Reader("text", (".txt", ".text", ""), "text"),
    Reader("table", (".csv", ".tsv", ".jsonl", ".ndjson"), "table"),
    Reader("verse", (), "verse"),
    Reader("tagged stories", (), "stories"),
)
READERS = {reader.name: reader for reader in _ALL}
BY_SUFFIX = {suffix: reader for reader in _ALL for suffix in reader.suffixes}
