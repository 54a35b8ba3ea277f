"""What electronic libraries wrap around a book: headers, licences, credits, and notes on the transcription."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from narrative.corpus.document import Document, Paragraph
from narrative.corpus.rules.rule import Place, Rule

# The book stands between these two. Since 2000: "*** START OF THE PROJECT GUTENBERG EBOOK"; before: the end of the small print.
STARTS = re.compile(
    r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG|\*END ?\*? ?THE SMALL PRINT|\*END THE SMALL PRINT", re.IGNORECASE
)  # fmt: skip
ENDS = re.compile(
    r"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG|^\W{0,4}End of (?:the |this )?Project Gutenberg|^\W{0,4}END: FULL LICENSE"
    r"|^\W{0,4}This site is full of FREE ebooks|^\W{0,4}START: FULL LICENSE|^\*\*\* ?START: FULL LICENSE",
    re.IGNORECASE,
)
# Said near either end, with or without those marks.
BOILERPLATE = re.compile(
    r"Project Gutenberg(?:['’]s|-tm|™| of Australia| Australia| Canada| Literary| License| collection| Etext| eBook|\W+e-?(?:book|text))"
    r"|This e(?:Book|text) is for the use of anyone anywhere|Distributed Proofread(?:ers|ing)|www\.pgdp\.net|gutenberg\.(?:org|net)"
    r"|Welcome To The World of Free Plain Vanilla|Etexts Readable By Both Humans|This ebook is made available at no cost"
    r"|This eBook was (?:created|produced|made) (?:with|by|from|available)|Standard Ebooks|standardebooks\.org|fadedpage\.com",
    re.IGNORECASE,
)
# Said of electronic texts only.
CREDITS = re.compile(
    r"^\W{0,3}(?:E-?text (?:was )?(?:prepared|produced|scanned|created)|(?:HTML|ePub) version by|"
    r"This (?:e-?text|e-?book) (?:was|has been) \w+|Character set encoding:|Release Date:|Posting Date:|"
    r"(?:EBook|E-?text) (?:No\.?|#) ?:? ?\d)",
    re.IGNORECASE,
)
# Said in novels too: believed where something else shows where the text comes from.
LIKELY_CREDITS = re.compile(
    r"^\W{0,3}(?:(?:Produced|Prepared|Transcribed|Digiti[sz]ed|Scanned|Proofread)(?: and \w+)?(?: from .{3,80}?)? by|Credits?:)\b",
    re.IGNORECASE,
)
CLOSING = re.compile(r"^\[(?:The )?End of .{3,200}\]$", re.IGNORECASE | re.DOTALL)
NOTES = re.compile(
    r"^\W{0,4}(?:Transcriber['’]?s?['’]? ?(?:end)?notes?|Note (?:du|de la|de) transcript\w*|Notes? (?:du|de la|de) transcript\w*"
    r"|Anmerkungen? (?:zur|der) Transkription|Nota(?:s)? del? transcriptor\w*|Opmerkingen van de bewerker|Note del trascrittore)\b",
    re.IGNORECASE,
)
OF_TRANSCRIPTION = re.compile(
    r"\b(?:spell|typograph|punctuat|hyphenat|inconsisten|correct|retain|illustrat|footnote|original|errors?|misprint|printed|changed|"
    r"cover image|public domain|orthograph|Rechtschreib|Druckfehler|korrigiert|corrig|ponctuation)",
    re.IGNORECASE,
)
NEAR = 25  # paragraphs, from either end
LONGEST_NOTICE, LONGEST_CREDIT = 4_000, 500  # characters
LONGEST_NOTE = 12  # paragraphs


def find_wrapping(document: Document) -> set[Place]:
    """All outside the marks of the beginning and the end; near both ends, credits and notices; and every transcriber's note."""
    flat = [((at, index), paragraph) for at, section in enumerate(document.sections) for index, paragraph in enumerate(section.paragraphs)]
    gone = _outside_marks(flat)
    gone |= _notes([(place, paragraph) for place, paragraph in flat if place not in gone])
    for says_so in (_says_so, _may_say_so):
        if says_so is _says_so or gone:
            left = [(place, paragraph) for place, paragraph in flat if place not in gone]
            gone |= {*_near_the_end(left, says_so), *_near_the_end(left[::-1], says_so)}
    return gone


def _outside_marks(flat: list[tuple[Place, Paragraph]]) -> set[Place]:
    gone: set[Place] = set()
    inside = 0  # where in `flat` what is not yet decided begins
    ended = False
    for number, (place, paragraph) in enumerate(flat):
        text = paragraph.text
        if "utenberg" not in text and "UTENBERG" not in text and "SMALL PRINT" not in text and "FREE ebooks" not in text:
            continue
        if STARTS.search(text):
            gone.update(earlier for earlier, _ in flat[inside : number + 1])
            inside, ended = number + 1, False
        elif not ended and ENDS.search(text):
            inside, ended = number, True
            gone.add(place)
    if ended:
        gone.update(place for place, _ in flat[inside:])
    return gone


def _says_so(text: str) -> bool:
    return len(text) < LONGEST_NOTICE and bool(BOILERPLATE.search(text) or CLOSING.match(text) or CREDITS.match(text))


def _may_say_so(text: str) -> bool:
    return len(text) < LONGEST_CREDIT and bool(LIKELY_CREDITS.match(text))


def _near_the_end(flat: list[tuple[Place, Paragraph]], says_so: Callable[[str], bool]) -> Iterator[Place]:
    """Up to NEAR paragraphs that stay are looked past, so that a second look finds nothing more."""
    stay = 0
    for place, paragraph in flat:
        if says_so(paragraph.text):
            yield place
            continue
        stay += 1
        if stay == NEAR:
            return


def _notes(flat: list[tuple[Place, Paragraph]]) -> set[Place]:
    gone: set[Place] = set()
    for number, (place, paragraph) in enumerate(flat):
        label = paragraph.text[:60]
        if ("ran" not in label and "RAN" not in label and "bewerker" not in label) or not NOTES.match(label):
            continue
        gone.add(place)
        if len(paragraph.text) <= 60:  # a label: the note itself follows
            for later, following in flat[number + 1 : number + 1 + LONGEST_NOTE]:
                if following.kind == "heading" or not OF_TRANSCRIPTION.search(following.text):
                    break
                gone.add(later)
    return gone


GUTENBERG = Rule(
    "gutenberg",
    "Takes out the headers, licences and credits of Project Gutenberg and its sisters, and transcribers' notes.",
    cut=find_wrapping,
)
