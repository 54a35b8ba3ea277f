"""What an ePub says about itself: the package document, the table of contents, and what is encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from narrative.corpus.package import Package, resolve
from narrative.corpus.readers.markup_words import ROLES, is_hidden, name_of, role_of, types_of
from narrative.corpus.xml import parse_xml
from narrative.errors import DocumentError

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGES = frozenset({"application/xhtml+xml", "text/html", "application/xml", "text/xml", "application/x-dtbook+xml", "text/x-oeb1-document"})
_OPF = "{http://www.idpf.org/2007/opf}"
_JUNK = frozenset({"untitled", "unknown", "unknown author", "no title", "[no title]", "title", "none", "und", "author", "unspecified"})


@dataclass(frozen=True)
class Item:
    """One file that the manifest lists."""

    part: str
    id: str = ""
    media: str = ""
    properties: frozenset[str] = frozenset()
    fallback: str = ""
    linear: bool = True


@dataclass(frozen=True)
class Target:
    """One line of the table of contents."""

    fragment: str  # "" for the whole file
    title: str


@dataclass
class Book:
    """The package document, with the table of contents by part and the declared roles by part or part#fragment."""

    title: str = ""
    author: str = ""
    language: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    spine: list[Item] = field(default_factory=list)
    nav: str = ""
    targets: dict[str, list[Target]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    encrypted: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)


def read_book(package: Package) -> Book:
    """All that stands outside the text. Raises `DocumentError` when there is no package document to go by."""
    opf = _package_document(package)
    root = parse_xml(package.read(opf), what=f"The package document {opf}", recover=True)
    book = Book(encrypted=frozenset(_encrypted(package)))
    _describe(root, book)
    items = {item.id: item for item in _manifest(root, opf, package)}
    book.spine = list(_spine(root, items))
    if not book.spine:
        book.spine = [item for item in items.values() if item.media in PAGES]
        book.warnings.append("The package document gives no reading order; the files were read in the order of its list.")
    book.nav = next((item.part for item in items.values() if "nav" in item.properties), "")
    ncx = next((item.part for item in items.values() if item.media == "application/x-dtbncx+xml"), "")
    _read_guide(root, opf, book)
    for part, reader in ((book.nav, _read_nav), (ncx, _read_ncx)):
        if part and not book.targets:
            try:
                reader(parse_xml(package.read(part), what=f"The table of contents {part}", recover=True), part, book)
            except DocumentError as error:
                book.warnings.append(f"The chapters' titles may be missing. {error}")
    return book


def place(base: str, reference: str) -> str:
    """Where a link in `base` leads: a part's name, with #fragment where it has one. "" for a link out of the book."""
    if ":" in reference.partition("#")[0].partition("/")[0]:
        return ""
    path, _, fragment = reference.strip().partition("#")
    part = resolve(base, unquote(path.partition("?")[0])) if path else base
    return f"{part}#{unquote(fragment)}" if fragment else part


def plain(element: Any) -> str:
    return " ".join("".join(element.itertext("*")).split())


def meant(text: str) -> str:
    """The text of a title or name; "" for what programs put where nobody gave one."""
    return "" if text.strip().lower() in _JUNK else text.strip()


def _all(root: Any, name: str) -> Iterator[Any]:
    return (element for element in root.iter() if isinstance(element.tag, str) and name_of(element) == name)


def _package_document(package: Package) -> str:
    if CONTAINER in package:
        for rootfile in _all(parse_xml(package.read(CONTAINER), what=f"The part {CONTAINER}", recover=True), "rootfile"):
            path = unquote(rootfile.get("full-path") or "").lstrip("/")
            if path in package:
                return path
    found = [name for name in package.names if name.lower().endswith(".opf")]
    if not found:
        raise DocumentError("It is no ePub, or a damaged one: its package document (.opf) is missing.")
    return min(found, key=len)


def _encrypted(package: Package) -> Iterator[str]:
    """Every part that encryption.xml lists, whatever the method: those of obfuscated fonts are no text and never asked for."""
    if ENCRYPTION in package:
        for reference in _all(parse_xml(package.read(ENCRYPTION), what=f"The part {ENCRYPTION}", recover=True), "cipherreference"):
            yield resolve("", unquote(reference.get("URI") or ""))


def _describe(root: Any, book: Book) -> None:
    refined: dict[tuple[str, str], str] = {}
    for meta in _all(root, "meta"):
        refined[(meta.get("refines") or "").lstrip("#"), meta.get("property") or ""] = plain(meta)
    titles = [(element.get("id"), meant(plain(element))) for element in _all(root, "title")]
    main = [title for name, title in titles if name and refined.get((name, "title-type")) == "main"]
    book.title = next((title for title in [*main, *(title for _, title in titles)] if title), "")
    creators = []
    for element in _all(root, "creator"):
        role = refined.get((element.get("id") or "-", "role")) or element.get(f"{_OPF}role") or element.get("role") or ""
        creators.append((role.lower(), meant(plain(element))))
    authors = [name for role, name in creators if name and role in {"aut", ""}] or [name for _, name in creators if name]
    unique = list(dict.fromkeys(authors))
    book.author = " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)
    book.language = next((meant(plain(element)) for element in _all(root, "language") if meant(plain(element))), "")
    for name in ("publisher", "date", "subject"):
        values = [plain(element) for element in _all(root, name) if plain(element)]
        if values:
            book.metadata[name] = "; ".join(values) if name == "subject" else values[0]


def _manifest(root: Any, opf: str, package: Package) -> Iterator[Item]:
    by_lower = {name.lower(): name for name in package.names}
    for item in _all(root, "item"):
        part = place(opf, item.get("href") or "").partition("#")[0]
        part = part if part in package else by_lower.get(part.lower(), part)  # made where A.html and a.html are one file
        properties = frozenset((item.get("properties") or "").split())
        yield Item(part, item.get("id") or "", (item.get("media-type") or "").lower(), properties, item.get("fallback") or "")


def _spine(root: Any, items: dict[str, Item]) -> Iterator[Item]:
    """Each page once, those outside the linear order last; a picture in the spine gives way to the page it falls back on."""
    found: dict[str, Item] = {}
    for reference in _all(root, "itemref"):
        name = reference.get("idref") or ""
        item = items.get(name) or Item(name, name, "application/xhtml+xml")
        seen: set[str] = set()
        while item.media not in PAGES and item.fallback in items and item.id not in seen:
            seen.add(item.id)
            item = items[item.fallback]
        if item.media.startswith(("image/", "audio/", "video/", "font/", "text/css")):
            continue
        linear = (reference.get("linear") or "").lower() != "no"
        found.setdefault(item.part, Item(item.part, item.id, item.media, item.properties, item.fallback, linear))
    yield from sorted(found.values(), key=lambda item: not item.linear)


def _read_guide(root: Any, opf: str, book: Book) -> None:
    for reference in _all(root, "reference"):
        role = ROLES.get((reference.get("type") or "").lower().removeprefix("other."), "body")
        if role != "body":
            book.roles.setdefault(place(opf, reference.get("href") or ""), role)


def _read_nav(root: Any, part: str, book: Book) -> None:
    for nav in _all(root, "nav"):
        types = types_of(nav)
        hidden = {element for element in nav.iter() if element is not nav and isinstance(element.tag, str) and is_hidden(element)}
        for link in _all(nav, "a"):
            target = place(part, link.get("href") or "")
            if "landmarks" in types:
                role = role_of(types_of(link))
                if role not in {"", "body"} and target:
                    book.roles.setdefault(target, role)
            elif "toc" in types and target and not any(element in hidden for element in link.iterancestors()):
                _add(book, target, plain(link))


def _read_ncx(root: Any, part: str, book: Book) -> None:
    for point in _all(root, "navpoint"):
        label = next((plain(text) for text in _all(point, "text")), "")
        content = next((element.get("src") or "" for element in _all(point, "content")), "")
        if content:
            _add(book, place(part, content), label)


def _add(book: Book, target: str, title: str) -> None:
    part, _, fragment = target.partition("#")
    book.targets.setdefault(part, []).append(Target(fragment, title))
