"""Page furniture: what belonged to the printed page and not to its text."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re
from dataclasses import replace

from narrative.corpus.document import Document, Paragraph
from narrative.corpus.rules.lines import SENTENCE_END
from narrative.corpus.rules.manner import Manner
from narrative.corpus.rules.rule import Place, Rule

_NUMBER = r"(?:\d{1,4}|[ivxlc]{1,7})"
_MARK = (
    r"(?:\[[ ]?(?:Illustrations?|Frontispiece|Decoration|Ornament|Blank [Pp]age|Illustré|Abbildung|Ilustración|Illustrazione)\b[^\[\]]*\]"
    rf"|\[(?:pg|p\.|page|Pg|P\.|Page|S\.|Seite)[ ]?{_NUMBER}\]|\{{(?:(?:pg|p\.?|page|Pg|Page|S\.)[ ]?)?{_NUMBER}\}})"
)
MARK = re.compile(rf"^{_MARK}[ ]*\n|^{_MARK}[ ]?|[ ]?{_MARK}", re.MULTILINE)
PAGE_NUMBER = re.compile(rf"(?:page|p\.|pg\.?|seite|s\.) ?{_NUMBER}|[-–—\[(|] ?{_NUMBER} ?[-–—\])|]", re.IGNORECASE)
BARE_NUMBER = re.compile(_NUMBER)
LONGEST_NUMBER = 12
NUMBERED_KINDS = ("text", "caption", "note")


def mend_marks(paragraph: Paragraph, _: Manner) -> Paragraph:
    text = MARK.sub("", paragraph.text)
    return paragraph if paragraph.kind == "heading" and not text.strip() else replace(paragraph, text=text)


def find_page_numbers(document: Document) -> list[Place]:
    """Paragraphs that are a page number. A bare number may be a chapter's: it goes when such numbers stand within sentences."""
    dressed, bare, torn, whole = [], [], 0, True
    for at, section in enumerate(document.sections):
        for index, paragraph in enumerate(section.paragraphs):
            text = paragraph.text
            if len(text) > LONGEST_NUMBER or paragraph.kind not in NUMBERED_KINDS:
                whole = paragraph.kind == "heading" or bool(SENTENCE_END.search(text[-12:]))
            elif PAGE_NUMBER.fullmatch(text):
                dressed.append((at, index))
            elif BARE_NUMBER.fullmatch(text):
                bare.append((at, index))
                torn += not whole
            else:
                whole = bool(SENTENCE_END.search(text))
    return dressed + (bare if torn and torn * 4 >= len(bare) else [])


FURNITURE = Rule(
    "page furniture",
    "Takes out page numbers that stand alone, {pg 12} marks and [Illustration] placeholders; * * * stays.",
    mend_marks,
    re.compile(r"[\[{]").search,
    cut=find_page_numbers,
)
