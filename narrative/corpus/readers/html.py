"""HTML files, and the pages of ePubs that are not well-formed: read as browsers read them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from lxml import etree

from narrative.corpus.document import Document
from narrative.corpus.limits import MAX_PART, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.epub_package import meant, plain
from narrative.corpus.readers.markup import blocks_of
from narrative.corpus.readers.markup_notes import Notes
from narrative.corpus.readers.markup_sections import divide, finished, heading_cuts
from narrative.corpus.readers.markup_words import name_of, types_of
from narrative.corpus.xml import parse_xml
from narrative.errors import DocumentError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(
    rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,40})", re.IGNORECASE
)
_AS_BROWSERS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "iso8859-9": "cp1254",
}
_SAFE = re.compile(r"utf-(?:8|16|32)|cp\d|windows|iso8859|iso2022|koi8|mac|gb|big5|euc|shift|tis|hz$|johab|ptcp|kz1048")
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"{\\rtf", b"\xfd7zXZ")
_INTERNAL_SUBSET = re.compile(r"\A\s*(?:<\?xml[^>]*>\s*)?<!DOCTYPE[^\[>]*\[[^\]]*\]\s*>", re.IGNORECASE)  # HTML has none: it would be text
_SAMPLE = 50_000  # bytes that are looked at to tell an encoding that nothing declares
_SECTIONING = frozenset({"article", "section", "main", "blockquote", "td", "dialog"})
_OF_THE_PAGE = frozenset({"header", "footer", "aside"})
_TITLES = ("dc.title", "dcterms.title", "og:title", "citation_title")
_AUTHORS = ("author", "dc.creator", "dcterms.creator", "article:author", "citation_author")
_LANGUAGES = ("content-language", "dc.language", "dcterms.language", "og:locale")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document, its chapters cut at the top headings. Raises `DocumentError` for an empty, binary or all too large file."""
    try:
        size = path.stat().st_size
        if size > MAX_PART:
            raise DocumentError(f"The page has {size / MB:,.0f} MB; at most {MAX_PART / MB:,.0f} MB are read.")
        content = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"The file can't be opened: {error.strerror}.") from error
    text, warnings = _decoded(content)
    root = _parsed(content, text)
    left_out = frozenset(_page_furniture(root))
    notes = Notes()
    notes.scan(root, "", _resolve)
    blocks = blocks_of(notes.prepare(root, "The page", "", _resolve, drop=options.notes == "drop", left_out=left_out))
    if not blocks and left_out:
        blocks = blocks_of(notes.prepare(root, "The page", "", _resolve, drop=options.notes == "drop"))
    sections = finished(divide(blocks, dict.fromkeys(heading_cuts(blocks, whole=True), "")))
    if not sections:
        raise DocumentError("There is no text in the page.")
    metas = _metas(root)
    title = _first(metas, _TITLES[:2]) or _title(root) or _first(metas, _TITLES[2:])
    title = title or next((block.text for block in blocks if block.level == 1), "")
    yield Document(title, sections, _first(metas, _AUTHORS), _language(root) or _first(metas, _LANGUAGES), {}, warnings)


def parse_html(content: bytes, *, what: str) -> Any:
    """The root element of a page that is mended as browsers mend it. Raises `DocumentError` for what is no page at all."""
    text, _ = _decoded(content)
    return _mended(text, what)


def _mended(text: str, what: str) -> Any:
    # Without `huge_tree` the parser leaves out, in silence, all that follows on the 256th level.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(_INTERNAL_SUBSET.sub("", text, count=1).encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{what} holds no text that can be read.") from error
    if root is None or any("depth" in entry.message.lower() for entry in parser.error_log.filter_from_errors()):
        raise DocumentError(f"{what} holds no text, or nests its elements endlessly.")
    return root


def _parsed(content: bytes, text: str) -> Any:
    """XHTML by the rules of XML, where self-closed elements are closed; everything else, and broken XHTML, as HTML."""
    if "http://www.w3.org/1999/xhtml" in text[:5000]:
        try:
            return parse_xml(content, what="The page")
        except DocumentError:
            pass  # as most pages that call themselves XHTML
    return _mended(text, "The page")


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text and what had to be guessed or lost. Raises `DocumentError` for binary files."""
    if not content.strip():
        raise DocumentError("The file is empty.")
    if content.startswith(_BINARY):
        raise DocumentError("The file is no HTML page but a binary one of another kind.")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _checked(content[len(mark) :].decode(encoding, "replace"))
    declared = _declared(content)
    if content[:2] in {b"<\x00", b"\x00<"}:
        return _checked(content.decode("utf-16-le" if content[1] == 0 else "utf-16-be", "replace"))
    for encoding in (declared if declared.startswith(("iso2022", "hz")) else "", "utf-8", declared):
        try:
            if encoding:
                return _checked(content.decode(encoding))
        except UnicodeError:
            continue
    if declared and declared != "utf-8":
        return _checked(content.decode(declared, "replace"))
    best = from_bytes(content[:_SAMPLE]).best()
    encoding = best.encoding if best is not None and _SAFE.match(best.encoding.replace("_", "-")) else "cp1252"
    text, warnings = _checked(content.decode(encoding, "replace"))
    return text, (f"Its encoding is not declared, or not as declared; it was taken for {encoding}.", *warnings)


def _checked(text: str) -> tuple[str, tuple[str, ...]]:
    start = text[:_SAMPLE]
    strange = sum(character < "\t" or "\x0e" <= character < " " for character in start)
    if strange > max(3, len(start) // 100):
        raise DocumentError("The file is no HTML page but binary data.")
    lost = text.count("\ufffd")
    return text.replace("\x00", ""), (f"{lost:,} characters could not be decoded.",) if lost else ()


def _declared(content: bytes) -> str:
    """The encoding that the page declares, by Python's name and as browsers understand it; "" for none and for what is no encoding."""
    found = _DECLARED.search(content[:4096])
    if not found:
        return ""
    try:
        name = codecs.lookup((found[1] or found[2]).decode("ascii", "replace")).name
    except LookupError:
        return ""
    name = _AS_BROWSERS.get(name, name)
    return name if _SAFE.match(name) and not name.startswith("utf-16") else ""


def _page_furniture(root: Any) -> Iterator[Any]:
    """What HTML 5 says is not the text: navigation anywhere, and headers, footers and asides of the whole page.

    A header with the page's first-rank heading stays: that is its title.
    """
    inside: dict[Any, bool] = {}
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name = name_of(element)
        parent = element.getparent()
        within = inside.get(parent, False)
        inside[element] = within or name in _SECTIONING or name in _OF_THE_PAGE
        if name == "nav" or (name in _OF_THE_PAGE and not within and not types_of(element) and not _has_title(element)):
            yield element


def _has_title(element: Any) -> bool:
    return name_of(element) == "header" and any(isinstance(part.tag, str) and name_of(part) == "h1" for part in element.iter())


def _resolve(reference: str) -> str:
    return reference if reference.startswith("#") else ""


def _metas(root: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in root.iter("meta", "{http://www.w3.org/1999/xhtml}meta"):
        name = (meta.get("name") or meta.get("property") or meta.get("http-equiv") or "").lower()
        found.setdefault(name, meant(" ".join((meta.get("content") or "").split())))
    return found


def _first(metas: dict[str, str], names: tuple[str, ...]) -> str:
    return next((metas[name] for name in names if metas.get(name)), "")


def _title(root: Any) -> str:
    head = next(root.iter("head", "{http://www.w3.org/1999/xhtml}head"), root)
    return next((meant(plain(title)) for title in head.iter("title", "{http://www.w3.org/1999/xhtml}title")), "")


def _language(root: Any) -> str:
    body = next(root.iter("body", "{http://www.w3.org/1999/xhtml}body"), root)
    tags = [element.get(name) for element in (root, body) for name in ("lang", "{http://www.w3.org/XML/1998/namespace}lang")]
    return next((meant(tag) for tag in tags if tag and meant(tag)), "")
