"""What is asked of a model: why these tokens? The words that may have brought them about, and what stands in for one that is taken away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from explain.passage import Passage, pieces_of
from explain.words import Piece, Span, sentences_as_spans, visible, words_as_spans
from narrative.errors import ExplainError, PromptError, SettingsError, require_choice
from narrative.generation.reading import reader_for
from narrative.models import SEQ2SEQ, LanguageModel

WORDS, PIECES, SENTENCES = "words", "pieces", "sentences"
GROUPINGS = (WORDS, PIECES, SENTENCES)
_LONGEST_WORD = 8  # tokens of the next word at most


@dataclass(frozen=True)
class Target:
    """The tokens `start` to `stop` (exclusive) of `passage.sequence`, whose summed log-probability is watched."""

    start: int
    stop: int


@dataclass(frozen=True)
class Question:
    """Why `target`, in this passage? With `instead`: why `target` and not these tokens in its place?

    `instead` are tokens, not text, so that what is compared is exactly what the model would have had to write.
    """

    passage: Passage
    target: Target
    instead: tuple[Piece, ...] = ()

    def __post_init__(self) -> None:
        length = len(self.passage.sequence)
        if not 0 <= self.target.start < self.target.stop <= length:
            raise SettingsError(
                f"The target is the tokens from {self.target.start} to before {self.target.stop}; it must hold at least one token, and "
                f"lie within the {length:,} tokens of the text, counted from 0."
            )
        if self.target.start == 0:
            what = "is the sign that a decoder begins with: it is given, never written" if self.passage.start else "has nothing before it"
            raise ExplainError(f"The first token {what}, so that nothing can have brought it about. Choose a later word.")

    @property
    def tokens(self) -> tuple[Piece, ...]:
        """The tokens that may have brought the target about, on one axis: what the encoder reads if there is one, then the sequence."""
        return (self.passage.encoder if self.passage.kind == SEQ2SEQ else ()) + self.passage.sequence

    @property
    def offset(self) -> int:
        """Where `passage.sequence` begins on the axis of `tokens`."""
        return len(self.tokens) - len(self.passage.sequence)

    @property
    def end(self) -> int:
        """The first place on the axis that the target can't depend on: its own last token, and all after it."""
        return self.offset + self.target.stop - 1

    @property
    def written_from(self) -> int:
        """The place on the axis where the model's own text begins."""
        return self.offset + self.passage.written_from

    @property
    def label(self) -> str:
        """The target as a reader would call it."""
        return self._text(self.passage.sequence[self.target.start : self.target.stop])

    @property
    def instead_label(self) -> str:
        return self._text(self.instead)

    def _text(self, pieces: Sequence[Piece]) -> str:
        return visible("".join(piece.text for piece in pieces)) or "".join(piece.label for piece in pieces)

    def can_change(self) -> NDArray[np.bool_]:
        """(token,): what may be taken away. Signs that stand for no text are given, and what lies at or after `end` changes nothing.

        The first pieces of a word don't explain the word: where the target is one word, all that counts stands before it.
        """
        given = [not piece.text and piece.label.startswith("<") for piece in self.tokens]
        stop = self.offset + self.target.start if self._is_one_word else self.end
        return ~np.array(given, dtype=bool) & (np.arange(len(given)) < stop)

    @property
    def _is_one_word(self) -> bool:
        words = words_as_spans(self.passage.sequence, breaks=(self.passage.written_from,))
        return any(word.start <= self.target.start and self.target.stop <= word.stop for word in words)

    def spans(self, unit: str = WORDS, *, drawn: Iterable[Span] = ()) -> tuple[Span, ...]:
        """All tokens of the axis in groups: each is one word, piece or sentence, or one of the spans that somebody has `drawn`.

        Raises `SettingsError` for another unit, and for drawn spans that overlap or reach beyond the text.
        """
        require_choice("unit", unit, GROUPINGS)
        breaks = (self.offset, self.written_from)
        if unit == PIECES:
            found = tuple(Span(place, place + 1, piece.label) for place, piece in enumerate(self.tokens))
        else:
            found = (words_as_spans if unit == WORDS else sentences_as_spans)(self.tokens, breaks=breaks)
        wanted = sorted(drawn)
        return _around(self.tokens, found, wanted) if wanted else found


def _around(pieces: Sequence[Piece], spans: tuple[Span, ...], drawn: Sequence[Span]) -> tuple[Span, ...]:
    """`drawn` as they are, and between them what is left of `spans`."""
    kept: list[Span] = []
    place = 0
    for one in drawn:
        if not place <= one.start < one.stop <= len(pieces):
            raise SettingsError(f"The marked passage {one.label!r} overlaps another one, or lies outside the text. Mark it again.")
        kept += _left(pieces, spans, place, one.start)
        kept.append(one)
        place = one.stop
    return (*kept, *_left(pieces, spans, place, len(pieces)))


def _left(pieces: Sequence[Piece], spans: Sequence[Span], start: int, stop: int) -> list[Span]:
    """What of `spans` lies in [start, stop)."""
    cut = [(max(one.start, start), min(one.stop, stop), one) for one in spans if one.start < stop and one.stop > start]
    return [one if (first, last) == one[:2] else span_of(pieces, first, last) for first, last, one in cut]


def span_of(pieces: Sequence[Piece], start: int, stop: int) -> Span:
    """The tokens `start` to `stop` as one span, labelled with its text."""
    text = visible("".join(piece.text for piece in pieces[start:stop]))
    return Span(start, stop, text or "".join(piece.label for piece in pieces[start:stop]))


def whole(passage: Passage) -> Question:
    """Why all that was written; of a text without a prompt of its own, why all after its first token."""
    start = max(1, passage.written_from) if passage.completion else 1
    if start >= len(passage.sequence):
        raise ExplainError("There is nothing to explain: the text holds no word with another one before it.")
    return Question(passage, Target(start, len(passage.sequence)))


def next_word(model: LanguageModel, passage: Passage) -> Question:
    """Why the word that the model holds likeliest after the passage: it is put there, token by token, until another word would begin.

    Raises `ExplainError` when the model would end the text there, or has no room for another word.
    """
    if len(passage.sequence) > model.context:
        raise ExplainError(f"{model.name} reads {model.context:,} tokens at once, so there is no room for another word. Shorten the text.")
    ids: list[int] = []
    for _ in range(min(_LONGEST_WORD, model.context + 1 - len(passage.sequence))):
        found = _likeliest(model, passage, ids)
        if found in model.end_ids:
            break
        grown = pieces_of(model, [piece.id for piece in passage.prompt], [*(piece.id for piece in passage.completion), *ids, found])
        written = grown[len(passage.prompt) + len(passage.completion) :]
        if len(words_as_spans(written)) > 1:
            break
        ids.append(found)
    if not ids:
        raise ExplainError("The model would end the text here, so there is no next word to explain. Give a completion, or a longer text.")
    pieces = pieces_of(model, [piece.id for piece in passage.prompt], [*(piece.id for piece in passage.completion), *ids])
    longer = replace(passage, completion=pieces[len(passage.prompt) :])
    return Question(longer, Target(len(passage.sequence), len(longer.sequence)))


@torch.inference_mode()
def _likeliest(model: LanguageModel, passage: Passage, more: Sequence[int]) -> int:
    reader, _ = reader_for(model, tuple(piece.id for piece in passage.prompt), 1)
    ids = [piece.id for piece in passage.sequence]
    return int(reader.logits(torch.tensor([[*ids, *more]], device=model.device)).argmax())


def instead_of(model: LanguageModel, question: Question, text: str) -> Question:
    """The same question against other words in the target's place: "why *he* and not *she*?".

    `text` takes the target's leading space unless it brings its own. Raises `PromptError` when nothing of it can be read.
    """
    passage, target = question.passage, question.target
    first = passage.sequence[target.start].text
    given = text if text[:1].isspace() or not first[:1].isspace() else first[: len(first) - len(first.lstrip())] + text
    pieces = _continued(model, [piece.id for piece in passage.sequence[: target.start]], given) if text.strip() else ()
    if not pieces:
        raise PromptError("Give the word that could have stood there instead.")
    stands = passage.sequence[target.start : target.stop]
    same = [piece.id for piece in pieces] == [piece.id for piece in stands]
    if same or "".join(piece.text for piece in pieces) == "".join(piece.text for piece in stands):
        raise PromptError("That is the word that stands there already. Give another one.")
    return replace(question, instead=pieces)


def _continued(model: LanguageModel, before: Sequence[int], text: str) -> tuple[Piece, ...]:
    """The tokens of `text` after `before`. Tokenizers that put a space before whatever they read are given it without its own."""
    found: list[tuple[Piece, ...]] = []
    for given in (text, text.lstrip()):
        ids = model.tokenizer(given, add_special_tokens=False, verbose=False)["input_ids"]
        found.append(pieces_of(model, before, ids)[len(before) :])
        if "".join(piece.text for piece in found[-1]) == text:
            return found[-1]
    return found[0]
