"""What comes before and after a book's text: which sections and lists are no prose to learn from.

Three witnesses, each enough: the role that the file declares, a title in one of the languages of `rules.titles`, and the
text itself. Against a role or a title stands prose: a chapter that is called "Index", or a file that declares the whole book
its contents page, stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.rules.listing import find_lists
from narrative.corpus.rules.rule import Place, Rule
from narrative.corpus.rules.signs import (
    INDEXED,
    LONGEST_ENTRY,
    PAGED,
    REFERENCE,
    STRONG,
    copyright_signs,
    entry,
    is_notice,
    is_sentence,
    lines_of,
    share,
)
from narrative.corpus.rules.titles import TITLES, plain, role_of

# Characters that a page which the file declares, or which is called so, may have and still be one, however much of it is sentences.
DECLARED = {"cover": 900, "title page": 1_200, "contents": 9_000, "copyright": 9_000, "advertisement": 9_000, "bibliography": 9_000}
CALLED = {"cover": 400, "title page": 600, "copyright": 400}
LARGEST_PAGE = 2_400  # characters of a copyright page that nothing but its text gives away
LARGEST_TITLE_PAGE = 400  # characters
LARGEST_CHAPTERLESS = 4_000  # characters of a page before the title page; after a longer one, the book has begun
FIRST, LAST = 12, 6  # paragraphs at the ends of a book among which the lines of a copyright page are looked for
LONGEST_NOTICE = 900  # characters
EDGES = ".,;:-\u2013\u2014"
SMALL_WORDS = frozenset(
    re.findall(r"\w+", "a an and by for from in novel of or story tales the to with de der die das du et la le les par und von")
)


def find_matter(document: Document) -> set[Place]:
    """The paragraphs of front and back matter. Never all: what is nothing but a list or an index is itself the text."""
    gone: set[Place] = set()
    titles = {entry(section.title) for section in document.sections if section.title}
    pages = {*_listed_headings(document), *_title_pages(document)}
    for at, section in enumerate(document.sections):
        if at in pages or _is_matter(section, titles):
            gone.update((at, index) for index, paragraph in enumerate(section.paragraphs) if not _is_epigraph(section, paragraph))
    gone.update(place for place in find_lists(document, gone))
    flat = [
        ((at, index), paragraph)
        for at, section in enumerate(document.sections)
        for index, paragraph in enumerate(section.paragraphs)
        if (at, index) not in gone
    ]
    gone.update(_notices(flat, FIRST))
    gone.update(_notices(flat[::-1], LAST))
    return gone if any(place not in gone for place, _ in flat) else set()


def _is_matter(section: Section, titles: set[str]) -> bool:
    if not section.paragraphs:
        return False
    if section.role in TITLES and (_size(section) <= DECLARED.get(section.role, 0) or _is_list(section, section.role)):
        return True
    called = role_of(section.title)
    if called and (_size(section) <= CALLED.get(called, 0) or _is_list(section, called)):
        return True
    if _size(section) <= LARGEST_PAGE and _is_copyright_page(section):
        return True
    if any(len(line) > LONGEST_ENTRY for paragraph in section.paragraphs for line in paragraph.text.split("\n")):
        return False
    lines = lines_of(section.paragraphs)
    return _is_contents(lines, titles, entry(section.title)) or _is_index(lines)


def _is_epigraph(section: Section, paragraph: Paragraph) -> bool:
    """What is quoted on a title page belongs to the book."""
    return section.role == "title page" and paragraph.kind in ("verse", "quote") and not copyright_signs(paragraph.text)


def _size(section: Section) -> int:
    return sum(len(paragraph.text) for paragraph in section.paragraphs)


def _is_list(section: Section, role: str) -> bool:
    """Whether the text doesn't speak against it: most of it is no prose, or a part of it is what only such a page has."""
    lines = lines_of(section.paragraphs)
    if role in ("cover", "title page"):
        return False
    if role == "copyright":
        return _size(section) <= DECLARED[role] and bool(copyright_signs("\n".join(lines)))
    if role == "bibliography" and share(lines, REFERENCE) >= 0.4:
        return True
    sentences = sum(len(line) for line in lines if is_sentence(line))
    return sentences < 0.5 * sum(map(len, lines)) or not lines


def _is_copyright_page(section: Section) -> bool:
    text = "\n".join(paragraph.text for paragraph in section.paragraphs)
    signs = copyright_signs(text)
    return len(signs) >= 2 and signs[0] < STRONG


def _is_contents(lines: list[str], titles: set[str], own: str) -> bool:
    if len(lines) < 5 or sum(is_sentence(line) for line in lines) > 0.1 * len(lines):
        return False
    pages = [found[1] for line in lines if (found := PAGED.search(line))]
    numbers = [int(page) for page in pages if page.isdigit()]
    rising = sum(a <= b for a, b in pairwise(numbers)) >= 0.8 * (len(numbers) - 1) and len(set(numbers)) > 3
    if len(pages) >= 0.7 * len(lines) and rising:
        return True
    if 0.6 * len(lines) > len(titles):
        return False
    hits = sum(key in titles and key != own for key in map(entry, lines))
    return hits >= max(4, 0.6 * len(lines))


def _is_index(lines: list[str]) -> bool:
    if len(lines) < 12 or share(lines, INDEXED) < 0.6:
        return False
    initials = [line[0].casefold() for line in lines if INDEXED.match(line)]
    return sum(a <= b for a, b in pairwise(initials)) >= 0.7 * (len(initials) - 1)


def _title_pages(document: Document) -> Iterator[int]:
    """Pages of nothing but the title and the author's name, with the book after them."""
    title, author = ({word.strip(EDGES) for word in plain(name).split()} - SMALL_WORDS for name in (document.title, document.author))
    known = title | author
    size = sum(map(_size, document.sections))
    for at, section in enumerate(document.sections):
        own = _size(section)
        if not document.title or own > LARGEST_CHAPTERLESS:
            return
        if own > LARGEST_TITLE_PAGE or own * 10 > size:
            continue
        words = [word.strip(EDGES) for word in plain(" ".join(paragraph.text for paragraph in section.paragraphs)).split()]
        named = sum(word in known or word in SMALL_WORDS for word in words)
        if title and len(title & set(words)) >= 0.6 * len(title) and named >= 0.75 * len(words):
            yield at


def _listed_headings(document: Document) -> Iterator[int]:
    """Runs of headings without text that come again with text: a contents list that was read as chapters."""
    keys = [entry(section.title) for section in document.sections]
    last = {key: at for at, key in enumerate(keys) if key}
    run: list[int] = []
    for at, section in enumerate([*document.sections, Section("", (Paragraph(""),))]):
        if at < len(keys) and last.get(keys[at], at) > at and section.paragraphs and not lines_of(section.paragraphs):
            run.append(at)
            continue
        if len(run) >= 3:
            yield from run
        run = []


def _notices(flat: list[tuple[Place, Paragraph]], room: int) -> Iterator[Place]:
    """The lines of a copyright page that stand among the text near an end. Up to `room` paragraphs that stay are looked past."""
    stay = 0
    for place, paragraph in flat:
        if len(paragraph.text) <= LONGEST_NOTICE and is_notice(paragraph.text):
            yield place
            continue
        stay += 1
        if stay == room:
            return


MATTER = Rule(
    "front and back matter",
    "Takes out covers, title and copyright pages, contents lists, indexes, bibliographies and advertisements; prefaces and notes stay.",
    cut=find_matter,
)
