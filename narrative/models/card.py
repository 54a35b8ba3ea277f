"""What is known about a model, and the model in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # types only: the catalogue must not wait seconds for torch
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CAUSAL, SEQ2SEQ = "causal", "seq2seq"


@dataclass(frozen=True)
class ModelCard:
    """One line of the catalogue. Unknown numbers are 0, unknown words are ''."""

    name: str  # what `load_model` takes
    title: str  # what an editor reads
    summary: str  # a few words: "little stories and children's books"
    origin: str  # shipped | published | folder | hub
    kind: str = CAUSAL  # causal | seq2seq
    architecture: str = ""  # "GPT-2"
    parameters: int = 0
    layers: int = 0
    heads: int = 0
    width: int = 0
    vocabulary: int = 0
    context: int = 0  # tokens
    licence: str = ""
    trained_on: str = ""
    base: str | None = None  # of an adapter or a fine-tune: catalogue name or hub id
    format: str = "stream"  # see narrative.formats
    here: bool = True  # False: asking for it needs the network
    metrics: Mapping[str, Any] = field(default_factory=dict)  # source -> {perplexity, bits_per_byte, ...}


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A model in memory, in evaluation mode, with all that generation and explanation need to know about it."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    kind: str
    context: int  # tokens the model reads at once (of an encoder-decoder: the encoder)
    fingerprint: str  # sha256 of the weights, 16 hexadecimal digits
    card: ModelCard

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end a text."""
        return _as_ids(getattr(self.model.generation_config, "eos_token_id", None)) | _as_ids(self.tokenizer.eos_token_id)

    @property
    def pad_id(self) -> int:
        """Fills up the shorter texts of a batch. It may be a real token: tell padding by the attention mask, never by this id."""
        pad = self.tokenizer.pad_token_id
        return pad if isinstance(pad, int) else min(self.end_ids, default=0)

    @property
    def vocabulary(self) -> int:
        """How many tokens the model gives a score to; may be more than its tokenizer knows."""
        return len(cast("torch.Tensor", self.model.get_input_embeddings().weight))

    def encode(self, text: str) -> list[int]:
        """Ids of `text` as the model expects a prompt: with the special tokens that its tokenizer adds by itself."""
        return list(self.tokenizer(text, verbose=False)["input_ids"])

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _as_ids(value: Any) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset([value] if isinstance(value, int) else value)
