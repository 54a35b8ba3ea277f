"""What streaming with probabilities and alternatives costs over transformers' plain `generate`, on the same weights.

    python -m tests.benchmarks.generation [--rounds 7] [--tokens 64] [--data DIR]

Rounds alternate between the two, so that a busy machine slows both; the ratio is the median over the rounds. The
124M-shaped model has GPT-2's sizes and fresh weights; with `--data` it takes the official tokenizer from
DIR/gpt2-tokenizer, else the shipped one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer, PreTrainedTokenizerBase

from narrative.generation import GenerationSettings, generate
from narrative.models import CAUSAL, LanguageModel, default_model, describe, load_model

PROMPT = "Once upon a time, there was a little girl who lived near the sea."
BATCHES = (1, 8)


def gpt2_shaped(tokenizer: PreTrainedTokenizerBase) -> LanguageModel:
    """GPT-2 124M with fresh weights: as fast as the trained one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config()).eval()
    return LanguageModel("gpt2-shaped", model, tokenizer, CAUSAL, 1024, "0" * 16, describe(default_model()))


def ours(model: LanguageModel, drafts: int, tokens: int) -> float:
    """Seconds a step."""
    settings = GenerationSettings(drafts=drafts, max_new_tokens=tokens)
    began = time.perf_counter()
    steps = sum(1 for _ in generate(model, PROMPT, settings=settings))
    return (time.perf_counter() - began) / steps


def theirs(model: LanguageModel, drafts: int, tokens: int) -> float:
    """Seconds a step of `model.generate` with the same settings."""
    ids = torch.tensor([model.encode(PROMPT)])
    options = {"do_sample": True, "temperature": 0.9, "top_p": 0.95, "top_k": 0, "num_return_sequences": drafts}
    began = time.perf_counter()
    made = model.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, pad_token_id=0, **options)
    return (time.perf_counter() - began) / (made.shape[1] - ids.shape[1])


def compare(model: LanguageModel, *, drafts: int, tokens: int, rounds: int) -> str:
    def measured(write: Callable[[LanguageModel, int, int], float]) -> float:
        return write(model, drafts, tokens)

    measured(ours), measured(theirs)  # warm
    pairs = [(measured(ours), measured(theirs)) for _ in range(rounds)]
    ratio = statistics.median(mine / peer for mine, peer in pairs)
    mine, peer = (statistics.median(side) for side in zip(*pairs, strict=True))
    speed = f"{drafts / mine:7.0f} tokens/s, generate {drafts / peer:7.0f}"
    return f"{model.name:14} batch {drafts}: {ratio:5.3f} x the time of generate   ({speed})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    shipped = load_model(default_model(), device="cpu")
    tokenizer = GPT2Tokenizer.from_pretrained(options.data / "gpt2-tokenizer") if options.data else shipped.tokenizer
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for model in (shipped, gpt2_shaped(tokenizer)):
        for drafts in BATCHES:
            print(compare(model, drafts=drafts, tokens=options.tokens, rounds=options.rounds), flush=True)


if __name__ == "__main__":
    main()
