"""XML from strangers: no entities, no DTD, no network, no endless nesting."""

from __future__ import annotations

from lxml import etree

from narrative.errors import DocumentError


def parse_xml(content: bytes, *, what: str, recover: bool = False) -> etree._Element:
    """The root element; `what` names the part in errors. Raises `DocumentError` for what is no XML, or an attack.

    `recover` mends what it can (a missing end tag) where a reader would rather have most of a page than none. Character
    entities that HTML knows (`&nbsp;`) stand for their character; all others that a DTD could declare stay unexpanded.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{what} is no valid XML: {str(error).splitlines()[0]}.") from error
    if root is None:
        raise DocumentError(f"{what} holds no XML.")
    return root
