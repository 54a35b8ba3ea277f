"""Perplexity and bits per byte of a causal model on texts, weighted by tokens, with a sliding window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from narrative.errors import ModelError, require_whole
from narrative.models.card import SEQ2SEQ, LanguageModel


@dataclass(frozen=True)
class TextScore:
    """The summed surprise of a model at some texts. Scores of parts add up to the score of the whole."""

    nats: float  # negative log-likelihood
    tokens: int
    bytes: int  # of the texts in UTF-8

    def __add__(self, other: TextScore) -> TextScore:
        return TextScore(self.nats + other.nats, self.tokens + other.tokens, self.bytes + other.bytes)

    @property
    def perplexity(self) -> float:
        """exp of the mean loss a token. Comparable between models of one tokenizer only."""
        return math.exp(self.nats / self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """Comparable between any two models."""
        return self.nats / math.log(2) / self.bytes


def score_texts(model: LanguageModel, texts: Iterable[str], *, stride: int | None = None) -> TextScore:
    """Score each text by itself, its first token predicted from the end-of-text token, as at the beginning of a story.

    A text longer than the context is read through a window that moves on by `stride` tokens (half the context when
    not given); each token is scored once, with at least `context - stride` tokens before it. A shorter stride gives a
    lower, truer figure and costs more. The end of the text itself isn't scored.

    Raises `ModelError` for an encoder-decoder, which has no probability for a text alone.
    """
    if model.kind == SEQ2SEQ:
        raise ModelError(f"'{model.name}' is an encoder-decoder: it scores a target given a source, not a text alone.")
    stride = stride if stride is not None else max(1, model.context // 2)
    require_whole("stride", stride, low=1, high=max(1, model.context - 1))
    total = TextScore(0.0, 0, 0)
    for text in texts:
        ids = list(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        if ids:
            total += TextScore(_nats(model, ids, stride), len(ids), len(text.encode()))
    return total


def _nats(model: LanguageModel, ids: Sequence[int], stride: int) -> float:
    start = model.tokenizer.bos_token_id
    known = [start if start is not None else min(model.end_ids, default=ids[0]), *ids]
    nats, scored, begin = 0.0, 1, 0  # the first known token is given, not scored
    while scored < len(known):
        end = min(begin + model.context, len(known))
        nats += _window_nats(model, known[begin:end], scored - begin)
        scored, begin = end, begin + stride
    return nats


@torch.inference_mode()
def _window_nats(model: LanguageModel, window: Sequence[int], first: int) -> float:
    """Summed loss of window[first:], each token predicted from those before it in the window."""
    ids = torch.tensor([window], device=model.device)
    logits = model.model(input_ids=ids, use_cache=False, logits_to_keep=len(window) - first + 1).logits
    targets = ids[0, first:]
    return float(torch.nn.functional.cross_entropy(logits[0, :-1].float(), targets, reduction="sum"))
