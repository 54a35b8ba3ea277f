"""Where a head's output can be taken away: the projection that puts the heads of a layer together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from explain.results import CROSS, DECODER, ENCODER, SELF
from narrative.errors import ExplainError, require_choice
from narrative.models import CAUSAL, SEQ2SEQ, LanguageModel

PARTS = {CAUSAL: (SELF,), SEQ2SEQ: (ENCODER, DECODER, CROSS)}

# How the path of such a projection ends, by architecture.
ON_ITSELF = (
    "attn.c_proj",  # GPT-2, GPT-BigCode
    "attn.attention.out_proj",  # GPT-Neo
    "attn.out_proj",  # GPT-J, CodeGen, MPT
    "attention.dense",  # GPT-NeoX
    "self_attention.dense",  # Bloom, Falcon
    "self_attn.o_proj",  # Llama, Mistral, Qwen, Gemma and most that came after
    "self_attn.out_proj",  # OPT, BART and their relatives
    "self_attn.dense",  # Phi, Persimmon
    "SelfAttention.o",  # T5
)
ON_THE_PROMPT = (
    "EncDecAttention.o",  # T5
    "encoder_attn.out_proj",  # BART and its relatives
)


@dataclass(frozen=True)
class Projection:
    """One attention layer. The input of `module` is (batch, token, head x width): one slice a query head."""

    module: nn.Module
    stack: nn.ModuleList  # the blocks of this half of the model
    block: int  # the block of `stack` that it stands in
    heads: int
    width: int

    def part_of(self, head: int) -> slice:
        """What of the input is this head's."""
        return slice(head * self.width, (head + 1) * self.width)


def projections(model: LanguageModel, reader: Any, part: str) -> tuple[Projection, ...]:
    """The attention layers of one part of `reader` (a twin of `model`), in their order; layers without attention are not among them.

    Raises `SettingsError` for a part that this kind of model hasn't got, `ExplainError` when no layer is known by name.
    """
    require_choice("part of this model", part, PARTS[model.kind])
    found = tuple(_found(reader, part))
    if not found:
        raise ExplainError(
            f"No head can be taken out of {model.card.title or model.name} ({model.model.config.model_type}): where its heads come "
            "together is not known. Choose a model such as GPT-2, GPT-Neo, Llama or T5."
        )
    return found


def _found(reader: Any, part: str) -> Iterator[Projection]:
    root: nn.Module = {SELF: lambda: reader.base_model, ENCODER: reader.get_encoder}.get(part, reader.get_decoder)()
    endings = tuple(f".{ending}" for ending in (ON_THE_PROMPT if part == CROSS else ON_ITSELF))
    stacks = {path: module for path, module in root.named_modules() if isinstance(module, nn.ModuleList)}
    for path, module in root.named_modules():
        stack = next((above for above in stacks if path.startswith(f"{above}.")), None)  # the outermost: a T5 block has a list of its own
        if path.endswith(endings) and stack is not None:
            heads, inputs = _heads(reader.config, part), _inputs(module)
            if inputs % heads:
                raise ExplainError(f"The {inputs} values that its heads give can't be shared out among {heads} heads.")
            yield Projection(module, stacks[stack], int(path.removeprefix(f"{stack}.").split(".")[0]), heads, inputs // heads)


def _heads(config: Any, part: str) -> int:
    """Query heads a layer; BART and its relatives may have other numbers in their halves."""
    named = "encoder_attention_heads" if part == ENCODER else "decoder_attention_heads"
    text = config.get_text_config()
    own = getattr(text, named, None) if part != SELF else None
    return int(own or text.num_attention_heads)


def _inputs(module: Any) -> int:
    """Values that go in: of a linear layer, or of GPT-2's, whose weight lies the other way round."""
    return int(module.in_features if hasattr(module, "in_features") else module.weight.shape[0])
