"""Which elements of a book's pages are notes, which links lead to them, and notes put where they are referred to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from narrative.corpus.readers.markup import Block, Page
from narrative.corpus.readers.markup_words import BLOCKS, HEADINGS, NOTES, classes_of, name_of, short_text, types_of

Resolve = Callable[[str], str]
"""From a link's target as the page has it to the place in the book: `text/notes.xhtml#n1`."""

_MARK = re.compile(r"[\[({]?\s*(?:\d{1,4}|[a-z]|[ivxlc]{1,6}|[*†‡§¶#]{1,4})\s*[\])}]?\.?", re.IGNORECASE)
_REFERENCES = frozenset({"noteref", "annoref"})
_NOTE_CLASSES = frozenset({"footnote", "endnote", "rearnote"})
_LONGEST_NOTE = 10_000
_AROUND = 4  # levels from a link up to the element that carries the id which leads back to it


@dataclass(frozen=True)
class _Link:
    target: str
    around: frozenset[str]  # where a link has to lead to come back here


class Notes:
    """All notes of one book. First `scan` each page in reading order, then ask."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}  # every place in a note to the note's first
        self._paired: set[str] = set()  # those that nothing but the links declares to be notes
        self._links: dict[str, list[_Link]] = {}  # by target: links that look like a note's mark and wait for the link back

    def scan(self, root: Any, place: str, resolve: Resolve) -> None:
        """Find the page's notes: by their epub:type, role or class, or because a mark leads to them and they lead back to it."""
        declared = _declared(root)
        for element, key in declared.items():
            own = f"{place}#{key}"
            self._keys.update((f"{place}#{name}", own) for inner in _elements(element) for name in _ids(inner))
        for link in root.iter():
            if isinstance(link.tag, str) and link.attrib and name_of(link) == "a" and link.get("href"):
                self._pair(link, place, resolve)

    def prepare(self, root: Any, what: str, place: str, resolve: Resolve, *, drop: bool, left_out: Iterable[Any] = ()) -> Page:
        """The page with its notes and the links to them marked. Every page has to be scanned before."""
        bodies = {element: f"{place}#{key}" if key else "" for element, key in _declared(root).items()}
        references: dict[Any, str] = {}
        for element in root.iter():
            if not isinstance(element.tag, str) or not element.attrib:
                continue
            for name in _ids(element):
                if f"{place}#{name}" in self._paired:
                    bodies.setdefault(_body(element), f"{place}#{name}")
            if name_of(element) == "a":
                key = self._keys.get(resolve(element.get("href") or ""), "")
                if key or types_of(element) & _REFERENCES:
                    references[_whole_mark(element)] = key
        return Page(root, what, frozenset(left_out), bodies, references, drop)

    def _pair(self, link: Any, place: str, resolve: Resolve) -> None:
        """Of two links that lead to each other the later one stands in the note: it is above, when the mark is not."""
        target = resolve(link.get("href"))
        around = frozenset(f"{place}#{name}" for name in _ids_around(link))
        waiting = next((other for name in around for other in self._links.get(name, ()) if target in other.around), None)
        if waiting is not None and waiting.target not in self._keys:
            body = _body(next((element for element in _above(link) if waiting.target in _places(element, place)), link))
            if _is_note(body):
                self._keys[waiting.target] = waiting.target
                self._paired.add(waiting.target)
            return
        if _MARK.fullmatch(short_text(link)) and len(self._links.setdefault(target, [])) < 4:
            self._links[target].append(_Link(target, around))


def placed(pages: list[list[Block]]) -> list[list[Block]]:
    """The same blocks, every note after the first block that refers to it; a note that none refers to stays where it is."""
    notes: dict[str, list[Block]] = {}
    wanted = {key for blocks in pages for block in blocks if not block.note for key in block.links}
    for block in (block for blocks in pages for block in blocks if block.note in wanted):
        notes.setdefault(block.note, []).append(block)
    return [list(_in_place(blocks, notes, wanted)) for blocks in pages]


def _in_place(blocks: list[Block], notes: dict[str, list[Block]], wanted: set[str]) -> Iterator[Block]:
    for block in blocks:
        if block.note in wanted:
            continue
        yield block
        for key in () if block.note else block.links:
            yield from notes.pop(key, ())


def _declared(root: Any) -> dict[Any, str]:
    """The outermost elements that are declared to be notes, each with the first id in it; "" where there is none."""
    found: dict[Any, str] = {}
    inner: set[Any] = set()
    for element in _elements(root):
        if element.attrib and element not in inner and _is_declared(element):
            found[element] = next((name for part in _elements(element) for name in _ids(part)), "")
            inner.update(part for part in _elements(element) if part is not element and part.attrib and _is_declared(part))
    return found


def _is_declared(element: Any) -> bool:
    return name_of(element) in BLOCKS and bool(types_of(element) & NOTES or classes_of(element) & _NOTE_CLASSES)


def _elements(root: Any) -> Iterator[Any]:
    return (element for element in root.iter() if isinstance(element.tag, str))


def _ids(element: Any) -> Iterator[str]:
    for name in (element.get("id"), element.get("name") if name_of(element) == "a" else None):
        if name:
            yield name


def _places(element: Any, place: str) -> set[str]:
    return {f"{place}#{name}" for name in _ids(element)}


def _above(link: Any) -> Iterator[Any]:
    """The link and the elements around it, as far as a note or a mark's line may reach."""
    element = link
    for _ in range(_AROUND + 1):
        if element is None:
            return
        yield element
        element = element.getparent()


def _ids_around(link: Any) -> Iterator[str]:
    for element in _above(link):
        yield from _ids(element)


def _body(element: Any) -> Any:
    """The paragraph (or larger block) that the id stands for: an id is often on the note's mark."""
    while name_of(element) not in BLOCKS and element.getparent() is not None:
        element = element.getparent()
    return element


def _is_note(body: Any) -> bool:
    """Not a chapter whose heading leads back to the table of contents."""
    if name_of(body) in {"body", "html"}:
        return False
    size = 0
    for element in _elements(body):
        size += 100 + len(element.text or "") + len(element.tail or "")  # the element counts too: hostile ones may hold no text
        if name_of(element) in HEADINGS or size > _LONGEST_NOTE:
            return False
    return True


def _whole_mark(link: Any) -> Any:
    """The link with the brackets or raised box around it that hold nothing else."""
    element = link
    while True:
        parent = element.getparent()
        if parent is None or name_of(parent) not in {"sup", "small", "span"} or len(parent) != 1:
            return element
        if set((parent.text or "") + (element.tail or "")) - set("[](){} \t\r\n"):
            return element
        element = parent
