"""The shipped model: a small GPT-2 that has read little stories, children's books and some general fiction.

    python -m narrative.recipes.fable --data DIR

builds three corpora, trains, measures on text that was never learned from, and writes `checkpoints/fable-5m`. Run it
again after a crash and it resumes. `DIR` holds `tinystories.jsonl.xz` (`split`, `text`; roneneldan/TinyStories) and
`fiction-*.jsonl.xz` (`title`, `author`, `year`, `shelf`, `text`; mlschmitt/classic-books-markdown).
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from narrative import home
from narrative.corpus import Corpus, load_corpus, split_by_source, write_corpus
from narrative.errors import CorpusError
from narrative.example import write_example
from narrative.files import write_json
from narrative.formats import Record
from narrative.publishing import publish
from narrative.training import Architecture, TrainingSettings
from narrative.training.__main__ import status_of
from narrative.training.job import Job

NAME = "fable-5m"
RESERVED = ("H.G. Wells", "P.G. Wodehouse", "The Brothers Grimm")  # kept for showing what fine-tuning does
SHELVES = ("children", "fiction")
BEFORE = "the stage before"  # stands for that job's model
CORPORA = ("fable-tinystories", "fable-children", "fable-fiction")
_BROAD = TrainingSettings(
    corpora=tuple(zip(CORPORA, (0.55, 0.38, 0.07), strict=True)), method="scratch",
    architecture=Architecture(layers=5, heads=8, width=256, vocabulary=4096, context=512),
    max_steps=4282, warmup=240 / 4282, schedule="warmup-stable-decay", decay=0.0, learning_rate=1.2e-3,
    weight_decay=0.1, dropout=0.1, batch_size=4, evaluate_every=400, evaluate_blocks=48,
)  # fmt: skip
_SETTLING = replace(
    _BROAD, corpora=tuple(zip(CORPORA, (0.55, 0.4, 0.05), strict=True)), method="full", architecture=None, base=BEFORE,
    max_steps=4300, warmup=60 / 4300, schedule="linear", weight_decay=0.3, dropout=0.15, seed=1,
)  # fmt: skip
# A flat learning rate first, then a long fall to nothing. After the first stage every little story has been read five
# times, and those are better known than new ones (2.64 to 3.03 nats a token): so the second holds back harder.
STAGES = ((f"{NAME}-1", _BROAD), (NAME, _SETTLING))


def build_corpora(data: Path) -> list[Corpus]:
    """The three corpora under NARRATIVE_HOME/corpora; taken up again when they are there. Memory holds one book at a time."""
    made = []
    for name in CORPORA:
        try:
            made.append(load_corpus(name))
        except CorpusError:
            made.append(_build(name, data))
    return made


def _build(name: str, data: Path) -> Corpus:
    if name == "fable-tinystories":
        origin, licence = "TinyStories (Eldan & Li 2023), roneneldan/TinyStories", "CDLA-Sharing-1.0"
        return write_corpus(name, train=_stories(data, "train"), test=_stories(data, "valid"), origin=origin, licence=licence)
    shelf = name.removeprefix("fable-")
    titles = [_title(book) for book in _books(data)]
    _, held_out = split_by_source(titles, test_share=0.1, seed=0)
    held = set(held_out)
    train, test = (_shelf(data, shelf, titles=side) for side in (set(titles) - held, held))
    origin = f"public-domain books, shelf '{shelf}', mlschmitt/classic-books-markdown"
    return write_corpus(name, train=train, test=test, origin=origin, licence="public domain")


def _shelf(data: Path, shelf: str, *, titles: set[str]) -> Iterator[Record]:
    for book in _books(data):
        if book["shelf"] == shelf and _title(book) in titles:
            yield from _chapters(book)


def _stories(data: Path, split: str) -> Iterator[Record]:
    for number, story in enumerate(_lines(data / "tinystories.jsonl.xz")):
        if story["split"] == split:
            yield Record(f"tinystories-{number}", f"TinyStories {split}", "", "", story["text"].strip())


def _books(data: Path) -> Iterator[dict[str, Any]]:
    files = sorted(data.glob("fiction-*.jsonl.xz"))
    if not files:
        raise CorpusError(f"No fiction-*.jsonl.xz in {data.name}.")
    for file in files:
        yield from (book for book in _lines(file) if book["author"] not in RESERVED)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except FileNotFoundError:
        raise CorpusError(f"{path.name} is not in the data folder; this module's first lines say where it comes from.") from None


def _title(book: dict[str, Any]) -> str:
    return f"{book['author']}: {book['title']}"


def _chapters(book: dict[str, Any]) -> Iterator[Record]:
    """One record a chapter: the heading as a plain line, Markdown's emphasis marks and stray spaces taken out."""
    for number, part in enumerate(re.split(r"^(?=##\s)", book["text"], flags=re.MULTILINE)):
        text = re.sub(r"^#+\s*", "", part, flags=re.MULTILINE)
        text = re.sub(r"[*_]+(?=\S)|(?<=\S)[*_]+", "", text)
        text = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip()
        if len(text) > 200:  # a bare heading teaches nothing
            heading = text.split("\n", 1)[0][:80]
            yield Record(f"{_title(book)}#{number}", _title(book), book["title"], heading, text, {"author": book["author"]})


def _job(name: str, settings: TrainingSettings, before: list[Job]) -> Job:
    """The job of that name, made now or taken up again."""
    folder = home.jobs() / name
    own = replace(settings, base=str(before[-1].model)) if settings.base == BEFORE else settings
    job = Job(folder) if (folder / "job.json").exists() else Job.create(folder, own)
    job.clear_stop()
    return job


def ship(jobs: Sequence[Job]) -> None:
    """Publish the last job's model into the shipped checkpoints: in half precision first, since the card measures what is shipped.

    The finished example of the first page is written anew with it.
    """
    from narrative.models import load_model
    from narrative.recipes.fable_card import fable_card

    folder = home.SHIPPED / NAME
    publish(jobs[-1].model, folder, {}, half=True)
    write_json(folder / "narrative.json", fable_card(folder, jobs))
    write_example(load_model(NAME, device="cpu"), folder / "example.json")


def make(data: Path) -> bool:
    """Corpora, stages, checkpoint. False when a stage was stopped on request."""
    from narrative.training.run import train  # here: a usage error needs no torch

    build_corpora(data)
    jobs: list[Job] = []
    for name, settings in STAGES:
        job = _job(name, settings, jobs)
        if not train(job):
            return False
        jobs.append(job)
    ship(jobs)
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m narrative.recipes.fable", description="Train the shipped model again.")
    parser.add_argument("--data", type=Path, required=True, help="folder with tinystories.jsonl.xz and fiction-*.jsonl.xz")
    options = parser.parse_args(arguments)
    return status_of(lambda: make(options.data))


if __name__ == "__main__":
    sys.exit(main())
