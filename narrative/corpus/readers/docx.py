"""Word files (.docx, .docm, .dotx): insertions kept, deletions dropped, notes after the paragraph that refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from posixpath import basename, dirname

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.package import Package, resolve
from narrative.corpus.readers.docx_flow import Flow, Notes
from narrative.corpus.readers.docx_styles import read_styles
from narrative.corpus.readers.office_document import document, stated
from narrative.corpus.readers.office_ole import ole_kind
from narrative.corpus.readers.office_parts import Parts
from narrative.corpus.readers.office_styles import Styles
from narrative.corpus.xml import Event
from narrative.errors import DocumentError

PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/package/2006/relationships": "rel",
    "http://purl.org/dc/elements/1.1/": "dc",
}
_NOTES = ("footnotes", "endnotes")
_REFUSALS = {
    "locked": "The file is protected by a password. Save a copy without it.",
    "word": "The file is a binary Word file (.doc) under the name of a new one. Save it as .docx in Word.",
    "other": "The file is an old Microsoft container and no Word document.",
}


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for what is damaged, locked or no Word file.

    Optional parts (styles, notes) that are damaged leave a warning and the text itself.
    """
    refusal = _REFUSALS.get(ole_kind(path))
    if refusal:
        raise DocumentError(refusal)
    with Package(path) as package:
        yield _Word(package).document(options)


class _Word:
    def __init__(self, package: Package) -> None:
        self._parts = Parts(package, PREFIXES)
        self._roots = self._relations("")
        self._main = self._roots.get("officeDocument", "word/document.xml")
        if self._main not in package:
            raise DocumentError("The package holds no Word document.")
        self._near = self._relations(self._main)

    def document(self, options: ReadOptions) -> Document:
        styles = Styles()
        read_styles(self._optional("styles"), styles)
        flow = Flow(styles, self._notes(styles) if options.notes == "place" else None)
        flow.read(self._parts.events(self._main), root="w:document")
        facts = stated(self._optional("core-properties"))
        return document(
            flow.lines,
            title=facts.get("dc:title", ""),
            author=facts.get("dc:creator", ""),
            language=facts.get("dc:language", ""),
            warnings=tuple(dict.fromkeys([*self._parts.warnings, *flow.warnings])),
        )

    def _notes(self, styles: Styles) -> Notes:
        notes: Notes = {}
        for part in _NOTES:
            flow = Flow(styles)
            flow.read(self._optional(part))
            notes |= flow.notes
        return notes

    def _relations(self, part: str) -> dict[str, str]:
        """The parts that `part` names, by the last word of their type, which the strict format shares with the usual one."""
        name = f"{dirname(part)}/_rels/{basename(part)}.rels".lstrip("/")
        found: dict[str, str] = {}
        for kind, element, attributes in self._parts.optional(name):
            if kind == "start" and element == "rel:Relationship" and attributes.get("TargetMode") != "External":
                found.setdefault(attributes.get("Type", "").rpartition("/")[2], resolve(part, attributes.get("Target", "")))
        return found

    def _optional(self, kind: str) -> Iterator[Event]:
        """The events of a part that a document can do without, as far as they go."""
        default = "docProps/core.xml" if kind == "core-properties" else resolve(self._main, f"{kind}.xml")
        yield from self._parts.optional({**self._roots, **self._near}.get(kind, default))
