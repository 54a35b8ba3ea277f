"""OpenDocument texts (.odt, .ott), as LibreOffice writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.package import Package
from narrative.corpus.readers.odt_flow import Flow, read_styles
from narrative.corpus.readers.office_document import document, stated
from narrative.corpus.readers.office_parts import Parts
from narrative.corpus.readers.office_styles import Styles
from narrative.errors import DocumentError

_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
PREFIXES = {
    **{f"{_OASIS}:{name}:1.0": name for name in ("office", "style", "text", "table", "meta", "manifest")},
    f"{_OASIS}:drawing:1.0": "draw",
    f"{_OASIS}:svg-compatible:1.0": "svg",
    "http://purl.org/dc/elements/1.1/": "dc",
}
_LOCKED = "The file is protected by a password. Save a copy without it."


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for what is damaged, locked or no OpenDocument text.

    Optional parts (styles, metadata) that are damaged leave a warning and the text itself.
    """
    with Package(path) as package:
        yield _Text(package).document(options)


class _Text:
    def __init__(self, package: Package) -> None:
        self._parts = Parts(package, PREFIXES)
        if "encrypted-package" in package or self._encrypted():
            raise DocumentError(_LOCKED)
        if "content.xml" not in package:
            raise DocumentError("The package holds no OpenDocument text.")

    def document(self, options: ReadOptions) -> Document:
        styles = Styles()
        read_styles(self._parts.optional("styles.xml"), styles)
        flow = Flow(styles, notes=options.notes == "place")
        flow.read(self._parts.events("content.xml"))
        if not flow.is_text:
            raise DocumentError("The file is an OpenDocument file, but no text: a spreadsheet, a presentation or a drawing.")
        facts = stated(self._parts.optional("meta.xml"))
        return document(
            flow.lines,
            title=facts.get("dc:title", ""),
            author=facts.get("meta:initial-creator", "") or facts.get("dc:creator", ""),  # who began it, not who saved it last
            language=facts.get("dc:language", ""),
            warnings=tuple(dict.fromkeys(self._parts.warnings)),
        )

    def _encrypted(self) -> bool:
        return any(name == "manifest:encryption-data" for _, name, _ in self._parts.optional("META-INF/manifest.xml"))
