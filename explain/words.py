"""Tokens <-> words <-> spans: what a reader calls a word, made of the pieces that the model reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_UNSEEN = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{SOFT HYPHEN}\N{WORD JOINER}"  # inside a word: Persian, emoji of several
_JOINS = frozenset("'-_\N{RIGHT SINGLE QUOTATION MARK}\N{HYPHEN}\N{NON-BREAKING HYPHEN}" + _UNSEEN)  # inside a word: don't, well-known
_STRANGE = "\N{REPLACEMENT CHARACTER}"
_ENDS = (".", "!", "?", "…", "。", "\N{FULLWIDTH EXCLAMATION MARK}", "\N{FULLWIDTH QUESTION MARK}", "؟", "।")  # of a sentence
_CLOSING = "\"')]}»”“\N{RIGHT SINGLE QUOTATION MARK}\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"  # German closes with “
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")  # writing without spaces


class Piece(NamedTuple):
    """One token: `text` is its part of the text (the texts of a passage joined are the passage), `label` what a reader is shown."""

    id: int
    text: str
    label: str


class Span(NamedTuple):
    """The tokens `start` to `stop` (exclusive) of a sequence, shown as `label`."""

    start: int
    stop: int
    label: str


def pieces_as_spans(pieces: Sequence[Piece]) -> tuple[Span, ...]:
    """Every token by itself."""
    return tuple(Span(place, place + 1, piece.label) for place, piece in enumerate(pieces))


def words_as_spans(pieces: Sequence[Piece], *, breaks: Iterable[int] = ()) -> tuple[Span, ...]:
    """Tokens grouped into words; no word reaches over one of `breaks` (places where a new text begins).

    A token belongs to one word, so a token that holds several (`."` or a merged phrase) stays whole. Punctuation stands by
    itself, spaces and newlines go with what follows them on their line. In writing without spaces each token is a word.
    """
    walls = set(breaks)
    begins = [place for place in range(len(pieces)) if place == 0 or place in walls or _begins(pieces, place, walls)]
    bounds = [*begins, len(pieces)]
    return tuple(Span(start, stop, _label(pieces[start:stop])) for start, stop in pairwise(bounds))


def sentences_as_spans(pieces: Sequence[Piece], *, breaks: Iterable[int] = ()) -> tuple[Span, ...]:
    """Words grouped into sentences: one ends after . ! ? … and their like, with the quotes and brackets that close it, and at an
    empty line. A stop inside a word or a number ends nothing; "Mr." does, for what a name is only its reader knows."""
    walls, begins = set(breaks), [0]
    ended, since, gap, last = False, 0, "", ""  # whether a stop stood, where what follows would begin, the space so far, what stood last
    for word in words_as_spans(pieces, breaks=walls):
        text = "".join(piece.text for piece in pieces[word.start : word.stop])
        body = text.strip()
        if word.start in walls and word.start:
            begins.append(word.start)
            ended, since, gap, last = False, word.start, "", ""
        gap += text[: len(text) - len(text.lstrip())]
        if not body:
            continue
        if since > begins[-1] and (gap.count("\n") > 1 or (ended and not _goes_on(last, gap, body))):
            begins.append(since)
        closing = not gap and not body.strip(_CLOSING)
        ended = (ended and closing) or body.rstrip(_CLOSING).endswith(_ENDS)
        since, gap, last = word.stop, text[len(text.rstrip()) :], body[-1]
    bounds = [*begins, len(pieces)]
    return tuple(Span(start, stop, _label(pieces[start:stop])) for start, stop in pairwise(bounds)) if pieces else ()


def _goes_on(last: str, gap: str, body: str) -> bool:
    """Whether a word still belongs to the sentence that seemed to have ended: what closes it, more stops (?!, . . .), 3.14, e.g."""
    if not gap and not body.strip(_CLOSING):
        return True
    if body[0] in _ENDS and not body.strip("".join(_ENDS) + _CLOSING):
        return True
    return not gap and last == "." and _joins(body[0])


def drawn_span(pieces: Sequence[Piece], start: int, stop: int) -> Span | None:
    """The tokens that hold any of the characters `start` to `stop` of the joined text, as somebody marked them; None where none do.

    A character in several tokens takes all of them along.
    """
    place, begin, end = 0, None, 0
    for number, piece in enumerate(pieces):
        if place < stop and place + len(piece.text) > start and piece.text:
            begin, end = number if begin is None else begin, number + 1
        place += len(piece.text)
    if begin is None or start >= stop:
        return None
    while begin and _part_of_character(pieces, begin - 1):
        begin -= 1
    return Span(begin, end, _label(pieces[begin:end]))


def summed(values: NDArray[np.floating[Any]], spans: Sequence[Span]) -> NDArray[np.float64]:
    """(..., token) -> (..., span): signed scores of a span's tokens, added up."""
    table = one_hot(spans, values.shape[-1]).astype(np.float64)
    return np.asarray(values, dtype=np.float64) @ table


def _begins(pieces: Sequence[Piece], place: int, walls: set[int]) -> bool:
    """Whether a new word begins with token `place`."""
    if _part_of_character(pieces, place - 1):
        return False
    if _is_special(pieces[place]):
        return True
    text, before = _text_from(pieces, place), _text_before(pieces, place, walls)
    if text and before and not before[-1].isspace() and _clings(before[-1], text[0]):
        return False
    if not text or text[0].isspace() or not before or before[-1].isspace():
        return not _only_space(before) or text[:1].isspace()
    return not (_joins(before[-1]) and _joins(text[0]))


def _text_from(pieces: Sequence[Piece], place: int) -> str:
    """The text of this token; of a part of a character, the character that the parts make."""
    while place < len(pieces) - 1 and _part_of_character(pieces, place):
        place += 1
    return pieces[place].text


def _text_before(pieces: Sequence[Piece], place: int, walls: set[int]) -> str:
    """The text of the nearest token before `place` that has any, as far as no wall stands between."""
    for earlier in range(place - 1, -1, -1):
        if earlier + 1 in walls or _is_special(pieces[earlier]):
            return ""
        if pieces[earlier].text:
            return pieces[earlier].text
    return ""


def _is_special(piece: Piece) -> bool:
    return not piece.text and piece.label.startswith("<")


def _part_of_character(pieces: Sequence[Piece], place: int) -> bool:
    return not pieces[place].text and not _is_special(pieces[place])


def _only_space(text: str) -> bool:
    """Spaces of their own, within a line."""
    return bool(text) and text.isspace() and "\n" not in text


def _joins(character: str) -> bool:
    """Whether this character can stand inside a word, next to another of its word."""
    if character in _JOINS:
        return True
    if unicodedata.category(character)[0] not in "LMN":
        return False
    return not unicodedata.name(character, "").startswith(_SPACELESS)


def _clings(before: str, character: str) -> bool:
    """Whether `character` is part of what is seen as one character with the one before it: an accent, a vowel sign, an emoji's colour."""
    if before == "\N{ZERO WIDTH JOINER}" and not character.isspace():
        return True
    name = unicodedata.name(character, "")
    flag = "REGIONAL INDICATOR"
    if name.startswith(flag):
        return unicodedata.name(before, "").startswith(flag)
    return unicodedata.category(character)[0] == "M" or character == "\N{ZERO WIDTH JOINER}" or name.startswith("EMOJI MODIFIER")


def _label(pieces: Sequence[Piece]) -> str:
    """What a reader is shown for these tokens together."""
    if len(pieces) == 1:
        piece = pieces[0]
        return piece.text.strip() or piece.label
    return visible("".join(piece.text for piece in pieces)) or "".join(piece.label for piece in pieces)


def visible(text: str) -> str:
    """`text` for a label: without the space around it; what is only space is shown by a sign; "" for nothing at all."""
    seen = (character if character.isprintable() or character.isspace() or character in _UNSEEN else _STRANGE for character in text)
    bare = "".join(seen)
    inner = " ".join(bare.split())
    if inner and not inner.strip(_UNSEEN + "\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}"):
        return _STRANGE
    if inner or not bare:
        return inner
    return "¶" if "\n" in bare else "␣"


def one_hot(spans: Sequence[Span], tokens: int) -> NDArray[np.float32]:
    """(token, span): 1 where the token belongs to the span."""
    table = np.zeros((tokens, len(spans)), dtype=np.float32)
    for column, span in enumerate(spans):
        table[span.start : span.stop, column] = 1
    return table
