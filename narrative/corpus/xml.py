"""XML from strangers: no entities, no DTD, no network, no endless nesting."""

from __future__ import annotations

import html.entities
import re

from lxml import etree

from narrative.errors import DocumentError

NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
OWN = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
PROLOG = re.compile(r"\s*<\?xml[^>]*\?>")


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
