"""Feeding a model: from all ids so far to the logits of the next token, with a cache and a sliding window."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from transformers.modeling_outputs import BaseModelOutput

from narrative.models.card import SEQ2SEQ, LanguageModel


class Reader(Protocol):
    """Reads one batch from its prompt to its end."""

    dropped: int  # tokens at the beginning that the last call no longer saw
    room: int | None  # ids it can read in all; None when its window slides

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """ids: (draft, length), each call one or more longer than the last -> (draft, vocabulary), float32, unprocessed."""
        ...


def window_start(length: int, context: int) -> int:
    """Where the window begins that shows a text of `length` tokens to a model of `context`.

    It moves in steps of a quarter context, so that the cache is rebuilt seldom, and depends on the length only, so
    that a branch sees what its parent saw.
    """
    if length <= context:
        return 0
    stride = max(1, context // 4)
    return -(-(length - context) // stride) * stride


def reader_for(model: LanguageModel, prompt_ids: tuple[int, ...], drafts: int) -> tuple[Reader, list[int]]:
    """The reader of one batch, and the ids that its drafts begin with."""
    if model.kind == SEQ2SEQ:
        seq2seq = Seq2SeqReader(model, prompt_ids, drafts)
        return seq2seq, [decoder_start(model)]
    return CausalReader(model), list(prompt_ids)


def decoder_start(model: LanguageModel) -> int:
    """The token that the decoder of an encoder-decoder begins with."""
    start = model.model.generation_config.decoder_start_token_id
    if start is None:
        start = model.model.config.decoder_start_token_id
    return int(start) if start is not None else model.pad_id


class CausalReader:
    """A decoder-only model. When the text outgrows the context, its oldest part is dropped and the window read anew."""

    room: int | None = None

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.dropped = 0
        self._cache: Any = None
        self._read = 0

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        length = ids.shape[1]
        start = window_start(length, self.model.context)
        if self._cache is None or start != self.dropped:
            self.dropped, self._read, self._cache = start, start, None
        new = ids[:, self._read :]
        # at the first reading the drafts are still one text: read it once
        shared = self._cache is None and len(ids) > 1 and bool((new == new[:1]).all())
        output = self.model.model(input_ids=new[:1] if shared else new, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._cache, self._read = getattr(output, "past_key_values", None), length
        last: torch.Tensor = output.logits[:, -1].float()
        if not shared:
            return last
        if self._cache is not None:
            self._cache.batch_repeat_interleave(len(ids))
        return last.expand(len(ids), -1)


class Seq2SeqReader:
    """An encoder-decoder: the prompt is encoded once, the drafts are what the decoder writes."""

    def __init__(self, model: LanguageModel, prompt_ids: tuple[int, ...], drafts: int) -> None:
        self.model = model
        self.dropped = max(0, len(prompt_ids) - model.context)  # the encoder reads the last of a long prompt
        self.room = getattr(model.model.config, "max_position_embeddings", None)  # T5 has none: its positions are relative
        ids = torch.tensor([prompt_ids[self.dropped :]], device=model.device)
        with torch.inference_mode():
            states = model.model.get_encoder()(input_ids=ids).last_hidden_state
        self._encoded = BaseModelOutput(last_hidden_state=states.expand(drafts, -1, -1))
        self._cache: Any = None
        self._read = 0

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        new = ids[:, self._read :]
        output = self.model.model(encoder_outputs=self._encoded, decoder_input_ids=new, past_key_values=self._cache, use_cache=True)
        self._cache, self._read = output.past_key_values, ids.shape[1]
        last: torch.Tensor = output.logits[:, -1].float()
        return last
