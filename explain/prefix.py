"""A text that is read once, and then again with changes from the first changed token on: what stands before is remembered."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from explain.scorer import Scorer
from narrative.models import SEQ2SEQ

_UNFIT = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)


class CantResumeError(Exception):
    """This model can't be taken up in the middle of a text: it keeps no keys and values, or keeps them in a way of its own."""


class Prefix:
    """One text before the reader of a scorer. `original`: (asked,), log-probabilities in nats of the text as it stands.

    row: (token, width), the embeddings that are read; the last of `asked` would come after them. shared: how many of its tokens are
    those of the scorer's axis. Raises `CantResumeError`; who calls reads the text anew then.
    """

    def __init__(self, scorer: Scorer, row: torch.Tensor, asked: torch.Tensor, *, shared: int) -> None:
        self._scorer, self._row, self._asked, self._shared = scorer, row, asked, shared
        self._border = scorer.question.offset
        self._coded: torch.Tensor | None = None  # (1, token, width): what the encoder says
        self._cache: Any = EncoderDecoderCache(DynamicCache(), DynamicCache()) if scorer.model.kind == SEQ2SEQ else DynamicCache()
        self.original = self._read(row[None, self._border :], self._cache, len(asked))[0]
        if self._cache.get_seq_length() != len(row) - self._border:
            raise CantResumeError

    def after(self, changed: torch.Tensor) -> torch.Tensor:
        """changed: (row, token of the scorer's axis), bool, nothing of it in the encoder -> (row, asked), nats, with the baseline there.

        Quickest for rows whose first changes lie close together: all are read from the first of them on.
        """
        changed = changed[:, : self._shared]
        scores = self.original.repeat(len(changed), 1)
        places = changed.any(0).nonzero()
        if not len(places):
            return scores
        begin = int(places[0])
        rows = self._row[begin:].repeat(len(changed), 1, 1)
        rows[:, : self._shared - begin][changed[:, begin:]] = self._scorer.baseline.vector.to(rows.dtype)
        count = min(len(self._asked), len(self._row) - begin)  # what is asked for before the first change stays as it was
        scores[:, -count:] = self._read(rows, _cut(self._cache, begin - self._border, len(rows)), count)
        return scores

    def _read(self, rows: torch.Tensor, cache: Any, count: int) -> torch.Tensor:
        """(row, token, width) after what `cache` holds -> (row, count): log-probabilities of the last `count` asked tokens."""
        asked = self._asked[None, -count:, None].expand(len(rows), -1, -1)
        try:
            with self._scorer.last(count):
                logits = self._logits(rows, cache)
        except _UNFIT as error:
            raise CantResumeError from error
        self._scorer.tick(len(rows))  # out here: what it raises is nobody's to catch
        return logits.gather(-1, asked).squeeze(-1) - logits.logsumexp(-1)

    def _logits(self, rows: torch.Tensor, cache: Any) -> torch.Tensor:
        reader = self._scorer.reader
        if self._scorer.model.kind != SEQ2SEQ:
            told: dict[str, Any] = {"inputs_embeds": rows}
        elif self._coded is None:
            told = {"inputs_embeds": self._row[None, : self._border], "decoder_inputs_embeds": rows}
        else:
            coded = BaseModelOutput(last_hidden_state=self._coded.expand(len(rows), -1, -1))
            told = {"encoder_outputs": coded, "decoder_inputs_embeds": rows}
        read = reader(**told, past_key_values=cache, use_cache=True)
        if self._scorer.model.kind == SEQ2SEQ and self._coded is None:
            self._coded = read.encoder_last_hidden_state
        logits: torch.Tensor = read.logits.float()
        return logits


def _cut(cache: Any, place: int | None, rows: int) -> Any:
    """The keys and values of the tokens before `place` (None: all), `rows` times, for `update` to append to."""
    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(_cut(cache.self_attention_cache, place, rows), _cut(cache.cross_attention_cache, None, rows))
    kept = [[states[:, :, :place].expand(rows, -1, -1, -1) for states in (layer.keys, layer.values)] for layer in cache.layers]
    return DynamicCache([(keys, values) for keys, values in kept])
