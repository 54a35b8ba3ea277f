"""Chapters and articles out of an InDesign file's stories: headings by the names of their styles or tags, or by their size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from narrative.corpus.document import Paragraph, Section
from narrative.corpus.readers.idml_story import Typed
from narrative.corpus.readers.idml_styles import Styles, kind_and_level

STORY_WORDS = 100
"""Words from which a story without a heading is a section of its own, and not a caption or box of the one before it."""
VERSE_LINE = 80
"""Letters a line, on average, up to which forced line breaks make verse; a paragraph of longer lines was only tuned to its column."""
LARGER = 1.25
"""Times the size of the running text from which a short paragraph is a heading when no name says what it is."""
LOW = 9
"""The level of such a heading in a file that names others: no chapter starts with it."""
HEADING_WORDS = 20

Block = tuple[list[Typed], str]
Marked = tuple[Paragraph, int]  # the level of a heading, 0 of all others


def sections(blocks: Sequence[Block], styles: Styles) -> tuple[Section, ...]:
    """Cut at top headings, and between stories of some length; a table of contents is a section by itself."""
    marked = _marked(blocks, styles)
    levels = Counter(level for story, _ in marked for _, level in story if 0 < level < LOW)
    repeated = [level for level, count in levels.items() if count > 1]
    cut = min(repeated or levels, default=0)  # a book's title stands once and is no chapter
    found: list[list[Paragraph]] = []
    roles: list[str] = []
    for story, role in marked:
        headed = any(0 < level <= cut for _, level in story)
        for place, (paragraph, level) in enumerate(story):
            starts = place == 0 and (role != "body" or not found or roles[-1] != role or _apart(found[-1], story, headed=headed))
            if starts or (0 < level <= cut and not _only_headings(found[-1])):
                found.append([])
                roles.append(role)
            found[-1].append(paragraph)
    return tuple(Section(_title(part), tuple(part), role) for part, role in zip(found, roles, strict=True))


def _apart(section: list[Paragraph], story: list[Marked], *, headed: bool) -> bool:
    """Whether a story without a heading starts a section of its own."""
    return not headed and _words(section) >= STORY_WORDS <= _words([paragraph for paragraph, _ in story])


def _words(paragraphs: list[Paragraph]) -> int:
    return sum(len(paragraph.text.split()) for paragraph in paragraphs)


def _only_headings(section: list[Paragraph]) -> bool:
    return all(paragraph.kind == "heading" for paragraph in section)


def _title(section: list[Paragraph]) -> str:
    return " ".join(section[0].text.split()) if section[0].kind == "heading" else ""


def _marked(blocks: Sequence[Block], styles: Styles) -> list[tuple[list[Marked], str]]:
    typed = [paragraph for story, _ in blocks for paragraph in story]
    named = any(_named(paragraph)[0] == "heading" for paragraph in typed)
    sizes: Counter[float] = Counter()
    for paragraph in typed:
        sizes[_size(paragraph, styles)] += len(paragraph.text)
    body = max(sizes, key=lambda size: sizes[size], default=0.0)
    larger = sorted((size for size in sizes if size >= body * LARGER), reverse=True)
    levels = {size: LOW if named else place for place, size in enumerate(larger, 1)}
    return [([_mark(paragraph, styles, levels) for paragraph in story], role) for story, role in blocks if story]


def _mark(typed: Typed, styles: Styles, levels: dict[float, int]) -> Marked:
    kind, level = _named(typed)
    if not kind and len(typed.text.split()) <= HEADING_WORDS and (level := levels.get(_size(typed, styles), 0)):
        kind = "heading"
    lines = typed.text.count("\n") + 1
    if not kind and lines > 1 and len(typed.text) <= lines * VERSE_LINE:
        kind = "verse"
    return Paragraph(typed.text, kind or "text"), level


def _named(typed: Typed) -> tuple[str, int]:
    """What its style or, when that says nothing, the house's XML tag calls a paragraph."""
    if typed.kind:
        return typed.kind, 0
    named = kind_and_level(typed.style)
    return named if named[0] else kind_and_level(typed.tag)


def _size(typed: Typed, styles: Styles) -> float:
    return typed.size or styles.size(typed.style) or 12.0  # InDesign's own size where nothing is said
