"""What a map of all heads costs, against taking them out one by one, on a model of GPT-2's sizes with fresh weights.

    python -m tests.benchmarks.ablation [--rounds 3] [--tokens 64] [--targets 32]

One by one is one hooked forward pass a head, batch 1, with logits of the target positions only: written here from plain torch,
so that it is also a second opinion on the numbers. Rounds alternate between the two, so that a busy machine slows both; the
ratio is the median over the rounds. Both take torch's own number of threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explain.ablation import Target, ablation_map
from explain.passage import Passage
from explain.words import Piece
from narrative.models import CAUSAL, LanguageModel, default_model, load_model
from tests.benchmarks.generation import gpt2_shaped

Map = NDArray[np.float64]  # (layer, head), nats


def passage_of_chance(model: LanguageModel, tokens: int) -> Passage:
    ids = torch.randint(model.vocabulary, (tokens,), generator=torch.Generator().manual_seed(0)).tolist()
    pieces = tuple(Piece(identity, "a", "a") for identity in ids)
    return Passage(model.name, model.fingerprint, CAUSAL, pieces[:1], pieces[1:])


def all_heads(model: LanguageModel, passage: Passage, target: Target) -> Map:
    *_, whole = ablation_map(model, passage, kind="zero", target=target)
    return np.asarray(whole.effects, dtype=np.float64)


@torch.inference_mode()
def one_by_one(model: LanguageModel, passage: Passage, target: Target) -> Map:
    ids = torch.tensor([[piece.id for piece in passage.sequence]])[:, : target.stop - 1]
    asked = torch.tensor([piece.id for piece in passage.sequence[target.start : target.stop]])
    model_: Any = model.model
    layers, heads = model_.config.n_layer, model_.config.n_head
    width = model_.config.n_embd // heads

    def score() -> float:
        logits = model_(ids, use_cache=False, logits_to_keep=len(asked)).logits[0]
        return float(logits.log_softmax(-1)[torch.arange(len(asked)), asked].double().sum())

    before, effects = score(), np.zeros((layers, heads))
    for layer in range(layers):
        for head in range(heads):
            mask = torch.ones(heads * width)
            mask[head * width : (head + 1) * width] = 0
            hook = model_.transformer.h[layer].attn.c_proj.register_forward_pre_hook(lambda _, given, mask=mask: (given[0] * mask,))
            effects[layer, head] = score() - before
            hook.remove()
    return effects


def timed(work: Callable[[LanguageModel, Passage, Target], Map], *given: Any) -> tuple[float, float, Map]:
    """Seconds by the clock, seconds of processor, and what came out."""
    began, busy = time.perf_counter(), time.process_time()
    made = work(*given)
    return time.perf_counter() - began, time.process_time() - busy, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--targets", type=int, default=32)
    options = parser.parse_args()
    model = gpt2_shaped(load_model(default_model(), device="cpu").tokenizer)
    passage, target = passage_of_chance(model, options.tokens), Target(options.tokens - options.targets, options.tokens)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {options.tokens} tokens, the last {options.targets} watched")
    all_heads(model, passage, target), one_by_one(model, passage, target)  # warm
    rounds = []
    for _ in range(options.rounds):
        ours, theirs = timed(all_heads, model, passage, target), timed(one_by_one, model, passage, target)
        apart = float(np.abs(ours[2] - theirs[2]).max())
        rounds.append((*ours[:2], *theirs[:2], theirs[0] / ours[0], theirs[1] / ours[1]))
        print(
            f"map {ours[0]:.1f} s ({ours[1]:.1f} CPU), one by one {theirs[0]:.1f} s ({theirs[1]:.1f} CPU), apart {apart:.1e} nats",
            flush=True,
        )
    ours_, busy, theirs_, their_busy, ratio, busy_ratio = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"by the clock {ours_:.1f} s against {theirs_:.1f} s: {ratio:.2f} times as fast (median)")
    print(f"CPU seconds {busy:.1f} against {their_busy:.1f}: {busy_ratio:.2f} times (median)")


if __name__ == "__main__":
    main()
