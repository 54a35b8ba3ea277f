"""How well a story is told, as far as counting shows: a number in 0..1 with every part of it open to view.

    score = (sum of weight x reward) x (product of penalty ** weight)

The rewards (varied words, varied sentences, direct speech) have weights that sum to 1. A penalty is 1 when there is
nothing to punish, and falls to 0; its weight says how hard it strikes. `COMPONENTS` is the table of all of them.
What each rewards or punishes it does without exception: with all else equal, more repetition never raises the score. Words
are what stands between spaces; in scripts without spaces, every character is one. Nothing here knows English.
"""

# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about
from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

THRESHOLD = 0.7
"""The published system drops stories below it."""
WINDOW = 50
"""Words of the moving window in which different words are counted, so that a long text is not thought poor for its length."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MARKS = "\u0300-\u036f\u0590-\u05c7\u064b-\u065f\u0900-\u0d7f\u200c\u200d"  # of letters: part of the word
_WORD = re.compile(rf"[\w{_MARKS}]+(?:['’][^\W\d_]+)*")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_WORD_OR_LETTER = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w{_MARKS}])+(?:['’][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?…。！？؟।॥]*(?:[.!?…。！？؟।॥]+[\"'”’»›)\]」』]*|$)")
_ENDED = re.compile(r"[.!?…。！？؟।॥][\"'”’»›)\]」』]*$")
_SPEECH = re.compile(
    r"[\"“„”][^\"“”„]{2,1200}[\"“”]|«[^«»]{2,1200}»|»[^«»]{2,1200}«|[「『][^」』]{2,1200}[」』]|(?<!\w)[‘‚](?:[^‘’]|(?<=\w)’(?=\w)){2,1200}[’‘](?!\w)"
    r"|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){2,1200}'(?!\w)|^[ \t]*[—–―‒-](?![-—–])\s?\w.*$",
    re.MULTILINE,
)
_ODD = re.compile(
    r"_|[^\w\s.,;:!?'\"“”‘’„‚«»‹›()…—–‑\-\u0300-\u036f\u0590-\u05c7\u064b-\u065f\u0900-\u0d7f\u200c\u200d।॥،؛؟。、！？「」『』：；（）・ー]"
)
_DIGIT = re.compile(r"\d")
_EXCESS = re.compile(r"([!?])[!?]+|\.{4,}|-{4,}|_{2,}|\*{2,}|={2,}|#{2,}")
_OPENING = "\"'“”‘’„«»‹›「『([—–- \t\n"


@dataclass(frozen=True)
class Component:
    """One part of the score. `measure` gives 0..1, where 1 is best."""

    name: str
    label: str
    weight: float
    reward: bool
    measure: Callable[[_Text], float]


@dataclass(frozen=True)
class Part:
    """What a component found in one text."""

    name: str
    label: str
    value: float
    weight: float
    reward: bool


@dataclass(frozen=True)
class Quality:
    score: float
    parts: tuple[Part, ...]

    @property
    def values(self) -> dict[str, float]:
        return {part.name: part.value for part in self.parts}


def quality(text: str) -> Quality:
    """The score of a story or passage, in 0..1, and its parts. A text without a word scores 0."""
    counted = _Text(text)
    if not counted.words:
        return Quality(0.0, tuple(Part(each.name, each.label, 0.0, each.weight, each.reward) for each in COMPONENTS))
    parts = tuple(Part(each.name, each.label, each.measure(counted), each.weight, each.reward) for each in COMPONENTS)
    rewards = sum(part.weight * part.value for part in parts if part.reward)
    penalties = math.prod(part.value**part.weight for part in parts if not part.reward)
    return Quality(min(1.0, rewards * penalties), parts)


class _Text:
    """A text, and what several components count in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        words_of = (_WORD_OR_LETTER if _UNSPACED_LETTER.search(text) else _WORD).findall
        pairs = [(sentence, words_of(sentence.casefold())) for line in text.splitlines() for sentence in _SENTENCE.findall(line)]
        self.sentences = [(sentence.strip(), words) for sentence, words in pairs if words]
        self.words = [word for _, words in self.sentences for word in words]


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight in between; falls instead when `low` is the greater."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def variety(text: _Text) -> float:
    """Different words in a window, averaged over all windows."""
    words = text.words
    size = min(WINDOW, len(words))
    last: dict[str, int] = {}
    total, end = 0, len(words) - size
    for at, word in enumerate(words):  # in how many windows it is the first of its kind
        total += max(0, min(at, end) - max(last.get(word, -1), at - size))
        last[word] = at
    return _ramp(total / (end + 1) / size, 0.3, 0.72) * min(1.0, len(words) / WINDOW)


def sentences(text: _Text) -> float:
    """Half for lengths that differ, half for beginnings that differ. Without two sentences there is no variety."""
    lengths = [len(words) for _, words in text.sentences]
    if len(lengths) < 2:
        return 0.0
    mean = sum(lengths) / len(lengths)
    spread = math.sqrt(sum((length - mean) ** 2 for length in lengths) / len(lengths)) / mean
    beginnings = [tuple(words[:2]) for _, words in text.sentences]
    width = min(20, len(beginnings))
    different = [len(set(beginnings[at : at + width])) / width for at in range(0, len(beginnings) - width + 1, max(1, width // 2))]
    share = sum(different) / len(different)
    return 0.5 * _ramp(spread, 0.05, 0.35) + 0.5 * _ramp(share, 0.2, 0.85)


def speech(text: _Text) -> float:
    """The share of the text that somebody says."""
    said = sum(len(found) for found in _SPEECH.findall(text.text))
    return _ramp(said / len(text.text.strip()), 0.0, 0.12)


def length(text: _Text) -> float:
    """Up to a hundred words a text is too short to tell much, above two thousand it is more than one passage."""
    words = len(text.words)
    return _ramp(words, 0, 90) * min(1.0, 2_000 / words)


def repetition(text: _Text) -> float:
    """Less for every run of four words, and for every sentence, that has stood there before."""
    words = text.words
    runs = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    again = 1 - len(set(runs)) / len(runs) if runs else 0.0
    said = [tuple(words) for _, words in text.sentences if len(words) > 2]
    twice = 1 - len(set(said)) / len(said) if said else 0.0
    doubled = sum(a == b for a, b in pairwise(words)) / len(words)
    return _ramp(again, 0.6, 0.06) * _ramp(twice, 0.7, 0.05) * _ramp(doubled, 0.4, 0.03)


def long_words(text: _Text) -> float:
    """Words of more than twelve letters."""
    return _ramp(sum(len(word) > 12 for word in text.words) / len(text.words), 0.25, 0.03)


def characters(text: _Text) -> float:
    """Signs that prose has no use for, strings of marks, digits, and words in capitals."""
    pieces = text.text.split()
    visible = sum(map(len, pieces))
    signs = len(_ODD.findall(text.text)) + sum(len(found[0]) for found in _EXCESS.finditer(text.text))
    digits = len(_DIGIT.findall(text.text))
    shouted = sum(len(piece) > 1 and piece.isupper() for piece in pieces) / len(pieces)
    return _ramp((signs + 0.5 * digits) / visible, 0.25, 0.02) * _ramp(shouted, 0.5, 0.1)


def vocabulary(text: _Text) -> float:
    """How many different words the text has in all: forty are few, whatever it does with them."""
    return _ramp(len(set(text.words)), 5, 55)


def form(text: _Text) -> float:
    """Sentences that begin with a capital where the script has them, have an end, and are no longer than a breath."""
    good = 0
    for sentence, words in text.sentences:
        start = sentence.lstrip(_OPENING)[:1]
        good += (not start.islower()) and bool(_ENDED.search(sentence)) and len(words) <= 80
    return _ramp(good / len(text.sentences), 0.1, 0.8)


def flow(text: _Text) -> float:
    """Words that come again, as a language's small words do in whatever is told; drawn by lot from a dictionary, words hardly ever do."""
    counts = Counter(text.words)
    again = sum(count for count in counts.values() if count > 1) / len(text.words)
    return _ramp(again, 0.0, 0.3 * min(1.0, len(text.words) / 120))


COMPONENTS = (
    Component("variety", "varied words", 0.43, True, variety),
    Component("sentences", "sentences of different length and beginning", 0.42, True, sentences),
    Component("speech", "direct speech", 0.15, True, speech),
    Component("length", "neither too short nor too long", 0.7, False, length),
    Component("repetition", "nothing said twice", 0.7, False, repetition),
    Component("long words", "few very long words", 0.5, False, long_words),
    Component("characters", "few odd signs, digits and words in capitals", 1.0, False, characters),
    Component("vocabulary", "enough different words", 0.5, False, vocabulary),
    Component("flow", "small words that bind the others", 0.7, False, flow),
    Component("form", "whole sentences", 0.7, False, form),
)
