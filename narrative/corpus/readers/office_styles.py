"""Paragraph styles: what their names and outline levels say about a paragraph, directly or through the style they build on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from narrative.corpus.readers.office_flow import Look

MOST_PARENTS = 50
BODY_LEVEL = 9
"""The outline level, counted from 0, that says: no heading."""

_HEADING = "heading|head|überschrift|titre|título|titolo|kop|rubrik|overskrift|otsikko|nadpis|nagłówek|заголовок|標題|标题|見出し"
_LOOKS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Look]], ...] = tuple(
    (re.compile(pattern), look)
    for pattern, look in (
        (rf"(?:{_HEADING}) ?([1-9])", lambda match: Look("heading", int(match[1]))),
        (r"title|book title", lambda _: Look("heading", 0)),
        (r"subtitle|heading|chapter (?:title|heading)", lambda match: Look("heading", 1 if "chapter" in match[0] else None)),
        (r"(?:toc|contents) heading", lambda _: Look("heading", role="contents")),
        (r"(?:toc|contents) ?[0-9]+|table of (?:figures|authorities)", lambda _: Look(role="contents")),
        (r"(?:alphabetical )?index heading|indexheading", lambda _: Look("heading", role="index")),
        (r"index ?[0-9]+", lambda _: Look(role="index")),
        (r"(?:bibliography|toa) heading", lambda _: Look("heading", role="bibliography")),
        (r"bibliography(?: ?[0-9])?", lambda _: Look(role="bibliography")),
        (r"(?:intense |block )?(?:quote|quotation)s?|block text|epigraph|extract", lambda _: Look("quote")),
        (r"(?:image |table |figure )?caption", lambda _: Look("caption")),
        (r"verse|poem|poetry|stanza|lyrics?", lambda _: Look("verse")),
    )
)


@lru_cache(maxsize=1024)
def look_of(name: str) -> Look | None:
    """What a style's own name says, as Word, LibreOffice and most houses name their styles; None where it says nothing."""
    plain = " ".join(re.sub(r"_20_|[-_]", " ", name.lower()).split())
    return next((look(match) for pattern, look in _LOOKS if (match := pattern.fullmatch(plain))), None)


@dataclass
class Style:
    """One style as its file defines it; None stands for what it takes from its parent."""

    name: str
    parent: str = ""
    outline: int | None = None
    numbered: bool | None = None
    hidden: bool | None = None


class Styles:
    """The styles of one document by their ids. An unknown id is taken for the style's name."""

    def __init__(self) -> None:
        self._styles: dict[str, Style] = {}

    def add(self, identifier: str, style: Style) -> None:
        self._styles[identifier] = style

    def look(self, identifier: str, outline: int | None = None) -> Look:
        """The look of a paragraph in that style, with the outline level (from 0) that it states itself, if it does."""
        named = Look()
        for style in self._chain(identifier):
            outline = style.outline if outline is None else outline
            found = look_of(style.name)
            if found:
                named = found
                break
        if named.role != "body" or named.level == 0 or outline is None:
            return named
        if outline < BODY_LEVEL:
            return Look("heading", outline + 1)
        return replace(named, kind="text", level=None) if named.kind == "heading" else named

    def numbered(self, identifier: str) -> bool:
        return next((style.numbered for style in self._chain(identifier) if style.numbered is not None), False)

    def hidden(self, identifier: str) -> bool:
        return next((style.hidden for style in self._chain(identifier) if style.hidden is not None), False)

    def _chain(self, identifier: str) -> Iterator[Style]:
        for _ in range(MOST_PARENTS):
            style = self._styles.get(identifier)
            if style is None:
                if identifier:
                    yield Style(identifier)
                return
            yield style
            identifier = style.parent
