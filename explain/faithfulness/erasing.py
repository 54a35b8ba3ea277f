"""Words taken away, and what is left of the target's probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from explain.faithfulness.rankings import Order
from explain.importance import WordImportance
from explain.scorer import Scorer
from explain.words import Span, one_hot
from narrative.models import SEQ2SEQ

REPLACEMENT, REMOVAL = "replacement", "removal"
Read = Callable[[torch.Tensor], torch.Tensor]  # (row, token), bool, what is kept -> (row,), nats
FEWEST = 2  # words of which an order can be told


class Erasing:
    """One way to take words away. Each set of words is read once, whoever asks for it: orders that begin alike share their texts.

    words: numbers of those that may go; `least` of them must stay. per: the target's tokens.
    """

    def __init__(self, how: str, read: Read, spans: Sequence[Span], *, words: Order, tokens: int, per: int, least: int = 0) -> None:
        self.how, self.words, self.most = how, words, len(words) - least
        self._read, self._per = read, per
        self._table = one_hot(spans, tokens).T > 0  # (word, token)
        self._known: dict[bytes, float] = {}

    def without(self, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
        """gone: (..., word) -> (...): log-probability for each of the target's tokens, in nats."""
        rows = np.ascontiguousarray(gone.reshape(-1, gone.shape[-1]))
        keys = [row.tobytes() for row in rows]
        unread = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known}
        if unread:
            kept = torch.from_numpy(~(np.stack(list(unread.values())) @ self._table))
            found = self._read(kept).double() / self._per
            self._known |= dict(zip(unread, found.tolist(), strict=True))
        return np.array([self._known[key] for key in keys]).reshape(gone.shape[:-1])

    def alone(self) -> NDArray[np.float64]:
        """(word,): what the target loses with each word gone by itself; 0 for words that can't go. The oracle's values."""
        width = len(self._table)
        gone = np.zeros((len(self.words) + 1, width), dtype=bool)
        gone[np.arange(len(self.words)), self.words] = True
        found = self.without(gone)
        lost = np.zeros(width)
        lost[self.words] = found[-1] - found[:-1]
        return lost


def replacing(scorer: Scorer, importance: WordImportance) -> Erasing:
    """Words take the baseline: the text keeps its length, and the words their places."""
    words = np.flatnonzero(importance.counted())
    return _erasing(REPLACEMENT, scorer.replaced, importance, words)


def removing(scorer: Scorer, importance: WordImportance) -> tuple[Erasing | None, tuple[str, ...]]:
    """Words go, and the text closes up: those that begin before the target. None, with the reason, where that leaves no order."""
    question, words = importance.question, removable(importance)
    border, begin = question.offset, question.offset + question.target.start
    free = question.can_change()
    if len(words) < FEWEST:
        return None, ("Taking words out is left out: fewer than two words stand before the target. They are only replaced.",)
    if question.passage.kind == SEQ2SEQ and free[:border].all():
        return None, ("Taking words out is left out: this model's reading part would be left with nothing to read.",)
    least = int(bool(free[:begin].all()))  # something must stay before the target; where no sign stands there, a word
    if len(words) - least < FEWEST:
        return None, ("Taking words out is left out: one of the two words before the target would have to stay.",)
    erasing = _erasing(REMOVAL, scorer.removed, importance, words, least=least)
    if len(words) == int(importance.counted().sum()):
        return erasing, ()
    note = f"Only the {len(words)} words that begin before the target can be taken out: the target's own words can only be replaced."
    return erasing, (note,)


def removable(importance: WordImportance) -> Order:
    """Numbers of the words that begin before the target. Of one that reaches into it, what stands before can go."""
    question = importance.question
    free = question.can_change() & (np.arange(len(question.tokens)) < question.offset + question.target.start)
    return np.flatnonzero([bool(free[span.start : span.stop].any()) for span in importance.words])


def _erasing(how: str, read: Read, importance: WordImportance, words: Order, *, least: int = 0) -> Erasing:
    target = importance.question.target
    tokens, per = len(importance.question.tokens), target.stop - target.start
    return Erasing(how, read, importance.words, words=words, tokens=tokens, per=per, least=least)
