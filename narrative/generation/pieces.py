"""Ids -> text, token by token, so that the pieces joined are the whole text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
_REMEMBER = 8  # tokens of context that make the next piece come out as it would in the whole text

_texts: WeakKeyDictionary[PreTrainedTokenizerBase, dict[int, str]] = WeakKeyDictionary()


def decoder_of(tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[int]], str]:
    """ids -> text without special tokens; straight to the Rust tokenizer where there is one, which is ten times quicker."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    if fast is not None:
        return lambda ids: str(fast.decode(list(ids), skip_special_tokens=True))
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


class Pieces:
    """The text of one growing draft.

    A character that takes several tokens comes with the last of them; the others are "". An unfinished character at
    the very end is never shown.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, before: Sequence[int]) -> None:
        self._decode = decoder_of(tokenizer)
        self._ids = list(before[-_REMEMBER:])
        self._given = self._decode(self._ids)

    def add(self, token: int) -> str:
        self._ids.append(token)
        whole = self._decode(self._ids)
        if whole.endswith(INCOMPLETE):  # perhaps half of a character: wait for the rest
            whole = whole[:-1]
            piece = whole[len(self._given) :]
            self._given += piece
            return piece
        piece = whole[len(self._given) :]
        self._given = whole
        if len(self._ids) > 4 * _REMEMBER:
            self._ids = self._ids[-_REMEMBER:]
            self._given = self._decode(self._ids)
        return piece


def token_text(tokenizer: PreTrainedTokenizerBase, token: int) -> str:
    """The text of one token as it would stand after a word: with its leading space, if it has one."""
    known = _texts.setdefault(tokenizer, {})
    if token not in known:
        decode = decoder_of(tokenizer)
        anchor = tokenizer("a", add_special_tokens=False)["input_ids"][-1:]
        known[token] = decode([*anchor, token])[len(decode(anchor)) :]
    return known[token]
