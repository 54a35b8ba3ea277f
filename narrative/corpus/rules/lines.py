"""Line ends: hyphens, wraps, blanks. What is verse keeps its lines."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from narrative.corpus.document import Paragraph
from narrative.corpus.rules.manner import LONGEST_WRAP, WRAPPED_KINDS, Manner, starts_with_capital
from narrative.corpus.rules.rule import Rule

LETTERS = re.compile(r"[^\W\d_]+")
LAST_LETTERS = re.compile(r"[^\W\d_]+\Z")
# A letter, a hyphen, the line's end, and the word that the next line begins with.
CUT_WORD = re.compile(r"(?<=[^\W\d_])[-‐\u00ad][ \t]*\n[ \t]*(?=[^\W\d_])(\S+)[ \t]*\n?")
LONGEST_HALF = 40
SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’»›)\]_*」』]*$")
SPACES = re.compile(r"[ \t]{2,}|\t")
DASH_ENDS = re.compile(r"[^\s-](?:—|--)$")
DASH_STARTS = re.compile(r"(?:—|--)[^\s-]")
HYPHEN_ENDS = re.compile(r"[^\W\d_][-‐]$")
# Scripts that set no space between words, and so none where a line was wrapped: Chinese, Japanese, Thai, Lao, Myanmar, Khmer.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


def _hyphen(head: str, tail: str, manner: Manner) -> str:
    """What stands between two halves of a word. The printer's hyphen goes, one that the document or the halves speak for stays."""
    words = manner.words
    joined, hyphened = words[f"{head}{tail}".lower()], words[f"{head}-{tail}".lower()]
    if joined or hyphened:
        return "-" if hyphened > joined else ""
    return "-" if min(words[head.lower()], words[tail.lower()]) > 2 else ""


def mend_hyphens(paragraph: Paragraph, manner: Manner) -> Paragraph:
    """The word goes whole to the upper line, so that what comes after still sees the lines as they were."""
    if paragraph.kind not in WRAPPED_KINDS or "\n" not in paragraph.text:
        return replace(paragraph, text=paragraph.text.replace("\u00ad", ""))

    def whole(match: re.Match[str]) -> str:
        text = match.string
        half = LAST_LETTERS.search(text[max(0, match.start() - LONGEST_HALF) : match.start()])
        rest = LETTERS.match(match[1])
        head, tail = half[0] if half else "", rest[0] if rest else ""
        if tail[:1].isupper() and not head.isupper():
            return match[0]  # a dash, or Anglo-Saxon
        hyphen = "" if text[match.start()] == "\u00ad" else _hyphen(head, tail, manner)
        return hyphen + match[1] + ("\n" if match.end() < len(text) else "")

    return replace(paragraph, text=CUT_WORD.sub(whole, paragraph.text).replace("\u00ad", ""))


def _joined(lines: list[str]) -> str:
    parts = lines[:1]
    for line, after in pairwise(lines):
        unspaced = UNSPACED_LETTER.match(line[-1:]) and UNSPACED_LETTER.match(after)
        close = unspaced or DASH_ENDS.search(line[-4:]) or DASH_STARTS.match(after) or HYPHEN_ENDS.search(line[-3:])
        parts += [after] if close else [" ", after]
    return "".join(parts)


def _are_paragraphs(lines: list[str]) -> bool:
    """Lines too long to be wrapped, or each a sentence by itself, as in a dialogue. Says the same whatever document they stand in."""
    lengths = [len(line) for line in lines]
    if max(lengths) > LONGEST_WRAP:
        return True
    even = min(lengths[:-1]) >= max(0.85 * max(lengths), 50)  # as a margin makes them
    return len(lines) > 2 and not even and all(SENTENCE_END.search(line) for line in lines[:-1])


def _are_wrapped(lines: list[str], manner: Manner) -> bool:
    """Whether each line ends because the next word had no room in it."""
    width = manner.width
    wide = bool(UNSPACED_LETTER.match(lines[0]))
    if width < (12 if wide else 30):
        return False
    breaks = [len(line) + 1 + (1 if wide else len(after.split(None, 1)[0])) for line, after in pairwise(lines)]
    full = sum(reach > 0.9 * width for reach in breaks) / len(breaks)
    capitals = sum(starts_with_capital(line) for line in lines[1:]) / len(breaks)
    if capitals >= 0.8:
        return full == 1 and manner.is_prose
    even = sum(map(len, lines[:-1])) / len(breaks) >= max(0.6 * width, 45)
    return full >= 0.75 or (even and capitals < 0.5)


def mend_wraps(paragraph: Paragraph, manner: Manner) -> Paragraph:
    if paragraph.kind not in WRAPPED_KINDS:
        return paragraph
    stanzas = re.split(r"(\n(?:[ \t]*\n)+)", paragraph.text)
    kind = paragraph.kind
    for number in range(0, len(stanzas), 2):  # between them stand the blank lines
        lines = [line.strip() for line in stanzas[number].split("\n") if line.strip()]
        if len(lines) < 2 or _are_paragraphs(lines):
            continue
        if _are_wrapped(lines, manner):
            stanzas[number] = _joined(lines)
        else:
            kind = "verse"
    return replace(paragraph, text="".join(stanzas), kind=kind)


def _single_spaced(line: str) -> str:
    """The indent stays: where lines are not joined, it may mean something."""
    if "  " not in line and "\t" not in line:
        return line
    text = line.lstrip(" \t")
    return line[: len(line) - len(text)].replace("\t", " ") + SPACES.sub(" ", text)


def mend_blanks(paragraph: Paragraph, _: Manner) -> Paragraph:
    lines = [line.rstrip(" \t") for line in paragraph.text.split("\n")]
    if paragraph.kind not in ("verse", "table"):
        lines = [_single_spaced(line) for line in lines]
        lines[0] = lines[0].lstrip(" ")
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return replace(paragraph, text=text)


HYPHENS = Rule(
    "soft hyphens",
    "Takes out invisible hyphens and puts words together that were cut at a line's end.",
    mend_hyphens,
    lambda text: "\u00ad" in text or ("\n" in text and CUT_WORD.search(text)),
)
WRAPS = Rule(
    "hard wraps",
    "Joins lines that were wrapped at a fixed width; lines of verse stay, and are marked as verse.",
    mend_wraps,
    lambda text: "\n" in text,
)
BLANKS = Rule(
    "blank lines",
    "Makes one of several blank lines or spaces, and takes spaces off the ends of lines; verse keeps its indents.",
    mend_blanks,
    lambda text: "  " in text or "\t" in text or " \n" in text or "\n\n\n" in text or text != text.strip(" \n"),
)
