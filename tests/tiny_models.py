"""Builders of tiny models in folders: one of each family that generation and explanation must deal with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import processors
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from narrative.models import CAUSAL, SEQ2SEQ, LanguageModel, ModelCard
from narrative.training.tokenizer import train_tokenizer

CONTEXT = 64
SENTENCES = (
    "Once upon a time there was a little fox who lived under the old oak tree.",
    "The fox wanted to see the sea, so she walked and walked until the night came.",
    "There is a blue curtain in the room, and behind the curtain a door that nobody opens.",
    "“Who is there?” asked the old woman. “It is only the wind,” said the fox, and laughed.",
    "In the morning the children ran down the hill to the river and found a small wooden boat.",
    "He wrote a letter to his sister, but he never sent it; the café was closed and the rain had begun.",
    "The king was tired of gold. He gave the crown to the gardener and went away to learn the names of birds.",
)


def write_tiny(
    folder: Path,
    build: Callable[[PreTrainedTokenizerFast], PreTrainedModel],
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    seed: int = 0,
) -> Path:
    """Save a model with seeded weights and its tokenizer; the folder."""
    words = tokenizer or tiny_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        build(words).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(SENTENCES, vocabulary=400, context=CONTEXT)


def t5_tokenizer() -> PreTrainedTokenizerFast:
    """As T5 has it: padding and end are two tokens, and an end stands after every text."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<pad>", "eos_token": "</s>"})
    end = ("</s>", tokenizer.eos_token_id)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end]
    )
    return tokenizer


# Weights are spread wider than for training, so that the next token depends on the text and is neither certain nor anybody's guess.
def gpt2(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(words), n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=4, initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def neo(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return GPTNeoForCausalLM(
        GPTNeoConfig(
            vocab_size=len(words), max_position_embeddings=CONTEXT, hidden_size=32, num_layers=2, num_heads=4, window_size=16,
            attention_types=[[["global", "local"], 1]], initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def llama(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), max_position_embeddings=CONTEXT, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def t5(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(words), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, n_positions=CONTEXT, initializer_factor=2.0,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, decoder_start_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def built(config: PretrainedConfig) -> LanguageModel:
    """A model of that configuration with seeded weights, in memory only."""
    kind = SEQ2SEQ if config.is_encoder_decoder else CAUSAL
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = (AutoModelForSeq2SeqLM if kind == SEQ2SEQ else AutoModelForCausalLM).from_config(config).eval()
    words = t5_tokenizer() if kind == SEQ2SEQ else tiny_tokenizer()
    return LanguageModel(config.model_type, model, words, kind, 64, "0" * 16, ModelCard(config.model_type, config.model_type, "", "folder"))


def write_lora(model: LanguageModel, folder: Path, *, targets: list[str], base: str = "somewhere") -> Path:
    """An adapter with random matrices, as PEFT saves it; `model` is left as it was."""
    plain = type(model.model)(model.model.config)
    plain.load_state_dict(model.model.state_dict())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        laid = get_peft_model(plain, LoraConfig(r=2, target_modules=targets, fan_in_fan_out="c_attn" in targets, init_lora_weights=False))
    laid.peft_config["default"].base_model_name_or_path = base
    laid.save_pretrained(folder, save_embedding_layers=False)  # the default asks the hub for the base
    return folder


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def edit_json(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(file.read_text(encoding="utf-8"))
    change(value)
    file.write_text(json.dumps(value), encoding="utf-8")


def logits(model: LanguageModel, text: str = "Once upon a time") -> torch.Tensor:
    """(batch 1, token, vocabulary); of an encoder-decoder for the first written token."""
    ids = torch.tensor([model.encode(text)])
    more = {"decoder_input_ids": torch.zeros(1, 1, dtype=torch.long)} if model.kind == "seq2seq" else {}
    with torch.no_grad():
        return model.model(ids, **more).logits
