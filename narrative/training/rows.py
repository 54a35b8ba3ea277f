"""Corpora as rows: one record, one example, of which the loss counts all or only what is to be learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from narrative.corpus import Corpus
from narrative.files import read_json, sync, write_json
from narrative.formats import Example, Format
from narrative.models.card import SEQ2SEQ
from narrative.training.blocks import Heard, silent
from narrative.training.mixing import evenly, reading_plan

IGNORED = -100  # the label of a position that the loss doesn't count
TELL_EVERY = 64  # rows
ROUND_UP = 8  # rows of a batch are filled up to a multiple of this, so that kernels meet few different lengths


@dataclass(frozen=True)
class RowFile:
    """One side of a corpus as rows on disk: all ids behind each other, and where each row begins, is learned and ends."""

    path: Path
    rows: int
    tokens: int  # of all rows
    learned: int  # of those that the loss counts
    bytes: int  # of the text that the loss counts
    cut: int  # rows that were longer than the context

    def ids(self) -> np.ndarray:
        """(tokens,) of ids, memory-mapped."""
        return np.memmap(self.path, dtype=np.uint32, mode="r")

    def index(self) -> np.ndarray:
        """(rows, 3): first token, first token that is to be written, end."""
        return np.load(self.path.with_suffix(".npy"))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RowShape:
    """How an example becomes ids."""

    tokenizer: PreTrainedTokenizerBase
    form: Format
    column: str
    context: int
    kind: str  # causal | seq2seq

    def ids(self, example: Example) -> tuple[list[int], list[int], bool]:
        """(read, written, whether something was cut off). What is written ends with the end token, unless its end was cut off."""
        read, written = self.tokenizer([example.given, example.learned], add_special_tokens=False, verbose=False)["input_ids"]
        written = [*written, self.tokenizer.eos_token_id]
        if self.kind == SEQ2SEQ:
            read = [*read, self.tokenizer.eos_token_id]
            return read[: self.context], written[: self.context], max(len(read), len(written)) > self.context
        start = [self.tokenizer.bos_token_id] if self.form.framed else []
        room = self.context - len(start)
        if len(read) + len(written) <= room:
            return start + read, written, False
        kept = min(len(written), max(room - len(read), room // 2))  # never all of the context for what is only read
        return start + read[len(read) - (room - kept) :], written[:kept], True  # its end leads on to what is written

    def text_of(self, ids: list[int]) -> str:
        """Without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    @property
    def counts_all(self) -> bool:
        """Whether the loss counts what is read too."""
        return self.form.learns_given and self.kind != SEQ2SEQ


def write_rows(corpus: Corpus, split: str, *, shape: RowShape, path: Path, heard: Heard = silent) -> RowFile:
    """Write the rows of one side to `path`, or take them up again if they are complete there. `heard` is told the share that is done."""
    card = path.with_suffix(".json")
    if card.exists():
        return RowFile(path=path, **read_json(card))
    places, end, learned, size, cut = [], 0, 0, 0, 0
    with path.open("wb") as out:
        for record in corpus.records(split):
            example = shape.form.example(record, shape.column)
            read, written, shortened = shape.ids(example)
            np.asarray(read + written, dtype=np.uint32).tofile(out)
            places.append((end, end + len(read), end + len(read) + len(written)))
            end = places[-1][2]
            counted = [*read, *written][1:] if shape.counts_all else written  # nothing comes before the first token
            learned += len(counted)
            text = shape.text_of(counted) if shortened else example.text if shape.counts_all else example.learned
            size += len(text.encode())
            cut += shortened
            if len(places) % TELL_EVERY == 0:
                heard(len(places) / max(getattr(corpus, split).records, 1))
    np.save(path.with_suffix(".npy"), np.array(places, dtype=np.int64).reshape(-1, 3))
    sync(path)
    sync(path.with_suffix(".npy"))
    made = RowFile(path, len(places), end, learned, size, cut)
    write_json(card, {key: value for key, value in asdict(made).items() if key != "path"})
    return made


class Rows(Dataset[dict[str, torch.Tensor]]):
    """Rows in the order of a plan, (length, 2) of (side, row)."""

    def __init__(self, sides: Sequence[RowFile], plan: np.ndarray, *, shape: RowShape) -> None:
        self.plan, self.shape = plan, shape
        self.ids, self.places = [side.ids() for side in sides], [side.index() for side in sides]

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        side, row = self.plan[position]
        start, learned, end = self.places[side][row]
        ids = torch.from_numpy(self.ids[side][start:end].astype(np.int64))
        if self.shape.kind == SEQ2SEQ:
            return {"input_ids": ids[: learned - start], "labels": ids[learned - start :]}
        labels = ids.clone()
        if not self.shape.counts_all:
            labels[: learned - start] = IGNORED
        return {"input_ids": ids, "labels": labels}

    def tokens_after(self, count: int) -> int:
        """How many tokens the first `count` rows have, padding not counted."""
        if not hasattr(self, "_ends"):
            sizes = [places[:, 2] - places[:, 0] for places in self.places]
            self._ends = np.cumsum([sizes[side][row] for side, row in self.plan])
        return int(self._ends[min(count, len(self._ends)) - 1]) if count else 0


def mixed_rows(sides: Sequence[tuple[RowFile, float]], *, shape: RowShape, length: int, seed: int) -> Rows:
    """`length` rows of several corpora by weight; each row of a corpus comes once before any comes again."""
    files = [file for file, _ in sides]
    weights = [float(weight) for _, weight in sides]
    if not any(weights):
        weights = [float(file.rows) for file in files]
    passes = [_passes(file.rows, seeds=(seed, side)) for side, file in enumerate(files)]
    return Rows(files, reading_plan(passes, weights, length=length), shape=shape)


def even_rows(file: RowFile, *, shape: RowShape, most_tokens: int) -> Rows:
    """Rows taken evenly over a side, about `most_tokens` of them together: the same ones at every evaluation."""
    most = max(1, round(most_tokens * file.rows / max(file.tokens, 1)))
    chosen = evenly(file.rows, most)
    return Rows([file], np.stack([np.zeros_like(chosen), chosen], axis=1), shape=shape)


@dataclass(frozen=True)
class Padded:
    """Puts rows into one batch: (batch, longest) ids, labels and a mask that is 0 where a row was filled up."""

    pad: int
    most: int  # tokens that the model reads: filling up goes no further

    def __call__(self, rows: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        ids = self._filled([row["input_ids"] for row in rows], self.pad)
        mask = self._filled([torch.ones_like(row["input_ids"]) for row in rows], 0)
        return {"input_ids": ids, "attention_mask": mask, "labels": self._filled([row["labels"] for row in rows], IGNORED)}

    def _filled(self, rows: list[torch.Tensor], value: int) -> torch.Tensor:
        longest = min(-(-max(len(row) for row in rows) // ROUND_UP) * ROUND_UP, self.most)
        return torch.stack([torch.nn.functional.pad(row, (0, longest - len(row)), value=value) for row in rows])


def _passes(rows: int, *, seeds: tuple[int, int]) -> Iterator[np.ndarray]:
    for number in count():
        yield np.random.default_rng([*seeds, number]).permutation(rows)
