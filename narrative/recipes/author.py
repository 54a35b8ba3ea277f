"""What fine-tuning does: the shipped model tuned on one author that it never read, in full and with LoRA.

    python -m narrative.recipes.author --data DIR --author "H.G. Wells"

builds a corpus of the author's books (one book in ten held back whole), trains both ways by the presets of the Train tab,
and prints how well the books held back are predicted before and after. Run it again after a crash and it resumes. `DIR`
holds `fiction-*.jsonl.xz` (`title`, `author`, `text`; mlschmitt/classic-books-markdown).
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from narrative import home
from narrative.corpus import Corpus, corpus_names, load_corpus
from narrative.corpus.build import build_from_files
from narrative.corpus.building import BuildSettings
from narrative.corpus.options import ReadOptions
from narrative.errors import CorpusError
from narrative.evaluation import TextScore, score_texts
from narrative.models import describe, load_model
from narrative.training.__main__ import status_of
from narrative.training.job import Job
from narrative.training.presets import settings_for

BASE = "fable-5m"
WAYS = {"full": "house style", "lora": "lora"}  # job -> preset
EVALUATE_EVERY = 100


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    model: str
    score: TextScore

    def __str__(self) -> str:
        return f"{self.model:32}  perplexity {self.score.perplexity:7.2f}   {self.score.bits_per_byte:.4f} bits per byte"


def build_corpus(data: Path, author: str) -> Corpus:
    """The author's books as a corpus under NARRATIVE_HOME; taken up again when it is there. Raises `CorpusError` for an unknown author."""
    name, origin = slug(author), f"{author}, public domain"
    if name in corpus_names():
        found = load_corpus(name)
        if found.origin != origin:
            raise CorpusError(f"There is a corpus '{name}' already, which is not this recipe's. Rename or delete it.")
        return found
    with TemporaryDirectory() as folder:
        books = Path(folder) / f"{name}.jsonl"
        with books.open("w", encoding="utf-8") as out:
            for file in sorted(data.glob("fiction-*.jsonl.xz")):
                with lzma.open(file, "rt", encoding="utf-8") as lines:
                    out.writelines(line for line in lines if json.loads(line)["author"] == author)
        if not books.stat().st_size:
            raise CorpusError(f"There is no book by '{author}' in {data.name}.")
        settings = BuildSettings(origin=origin, licence="public domain")
        for _ in build_from_files([books], name, settings=settings, options=ReadOptions()):
            pass
    return load_corpus(name)


def slug(author: str) -> str:
    """A corpus's name: the author's in small letters, without accents."""
    plain = unicodedata.normalize("NFKD", author).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "author"


def job_for(corpus: Corpus, way: str) -> Job:
    """Made by the preset, or taken up again."""
    folder = home.jobs() / f"{corpus.name}-{way}"
    if (folder / "job.json").exists():
        return Job(folder)
    settings = settings_for(WAYS[way], corpora=((corpus.name, 0.0),), base=describe(BASE), evaluate_every=EVALUATE_EVERY)
    return Job.create(folder, settings)


def measured(model: str, title: str, corpus: Corpus) -> Line:
    """On all of the texts held back, chapter by chapter through a sliding window."""
    texts = (record.text for record in corpus.records("test"))
    return Line(title, score_texts(load_model(model, device="cpu"), texts))


def tune(data: Path, author: str) -> bool:
    """Both trainings, and the table. False when one was stopped on request."""
    from narrative.training.run import train  # here: a usage error needs no torch

    corpus = build_corpus(data, author)
    print(measured(BASE, f"{BASE}, untuned", corpus), flush=True)
    for way in WAYS:
        job = job_for(corpus, way)
        job.clear_stop()
        if not train(job):
            return False
        print(measured(str(job.model), f"{BASE}, tuned ({way})", corpus), flush=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m narrative.recipes.author", description="Tune the shipped model on one author.")
    parser.add_argument("--data", type=Path, required=True, help="folder with fiction-*.jsonl.xz")
    parser.add_argument("--author", default="H.G. Wells", help="as the data spells it (default: %(default)s)")
    options = parser.parse_args(arguments)
    return status_of(lambda: tune(options.data, options.author))


if __name__ == "__main__":
    sys.exit(main())
