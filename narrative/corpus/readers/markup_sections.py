"""Blocks divided into chapters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from narrative.corpus.document import Paragraph, Section
from narrative.corpus.readers.markup import Block
from narrative.corpus.readers.markup_notes import placed


@dataclass
class Draft:
    """A section that still grows."""

    title: str
    role: str = ""  # "" as long as nothing declares one
    blocks: list[Block] = field(default_factory=list)


def heading_cuts(blocks: list[Block], *, whole: bool) -> set[int]:
    """Where the top headings divide the blocks.

    Of a page that is one of many only headings that repeat its highest level divide it: the others are subheadings of a
    chapter. A page that is the `whole` text is divided at the highest level that repeats, for its first heading is its title.
    """
    runs = [index for index, block in enumerate(blocks) if block.level and not (index and blocks[index - 1].level)]
    levels = [[block.level for block in _run(blocks, start)] for start in runs]
    tops = sorted({min(run) for run in levels})
    counts = {level: sum(1 for run in levels if level in run) for level in tops}
    if whole:
        cut = next((level for level in tops if counts[level] > 1), tops[0] if tops else 0)
    else:
        cut = tops[0] if tops and counts[tops[0]] > 1 else 0
    return {index for index, block in enumerate(blocks) if 0 < block.level <= cut and _begins(blocks, index)}


def divide(blocks: list[Block], starts: Mapping[int, str]) -> list[Draft]:
    """Drafts cut at the `starts` (block index to title, "" for its heading's) and where another role is declared."""
    drafts: list[Draft] = []
    for index, block in enumerate(blocks):
        if index in starts or not drafts or (block.role != drafts[-1].role and not block.note):
            drafts.append(Draft(starts.get(index) or (block.text if block.level else ""), block.role))
        drafts[-1].blocks.append(block)
    return drafts


def finished(drafts: Iterable[Draft]) -> tuple[Section, ...]:
    """Sections with their notes in place; those without text, or with nothing but the heading over notes that went away, are left out."""
    kept = list(drafts)
    sections = []
    for draft, blocks in zip(kept, placed([draft.blocks for draft in kept]), strict=True):
        only_headings = all(block.level for block in blocks)
        if blocks and not (only_headings and (draft.role == "notes" or len(blocks) < len(draft.blocks))):
            paragraphs = tuple(Paragraph(block.text, block.kind) for block in blocks)
            sections.append(Section(draft.title, paragraphs, draft.role or "body"))
    return tuple(sections)


def _run(blocks: list[Block], start: int) -> Iterable[Block]:
    while start < len(blocks) and blocks[start].level:
        yield blocks[start]
        start += 1


def _begins(blocks: list[Block], index: int) -> bool:
    """A heading right after another one begins something only when it ranks below it: a chapter's under the book's title."""
    return not index or not blocks[index - 1].level or blocks[index - 1].level < blocks[index].level
