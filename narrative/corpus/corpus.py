"""A corpus on disk: a folder with `corpus.json`, `train.jsonl` and `test.jsonl`, read as a stream of records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

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
    report: Mapping[str, Any] = field(default_factory=dict)  # what a build did with each file; empty when there was no build

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
        here = corpus_names()
        raise CorpusError(f"No corpus '{name}'. {'Here are: ' + ', '.join(here) if here else 'None has been built yet'}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorpusError(f"Corpus '{name}' has a damaged corpus.json: {error}. Build it again.") from error


def describe(corpus: Corpus) -> dict[str, Any]:
    """The report as JSON. A corpus that no build made (a recipe's) names its sources as files, with the side each is on."""
    sides = {split: asdict(getattr(corpus, split)) for split in SPLITS}
    files = [{"path": source, "status": "read", "reason": None, "split": split} for split in SPLITS for source in corpus.sources[split]]
    totals = {key: sum(side[key] for side in sides.values()) for key in ("records", "words", "bytes")}
    names = {"name": corpus.name, "origin": corpus.origin, "licence": corpus.licence, "fingerprint": corpus.fingerprint}
    return names | {"files": files, **totals, **sides} | dict(corpus.report)


def corpus_names() -> list[str]:
    """The corpora under NARRATIVE_HOME that are whole, by name."""
    return sorted(path.parent.name for path in home.corpora().glob("[!.]*/corpus.json"))


def write_corpus(
    name: str, *, train: Iterable[Record], test: Iterable[Record], origin: str, licence: str, folder: Path | None = None
) -> Corpus:
    """Write both sides record by record (constant memory) and `corpus.json` last, so that its presence means complete.

    Raises `CorpusError` when a record comes twice: what is tested must never have been learned.
    """
    folder = folder or home.corpora() / name
    for _ in writing_corpus(name, train=train, test=test, origin=origin, licence=licence, folder=folder):
        pass
    return load_corpus(folder)


def writing_corpus(
    name: str, *, train: Iterable[Record], test: Iterable[Record], origin: str, licence: str, folder: Path,
    report: Callable[[], Mapping[str, Any]] = dict,
) -> Iterator[int]:  # fmt: skip
    """`write_corpus` as a stream: yields the number of records written so far, after each. `report` is asked at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.json").unlink(missing_ok=True)
    digest = sha256()
    counts, sources = {}, {}
    ids: set[str] = set()
    for split, records in (("train", train), ("test", test)):
        side = _Side(digest, ids)
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as out:
            for record in records:
                out.write(side.line(record))
                yield len(ids)
        counts[split], sources[split] = SplitCount(side.records, side.words, side.bytes), list(side.sources)
    card: dict[str, Any] = {"name": name, "origin": origin, "licence": licence, "fingerprint": digest.hexdigest()}
    card |= {split: asdict(count) for split, count in counts.items()} | {"sources": sources, "report": report()}
    write_json(folder / "corpus.json", card)


class _Side:
    """Counts of one side while it is written."""

    def __init__(self, digest: Any, ids: set[str]) -> None:
        self.records = self.words = self.bytes = 0
        self.sources: dict[str, None] = {}  # a set that keeps its order
        self._digest, self._ids = digest, ids

    def line(self, record: Record) -> str:
        if record.id in self._ids:
            raise CorpusError(f"Record {record.id!r} comes twice. Each record needs its own id and stands on one side of the split.")
        self._ids.add(record.id)
        line = json.dumps(asdict(record), ensure_ascii=False)
        self._digest.update(line.encode())
        self.records += 1
        self.words += len(record.text.split())
        self.bytes += len(record.text.encode())
        self.sources[record.source] = None
        return line + "\n"
