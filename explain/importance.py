"""Which words drove a text, as one method sees it: frozen data that can be kept, sent and drawn. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.question import Question, Target
from explain.results import stored_passage
from explain.stored import store, taken_from
from explain.words import Piece, Span

RAISES, DIFFERS, HIGH, LOW = "raises", "differs", "high", "low"
DIRECTIONS = {
    RAISES: "above 0 = made the target more likely, below 0 = less likely; nats of log-probability",
    DIFFERS: "above 0 = matters more for the target than for the other words, below 0 = less; no nats",
    HIGH: "high = important",
    LOW: "low = important: the noise that a word can bear",
}


@dataclass(frozen=True, eq=False)
class WordImportance:
    """scores: (word,), float64; what they mean is told by `direction`. Words that the target can't depend on score 0 (NaN where low
    is important: any noise would do)."""

    question: Question
    unit: str  # words | pieces | sentences
    words: tuple[Span, ...]  # groups of the tokens of `question.tokens`, all of them
    scores: NDArray[np.float64]
    method: str  # a key of `methods.METHODS`
    direction: str  # a key of `DIRECTIONS`
    settings: Mapping[str, Any] = field(default_factory=dict)
    baseline: str = ""  # what stands in for a word that is taken away, as a reader would call it; "" where nothing does
    before: float = 0.0  # log-probability of the target in nats; with `instead`, minus that of the other words
    checks: Mapping[str, float] = field(default_factory=dict)  # e.g. completeness error: see `methods`
    notes: tuple[str, ...] = ()  # sentences about what this map doesn't cover
    spread: NDArray[np.float64] | None = None  # (word,): standard deviation between seeds, where a method has one
    layers: NDArray[np.float64] | None = None  # (layer, word): of methods that look into the layers; layer 0 is the first

    @property
    def signed(self) -> bool:
        return self.direction in {RAISES, DIFFERS}

    def counted(self) -> NDArray[np.bool_]:
        """(word,): words that the target can depend on and that can be taken away. The others say nothing."""
        free = self.question.can_change()
        return np.array([bool(free[span.start : span.stop].any()) for span in self.words])

    def weight(self) -> NDArray[np.float64]:
        """(word,), at least 0: how much each word matters, whatever the method's direction. 0 for words that don't count."""
        counted = self.counted()
        if self.direction != LOW:
            return np.where(counted, np.abs(self.scores), 0.0)
        least = np.nanmax(np.where(counted, self.scores, np.nan)) if counted.any() else 1.0
        return np.where(counted, np.log(least / np.maximum(np.nan_to_num(self.scores, nan=least), 1e-300)), 0.0)

    def ranking(self) -> NDArray[np.float64]:
        """(word,): larger = did more for the target, so that words are ordered alike for all methods. -inf for words that don't count."""
        values = self.scores if self.signed else self.weight()
        return np.where(self.counted(), values, -np.inf)

    def shares(self) -> tuple[float, float]:
        """How much of all weight lies on the prompt, and on the model's own text: adds up to 1, or (0, 0) where all is 0."""
        weight, begin = self.weight(), self.question.written_from
        own = float(sum(one for one, span in zip(weight, self.words, strict=True) if span.start >= begin))
        total = float(weight.sum())
        return (1 - own / total, own / total) if total > 0 else (0.0, 0.0)

    def save(self, path: Path) -> None:
        """One .npz file; `load` gives an equal one."""
        told = {name: getattr(self, name) for name in _PLAIN} | {"question": asdict(self.question)}
        store(path, told, {name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: Path) -> WordImportance:
        """What `save` wrote. Raises `ExplainError` when the file is something else or damaged."""
        with taken_from(path, "word importance") as (told, arrays):
            told["question"] = _stored_question(told["question"])
            told["words"] = tuple(Span(*span) for span in told["words"])
            if told["direction"] not in DIRECTIONS or any(array.shape[-1:] != (len(told["words"]),) for array in arrays.values()):
                raise ValueError(path)
            return cls(**told | arrays | {"notes": tuple(told["notes"])})


_ARRAYS = ("scores", "spread", "layers")
_PLAIN = ("unit", "words", "method", "direction", "settings", "baseline", "before", "checks", "notes")


def _stored_question(entry: dict[str, Any]) -> Question:
    instead = tuple(Piece(*piece) for piece in entry["instead"])
    return Question(stored_passage(entry["passage"]), Target(**entry["target"]), instead)
