"""Lists that stand among the text under a name of their own: the contents at the head of a plain text, an index at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from narrative.corpus.document import Document, Paragraph
from narrative.corpus.rules.rule import Place
from narrative.corpus.rules.signs import INDEXED, NUMBERED, PAGED, REFERENCE, entry, is_sentence, number
from narrative.corpus.rules.titles import LONGEST_TITLE, plain, role_of

LONGEST_LINE = {"contents": 160, "illustrations": 160, "index": 200, "bibliography": 400, "advertisement": 90}
LONGEST_LIST = 2_000  # paragraphs
LONGEST_HEADING = 120
ENDS = 60  # paragraphs at either end among which an advertisement may stand


def find_lists(document: Document, gone: Collection[Place]) -> Iterator[Place]:
    """Labels of `TITLES` and the lists under them, outside `gone`."""
    seeker = _Seeker(document)
    for at, section in enumerate(document.sections):
        paragraphs = section.paragraphs
        if (at, 0) in gone:
            continue
        done = 0
        for index, paragraph in enumerate(paragraphs):
            if index < done or len(paragraph.text) > LONGEST_TITLE or paragraph.text.count(" ") > 7:
                continue
            role = role_of(paragraph.text)
            if role in LONGEST_LINE and (role != "advertisement" or seeker.near_an_end(at, index)):
                done = seeker.end(paragraphs, index, role)
                yield from ((at, each) for each in range(index, done))


@dataclass
class _Seeker:
    document: Document

    @cached_property
    def _offsets(self) -> list[int]:
        offsets = [0]
        for section in self.document.sections:
            offsets.append(offsets[-1] + len(section.paragraphs))
        return offsets

    @cached_property
    def _headings(self) -> Counter[str]:
        """How often each short paragraph stands in the document, as an entry would name it."""
        texts = (paragraph.text for paragraph in self.document.paragraphs)
        return Counter(entry(" ".join(text.split())) for text in texts if len(text) <= LONGEST_HEADING)

    def near_an_end(self, at: int, index: int) -> bool:
        place = self._offsets[at] + index
        return place < ENDS or place >= self._offsets[-1] - ENDS

    def end(self, paragraphs: tuple[Paragraph, ...], label: int, role: str) -> int:
        """Where the list under `label` ends; `label` itself when there is none."""
        taken: list[list[str]] = []
        seen: Counter[str] = Counter()
        end, first = label + 1, ""
        for paragraph in paragraphs[label + 1 : label + 1 + LONGEST_LIST]:
            lines = [line.strip() for line in paragraph.text.split("\n") if line.strip()]
            if not lines or self._is_other(paragraph, lines, role):
                break
            if taken and (entry(lines[0]) in seen or (first and number(lines[0]) == first) or role_of(lines[0])):
                break
            first = first or number(lines[0])
            seen.update(map(entry, lines))
            taken.append(lines)
            end += 1
        while taken and not any(self._points(line, role, seen) for line in taken[-1]):
            taken.pop()
            end -= 1
        lines = [line for part in taken for line in part]
        pointing = sum(self._points(line, role, seen) for line in lines)
        enough = 2 if role == "advertisement" else 8 if role == "index" else 3
        return end if len(lines) >= enough and pointing >= 0.5 * len(lines) else label

    def _is_other(self, paragraph: Paragraph, lines: list[str], role: str) -> bool:
        """Whether the paragraph can't belong to such a list."""
        if max(map(len, lines)) > LONGEST_LINE[role] or (role != "bibliography" and any(map(is_sentence, lines))):
            return True
        if role == "advertisement":
            return bool(NUMBERED.match(lines[0])) or plain(lines[0]) == plain(self.document.title) or paragraph.kind == "heading"
        return paragraph.kind == "heading" and self._headings[entry(lines[0])] < 2

    def _points(self, line: str, role: str, seen: Counter[str]) -> bool:
        """Whether the line says itself that it is an entry of such a list."""
        if role == "index":
            return bool(INDEXED.match(line))
        if role == "bibliography":
            return bool(REFERENCE.search(line))
        if role == "advertisement":
            return True
        key = entry(line)
        return bool(PAGED.search(line) or NUMBERED.match(line)) or self._headings[key] > min(seen[key], 1)
