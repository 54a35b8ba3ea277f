"""Corpora as packed blocks of tokens, and several of them mixed by weight.

Texts are joined with the end-of-text token between them and cut every `context` tokens, so that no position is
padding (Radford et al. 2018, section 4.1). The ids lie in one memory-mapped file a side, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from narrative.corpus import Corpus
from narrative.files import read_json, sync, write_json
from narrative.formats import Format
from narrative.training.mixing import evenly, reading_plan

ENCODE_AT_ONCE = 64
Heard = Callable[[float], None]  # is told how much is done, 0 to 1; may raise to call it off


def silent(_: float) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class TokenFile:
    """One side of a corpus as token ids on disk."""

    path: Path
    tokens: int
    bytes: int  # of the text; tokens / bytes turns a loss per token into bits per byte

    @property
    def learned(self) -> int:
        """Tokens that the loss counts: all."""
        return self.tokens

    def ids(self) -> np.ndarray:
        """(tokens,) of ids, memory-mapped."""
        return np.memmap(self.path, dtype=np.uint32, mode="r")

    def blocks(self, context: int) -> np.ndarray:
        """(block, context) token ids; a last piece shorter than `context` is left out."""
        ids = self.ids()
        return ids[: len(ids) // context * context].reshape(-1, context)


def tokenize(
    corpus: Corpus, split: str, *, tokenizer: PreTrainedTokenizerBase, form: Format, path: Path, column: str = "", heard: Heard = silent
) -> TokenFile:
    """Write the ids of one side to `path`, or take them up again if they are complete there. `heard` is told the share that is done."""
    card = path.with_suffix(".json")
    if card.exists():
        return TokenFile(path=path, **read_json(card))
    tokens = size = 0
    with path.open("wb") as out:
        for texts in _batches(form.example(record, column).text for record in corpus.records(split)):
            for ids in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]:
                np.asarray([*ids, tokenizer.eos_token_id], dtype=np.uint32).tofile(out)
                tokens += len(ids) + 1
            size += sum(len(text.encode()) for text in texts)
            heard(size / max(getattr(corpus, split).bytes, 1))
    sync(path)
    made = TokenFile(path, tokens, size)
    write_json(card, {key: value for key, value in asdict(made).items() if key != "path"})
    return made


class MixedBlocks(Dataset[dict[str, torch.Tensor]]):
    """`length` blocks of `context` tokens drawn from several corpora by weight, in an order fixed by the seed.

    Within a corpus every block comes once before any comes again. Each further pass cuts the corpus at other places, so
    that a text read again stands in another context and at other positions: a small corpus is memorised later. The first
    n blocks do not depend on `length`, so that a run can be made longer after it has begun. Read in order (no
    shuffling), it resumes exactly.
    """

    def __init__(self, sides: Sequence[tuple[np.ndarray, float]], *, context: int, length: int, seed: int) -> None:
        """`sides`: the ids of each corpus, (tokens,) with at least `context` of them, and its weight."""
        self.sides, self.context = [ids for ids, _ in sides], context
        weights = [float(weight) for _, weight in sides]
        if not any(weights):
            weights = [float(len(ids) // context) for ids in self.sides]
        passes = [_passes(len(ids), context, seeds=(seed, side)) for side, ids in enumerate(self.sides)]
        self.plan = reading_plan(passes, weights, length=length)  # (length, 2) of (side, first token)

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        side, start = self.plan[position]
        ids = torch.from_numpy(self.sides[side][start : start + self.context].astype(np.int64))
        return {"input_ids": ids, "labels": ids}

    def tokens_after(self, count: int) -> int:
        """How many tokens the first `count` blocks have."""
        return count * self.context


class EvenBlocks(Dataset[dict[str, torch.Tensor]]):
    """At most `most` blocks taken evenly over a side: the same ones at every evaluation."""

    def __init__(self, blocks: np.ndarray, *, most: int) -> None:
        self.blocks = blocks
        self.chosen = evenly(len(blocks), most)

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(self.blocks[self.chosen[position]].astype(np.int64))
        return {"input_ids": ids, "labels": ids}


class Halved(Dataset[dict[str, torch.Tensor]]):
    """Blocks for an encoder-decoder: it reads the first half of each and writes the second.

    That is prefix language modelling (Raffel et al. 2020, section 3.3.1), with the prefix always half as long as the block.
    """

    def __init__(self, blocks: MixedBlocks | EvenBlocks) -> None:
        self.blocks = blocks

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        ids = self.blocks[position]["input_ids"]
        half = len(ids) // 2
        return {"input_ids": ids[:half], "labels": ids[half:]}

    def tokens_after(self, count: int) -> int:
        """Of what it reads and writes together; of blocks in training only."""
        return self.blocks.tokens_after(count) if isinstance(self.blocks, MixedBlocks) else 0


def _passes(tokens: int, context: int, *, seeds: tuple[int, int]) -> Iterator[np.ndarray]:
    """The first tokens of all blocks, shuffled, for one pass after another; the first pass begins at token 0."""
    for number in count():
        order = np.random.default_rng([*seeds, number])
        offset = int(order.integers(min(context, tokens - context + 1))) if number else 0
        yield order.permutation(np.arange(offset, tokens - context + 1, context))


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, ENCODE_AT_ONCE)):
        yield batch
