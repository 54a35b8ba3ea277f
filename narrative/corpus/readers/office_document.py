"""From the lines of a word processor's file to a document: chapters cut at the top headings, and a title that is one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from narrative.corpus.document import Document, Section
from narrative.corpus.readers.office_flow import Line
from narrative.corpus.xml import Event

LEAST_DECLARED = 2
"""Lines in a run that make a contents, index or bibliography; a single one is a style used for its looks."""
_JUNK = re.compile(
    r"(?:untitled|unbenannt|sans titre|senza titolo|sin título|document|dokument|word document|microsoft word)[ -]*\d*"
    r"|microsoft word - .*|.*\.(?:docx?|odt|rtf|dotx?|indd|qxd|pages)",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:microsoft office |windows |default )?user|unknown(?: author)?|author|admin(?:istrator)?|python-docx"
    r"|openoffice(?:\.org)?|libreoffice",
    re.IGNORECASE,
)


def stated(events: Iterable[Event]) -> dict[str, str]:
    """The text of every element in a part that says what the file is, by the element's name."""
    texts: dict[str, list[str]] = defaultdict(list)
    element = ""
    for kind, name, _ in events:
        if kind == "text":
            texts[element].append(name)
        else:
            element = name if kind == "start" else ""
    return {name: "".join(parts) for name, parts in texts.items()}


def document(lines: Sequence[Line], *, title: str = "", author: str = "", language: str = "", warnings: Sequence[str] = ()) -> Document:
    """The whole document. Where the file's own data says no title, the only paragraph in the style Title does."""
    titles = [line.paragraph.text for line in lines if line.look.level == 0]
    named = _said(title) or (_said(titles[0]) if len(titles) == 1 else "")
    return Document(named, tuple(_sections(lines)), _said(author, _NOBODY), language.strip(), warnings=tuple(warnings))


def _said(text: str, junk: re.Pattern[str] = _JUNK) -> str:
    plain = " ".join(text.split())
    return "" if junk.fullmatch(plain) else plain


def _sections(lines: Sequence[Line]) -> Iterator[Section]:
    top = _top_level(lines)
    for role, run in _runs(lines):
        current: list[Line] = []
        for line in run:
            level = line.look.level
            if current and role == "body" and level is not None and level <= top and not _same_heading(current, level):
                yield _section(current, role)
                current = []
            current.append(line)
        yield _section(current, role)


def _top_level(lines: Sequence[Line]) -> int:
    """The level of chapters: the first that comes more than once, for a book's own title stands alone above them."""
    levels = Counter(line.look.level for line in lines if line.look.level is not None)
    repeated = [level for level, count in levels.items() if count > 1]
    return min(repeated or levels, default=-1)


def _runs(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Lines of one role that stand together."""
    declared = [(role, list(run)) for role, run in groupby(lines, key=lambda line: line.look.role)]
    roles = [(role if len(run) >= LEAST_DECLARED else "body", run) for role, run in declared]
    for role, parts in groupby(roles, key=lambda part: part[0]):
        yield role, [line for _, run in parts for line in run]


def _same_heading(current: list[Line], level: int) -> bool:
    """Whether only headings of that level stand there: `Chapter 1` and its name below are one heading in two paragraphs."""
    return all(line.look.level == level for line in current)


def _section(lines: list[Line], role: str) -> Section:
    first = lines[0].paragraph
    return Section(first.text if first.kind == "heading" else "", tuple(line.paragraph for line in lines), role)
