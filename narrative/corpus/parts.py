"""A stream of paragraphs as sections, and as documents that fit into memory however long the file is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.headings import role_of
from narrative.corpus.limits import MAX_DOCUMENT, MB

PART = min(8 * MB, MAX_DOCUMENT // 4)
"""Characters in one document of a long file; a character takes up to four bytes."""
_JOINED = 4  # headings that follow each other ("Book I", "Chapter 1", "The Sea") open one section; more are a list of contents
_MOST_HEADINGS = 1_000


@dataclass(frozen=True)
class Block:
    """A paragraph, and the level of the heading when a section begins with it."""

    paragraph: Paragraph
    level: int = 0


def sections(blocks: Iterable[Block]) -> Iterator[Section]:
    """The sections that the headings open, none of more than `PART` characters."""
    heads: list[Paragraph] = []
    body: list[Paragraph] = []
    size, top = 0, 0
    for block in blocks:
        if block.level and (body or len(heads) >= _MOST_HEADINGS or (top == 1 and block.level > 1 and len(heads) == 1)):
            yield from _close(heads, body)  # also a book's title, which stands by itself above the headings of its chapters
            heads, body, size = [], [], 0
        if block.level:
            top = top if heads else block.level
            heads.append(block.paragraph)
            continue
        body.append(block.paragraph)
        size += len(block.paragraph.text)
        if size > PART:
            yield from _close(heads, body)
            heads, body, size = [], [], 0
    yield from _close(heads, body)


def _close(heads: list[Paragraph], body: list[Paragraph]) -> Iterator[Section]:
    if len(heads) > _JOINED:
        yield Section(_line(heads[0]), tuple(heads[:-1]), "contents")
        heads = heads[-1:]
    if heads or body:
        title = " – ".join(_line(head) for head in heads)  # noqa: RUF001
        yield Section(title, (*heads, *body), role_of(title))


def _line(heading: Paragraph) -> str:
    return " ".join(heading.text.split())


def documents(blocks: Iterable[Block], *, facts: Document, name: str) -> Iterator[Document]:
    """The file as one document or, when it is long, as several: 'title', 'title (part 2)' and so on, cut between sections.

    `facts` is the document without its sections; its warnings go with the first. `name` stands for a missing title.
    """
    held: list[Section] = []
    size, part = 0, 1
    for section in sections(blocks):
        more = sum(len(paragraph.text) for paragraph in section.paragraphs)
        if held and size + more > PART:
            yield _part(facts, held, part, name)
            held, size, part = [], 0, part + 1
        held.append(section)
        size += more
    if held:
        yield _part(facts, held, part, name)


def _part(facts: Document, held: Sequence[Section], part: int, name: str) -> Document:
    if part == 1:
        return replace(facts, sections=tuple(held))
    return replace(facts, title=f"{facts.title or name} (part {part})", sections=tuple(held), warnings=())
