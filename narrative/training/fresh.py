"""New models: a tokenizer learned from the corpora, and weights that know nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GPT2Config,
    GPTNeoConfig,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
)

from narrative.corpus import Corpus
from narrative.formats import format_named
from narrative.training.architectures import Architecture
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings
from narrative.training.tokenizer import sample_texts, train_tokenizer


def own_tokenizer(job: Job, wanted: Architecture, settings: TrainingSettings, corpora: Sequence[Corpus]) -> PreTrainedTokenizerBase:
    """Learned from the corpora by their shares, once for each job."""
    if not (job.tokenizer / "tokenizer.json").exists():
        weights = [weight for _, weight in settings.corpora]
        shares = [(corpus, weight or corpus.train.bytes) for corpus, weight in zip(corpora, weights, strict=True)]
        texts = sample_texts(shares, format_named(settings.format), column=settings.column)
        made = train_tokenizer(texts, vocabulary=wanted.vocabulary, context=wanted.context)
        part = job.folder / "tokenizer.part"
        made.save_pretrained(part)
        part.replace(job.tokenizer)
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(job.tokenizer)
    return tokenizer


def new_model(wanted: Architecture, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A model with fresh weights."""
    config = CONFIGURATIONS[wanted.family](wanted, tokenizer)
    builder: Any = AutoModelForSeq2SeqLM if wanted.family == "t5" else AutoModelForCausalLM
    with torch.random.fork_rng():  # transformers draws from the global state; leave it as it was
        torch.manual_seed(seed)
        return builder.from_config(config)  # type: ignore[no-any-return]


def _ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip


# `gelu_pytorch_tanh` is GPT-2's own activation as one kernel: a quarter faster on a processor.
def _gpt2(wanted: Architecture, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    return GPT2Config(
        n_positions=wanted.context, n_embd=wanted.width, n_layer=wanted.layers, n_head=wanted.heads,
        activation_function="gelu_pytorch_tanh", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **_ids(tokenizer),
    )  # fmt: skip


def _gpt_neo(wanted: Architecture, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    pairs, odd = divmod(wanted.layers, 2)
    kinds = ([[["global", "local"], pairs]] if pairs else []) + ([[["global"], 1]] if odd else [])
    return GPTNeoConfig(
        max_position_embeddings=wanted.context, hidden_size=wanted.width, num_layers=wanted.layers, num_heads=wanted.heads,
        attention_types=kinds, window_size=256, activation_function="gelu_pytorch_tanh", resid_dropout=0.0, embed_dropout=0.0,
        attention_dropout=0.0, **_ids(tokenizer),
    )  # fmt: skip


def _llama(wanted: Architecture, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    inner = -(-wanted.width * 8 // 3 // 32) * 32  # two thirds of 4 width, since the gate is a third matrix (Shazeer 2020)
    return LlamaConfig(
        max_position_embeddings=wanted.context, hidden_size=wanted.width, intermediate_size=inner, num_hidden_layers=wanted.layers,
        num_attention_heads=wanted.heads, tie_word_embeddings=True, **_ids(tokenizer),
    )  # fmt: skip


def _t5(wanted: Architecture, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    kept: dict[str, Any] = {"n_positions": wanted.context, "decoder_start_token_id": tokenizer.pad_token_id}  # T5Config names neither
    return T5Config(
        d_model=wanted.width, d_kv=wanted.width // wanted.heads, d_ff=4 * wanted.width, num_layers=wanted.layers,
        num_heads=wanted.heads, dropout_rate=0.0, **_ids(tokenizer), **kept,
    )  # fmt: skip


CONFIGURATIONS: dict[str, Callable[[Architecture, PreTrainedTokenizerBase], PretrainedConfig]] = {
    "gpt2": _gpt2,
    "gpt_neo": _gpt_neo,
    "llama": _llama,
    "t5": _t5,
}
