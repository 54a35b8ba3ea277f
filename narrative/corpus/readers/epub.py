"""ePub 2 and 3: the pages of the spine in order, cut into chapters where the table of contents says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.package import Package
from narrative.corpus.readers.epub_package import Book, Item, place, read_book
from narrative.corpus.readers.html import parse_html
from narrative.corpus.readers.markup import Block, blocks_of
from narrative.corpus.readers.markup_notes import Notes
from narrative.corpus.readers.markup_sections import Draft, divide, finished, heading_cuts
from narrative.corpus.xml import parse_xml
from narrative.errors import DocumentError

_NAMES = {
    **dict.fromkeys(("cover", "frontcover"), "cover"),
    **dict.fromkeys(("title", "titlepage", "halftitle"), "title page"),
    **dict.fromkeys(("copyright", "imprint", "colophon"), "copyright"),
    **dict.fromkeys(("toc", "contents", "tableofcontents", "nav", "navigation"), "contents"),
    **dict.fromkeys(("dedication", "acknowledgments", "acknowledgements"), "dedication"),
    **dict.fromkeys(("preface", "foreword"), "preface"),
    **dict.fromkeys(("notes", "footnotes", "endnotes"), "notes"),
    "bibliography": "bibliography",
}
"""Names of files that say what is in them. Not `index`: that is how programs name the first file of a book."""
_NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SAYS_NOTHING = frozenset({"page", "short", "brief", "split", "text", "xhtml", "html", "section", "epub"})
_MOST_WORDS = {"cover": 300, "title page": 500, "copyright": 3_000, "dedication": 1_000}
"""More words than such a page has; a file that is called `cover` but holds a whole book is none."""
_NAMED = 5  # parts that one warning names


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for what is no ePub, for encrypted text and when none of its pages can be read."""
    with Package(path) as package:
        book = read_book(package)
        if any(item.part in book.encrypted and item.linear for item in book.spine):
            raise DocumentError("The text is encrypted (DRM). Use the copy without copy protection.")
        pages = _Pages(package, book)
        drafts = _drafts(pages, book, drop=options.notes == "drop")
    sections = finished(drafts)
    warnings = tuple(book.warnings + pages.warnings())
    if not sections:
        raise DocumentError(" ".join(["There is no text in it.", *warnings]))
    yield Document(book.title, sections, book.author, book.language, book.metadata, warnings)


class _Pages:
    """Pages parsed one at a time; what is wrong with them is told once, at the end."""

    def __init__(self, package: Package, book: Book) -> None:
        self._package = package
        self._missing: dict[str, str] = {}
        self._mended: dict[str, None] = {}
        self.items = [item for item in book.spine if item.part not in book.encrypted]

    def roots(self) -> Iterator[tuple[Item, Any]]:
        for item in self.items:
            if item.part in self._missing:
                continue
            try:
                yield item, self._parse(item.part)
            except DocumentError as error:
                self._missing[item.part] = str(error)

    def lose(self, item: Item, error: DocumentError) -> None:
        self._missing[item.part] = str(error)

    def warnings(self) -> list[str]:
        found = []
        if self._mended:
            found.append(f"Not well-formed, and read as browsers read it: {_listed(list(self._mended))}.")
        if self._missing:
            found.append(f"Pages that could not be read: {_listed(list(self._missing))}. {next(iter(self._missing.values()))}")
        return found

    def _parse(self, part: str) -> Any:
        content = self._package.read(part)
        try:
            return parse_xml(content, what=f"The page {part}")
        except DocumentError:
            root = parse_html(content, what=f"The page {part}")
            self._mended[part] = None
            return root


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - _NAMED:,} more" if len(parts) > _NAMED else ""
    return ", ".join(parts[:_NAMED]) + more


def _drafts(pages: _Pages, book: Book, *, drop: bool) -> list[Draft]:
    notes = Notes()
    for item, root in pages.roots():
        notes.scan(root, item.part, partial(place, item.part))
    drafts: list[Draft] = []
    whole = len(pages.items) < 3
    for item, root in pages.roots():
        page = notes.prepare(root, f"The page {item.part}", item.part, partial(place, item.part), drop=drop)
        try:
            blocks = blocks_of(page)
        except DocumentError as error:
            pages.lose(item, error)
            continue
        _append(drafts, blocks, item, book, whole=whole)
    return drafts


def _append(drafts: list[Draft], blocks: list[Block], item: Item, book: Book, *, whole: bool) -> None:
    """The page's sections after those that are there; what stands before its first start goes on with the last of them."""
    starts = _starts(blocks, item, book, whole=whole)
    if not blocks:
        drafts += [Draft(title, _role([], item, book)) for title in starts.values()]  # a picture: what follows may be its text
        return
    found = divide(blocks, starts)
    for draft in found:
        draft.role = draft.role or _role(draft.blocks, item, book)
    if drafts and 0 not in starts and item.linear and drafts[-1].role in {"", "body"} and found[0].role in {"", "body"}:
        drafts[-1].blocks += found.pop(0).blocks
    drafts += found


def _starts(blocks: list[Block], item: Item, book: Book, *, whole: bool) -> dict[int, str]:
    """Block index to title, "" where the heading is to give it."""
    where = {anchor: index for index, block in reversed(list(enumerate(blocks))) for anchor in block.anchors}
    starts: dict[int, str] = {}
    for target in book.targets.get(item.part, ()):
        starts.setdefault(where.get(target.fragment, 0), target.title)
    if len(starts) < 2:
        cuts = heading_cuts(blocks, whole=whole and not starts)
        starts = {**dict.fromkeys(cuts, ""), **starts}
    opens = any(block.level for block in blocks[:3]) or any(block.opens for block in blocks[:1])
    if opens and not book.targets.get(item.part):
        starts.setdefault(0, "")
    if not book.targets or not item.linear or item.part == book.nav:
        starts.setdefault(0, "")
    return starts


def _role(blocks: list[Block], item: Item, book: Book) -> str:
    """What guide, landmarks or the file's name declare, as far as the length of the text bears it out; "" for nothing."""
    anchors = blocks[0].anchors if blocks else ()
    declared = next((book.roles[name] for name in (f"{item.part}#{anchor}" for anchor in anchors) if name in book.roles), "")
    if item.part == book.nav:
        declared = "contents"
    declared = declared or book.roles.get(item.part, "") or _named(item.part.rpartition("/")[2].partition(".")[0]) or _named(item.id)
    words = sum(len(block.text.split()) for block in blocks) if declared in _MOST_WORDS else 0
    return "" if words > _MOST_WORDS.get(declared, 0) else declared


def _named(name: str) -> str:
    words = [word.lower() for word in _NAME_WORDS.findall(name)]
    return _NAMES.get("".join(word for word in words if len(word) > 1 and word not in _SAYS_NOTHING), "")
