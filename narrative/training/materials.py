"""What a run learns from and is tested on, tokenised, in the shape that its format wants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase, default_data_collator

from narrative.corpus import Corpus
from narrative.errors import CorpusError
from narrative.formats import Format, format_named
from narrative.models.card import SEQ2SEQ
from narrative.training.blocks import EvenBlocks, Halved, Heard, MixedBlocks, TokenFile, tokenize
from narrative.training.job import Job
from narrative.training.rows import Padded, RowFile, RowShape, even_rows, mixed_rows, write_rows
from narrative.training.settings import TrainingSettings

Tell = Callable[[str], None]
Sides = Sequence[tuple[TokenFile | RowFile, TokenFile | RowFile]]  # (train, test) of each corpus


class Materials(Protocol):
    """The two ways of feeding a model: packed blocks, or rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the corpora."""

    @property
    def units(self) -> int:
        """Blocks or rows in one pass over all corpora."""

    @property
    def tokens(self) -> tuple[int, int]:
        """To learn from in one pass, and to test on."""

    @property
    def bits(self) -> dict[str, float]:
        """corpus -> (tokens per byte) / ln 2: a loss in nats per token becomes bits per byte."""

    def training(self, *, length: int, seed: int) -> Any:
        """A dataset with `tokens_after(count)`."""

    def testing(self, *, most: int) -> dict[str, Dataset[Any]]:
        """corpus -> its test dataset, of at most `most` blocks or of rows as long together."""

    def collate(self, rows: list[Any]) -> dict[str, Any]:
        """Several entries of a dataset as one batch."""

    def remarks(self) -> list[str]:
        """What the keeper should know about them, in sentences."""


@dataclass(frozen=True)
class BlockMaterials:
    """Continuous text. An encoder-decoder reads the first half of a block and writes the second."""

    names: tuple[str, ...]
    files: tuple[tuple[TokenFile, TokenFile], ...]  # (train, test)
    weights: tuple[float, ...]
    context: int
    kind: str

    @property
    def units(self) -> int:
        return sum(train.tokens // self.context for train, _ in self.files)

    @property
    def tokens(self) -> tuple[int, int]:
        return _tokens(self.files)

    @property
    def bits(self) -> dict[str, float]:
        return _bits(self.names, self.files)

    def training(self, *, length: int, seed: int) -> Any:
        sides = [(train.ids(), weight) for (train, _), weight in zip(self.files, self.weights, strict=True)]
        return self._shaped(MixedBlocks(sides, context=self.context, length=length, seed=seed))

    def testing(self, *, most: int) -> dict[str, Dataset[Any]]:
        sides = zip(self.names, self.files, strict=True)
        return {name: self._shaped(EvenBlocks(test.blocks(self.context), most=most)) for name, (_, test) in sides}

    def collate(self, rows: list[Any]) -> dict[str, Any]:
        return default_data_collator(rows)

    def remarks(self) -> list[str]:
        return []

    def _shaped(self, blocks: Any) -> Any:
        return Halved(blocks) if self.kind == SEQ2SEQ else blocks


@dataclass(frozen=True)
class RowMaterials:
    """One example a record."""

    names: tuple[str, ...]
    files: tuple[tuple[RowFile, RowFile], ...]
    weights: tuple[float, ...]
    shape: RowShape

    @property
    def units(self) -> int:
        return sum(train.rows for train, _ in self.files)

    @property
    def tokens(self) -> tuple[int, int]:
        return _tokens(self.files)

    @property
    def bits(self) -> dict[str, float]:
        return _bits(self.names, self.files)

    def training(self, *, length: int, seed: int) -> Any:
        sides = [(train, weight) for (train, _), weight in zip(self.files, self.weights, strict=True)]
        return mixed_rows(sides, shape=self.shape, length=length, seed=seed)

    def testing(self, *, most: int) -> dict[str, Dataset[Any]]:
        room = most * self.shape.context
        return {name: even_rows(test, shape=self.shape, most_tokens=room) for name, (_, test) in zip(self.names, self.files, strict=True)}

    def collate(self, rows: list[Any]) -> dict[str, Any]:
        pad = self.shape.tokenizer.pad_token_id
        return Padded(pad if isinstance(pad, int) else self.shape.tokenizer.eos_token_id, self.shape.context)(rows)

    def remarks(self) -> list[str]:
        cut = sum(train.cut for train, _ in self.files)
        if not cut:
            return []
        longer = f"{cut:,} of {self.units:,} examples are longer than {self.shape.context:,} tokens"
        return [f"{longer}; what goes beyond was cut off."]


def _tokens(files: Sides) -> tuple[int, int]:
    return sum(train.tokens for train, _ in files), sum(test.tokens for _, test in files)


def _bits(names: tuple[str, ...], files: Sides) -> dict[str, float]:
    return {name: test.learned / max(test.bytes, 1) / math.log(2) for name, (_, test) in zip(names, files, strict=True)}


def gather(
    job: Job,
    settings: TrainingSettings,
    corpora: Sequence[Corpus],
    *,
    tokenizer: PreTrainedTokenizerBase,
    kind: str,
    context: int,
    tell: Tell,
) -> Materials:
    """Tokenise the corpora into the job's folder, or take up what lies there. `tell` hears a sentence before each side.

    Raises `CorpusError` for a side that is too short, and for a record that lacks the column that the format reads.
    """
    form = format_named(settings.format)
    shape = RowShape(tokenizer, form, settings.column, context, kind)
    job.tokens.mkdir(exist_ok=True)
    names = tuple(corpus.name for corpus in corpora)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CorpusError(f"Corpus '{twice}' is named twice.")
    weights = tuple(weight for _, weight in settings.corpora)
    make = _blocks if form.packed else _rows
    files: list[Any] = []
    for number, corpus in enumerate(corpora):
        sides = []
        for split in ("train", "test"):
            sentence = f"Turning the {'test ' if split == 'test' else ''}texts of “{corpus.name}” into tokens"
            heard = partial(_share, tell, sentence)
            heard(0.0)
            sides.append(make(corpus, split, shape, job.tokens / f"{number}-{split}.bin", form, heard))
        files.append(tuple(sides))
    if form.packed:
        return BlockMaterials(names, tuple(files), weights, context, kind)
    return RowMaterials(names, tuple(files), weights, shape)


def _share(tell: Tell, sentence: str, share: float) -> None:
    tell(f"{sentence} ({min(share, 1.0):.0%})" if share else sentence)


_PURPOSE = {"train": "learn from", "test": "test on"}


def _blocks(corpus: Corpus, split: str, shape: RowShape, path: Any, form: Format, heard: Heard) -> TokenFile:
    made = tokenize(corpus, split, tokenizer=shape.tokenizer, form=form, column=shape.column, path=path, heard=heard)
    if made.tokens < shape.context:
        have = f"Corpus '{corpus.name}' has {made.tokens:,} tokens to {_PURPOSE[split]}, fewer than one block of {shape.context:,}"
        raise CorpusError(f"{have}. Choose a shorter context or a longer corpus.")
    return made


def _rows(corpus: Corpus, split: str, shape: RowShape, path: Any, _: Format, heard: Heard) -> RowFile:
    made = write_rows(corpus, split, shape=shape, path=path, heard=heard)
    if not made.rows:
        raise CorpusError(f"Corpus '{corpus.name}' has no texts to {_PURPOSE[split]}. Choose a longer corpus.")
    return made
