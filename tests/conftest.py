"""Tiny models in folders, made from config classes; every family that generation and explanation must deal with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from narrative.models import LanguageModel, load_model
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

torch.set_num_threads(1)  # tiny tensors gain nothing from a second thread, and two test runs side by side would wait for each other


@pytest.fixture(autouse=True)
def narrative_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A NARRATIVE_HOME of the test's own, so that no test sees what is published on this machine."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NARRATIVE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-gpt2", _gpt2)


@pytest.fixture(scope="session")
def tiny_neo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-neo", _neo)


@pytest.fixture(scope="session")
def tiny_llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-llama", _llama)


@pytest.fixture(scope="session")
def tiny_t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-t5", _t5, tokenizer=_t5_tokenizer())


@pytest.fixture(scope="session")
def tiny_gpt2(tiny_gpt2_folder: Path) -> LanguageModel:
    return load_model(str(tiny_gpt2_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_neo(tiny_neo_folder: Path) -> LanguageModel:
    return load_model(str(tiny_neo_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_llama(tiny_llama_folder: Path) -> LanguageModel:
    return load_model(str(tiny_llama_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_t5(tiny_t5_folder: Path) -> LanguageModel:
    return load_model(str(tiny_t5_folder), device="cpu")


@pytest.fixture(scope="session", params=["tiny_gpt2", "tiny_neo", "tiny_llama", "tiny_t5"])
def tiny_model(request: pytest.FixtureRequest) -> LanguageModel:
    """Each of the four in turn."""
    model: LanguageModel = request.getfixturevalue(request.param)
    return model


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


def _t5_tokenizer() -> PreTrainedTokenizerFast:
    """As T5 has it: padding and end are two tokens, and an end stands after every text."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<pad>", "eos_token": "</s>"})
    end = ("</s>", tokenizer.eos_token_id)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end]
    )
    return tokenizer


# Weights are spread wider than for training, so that the next token depends on the text and is neither certain nor anybody's guess.
def _gpt2(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(words), n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=4, initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def _neo(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return GPTNeoForCausalLM(
        GPTNeoConfig(
            vocab_size=len(words), max_position_embeddings=CONTEXT, hidden_size=32, num_layers=2, num_heads=4, window_size=16,
            attention_types=[[["global", "local"], 1]], initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def _llama(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), max_position_embeddings=CONTEXT, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, initializer_range=0.5,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def _t5(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(words), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, n_positions=CONTEXT, initializer_factor=2.0,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, decoder_start_token_id=words.pad_token_id,
        )
    )  # fmt: skip
