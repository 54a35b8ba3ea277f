"""A corpus on disk: a folder with `corpus.json`, `train.jsonl` and `test.jsonl`, read as a stream of records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from narrative import home
from narrative.errors import CorpusError, require_choice
from narrative.files import read_json, write_json
from narrative.formats import Record

SPLITS = ("train", "test")


@dataclass(frozen=True)
class SplitCount:
    """How much one side of the split holds."""

    records: int
    words: int
    bytes: int


@dataclass(frozen=True)
class Corpus:
    """A corpus that has been written. Holds counts and where it lies, never the text: `records()` streams that."""

    folder: Path
    name: str
    origin: str  # where the texts came from, for a model's card
    licence: str
    fingerprint: str  # sha256 over both sides, in order; equal texts, equal fingerprint
    train: SplitCount
    test: SplitCount
    sources: dict[str, tuple[str, ...]]  # split -> the books or files on that side

    def records(self, split: str) -> Iterator[Record]:
        """The records of one side, in order, one in memory at a time. Raises `CorpusError` at a damaged line, or when some are missing."""
        require_choice("split", split, SPLITS)
        number, promised = 0, getattr(self, split).records
        try:
            with (self.folder / f"{split}.jsonl").open("rb") as lines:
                for line in lines:
                    number += 1
                    yield _parse(line)
        except (ValueError, TypeError, OSError) as error:
            raise CorpusError(f"Corpus '{self.name}' is damaged at {split}.jsonl, line {number}: {error}. Build it again.") from error
        if number != promised:
            raise CorpusError(f"Corpus '{self.name}' is damaged: {split}.jsonl has {number} records instead of {promised}. Build it again.")


def _parse(line: bytes) -> Record:
    record = Record(**json.loads(line))
    if not isinstance(record.text, str):
        raise TypeError(f"the text is {type(record.text).__name__}")
    return record


def load_corpus(name: str | Path) -> Corpus:
    """A corpus by its name under NARRATIVE_HOME/corpora, or by its folder. Raises `CorpusError` with the names that exist."""
    folder = home.corpora() / name
    if not (folder / "corpus.json").exists():
        folder = Path(name)
    try:
        stored = read_json(folder / "corpus.json")
        counts = {split: SplitCount(**stored.pop(split)) for split in SPLITS}
        sources = {split: tuple(names) for split, names in stored.pop("sources").items()}
        return Corpus(folder=folder, sources=sources, train=counts["train"], test=counts["test"], **stored)
    except (FileNotFoundError, NotADirectoryError):
        here = sorted(path.parent.name for path in home.corpora().glob("*/corpus.json"))
        raise CorpusError(f"No corpus '{name}'. {'Here are: ' + ', '.join(here) if here else 'None has been built yet'}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorpusError(f"Corpus '{name}' has a damaged corpus.json: {error}. Build it again.") from error


def write_corpus(
    name: str, *, train: Iterable[Record], test: Iterable[Record], origin: str, licence: str, folder: Path | None = None
) -> Corpus:
    """Write both sides record by record (constant memory) and `corpus.json` last, so that its presence means complete.

    Raises `CorpusError` when a record comes twice: what is tested must never have been learned.
    """
    folder = folder or home.corpora() / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.json").unlink(missing_ok=True)
    digest = sha256()
    counts, sources = {}, {}
    ids: set[str] = set()
    for split, records in (("train", train), ("test", test)):
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as out:
            counts[split], sources[split] = _write_split(records, out, digest, ids)
    report: dict[str, Any] = {"name": name, "origin": origin, "licence": licence, "fingerprint": digest.hexdigest()}
    report |= {split: asdict(count) for split, count in counts.items()} | {"sources": sources}
    write_json(folder / "corpus.json", report)
    return load_corpus(folder)


def _write_split(records: Iterable[Record], out: TextIO, digest: Any, ids: set[str]) -> tuple[SplitCount, list[str]]:
    number = words = size = 0
    sources: dict[str, None] = {}  # a set that keeps its order
    for record in records:
        if record.id in ids:
            raise CorpusError(f"Record {record.id!r} comes twice. Each record needs its own id and stands on one side of the split.")
        ids.add(record.id)
        line = json.dumps(asdict(record), ensure_ascii=False)
        out.write(line + "\n")
        digest.update(line.encode())
        number += 1
        words += len(record.text.split())
        size += len(record.text.encode())
        sources[record.source] = None
    return SplitCount(number, words, size), list(sources)
