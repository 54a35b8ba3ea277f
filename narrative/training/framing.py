"""Start, end and pad tokens of their own, for formats whose rows stand between such tokens."""

from __future__ import annotations

from typing import Any

from tokenizers import processors
from transformers import PreTrainedTokenizerBase

from narrative.formats import END, PADDING, START
from narrative.models.card import SEQ2SEQ


def frame(tokenizer: PreTrainedTokenizerBase, *, kind: str) -> tuple[int, ...]:
    """Give the tokenizer a start, an end and a pad token that differ from each other; the ids that are new.

    A prompt for a decoder-only model then begins with the start token by itself. An encoder-decoder needs no start token:
    its decoder has one.
    """
    before = len(tokenizer)
    wanted: dict[str, str] = {}
    if tokenizer.eos_token_id is None:
        wanted["eos_token"] = END
    taken = {tokenizer.eos_token_id}
    if kind != SEQ2SEQ and (tokenizer.bos_token_id is None or tokenizer.bos_token_id in taken):
        wanted["bos_token"] = START
    else:
        taken.add(tokenizer.bos_token_id)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id in taken:
        wanted["pad_token"] = PADDING
    if wanted:
        tokenizer.add_special_tokens(dict(wanted))
    if kind != SEQ2SEQ:
        _begin_prompts(tokenizer)
    return tuple(range(before, len(tokenizer)))


def _begin_prompts(tokenizer: Any) -> None:
    start, number = str(tokenizer.bos_token), tokenizer.bos_token_id
    if tokenizer("a")["input_ids"][:1] == [number]:
        return
    single, pair = f"{start}:0 $A:0", f"{start}:0 $A:0 $B:0"
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[(start, number)])
