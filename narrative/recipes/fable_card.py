"""What the shipped model's card says: what it has read, what it never read, and how well it reads that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from narrative.corpus import Corpus, load_corpus
from narrative.evaluation import score_texts
from narrative.models import load_model
from narrative.training.job import Job

MOST_BYTES = 1_000_000  # of a side that is scored; 21 MB of fiction would take an hour and change the third digit
COMMAND = "python -m narrative.recipes.fable --data DIR"
WORDS = {
    "title": "Fable 5M",
    "summary": "little stories, children's books, some fiction",
    "licence": "Apache-2.0",
    "format": "stream",
    "trained_on": "TinyStories (train split), 52 children's books and 436 novels in the public domain",
}


def fable_card(model: Path, jobs: Sequence[Job]) -> dict[str, Any]:
    """Measured on the weights as they are shipped; stories never learned from, books held back whole."""
    loaded = load_model(str(model), device="cpu")
    corpora = [load_corpus(name) for name, _ in jobs[-1].settings().corpora]
    metrics = {}
    for corpus in corpora:
        score = score_texts(loaded, _evenly(corpus))
        name = corpus.name.removeprefix("fable-")
        metrics[name] = {"perplexity": round(score.perplexity, 3), "bits_per_byte": round(score.bits_per_byte, 4), "bytes": score.bytes}
    return WORDS | {
        "metrics": metrics,
        "tokens_seen": sum(_tokens(job, loaded.context) for job in jobs),
        "command": COMMAND,
        "corpora": [_described(corpus) for corpus in corpora],
        "held_out": {corpus.name: list(corpus.sources["test"]) for corpus in corpora},
        "never_read": ["TinyStories, split valid", "H. G. Wells", "P. G. Wodehouse", "The Brothers Grimm"],
        "settings": [_settings(job) for job in jobs],
    }


def _settings(job: Job) -> dict[str, Any]:
    """Without the path of the base: the stages follow each other."""
    return {key: value for key, value in job.settings().to_json().items() if key != "base"}


def _tokens(job: Job, context: int) -> int:
    settings = job.settings()
    return max(int(line["step"]) for line in job.metrics()) * settings.batch_size * settings.accumulation * context


def _described(corpus: Corpus) -> dict[str, Any]:
    counts = {"train": asdict(corpus.train), "test": asdict(corpus.test)}
    return {"name": corpus.name, "origin": corpus.origin, "licence": corpus.licence, "fingerprint": corpus.fingerprint, **counts}


def _evenly(corpus: Corpus) -> Iterator[str]:
    """Test texts from all over the corpus, about `MOST_BYTES` of them."""
    step = max(1, round(corpus.test.bytes / MOST_BYTES))
    for number, record in enumerate(corpus.records("test")):
        if number % step == 0:
            yield record.text
