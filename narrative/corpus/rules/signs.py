"""How a line of a contents list, an index, a bibliography or a copyright page looks."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re

from narrative.corpus.document import Paragraph
from narrative.corpus.rules.lines import SENTENCE_END
from narrative.corpus.rules.titles import plain

PAGED = re.compile(r"(?:\s|\.{2}|[·…_])(\d{1,4}|[ivxlc]{1,7})$")
INDEXED = re.compile(r"^[^\W\d_].{0,90}?,\s*\d{1,4}(?:[-–]\d{1,4})?n?(?:[,;]\s*\d{1,4}(?:[-–]\d{1,4})?n?)*\.?$")
REFERENCE = re.compile(r"\b(?:1[5-9]|20)\d\d\b|^[^\W\d_][\w'’-]+, [^\W\d_a-z]")  # a year, or Surname, First
NUMBERED = re.compile(
    r"^\W{0,2}(?:(?:chapter|chap\.|book|part|canto|act|letter|kapitel|teil|buch|chapitre|livre|partie|cap[ií]tulo|parte|libro|capitolo|"
    r"hoofdstuk|deel|kapitel|luku|rozdział|kapitola|глава|часть|книга|الفصل|الجزء|فصل|פרק|अध्याय)\s+(\S{1,12})"
    r"|([IVXLC]{1,7}|\d{1,3})(?=[.:)–—]|\s*$)|第(.{1,4})[章回話话节節])[.:)–—\s]*",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s.·…_]*(?:\d{1,4}|[ivxlc]{1,7})?$")
_RIGHTS = (
    r"all rights reserved|alle rechte vorbehalten|tous droits (?:de .{3,40} )?réservés|derechos reservados|reservados todos los derechos|"
    r"tutti i diritti(?: sono)? riservati|alle rechten voorbehouden|todos os direitos reservados|alla rättigheter förbehåll\w+|"
    r"alle rettigheder forbeholdes|alle rettigheter|kaikki oikeudet pidätetään|wszelkie prawa zastrzeżone|všechna práva vyhrazena|"
    r"все права защищены|جميع الحقوق محفوظة|حقوق الطبع محفوظة|כל הזכויות שמורות|無断転載|版权所有|版權所有"
)
COPYRIGHT = tuple(
    re.compile(sign, re.IGNORECASE | re.MULTILINE)
    for sign in (
        r"\bISBN(?:-1[03])?\b[\s:]*[\dXx][\dXx -]{8,}|\bISSN\b[\s:]*\d{4}-",
        r"(?:©|\bcopyright\b)[\s,:]*(?:©|\(c\)|by\b|in\b|\d{4})|\(c\)\s*\d{4}",
        _RIGHTS,
        r"\bprinted (?:and bound )?(?:in|by|at)\b.{3,60}$|^printed in\b|gedruckt in|imprimé en|impreso en|stampato in|printed by",
        r"\bfirst (?:published|printed|edition|impression)\b.{0,40}\b(?:1[5-9]|20)\d\d\b|^(?:first )?published (?:in|by)\b",
        r"library of congress|british library|cataloguing|cataloging|dépôt légal|depósito legal|deutsche nationalbibliothek|\bCIP\b",
        r"no part of this (?:publication|book)|may be (?:reproduced|copied)|any resemblance to (?:actual|real)|creative commons",
        r"\b(?:www\.|https?://|e-?mail:)\S+",
    )
)
PRINTER = re.compile(
    r"(?:printed|first published|published|first edition|gedruckt|imprimé|impreso|stampato) (?:in|by|at|bei|à|par|en)\b", re.IGNORECASE
)
LONGEST_IMPRINT = 100  # characters
STRONG = 3  # the first of these mean a copyright page wherever they stand near an end of the book
LONGEST_ENTRY = 400  # characters
SHORTEST_SENTENCE = 40  # characters


def lines_of(paragraphs: tuple[Paragraph, ...]) -> list[str]:
    return [line.strip() for paragraph in paragraphs if paragraph.kind != "heading" for line in paragraph.text.split("\n") if line.strip()]


def is_sentence(line: str) -> bool:
    """Whether it reads as prose: long enough, ended as sentences are, and no entry of a list."""
    return len(line) >= SHORTEST_SENTENCE and bool(SENTENCE_END.search(line[-12:])) and not INDEXED.match(line) and not NUMBERED.match(line)


def share(lines: list[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.search(line)) for line in lines) / len(lines) if lines else 0.0


def entry(line: str) -> str:
    """What an entry of a contents list and the heading that it points to have in common: the words, else the number."""
    line = line[:LONGEST_ENTRY]
    words = plain(_TAIL.sub("", NUMBERED.sub("", line, count=1)))
    return words or plain(_TAIL.sub("", line)) or plain(line)


def number(line: str) -> str:
    """The chapter's number that the line begins with, as it is written."""
    found = NUMBERED.match(line)
    return plain(next(filter(None, found.groups()), "")) if found else ""


def is_notice(text: str) -> bool:
    """Whether a paragraph near an end of a book is a line of its copyright page."""
    signs = copyright_signs(text)
    return bool(signs) and (signs[0] < STRONG or (len(text) <= LONGEST_IMPRINT and bool(PRINTER.match(text))))


def copyright_signs(text: str) -> list[int]:
    """Which of the signs of a copyright page the text bears."""
    return [place for place, sign in enumerate(COPYRIGHT) if sign.search(text)]
