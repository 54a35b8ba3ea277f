"""RTF, as Word, WordPad, TextEdit and LibreOffice write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from narrative.corpus.document import Document
from narrative.corpus.limits import MAX_PART, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.office_document import document
from narrative.corpus.readers.rtf_flow import Flow
from narrative.errors import DocumentError

_START = b"{\\rtf"
_BLANK = b"\xef\xbb\xbf \t\r\n"
_CUT = "The file is cut short: it ends in the middle of a group. What stands before its end was read."


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for what is no RTF, too big or cut off before its text.

    A file that ends too early, but after some text, is read as far as it goes, with a warning.
    """
    if path.stat().st_size > MAX_PART:
        raise DocumentError(f"The file has more than {MAX_PART / MB:,.0f} MB, far beyond what a book holds.")
    content = path.read_bytes().lstrip(_BLANK)
    if not content.startswith(_START):
        raise DocumentError("The file is no RTF: it does not start as one.")
    flow = Flow(notes=options.notes == "place")
    flow.read(content)
    if not flow.whole and not flow.lines:
        raise DocumentError("The file is cut short before its text begins.")
    facts = flow.head.facts
    warnings = () if flow.whole else (_CUT,)
    yield document(flow.lines, title=facts.get("title", ""), author=facts.get("author", ""), warnings=warnings)
