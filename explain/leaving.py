"""Leaving out one word at a time: exact, and the yardstick for the others.

What stands before a word is not changed by leaving it out, so that it is read once for all words (`prefix`); how many words are
read together is a matter of speed only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from explain.method import Found, MethodSettings
from explain.prefix import CantResumeError, Prefix
from explain.scorer import Scorer
from explain.words import Span, one_hot

_TOGETHER = 320  # rows x tokens read in one go: more of a batch reads tokens anew that didn't change, less wastes the processor's time
_CLOSE = 1e-4  # nats for each token asked: the quick way against the plain one


@torch.no_grad()
def ablation(scorer: Scorer, spans: Sequence[Span], _: MethodSettings) -> Found:
    """Log-probability of the target minus that with the word replaced by the baseline (feature ablation), in nats.

    Words without a token that can be taken away score exactly 0.
    """
    changed = torch.from_numpy(one_hot(spans, len(scorer.question.tokens)).T > 0).to(scorer.ids.device) & scorer.free
    plain = counted = changed.any(-1)
    found = torch.zeros(len(spans), dtype=torch.float64)
    resumed = counted & ~changed[:, : scorer.question.offset].any(-1)  # of an encoder-decoder: the decoder's words
    if resumed.any():
        lost = _resumed(scorer, changed[resumed])
        if lost is not None:
            found[resumed.cpu()] = lost.cpu()
            plain = counted & ~resumed
    if plain.any():
        found[plain.cpu()] = _anew(scorer, changed[plain]).cpu()
    return Found(found.numpy())


def _anew(scorer: Scorer, changed: torch.Tensor) -> torch.Tensor:
    """(word, token), what is replaced -> (word,), nats lost: the whole text is read for each word."""
    kept = torch.cat([torch.ones_like(changed[:1]), ~changed])
    scores = scorer.replaced(kept).double()
    return scores[0] - scores[1:]


def _resumed(scorer: Scorer, changed: torch.Tensor) -> torch.Tensor | None:
    """As `_anew`, reading from the first changed token on; None for models that can't be read like that."""
    batches = _batches(scorer, changed.int().argmax(-1).tolist())
    batches.insert(0, batches.pop(len(batches) // 2))  # in the middle much is remembered and much is read: there it is checked
    lost = torch.zeros(len(changed), dtype=torch.float64, device=changed.device)
    try:
        texts = _texts(scorer)
        before = sum(weight * text.original.double().sum() for weight, text in texts)
        for number, rows in enumerate(batches):
            after = sum(weight * text.after(changed[rows]).double().sum(-1) for weight, text in texts)
            lost[rows] = before - after
            if not number and not _same(scorer, lost[rows[:1]], changed[rows[:1]]):
                return None
    except CantResumeError:
        return None
    return lost


def _texts(scorer: Scorer) -> list[tuple[float, Prefix]]:
    """The text with the target, and that with what is asked for instead of it, each with its weight."""
    own, other = scorer.weights
    texts = [(own, Prefix(scorer, scorer.embeddings[: scorer.length], scorer.asked, shared=scorer.length))] if own else []
    if other and len(scorer.instead):
        begin = scorer.question.offset + scorer.question.target.start
        row = torch.cat([scorer.embeddings[:begin], scorer.embed(scorer.instead[:-1])])
        texts.append((other, Prefix(scorer, row, scorer.instead, shared=begin)))
    return texts


def _batches(scorer: Scorer, firsts: Sequence[int]) -> list[list[int]]:
    """Words whose first changes lie close together: a batch is read from the first of them on."""
    batches: list[list[int]] = []
    room = 0
    for word in sorted(range(len(firsts)), key=firsts.__getitem__):
        if not room:
            batches.append([])
            room = max(1, min(scorer.rows(), _TOGETHER // (scorer.length - firsts[word])))
        batches[-1].append(word)
        room -= 1
    return batches


def _same(scorer: Scorer, quick: torch.Tensor, changed: torch.Tensor) -> bool:
    return bool((quick - _anew(scorer, changed)).abs().max() < _CLOSE * (len(scorer.asked) + len(scorer.instead)))
