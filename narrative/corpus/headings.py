"""Chapter headings in text that has no marks for them, and what a heading says its section is."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBERED = (
    r"chapter|chap\.|book|part|volume|vol\.|canto|act|scene|letter|stave|section|"
    r"kapitel|teil|buch|band|aufzug|akt|szene|chapitre|livre|partie|tome|acte|scène|cap[ií]tulo|parte|libro|acto|"
    r"capitolo|hoofdstuk|deel|rozdział|kapitola|глава|часть|книга|том|الفصل|الجزء"
)
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_WORDS = (
    f"{_UNITS}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|"
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"
)
_NUMBER = rf"\d{{1,4}}|[ivxlc]+|(?:the\s+)?(?:{_WORDS})(?:[- ](?:{_UNITS}))?|premi[eè]re?|erste[rs]?|primer[oa]?"
_TITLE = r"[.:)–—-]+\s*(?P<title>.*)|,\s*(?:scene|szene|scène)\b.*|\s+(?P<bare>[\"“‘'«(]?[A-ZÀ-ÞА-Я].*)"  # noqa: RUF001
_CHAPTER = re.compile(rf"(?:{_NUMBERED})\s+(?:{_NUMBER})\s*(?:{_TITLE})?$", re.IGNORECASE)
_OTHER_ALPHABETS = re.compile(
    r"(?:глава|часть|книга|الفصل|الجزء)\s+\S+$|第[一二三四五六七八九十百千零〇\d]+[章回卷部節节](?:\s.*)?$", re.IGNORECASE
)
_ORDINAL_FIRST = re.compile(
    r"(?:the\s+)?[a-zà-ÿ]+(?:st|nd|rd|th|tes|ter|te|ère|ième)\s+(?:chapter|book|part|kapitel|teil|buch|partie)\.?$", re.IGNORECASE
)
_ROMAN = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ROMAN_ALONE = re.compile(rf"{_ROMAN}\.?$")
_ROMAN_TITLED = re.compile(rf"{_ROMAN}[.:)—–-]\s*[\"“‘'«]?[A-ZÀ-Þ].*$")  # noqa: RUF001
_WIKI = re.compile(r"((?:= ?){1,5})(?! ?=)(\S.*?\S|\S) ?((?:= ?){1,5})$")
_STOPS = re.compile(r"[.!?,;\"”’]$")  # noqa: RUF001
_DECORATION = " \t*_=#~"
_LONGEST = 120

_ROLES = {
    "contents": ("contents", "table of contents", "inhalt", "inhaltsverzeichnis", "table des matières", "sommaire", "índice", "indice"),
    "preface": (
        *("preface", "foreword", "introduction", "author's note", "author’s note", "vorwort", "einleitung", "préface", "avant-propos"),  # noqa: RUF001
        *("prefacio", "introducción", "prefazione", "introduzione", "voorwoord"),
    ),
    "dedication": ("dedication", "widmung", "dédicace", "dedicatoria"),
    "copyright": ("copyright", "copyright page", "imprint", "impressum"),
    "notes": ("notes", "footnotes", "endnotes", "anmerkungen"),
    "index": ("index", "register"),
    "bibliography": ("bibliography", "works cited", "literaturverzeichnis", "bibliographie", "bibliografía"),
    "body": (
        *("prologue", "epilogue", "afterword", "conclusion", "interlude", "appendix", "prolog", "epilog", "nachwort", "prólogo", "epílogo"),
        *("postscript", "finale", "épilogue"),
    ),
}
_BY_NAME = {name: role for role, names in _ROLES.items() for name in names}


def heading_lines(run: Sequence[str]) -> int:
    """How many lines at the beginning of a run between empty lines are a chapter's heading; mostly 0.

    'CHAPTER IV', 'Chapter 3. The Sea', 'Kapitel 2', 'PROLOGUE' and a roman numeral by itself are headings, with a title
    in the next lines; capitals alone are not.
    """
    first = run[0].strip().strip(_DECORATION)
    if not first or len(run[0]) > _LONGEST:
        return 0
    if len(run) == 1 and (_named(first) or _roman(first)):
        return 1
    if wiki_level(run[0]):
        return 1
    found = _is_chapter(first)
    if not found or (len(run) > 1 and _is_chapter(run[1].strip())):  # chapters under each other are a list of contents
        return 0
    rest = " ".join(line.strip() for line in run[1:])
    bare = _ROMAN_ALONE.match(first) or len(first.split()) <= 3
    if len(run) <= 4 and len(rest) <= 200 and bare and (rest.isupper() or not _STOPS.search(rest)):
        return len(run)
    return 1


def wiki_level(line: str) -> int:
    """The level of a heading between equals signs, as wikis write it; 0 for any other line."""
    found = _WIKI.match(line.strip()) if len(line) <= _LONGEST else None
    level = found[1].count("=") if found else 0
    return level if found and found[3].count("=") == level else 0


def plain_heading(text: str) -> str:
    """A heading without the signs around it."""
    return "\n".join(line.strip().strip(_DECORATION) for line in text.splitlines())


def role_of(title: str) -> str:
    """The role that a section's title states, else body."""
    return _BY_NAME.get(title.strip(_DECORATION + ".:").casefold(), "body")


def _named(line: str) -> bool:
    return line[0].isupper() and line.rstrip(".:").casefold() in _BY_NAME


def _is_chapter(line: str) -> bool:
    if len(line) > _LONGEST:
        return False
    found = _CHAPTER.match(line)
    if found and found["bare"]:
        return found["bare"].lstrip("\"“‘'«(")[:1].isupper()  # 'Part I of it' is prose; the pattern ignores case  # noqa: RUF001
    return bool(found or _OTHER_ALPHABETS.match(line) or _ORDINAL_FIRST.match(line))


def _roman(line: str) -> bool:
    if _ROMAN_ALONE.match(line):
        return True
    return bool(_ROMAN_TITLED.match(line)) and len(line) <= 80 and (line.isupper() or not _STOPS.search(line))
