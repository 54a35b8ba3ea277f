"""Paragraphs and verse out of printed lines: where a line could have gone on and did not, something ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from statistics import median

from narrative.corpus.readers.pdf_lines import Line

ENDED = re.compile(r"[.!?\u2026:;\u3002\uff01\uff1f][\"'\u201d\u2019»«)\]]*$")
BROKEN = re.compile(r"([^\W\d_]+)[-\u2010\u00ad]$")
CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")  # written without spaces
BULLET = re.compile(r"[•‣◦▪●○]\s*\w")
DASH = re.compile(r"[\u2013\u2014*-]\s+\w")  # a bullet only where the line before it is over: else it is a dash in the text
NOTE = re.compile(r"(?:[*†‡§]+|\d{1,3}[.)]?|[¹²³⁰⁴-⁹]+)\s*[^\W\d_]")
LARGER = 1.12
"""Times the size of the running text from which type is that of a heading."""
SMALLER = 0.9
"""Times that size up to which the last lines of a page are a footnote."""


@dataclass
class Printed:
    """Lines that belong together; `kind` is "text", "verse", "list", "table" or "note"."""

    lines: list[Line]
    kind: str = "text"
    gap: bool = False  # more than a line's space stands before it

    @property
    def size(self) -> float:
        return median(line.size for line in self.lines)

    @property
    def bold(self) -> bool:
        return all(line.bold for line in self.lines)


@dataclass
class Measures:
    """What is usual in this document."""

    size: float = 12.0
    leading: dict[float, float] = field(default_factory=dict)  # by size of type
    indented: bool = False  # paragraphs start with an indent
    justified: bool = False
    titles: Collection[str] = ()  # plain texts of the bookmarks: such a line stands for itself


def measured(pages: list[list[Line]], titles: Collection[str] = ()) -> Measures:
    """Learns the size of the running text and its leading from all pages."""
    sizes: Counter[float] = Counter()
    steps: dict[float, Counter[float]] = {}
    full = even = starts = 0
    for lines in pages:
        for before, line in zip([None, *lines], lines, strict=False):
            sizes[line.size] += len(line.text)
            full += 1
            even += line.right > line.column[1] - line.size
            if before and before.column == line.column and before.size == line.size and 0 < before.base - line.base < 3 * line.size:
                steps.setdefault(line.size, Counter())[round((before.base - line.base) * 2) / 2] += 1
                starts += _indent(line) and not _indent(before)
    size = max(sizes, key=lambda size: sizes[size], default=12.0)
    leading = {size: max(counts, key=lambda step: (counts[step], -step)) for size, counts in steps.items()}
    return Measures(size, leading, starts > full / 40, even > full / 2, titles)


def paragraphs(pages: list[list[Line]], measures: Measures, *, notes: bool = True) -> list[Printed]:
    """Paragraphs in order, those that go on over a page joined; footnotes after the paragraph that the page ends with, or left out."""
    found: list[Printed] = []
    waiting: list[Printed] = []
    for lines in pages:
        body, foot = _footnotes(lines, measures)
        for line in body:
            last = found[-1].lines[-1] if found else None
            if last is not None and not _starts(last, line, measures, listed=found[-1].kind == "list"):
                found[-1].lines.append(line)
                continue
            found += waiting
            waiting = []
            kind = "table" if line.cells else "list" if BULLET.match(line.text) or DASH.match(line.text) else "text"
            found.append(Printed([line], kind, last is None or _gap(last, line, measures)))
        if foot and notes:
            waiting += foot
    return _verse(found + waiting, measures)


def _footnotes(lines: list[Line], measures: Measures) -> tuple[list[Line], list[Printed]]:
    """The lines of a page, and the notes at its foot: small type below the text that starts with a mark."""
    start = len(lines)
    while start and lines[start - 1].size <= SMALLER * measures.size:
        start -= 1
    while start < len(lines) and not NOTE.match(lines[start].text):
        start += 1
    if start == 0:
        return lines, []
    notes: list[Printed] = []
    for line in lines[start:]:
        if not notes or (NOTE.match(line.text) and not _flows(notes[-1].lines[-1])):
            notes.append(Printed([line], "note"))
        else:
            notes[-1].lines.append(line)
    return lines[:start], notes


def _flows(before: Line) -> bool:
    """Whether the next line may go on with this one, even if it starts with a figure."""
    return not ENDED.search(before.text) and before.right > before.column[1] - 2 * before.size


def _indent(line: Line) -> bool:
    return 0.6 * line.size < line.left - line.column[0] < 5 * line.size


def _gap(before: Line, line: Line, measures: Measures) -> bool:
    if before.page != line.page or before.base <= line.base:
        return False
    return before.base - line.base > 1.3 * measures.leading.get(line.size, 1.3 * line.size) + 0.5


def _starts(before: Line, line: Line, measures: Measures, *, listed: bool = False) -> bool:
    """Whether a new paragraph starts with this line; the second line of a list item hangs further in."""
    if _differ(before, line, measures) or _gap(before, line, measures) or BULLET.match(line.text):
        return True
    if line.size >= LARGER * measures.size:  # a heading goes on in its next lines, but not on the next page
        return before.page != line.page or before.bold != line.bold
    if before.page != line.page or before.base <= line.base:  # another page or column
        ended = not measures.indented and bool(ENDED.search(before.text))
        return not line.text[0].islower() and (_indent(line) or _short(before, measures) or ended)
    if line.left - before.left > 0.6 * line.size and _indent(line) and not listed:
        return True
    return _short(before, measures, line)


def _differ(before: Line, line: Line, measures: Measures) -> bool:
    """Whether two lines can't be of one paragraph: by their type, or because one stands for itself."""
    if line.cells or before.cells or abs(before.size - line.size) > 0.08 * before.size:
        return True
    if measures.titles and not {plain(before.text), plain(line.text)}.isdisjoint(measures.titles):
        return True
    return before.bold != line.bold and _short(before, measures)


def _short(before: Line, measures: Measures, line: Line | None = None) -> bool:
    """Whether the line ends so early that the next word would have found room."""
    word = line.text.split(maxsplit=1)[0] if line else "mmmm"
    letter = (before.right - before.left) / max(len(before.text), 1)
    slack = 1.0 if measures.justified else 2.5
    room = before.column[1] - before.right - (len(word) + 1) * letter
    return room > slack * before.size


def _verse(found: list[Printed], measures: Measures) -> list[Printed]:
    """Lines that each ended early, one below the other, are verse; so are not short speeches, which end like sentences."""
    result: list[Printed] = []
    place = 0
    while place < len(found):
        end = place + 1
        while end < len(found) and _one_line(found[end], measures) and not found[end].gap and _one_line(found[place], measures):
            end += 1
        stanza = found[place:end]
        open_ends = sum(not re.search(r"[.!?\u2026][\"'\u201d\u2019»)]*$", part.lines[0].text) for part in stanza)
        if len(stanza) > 2 and open_ends * 2 >= len(stanza) - 1:
            result.append(Printed([part.lines[0] for part in stanza], "verse", stanza[0].gap))
        else:
            result += stanza
        place = end
    return result


def _one_line(part: Printed, measures: Measures) -> bool:
    line = part.lines[0]
    return len(part.lines) == 1 and part.kind == "text" and line.size < LARGER * measures.size and not line.bold


def plain(text: str) -> str:
    """Words only: bookmarks and headings differ in spaces and points."""
    return re.sub(r"\W+", " ", text).strip().casefold()


class Joiner:
    """Puts lines together. What a hyphen at the end of a line means is learned from the words inside the lines of the document."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._words: Counter[str] = Counter()
        broken: list[tuple[str, str]] = []
        before = ""
        for line in lines:
            words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line.text.lower().replace("\u00ad", ""))
            self._words.update(words[1:-1])
            if words and (match := BROKEN.search(before)):
                broken.append((match[1].lower(), words[0]))
            before = line.text
        joined = sum(self._words[stem + rest] > 0 for stem, rest in broken)
        kept = sum(self._words[f"{stem}-{rest}"] > 0 for stem, rest in broken)
        self._hyphenates = joined >= kept  # else the document only breaks where a hyphen stands anyway

    def text(self, printed: Printed) -> str:
        if printed.kind == "verse":
            return "\n".join(line.text for line in printed.lines)
        text = printed.lines[0].text
        for line in printed.lines[1:]:
            text = self._join(text, line.text)
        return text

    def _join(self, text: str, more: str) -> str:
        broken = BROKEN.search(text)
        if broken and more[0].isalpha():
            word = re.match(r"[^\W\d_]+", more)
            stem, rest = broken[1].lower(), word[0].lower() if word else ""
            whole, compound = self._words[stem + rest], self._words[f"{stem}-{rest}"]
            drop = text.endswith("\u00ad") or (more[0].islower() and (whole > 0 or (compound == 0 and self._hyphenates)))
            return text[:-1] + more if drop else text + more
        if CJK.match(text[-1]) and CJK.match(more):
            return text + more
        return text + more if re.search(r"[^\s][\u2014-]$", text) else f"{text} {more}"
