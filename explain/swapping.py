"""Swap a word: what becomes of a text when one of its words is replaced or deleted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from explain.passage import Passage, pieces_of
from explain.twin import precise_twin
from explain.words import Piece, Span, visible, words_as_spans
from narrative.errors import ExplainError, SettingsError
from narrative.generation import Draft, Generation, regenerate
from narrative.generation.prompt import check_prompt
from narrative.generation.settings import MOST_TOKENS
from narrative.models import SEQ2SEQ, LanguageModel

_SMALL = 0.01  # nats: less than that is told as no change
_MANY = 1_000_000  # times likelier: beyond that a number says nothing to anybody


@dataclass(frozen=True)
class Swap:
    """One word, or several in a row, and what took their place. Log-probabilities are in nats, and of the same tokens both times."""

    before: str  # as a reader sees it
    after: str  # "" = deleted
    text: tuple[str, str, str]  # the changed text: what stands before the change, the new words, what stands after
    original: Passage
    passage: Passage  # the changed one
    at: int | None  # the first changed token of the completion; None for a change in the prompt
    begun: int  # tokens of the changed completion up to and including the new words; 0 for a change in the prompt
    scored: str  # whose log-probability is compared, in words
    old: float
    new: float
    tokens: tuple[tuple[str, float, float], ...]  # of each scored token: text, old and new log-probability

    @property
    def change(self) -> float:
        """Nats; above 0 the change made likelier what was written."""
        return self.new - self.old

    @property
    def sentence(self) -> str:
        """The change in plain words."""
        done = f"With “{self.after}” in place of “{self.before}”" if self.after else f"Without “{self.before}”"
        if abs(self.change) < _SMALL:
            return f"{done}, {self.scored} is as likely as before ({self.old:.2f} nats)."
        times = math.exp(min(abs(self.change), 50))
        factor = "more than a million" if times > _MANY else f"{float(f'{times:.2g}'):,.0f}" if times >= 9.95 else f"{times:.2f}"
        likely = f"{factor} times {'likelier' if self.change > 0 else 'less likely'}"
        most = max(self.tokens, key=lambda token: (token[2] - token[1]) * self.change)
        where = f" Most of that is at “{most[0]}”." if len(self.tokens) > 1 and abs(most[2] - most[1]) > abs(self.change) / 2 else ""
        return f"{done}, {self.scored} is {likely} to this model ({self.old:.2f} nats before, {self.new:.2f} now).{where}"


def swap(model: LanguageModel, passage: Passage, span: Span, words: str, *, tick: Callable[[int], None] = lambda _: None) -> Swap:
    """`words` in place of the tokens `span` of `Question.tokens`; "" or spaces delete them.

    A change in the prompt: the prompt is read anew as text, and all that was written is scored after it. A change in the completion:
    what was written after the change is scored. The scored tokens stay what they are. `tick` hears of every text read and may raise.

    Raises `SettingsError` for a span outside the text, `PromptError` for words that no prompt may hold, and `ExplainError` where there
    is nothing to change, nothing left, nothing to score or too much to read.
    """
    axis = (passage.encoder if passage.kind == SEQ2SEQ else ()) + passage.sequence
    begin = len(axis) - len(passage.completion)  # of the completion, on the axis
    if not 0 <= span.start < span.stop <= len(axis):
        raise SettingsError(
            f"The words to change are the tokens {span.start} to {span.stop} of a text of {len(axis):,}. Choose a word of it."
        )
    start, stop = _whole_characters(axis, span)
    old = "".join(piece.text for piece in axis[start:stop])
    if not old:
        raise ExplainError(f"“{span.label}” is a sign of the model's and no word of the text. Choose another one.")
    if start < begin < stop:
        raise ExplainError("The words reach from the prompt into what was written after it. Choose words of one of the two.")
    if words.strip():
        check_prompt(words)
    if words.strip() and words.strip() == old.strip():
        raise ExplainError(f"“{visible(old)}” stands there already. Give another word, or none to delete it.")
    change = _in_prompt(model, passage, start, stop, words.strip()) if start < begin else None
    change = change or _in_completion(model, passage, start - begin, stop - begin, words.strip())
    return _scored(model, replace(change, before=visible(old), after=visible(words.strip())), tick)


def rewriting(model: LanguageModel, swap: Swap, draft: Draft) -> Generation:
    """What the model writes now: `draft`, of which `swap.original` is the passage, with the same settings, seed and number.

    After a change in the prompt all of it; after one in the completion what follows the new words. Where words were deleted, the
    word that came next takes their place first: the same seed would only write the deleted one again. Nothing runs until the result is
    iterated, but the new words of a completion are read at once. Raises `ExplainError` for a draft of other weights.
    """
    if draft.fingerprint != model.fingerprint:
        raise ExplainError(f"This text was written by {draft.model} with other weights, so {model.name} can't write it again.")
    if swap.at is None:
        gone = pieces_of(model, draft.prompt_ids)[: swap.original.dropped]
        ids = tuple(piece.id for piece in (*gone, *swap.passage.prompt))
        prompt, alone = _joined((*gone, *swap.passage.prompt)), replace(draft.settings, drafts=1)
        return Generation(model, [Draft(model.name, model.fingerprint, prompt, ids, (), alone, draft.number)])
    earlier = 0 if model.kind == SEQ2SEQ else max(0, swap.original.dropped - len(draft.prompt_ids))
    written, begun = swap.passage.completion, swap.begun
    if draft.ids[earlier : earlier + swap.at] != tuple(piece.id for piece in written[: swap.at]):
        raise ExplainError("This draft is another text than the one that was changed. Swap the word again.")
    if begun == swap.at:
        begun += words_as_spans(written[begun:])[0].stop
    if earlier + begun >= MOST_TOKENS:
        raise ExplainError(f"A draft holds at most {MOST_TOKENS:,} tokens: nothing can be written after these words.")
    for place in range(swap.at, begun):
        settings = replace(draft.settings, drafts=1, max_new_tokens=earlier + place + 1)
        forced = regenerate(model, draft, at=earlier + place, token=written[place].id, settings=settings)
        for _ in forced:
            pass
        draft = replace(forced.drafts[0], settings=draft.settings)
    most = min(MOST_TOKENS, max(draft.settings.max_new_tokens, earlier + len(written), earlier + begun + 1))
    return regenerate(model, draft, at=earlier + begun, settings=replace(draft.settings, drafts=1, max_new_tokens=most))


def _whole_characters(axis: Sequence[Piece], span: Span) -> tuple[int, int]:
    """The span, grown until it holds no part of a character whose other parts lie outside: nobody can replace half of one."""
    start, stop = span.start, span.stop
    while start and _part(axis[start - 1]):
        start -= 1
    while stop < len(axis) and _part(axis[stop - 1]):
        stop += 1
    return start, stop


def _part(piece: Piece) -> bool:
    """A token whose text comes with a later one."""
    return not piece.text and not piece.label.startswith("<")


def _joined(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _in_prompt(model: LanguageModel, passage: Passage, start: int, stop: int, words: str) -> Swap:
    if not passage.completion:
        raise ExplainError("Nothing was written after the prompt, so that a change of it changes nothing. Give a completion.")
    before, after = _around(passage.prompt, start, stop, words)
    changed, given = before + words + after, _given(passage.prompt, start, stop, before, words, after)
    if not changed.strip():
        raise ExplainError("Nothing would be left of the prompt. Keep a word of it, or put another one there.")
    check_prompt(changed)
    ids = model.encode(changed) if _says_itself(model, passage) else _spliced(model, passage.prompt, start, stop, given)
    pieces = pieces_of(model, ids, [piece.id for piece in passage.completion])
    new = replace(passage, prompt=pieces[: len(ids)], completion=pieces[len(ids) :])
    return _change(passage, new, (before, words, after + _joined(new.completion)), None, 0)


def _says_itself(model: LanguageModel, passage: Passage) -> bool:
    """Whether the shown prompt, encoded, gives its own tokens. Not where a tokenizer doesn't know a character, nor, for some, where
    the shown part begins in the middle of a text: then all but the changed words must stay as tokens."""
    return model.encode(_joined(passage.prompt)) == [piece.id for piece in passage.prompt]


def _spliced(model: LanguageModel, pieces: Sequence[Piece], start: int, stop: int, given: str) -> list[int]:
    first = [piece.id for piece in pieces[:start]]
    return [*first, *_ids_after(model, first, given), *(piece.id for piece in pieces[stop:])]


def _given(pieces: Sequence[Piece], start: int, stop: int, before: str, words: str, after: str) -> str:
    """The characters that take the place of these tokens: the words with what is kept of the space around them."""
    return before[len(_joined(pieces[:start])) :] + words + (after.removesuffix(_joined(pieces[stop:])) if words else "")


def _in_completion(model: LanguageModel, passage: Passage, start: int, stop: int, words: str) -> Swap:
    rest = passage.completion[stop:]
    if not rest:
        raise ExplainError("Nothing was written after these words, so that a change of them changes nothing. Choose an earlier word.")
    before, after = _around(passage.completion, start, stop, words)
    first = [piece.id for piece in (*passage.prompt, *passage.completion[:start])]
    ids = _ids_after(model, first, _given(passage.completion, start, stop, before, words, after))
    if not first and not ids:
        raise ExplainError("Nothing would be left before the words that follow. Put another word there.")
    prompt = [piece.id for piece in passage.prompt]
    pieces = pieces_of(model, prompt, [*first[len(prompt) :], *ids, *(piece.id for piece in rest)])
    new = replace(passage, completion=pieces[len(prompt) :])
    shown = (_joined(passage.prompt) + before, words, _joined(rest))
    return _change(passage, new, shown, start, start + len(ids))


def _around(pieces: Sequence[Piece], start: int, stop: int, words: str) -> tuple[str, str]:
    """The text before and after the changed words: they keep the space before them, and a deletion takes one space along."""
    before, old, after = _joined(pieces[:start]), _joined(pieces[start:stop]), _joined(pieces[stop:])
    bare = old.strip()
    lead = old[: len(old) - len(old.lstrip())]
    trail = old[len(lead) + len(bare) :]
    if not words and not bare:
        return before, after
    if not words and lead[-1:].isspace() and lead[-1] != "\n":
        lead = lead[:-1]
    elif not words and (trail + after)[:1] == " ":
        after, trail = (trail + after)[1:], ""
    return before + lead, trail + after


def _ids_after(model: LanguageModel, first: Sequence[int], given: str) -> list[int]:
    """The tokens of `given` as they follow others: some tokenizers bring a space of their own along, or a sign for one too many."""
    if not given:
        return []
    texts = (given, given.lstrip(" "))
    found = [list(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]
    true = [ids for ids in found if _joined(pieces_of(model, first, ids)[len(first) :]) == given]
    return min(true or found[:1], key=len)


def _change(old: Passage, new: Passage, text: tuple[str, str, str], at: int | None, begun: int) -> Swap:
    written = "all that was written" if at is None else "what was written after it"
    return Swap("", "", text, old, new, at, begun, f"what is shown of {written}" if old.cut else written, 0.0, 0.0, ())


def _scored(model: LanguageModel, change: Swap, tick: Callable[[int], None]) -> Swap:
    new, old = change.passage, change.original
    count = len(new.completion) - change.begun
    longest = max(len(new.sequence), len(new.prompt))
    if longest > model.context:
        told = f"The changed text has {longest:,} tokens, and {model.name} reads {model.context:,} at once"
        raise ExplainError(f"{told}. Put fewer words there, or take a shorter text.")
    reader = precise_twin(model)
    before, after = (_read(reader, model, passage, count, tick) for passage in (old, new))
    texts = [visible(piece.text) or piece.label for piece in new.completion[change.begun :]]
    return replace(change, old=sum(before), new=sum(after), tokens=tuple(zip(texts, before, after, strict=True)))


@torch.no_grad()
def _read(reader: Any, model: LanguageModel, passage: Passage, count: int, tick: Callable[[int], None]) -> list[float]:
    """Log-probability in nats of the last `count` tokens of the sequence, each after all that stands before it."""
    ids = torch.tensor([[piece.id for piece in passage.sequence]], device=model.device)
    told: dict[str, Any] = {"input_ids": ids[:, :-1], "logits_to_keep": count}
    if model.kind == SEQ2SEQ:
        read = torch.tensor([[piece.id for piece in passage.encoder]], device=model.device)
        told = {"input_ids": read, "decoder_input_ids": ids[:, :-1]}
    logits = reader(**told, use_cache=False).logits[0, -count:].float()
    tick(1)
    return [float(value) for value in logits.log_softmax(-1).gather(-1, ids[0, -count:, None]).squeeze(-1)]
