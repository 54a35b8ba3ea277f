"""What a tuned model's card says: what it is, what it has read, under which terms, and how well it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from narrative import __version__
from narrative.corpus import load_corpus
from narrative.errors import CorpusError
from narrative.models.catalogue import text
from narrative.publishing.bases import Base
from narrative.training import TrainingSettings
from narrative.training.job import Job

FIGURES = ("test_loss", "perplexity", "bits_per_byte")


def card_for(job: Job, *, title: str, base: Base | None, weights: str, merged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """narrative.json as a dictionary. Nothing in it names a path of this machine.

    `weights` is the fingerprint of what the training wrote, by which a job knows its published model again; `merged` is what
    the merge of an adapter has measured.
    """
    settings = job.settings()
    corpora = [_described(job, name, weight) for name, weight in settings.corpora]
    read = ", ".join(f"{corpus['name']} ({corpus['origin']})" if corpus["origin"] else corpus["name"] for corpus in corpora)
    return {
        "title": text(title),
        "summary": text(_summary(settings, base, [corpus["name"] for corpus in corpora])),
        "base": base.name if base else "",
        "base_fingerprint": base.fingerprint if base else "",
        "format": settings.format,
        "field": settings.column,
        "licence": text(_licence(corpora, base)),
        "trained_on": text(f"{read}; before that, {base.title}" if base else read),
        "corpora": corpora,
        "metrics": dict(_metrics(job, settings)),
        "settings": _settings(settings, base),
        "date": _day(job),
        "job": job.folder.name,
        "job_weights": weights,
        "narrative": __version__,
    } | ({"merged": dict(merged)} if merged else {})


def method_of(settings: TrainingSettings) -> str:
    """In a word or two: full, LoRA 16, scratch."""
    return f"LoRA {settings.lora_rank}" if settings.method == "lora" else settings.method


def _summary(settings: TrainingSettings, base: Base | None, corpora: list[str]) -> str:
    on = " and ".join(corpora)
    return f"{base.title} tuned on {on} ({method_of(settings)})" if base else f"trained from scratch on {on}"


def _described(job: Job, name: str, weight: float) -> dict[str, Any]:
    """A corpus by its own name, never its folder. One that is gone since, or that can't be read, keeps its name alone.

    The fingerprint is that of the texts which were learned, also when the corpus has been built anew since.
    """
    try:
        corpus = load_corpus(name)
    except CorpusError:
        return {"name": Path(name).name, "weight": weight, "origin": "", "licence": "", "fingerprint": ""}
    mark = job.corpora().get(corpus.name, "")
    words = {"origin": text(corpus.origin), "licence": text(corpus.licence), "fingerprint": mark}
    return {"name": text(corpus.name), "weight": weight} | words | {"train": vars(corpus.train), "test": vars(corpus.test)}


def _licence(corpora: list[dict[str, Any]], base: Base | None) -> str:
    """What holds for the texts and what holds for the base, each once; who publishes must know whether they go together."""
    texts = list(dict.fromkeys(corpus["licence"] or "unknown" for corpus in corpora))
    under = [f"base: {base.licence or 'unknown'}"] if base else []
    return "; ".join([*under, f"texts: {', '.join(texts)}"])


def _metrics(job: Job, settings: TrainingSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    """Corpus -> its figures at the step whose weights were kept, as the training says; else of the lowest loss, or the last."""
    steps: dict[int, dict[str, dict[str, Any]]] = {}
    for line in job.metrics():
        if "corpus" in line and "test_loss" in line:
            steps.setdefault(int(line["step"]), {})[str(line["corpus"])] = line
    if not steps:
        return
    kept = job.state().get("kept")
    if kept not in steps:
        most = max(len(lines) for lines in steps.values())
        whole = {step: lines for step, lines in steps.items() if len(lines) == most}
        kept = min(whole, key=lambda step: _mean(whole[step])) if settings.keep == "best" else max(whole)
    for corpus, line in steps[kept].items():
        yield text(Path(corpus).name), {name: line[name] for name in FIGURES if name in line} | {"step": kept}


def _mean(lines: Mapping[str, Mapping[str, Any]]) -> float:
    return sum(float(line["test_loss"]) for line in lines.values()) / len(lines)


def _settings(settings: TrainingSettings, base: Base | None) -> dict[str, Any]:
    stored = settings.to_json()
    corpora = [[Path(name).name, weight] for name, weight in settings.corpora]
    return stored | {"base": base.name if base else None, "corpora": corpora}


def _day(job: Job) -> str:
    """When the training ended, as far as is known."""
    ended = job.state().get("time")
    moment = ended if isinstance(ended, int | float) else job.model.stat().st_mtime
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
