"""Which tokens somebody means by `--target`: a word as it stands in the text, several in a row, or their numbers."""

from __future__ import annotations

import re

from explain.passage import Passage
from explain.words import Span, visible, words_as_spans
from narrative.errors import ExplainError, SettingsError, shown
from narrative.models import SEQ2SEQ

_NUMBERS = re.compile(r"\s*(\d{1,7}):(\d{1,7})\s*")
_NTH = re.compile(r"(.+)#(\d{1,7})", re.DOTALL)


def find_target(passage: Passage, wanted: str) -> tuple[int, int]:
    """-> the tokens of `passage.sequence`, from the first to before the last.

    `START:STOP` counts the words of the whole text from 1, both ends included. Anything else is looked for as it stands: where it was
    written first, else in the prompt; `fox#2` is the second one there. Raises `SettingsError` for what the text doesn't hold.
    """
    words = words_as_spans(passage.sequence, breaks=(passage.written_from,))
    numbers = _NUMBERS.fullmatch(wanted)
    if numbers:
        return _numbered(passage, words, int(numbers[1]), int(numbers[2]))
    found, nth = _standing(passage, words, wanted), 1
    named = _NTH.fullmatch(wanted)
    if not found and named:
        wanted, nth = named[1], int(named[2])
        found = _standing(passage, words, wanted)
    if not found:
        where = "what was written" if passage.kind == SEQ2SEQ else "the text"
        told = "Give a word as it stands there, several in a row, or the numbers of its words as START:STOP"
        raise SettingsError(f"The target {shown(wanted)} doesn't stand in {where}. {told}.")
    if not 1 <= nth <= len(found):
        times = "once" if len(found) == 1 else f"{len(found):,} times"
        raise SettingsError(f"The target {shown(wanted)} stands there {times}: there is no number {nth}.")
    return found[nth - 1]


def _numbered(passage: Passage, words: tuple[Span, ...], first: int, last: int) -> tuple[int, int]:
    read = len(words_as_spans(passage.encoder)) if passage.kind == SEQ2SEQ else 0
    total = read + len(words)
    if not 1 <= first <= last <= total:
        raise SettingsError(f"The target is the words {first} to {last}; this text has the words 1 to {total:,}.")
    if first <= read:
        raise ExplainError(
            f"This model only reads the first {read:,} words and wrote none of them. Choose a target from word {read + 1} on."
        )
    return words[first - read - 1].start, words[last - read - 1].stop


def _standing(passage: Passage, words: tuple[Span, ...], wanted: str) -> list[tuple[int, int]]:
    """Where these words stand in a row, in the order of the text: of the completion, or if there are none, of the prompt."""
    texts = ["".join(piece.text for piece in passage.sequence[word.start : word.stop]) for word in words]
    looked_for, found = visible(wanted), []
    for first, text in enumerate(texts):
        last, run = first, text
        while text and len(visible(run)) < len(looked_for) and last + 1 < len(texts):
            last += 1
            run += texts[last]
        if text and visible(run) == looked_for:
            found.append((words[first].start, words[last].stop))
    return [one for one in found if one[0] >= passage.written_from] or found
