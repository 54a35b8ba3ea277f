"""What the names in XHTML and HTML mean: elements, epub:type and DPUB-ARIA words, and the classes that everyone uses alike."""

from __future__ import annotations

import re
from typing import Any

_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SKIPPED = _words("head title script style template noscript svg audio video canvas iframe rt rp rtc").union(
    _words("select textarea button datalist annotation annotation-xml")
)
"""Elements with nothing in them that belongs to the running text."""
HEADINGS = {f"h{level}": level for level in range(1, 7)}
HOLDERS = _words("html body section article main nav aside div header footer")
"""Elements that can declare what the text in them is."""
KINDS = {"blockquote": "quote", "li": "list", "dt": "list", "dd": "list", "figcaption": "caption", "caption": "caption"}
BLOCKS = HOLDERS.union(
    HEADINGS,
    KINDS,
    _words("p ul ol dl menu dir table thead tbody tfoot tr td th figure pre address hr center form fieldset legend details summary"),
    _words("hgroup dialog object search frameset noframes listing xmp plaintext"),
)

NOTES = _words("footnote endnote rearnote note annotation")
NUMBERS = _words("pagebreak")
BACKLINKS = _words("backlink referrer")
OPENERS = _words("chapter part")
STANZAS = _words("stanza linegroup line-group lg strophe")
_PAGE_NUMBERS = _words("pagenum pageno pagenumber page-number x-ebookmaker-pageno linenum lnum")
_PAGE_NUMBER = re.compile(r"[\[({]?\s*(?:p(?:age|g)?\.?\s*)?[0-9ivxlcdm]{1,7}\s*[\])}]?", re.IGNORECASE)

ROLES = {
    **dict.fromkeys(_words("cover"), "cover"),
    **dict.fromkeys(_words("titlepage title-page halftitlepage halftitle fulltitle"), "title page"),
    **dict.fromkeys(_words("copyright-page copyright colophon imprint imprimatur other-credits contributors credits"), "copyright"),
    **dict.fromkeys(_words("toc toc-brief contents landmarks loi lot loa lov page-list pagelist"), "contents"),
    **dict.fromkeys(_words("dedication acknowledgments acknowledgements"), "dedication"),
    **dict.fromkeys(_words("preface foreword introduction"), "preface"),
    **dict.fromkeys(_words("footnotes endnotes rearnotes notes"), "notes"),
    **dict.fromkeys(_words("index"), "index"),
    **dict.fromkeys(_words("bibliography"), "bibliography"),
    **dict.fromkeys(_words("seriespage advertisement"), "advertisement"),
    **dict.fromkeys(_words("bodymatter chapter part volume prologue epilogue afterword conclusion division subchapter"), "body"),
}
"""Words of epub:type, of DPUB-ARIA (without its doc-) and of the guide in an ePub 2, with the roles of sections they declare."""

_HEADING_CLASS = re.compile(
    r"chapter|(?:chapter|chap|part|story|poem)[-_]?(?:title|head|heading|header|number|num|name)|h[-_]?[1-6]|head(?:ing)?[-_]?[1-6]"
)
_CLASS_KINDS = {
    **dict.fromkeys(_words("blockquote blockquot blockquot2 extract"), "quote"),
    **dict.fromkeys(_words("caption figcaption"), "caption"),
}


def name_of(element: Any) -> str:
    """The element's name without its namespace, in lower case."""
    tag: str = element.tag
    return tag[tag.rfind("}") + 1 :].lower()


def types_of(element: Any) -> frozenset[str]:
    """The words of its epub:type and of its DPUB-ARIA role, without prefixes."""
    declared, role = element.get(_EPUB_TYPE) or element.get("epub:type"), element.get("role")
    if not declared and not role:
        return frozenset()
    words = {word.rpartition(":")[2].lower() for word in (declared or "").split()}
    return frozenset(words | {word[4:] for word in (role or "").lower().split() if word.startswith("doc-")})


def classes_of(element: Any) -> frozenset[str]:
    return frozenset((element.get("class") or "").lower().split())


def role_of(types: frozenset[str]) -> str:
    """The role of a section that the words declare; "" for none. "frontmatter titlepage" is a title page."""
    roles = sorted(ROLES[word] for word in types & ROLES.keys())
    return next((role for role in roles if role != "body"), "body" if roles else "")


def short_text(element: Any, most: int = 120) -> str:
    """The element's text when it is short; "" when it is longer, which is found out without reading all of it."""
    text = ""
    for number, piece in enumerate(element.itertext("*")):
        text += piece
        if number > most or len(text) > 2 * most:
            return ""
    text = " ".join(text.split())
    return text if len(text) <= most else ""


def is_hidden(element: Any) -> bool:
    """Whether no browser or e-reader shows it."""
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style) and re.search(r"display\s*:\s*none|visibility\s*:\s*hidden", style, re.IGNORECASE) is not None


def is_page_number(element: Any, classes: frozenset[str]) -> bool:
    """Whether it is the number of a page or line of the printed book, by its class and by being a number."""
    return bool(classes & _PAGE_NUMBERS) and _PAGE_NUMBER.fullmatch(short_text(element)) is not None


def heading_by_class(element: Any, classes: frozenset[str]) -> int:
    """The level of a heading that is a <p> or <div> with a class such as `chapter-title` or `h2`; 0 for what is none."""
    found = next((name for name in sorted(classes) if _HEADING_CLASS.fullmatch(name)), None)
    if found is None or name_of(element) not in {"p", "div"}:
        return 0
    if any(isinstance(child.tag, str) and name_of(child) in BLOCKS for child in element):
        return 0
    if not short_text(element):
        return 0
    return int(found[-1]) if found[-1].isdigit() else 1


def kind_by_class(classes: frozenset[str]) -> str:
    return next((_CLASS_KINDS[name] for name in sorted(classes) if name in _CLASS_KINDS), "")
