"""Leafing through a file on the shelf: its chapters, and the passages of one of them before and after cleaning.

Everything is worked out when it is asked for, one document of the file at a time, and twenty passages leave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from narrative.errors import CorpusError

if TYPE_CHECKING:
    from narrative.corpus.cleaning import Comparison
    from narrative.corpus.document import Document
    from narrative.corpus.edits import Edits
    from narrative.corpus.shelf import FileEntry, Shelf

PASSAGES = 20  # on a page
CHAPTERS = 100  # in the list beside it
LONGEST = 6_000  # characters of a passage that are shown
SCORED = 200_000  # characters of a chapter whose quality is looked at


@dataclass(frozen=True)
class Place:
    """What is being looked at. `only`: passages that cleaning changed, and no others."""

    file: str  # its name on the shelf
    document: int = 0
    section: int = 0
    page: int = 0
    only: bool = False


@dataclass(frozen=True)
class Chapter:
    document: int
    section: int
    title: str
    words: int
    role: str
    excluded: bool


@dataclass(frozen=True)
class Passage:
    number: int  # from 1, in its chapter
    kind: str
    before: str
    after: str | None  # None: taken out
    rules: tuple[str, ...]
    hidden: int = 0  # characters that are not shown


@dataclass(frozen=True)
class Leaf:
    """One page of one chapter."""

    place: Place
    chapters: tuple[Chapter, ...]  # those around the one that is open
    first: int  # how many come before the first of them
    earlier: Chapter | None  # where the list goes on backwards
    later: Chapter | None  # and forwards
    chapter: Chapter
    passages: tuple[Passage, ...]
    count: int  # of the passages that `place` asks for, on all pages
    changed: int
    removed: int
    quality: float | None  # of the chapter after cleaning
    components: tuple[tuple[str, float], ...]


def leaf(shelf: Shelf, entry: FileEntry, edits: Edits, place: Place, *, rules: Sequence[str]) -> Leaf:
    """What stands at `place`. Raises `CorpusError` when there is no such chapter."""
    chapters, opened = _chapters(shelf, entry, edits, place)
    at = next((n for n, one in enumerate(chapters) if (one.document, one.section) == (place.document, place.section)), None)
    if at is None or opened is None:
        raise CorpusError(f"'{entry.path}' has no such chapter. Open the file again.")
    compared = list(_compared(opened, edits, place, rules, excluded=chapters[at].excluded))
    wanted = [one for one in compared if one.rules] if place.only else compared
    page = min(max(place.page, 0), max(0, (len(wanted) - 1) // PASSAGES))
    first = at - at % CHAPTERS
    score, components = _quality(compared)
    return Leaf(
        replace(place, page=page), tuple(chapters[first : first + CHAPTERS]), first,
        chapters[first - CHAPTERS] if first else None, chapters[first + CHAPTERS] if len(chapters) > first + CHAPTERS else None,
        chapters[at], tuple(wanted[page * PASSAGES : (page + 1) * PASSAGES]), len(wanted),
        sum(bool(one.rules) for one in compared), sum(one.after is None for one in compared), score, components,
    )  # fmt: skip


def _chapters(shelf: Shelf, entry: FileEntry, edits: Edits, place: Place) -> tuple[list[Chapter], Document | None]:
    """The chapters up to the end of the hundred that `place` is in and one more, and the document it is in."""
    chapters: list[Chapter] = []
    opened, end = None, 0
    for number, document in enumerate(shelf.documents(entry)):
        alone = len(document.sections) == 1 and entry.documents > 1
        for section, one in enumerate(document.sections):
            if (number, section) == (place.document, place.section):
                opened, end = document, len(chapters) - len(chapters) % CHAPTERS + CHAPTERS
            title = (document.title if alone else "") or one.title
            words = sum(len(paragraph.text.split()) for paragraph in one.paragraphs)
            chapters.append(Chapter(number, section, title, words, one.role, (entry.path, number, section) in edits.chapters))
        if opened is not None and len(chapters) > end:
            break
    return chapters, opened


def _compared(document: Document, edits: Edits, place: Place, rules: Sequence[str], *, excluded: bool) -> Iterator[Passage]:
    """The passages of one chapter, cleaned as a part of what is left of its document, as a build cleans it."""
    from narrative.corpus.cleaning import compare

    left = [n for n in range(len(document.sections)) if n == place.section or (place.file, place.document, n) not in edits.chapters]
    begins = sum(len(document.sections[n].paragraphs) for n in left if n < place.section)
    ends = begins + len(document.sections[place.section].paragraphs)
    kept = replace(document, sections=tuple(document.sections[n] for n in left))
    for number, one in enumerate(compare(kept, rules=() if excluded else rules)):
        if number >= ends:
            return
        if number >= begins:
            yield _passage(number - begins + 1, one)


def _passage(number: int, one: Comparison) -> Passage:
    after = one.after.text if one.after is not None else None
    hidden = max(0, len(one.before.text) - LONGEST)
    return Passage(number, one.before.kind, one.before.text[:LONGEST], after[:LONGEST] if after is not None else None, one.rules, hidden)


def _quality(passages: Sequence[Passage]) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    from narrative.corpus.quality import quality

    text = "\n\n".join(one.after for one in passages if one.after)[:SCORED]
    if not text.strip():
        return None, ()
    scored = quality(text)
    return scored.score, tuple((part.label, part.value) for part in scored.parts)
