"""What lies open: texts read once, and the answers about them, kept by draft, target, method and settings."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch

from explain.asking.ask import NEXT, SPAN, WHOLE, Ask
from explain.asking.background import Tick, Working, in_background
from explain.faithfulness import Faithfulness, check_map, check_passes
from explain.importance import WordImportance
from explain.methods import METHODS, estimate, explain_words
from explain.passage import Passage
from explain.question import Question, Target, instead_of, next_word, whole
from explain.reading import Source, passage_again, passage_for
from explain.scorer import Scorer
from explain.words import Span, words_as_spans
from narrative.errors import ExplainError, PromptError
from narrative.models import SEQ2SEQ, LanguageModel
from narrative.studio import Stage, Studio

MOST_EXPLAINED = 512  # tokens that are asked about at once
KEPT = 256  # answers: a few kilobytes each
KNOWN = 256  # questions, and how long a row takes
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Text:
    """A passage and who reads it."""

    model: LanguageModel
    passage: Passage
    notes: tuple[str, ...] = ()  # sentences about what is shown and what isn't

    @property
    def key(self) -> Hashable:
        return self.model.fingerprint, self.passage

    def words(self) -> tuple[Span, ...]:
        """The words of the sequence, to be chosen as a target."""
        return words_as_spans(self.passage.sequence, breaks=(self.passage.written_from,))

    def question(self, ask: Ask) -> Question:
        """Raises as `Question`, `next_word` and `instead_of` do, and `PromptError` for a contrast with the whole of a text."""
        question = self._plain(ask)
        if not ask.instead.strip():
            return question
        if ask.aim == WHOLE and len(words_as_spans(question.passage.sequence[question.target.start :])) > 1:
            raise PromptError("A word can't stand in for all that was written. Choose the word or words that it could replace.")
        return instead_of(self.model, question, ask.instead)

    def _plain(self, ask: Ask) -> Question:
        if ask.aim == SPAN:
            return Question(self.passage, Target(ask.start, ask.stop))
        if ask.aim == NEXT:
            return next_word(self.model, self.passage)
        return whole(self.passage)


class WordDesk:
    """One for the whole app. Thread-safe."""

    def __init__(self, studio: Studio, *, limit: int = MOST_EXPLAINED) -> None:
        self.studio, self.limit = studio, limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._known: OrderedDict[Hashable, Any] = OrderedDict()  # apart, so that they push no answer out
        self._paces: dict[tuple[str, str], float] = {}  # (fingerprint, method) -> seconds a row and token

    def open(self, source: Source) -> Generator[Stage, None, Text]:
        """Load and read. Raises `ModelError` or `PromptError`."""
        model = yield from self.studio.load(source.model)
        passage, note = passage_for(model, source, limit=self.limit)
        return Text(model, passage, tuple(sentence for sentence in (note, passage.trimmed) if sentence))

    def read_by(self, name: str, text: Text, ask: Ask) -> Generator[Stage, None, tuple[Text, Ask]]:
        """The same text and target for another model. Raises `ExplainError` when it doesn't see the marked words."""
        model = yield from self.studio.load(name)
        other = Text(model, passage_again(model, text.passage))
        if ask.aim == SPAN:
            start, stop = _same_words(text, other, ask)
            ask = replace(ask, start=start, stop=stop)
        return other, ask

    def explain(self, text: Text, ask: Ask) -> Generator[Working, None, WordImportance]:
        """The map; one that was worked out before comes at once. A NoiseTunnel is left out of methods that can't go through one.

        Raises as `explain_words` does.
        """
        ask = _fitting(ask)

        def work(tick: Tick) -> WordImportance:
            began = time.perf_counter()
            found = explain_words(
                text.model, self.question(text, ask), method=ask.method, settings=ask.settings, unit=ask.unit,
                baseline=ask.baseline, tick=tick,
            )  # fmt: skip
            self._took(text, ask, time.perf_counter() - began)
            return found

        return (yield from self._once(("map", text.key, ask), work, rows=self.rows(text, ask)))

    def check(self, text: Text, ask: Ask) -> Generator[Working, None, Faithfulness]:
        """Whether that map tells the truth, beside those of other methods that were asked already."""
        ask = _fitting(ask)
        importance = yield from self.explain(text, ask)
        others = self.others(text, ask)

        def work(tick: Tick) -> Faithfulness:
            return check_map(text.model, importance, baseline=ask.baseline, others=others, tick=tick)

        names = tuple(one.method for one in others)  # a map that was asked since is worth another check
        return (yield from self._once(("check", text.key, ask, names), work, rows=check_passes(importance)))

    def checked(self, text: Text, ask: Ask) -> Faithfulness | None:
        """The newest check of that map, if there was one."""
        ask = _fitting(ask)
        with self._lock:
            found = (kept for key, kept in reversed(self._kept.items()) if isinstance(key, tuple) and key[:3] == ("check", text.key, ask))
            return next(found, None)

    def others(self, text: Text, ask: Ask) -> tuple[WordImportance, ...]:
        """Maps of the same target by other methods that lie here, newest first."""
        with self._lock:
            found = [
                (key[2], kept) for key, kept in reversed(self._kept.items())
                if isinstance(key, tuple) and key[0] == "map" and key[1] == text.key and key[2].method != ask.method
            ]  # fmt: skip
        alike = [kept for one, kept in found if replace(one, method=ask.method, settings=ask.settings) == ask]
        return tuple({one.method: one for one in reversed(alike)}.values())

    def rows(self, text: Text, ask: Ask) -> float:
        """About how many rows that map takes."""
        return self._passes(ask, self._words(text, ask))

    def seconds(self, text: Text, ask: Ask) -> dict[str, float]:
        """What each method would take on this text: by how long it took before, or by a few rows read together."""
        row = self._kept_or("row", text.key, lambda: _seconds_a_row(text.model, self.question(text, ask)))
        words, length = self._words(text, ask), len(text.passage.sequence)
        with self._lock:
            paces = {name: self._paces.get((text.model.fingerprint, name), 0) * length or row for name in METHODS}
        return {name: pace * self._passes(replace(ask, method=name), words) for name, pace in paces.items()}

    @staticmethod
    def _words(text: Text, ask: Ask) -> int:
        """That may be taken away, about: an encoder's all, of the sequence those before the target's end."""
        read = len(words_as_spans(text.passage.encoder)) if text.passage.kind == SEQ2SEQ else 0
        return read + sum(1 for span in text.words() if ask.aim != SPAN or span.start < ask.stop)

    def _took(self, text: Text, ask: Ask, seconds: float) -> None:
        """Seconds a row and token, for the next guess: the newer one counts for half."""
        key = text.model.fingerprint, ask.method
        pace = seconds / max(self.rows(text, ask), 1) / len(text.passage.sequence)
        with self._lock:
            self._paces[key] = (self._paces.get(key, pace) + pace) / 2

    @staticmethod
    def _passes(ask: Ask, words: int) -> float:
        return estimate(ask.method, words, _fitting(ask).settings, contrast=bool(ask.instead))

    def question(self, text: Text, ask: Ask) -> Question:
        """What is asked, whatever the method."""
        plain = replace(ask, method=Ask.method, unit=Ask.unit, baseline=Ask.baseline, settings=Ask().settings)
        found: Question = self._kept_or("question", (text.key, plain), lambda: text.question(ask))
        return found

    def _kept_or(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if (kind, key) in self._known:
                self._known.move_to_end((kind, key))
                found: T = self._known[kind, key]
                return found
        made = make()
        with self._lock:
            self._known[kind, key] = made
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return made

    def _once(self, key: Hashable, work: Callable[[Tick], T], *, rows: float) -> Generator[Working, None, T]:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
        made = yield from in_background(work, rows=rows)
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: Any) -> None:
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def _fitting(ask: Ask) -> Ask:
    """Without the NoiseTunnel that was set for another method, where this one can't go through it."""
    return ask if METHODS[ask.method].tunnels else replace(ask, settings=replace(ask.settings, tunnel=""))


def _seconds_a_row(model: LanguageModel, question: Question) -> float:
    """Of a few that are read together, as most are; the first reading pays for much that isn't its own."""
    scorer = Scorer(model, question)
    rows = scorer.embeddings.expand(min(8, scorer.rows()), -1, -1)
    with torch.no_grad():
        scorer.scores(rows[:1])
        began = time.perf_counter()
        scorer.scores(rows)
    return (time.perf_counter() - began) / len(rows)


def _same_words(text: Text, other: Text, ask: Ask) -> tuple[int, int]:
    """Where the marked words stand among the other model's tokens, by the characters before and in them.

    They are counted from where the model's own text begins, which an encoder-decoder reads apart from the prompt.
    """
    own = ask.start >= text.passage.written_from
    first, begin = (one.passage.written_from if own else 0 for one in (text, other))
    before, marked = (
        "".join(piece.text for piece in text.passage.sequence[low:high]) for low, high in ((first, ask.start), (ask.start, ask.stop))
    )
    place, found = 0, []
    for number, piece in enumerate(other.passage.sequence[begin:], begin):
        if piece.text and place < len(before) + len(marked) and place + len(piece.text) > len(before):
            found.append(number)
        place += len(piece.text)
    if not found or (not own and other.passage.kind == SEQ2SEQ):
        raise ExplainError(f"{other.model.card.title or other.model.name} doesn't see the marked words: compare on a shorter text.")
    return found[0], found[-1] + 1
