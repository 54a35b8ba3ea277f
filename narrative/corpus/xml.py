"""XML from strangers: no entities, no DTD, no network, no endless nesting."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator, Mapping

from lxml import etree

from narrative.corpus.limits import MAX_DEPTH
from narrative.errors import DocumentError

NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
OWN = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
PROLOG = re.compile(r"\s*<\?xml[^>]*\?>")
CHUNK = 1 << 16

Event = tuple[str, str, Mapping[str, str]]
"""("start", name, attributes), ("end", name, {}) or ("text", the text, {})."""


def parse_xml(content: bytes, *, what: str, recover: bool = False) -> etree._Element:
    """The root element; `what` names the part in errors. Raises `DocumentError` for what is no XML, or an attack.

    `recover` mends what it can (a missing end tag) where a reader would rather have most of a page than none. Character
    entities that HTML knows (`&nbsp;`) stand for their character; all others that a DTD could declare stay unexpanded.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover)
    try:
        root = etree.fromstring(NAMED.sub(_number, _ascii_compatible(content)), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{what} is no valid XML: {(str(error).splitlines() or ['it is empty'])[0]}.") from error
    if root is None:
        raise DocumentError(f"{what} holds no XML.")
    return root


def xml_events(content: bytes, *, what: str, prefixes: Mapping[str, str]) -> Iterator[Event]:
    """The elements and texts in their order, without a tree in memory: a part of nothing but tags would fill it.

    `prefixes` says by namespace how names of elements and attributes are given (`w:val`); those of other namespaces start
    with `?:`. Raises `DocumentError` as `parse_xml` does, and for what declares entities or nests too deep.
    """
    content = NAMED.sub(_number, _ascii_compatible(content))
    if b"<!ENTITY" in content:
        raise DocumentError(f"{what} declares entities of its own, which no word processor does.")
    record = _Record(what, prefixes)
    parser = etree.XMLParser(target=record, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        for start in range(0, len(content), CHUNK):
            parser.feed(content[start : start + CHUNK])
            yield from record.taken()
        parser.close()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{what} is no valid XML: {(str(error).splitlines() or ['it is empty'])[0]}.") from error
    yield from record.taken()


class _Record:
    """What lxml tells of a part while it reads it."""

    def __init__(self, what: str, prefixes: Mapping[str, str]) -> None:
        self._what = what
        self._prefixes = prefixes
        self._events: list[Event] = []
        self._depth = 0

    def taken(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DocumentError(f"{self._what} nests its elements more than {MAX_DEPTH} deep.")
        self._events.append(("start", self._name(tag), {self._name(name): value for name, value in attributes.items()}))

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._events.append(("end", self._name(tag), {}))

    def data(self, text: str) -> None:
        self._events.append(("text", text, {}))

    def close(self) -> None:
        """Nothing is left to return; lxml asks."""

    def _name(self, tag: str) -> str:
        if not tag.startswith("{"):
            return tag
        namespace, _, local = tag[1:].partition("}")
        return f"{self._prefixes.get(namespace, '?')}:{local}"


def _number(match: re.Match[bytes]) -> bytes:
    """A character reference instead of the name: it means the same in every encoding, and needs no DTD."""
    name = match[1].decode("ascii")
    characters = "" if name in OWN else html.entities.html5.get(name, "")
    return b"".join(b"&#%d;" % ord(character) for character in characters) or match[0]


def _ascii_compatible(content: bytes) -> bytes:
    """UTF-16 as UTF-8, without the prolog that would belie it; everything else without the blank lines before its prolog."""
    for start, encoding in UTF16:
        if content.startswith(start):
            return PROLOG.sub("", content.decode(encoding, "replace").removeprefix("\ufeff"), count=1).encode()
    return content.lstrip()
