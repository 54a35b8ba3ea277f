"""Corpora and the report of one -> what the page draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from narrative.corpus import Corpus
from narrative.corpus.corpus import describe
from narrative.studio.corpora import Listed

SHOWN_FILES = 300  # of a report on the page; the files it can be downloaded as have all
SHOWN_VALUES = 12  # of a column
_FILE = (
    "status", "reason", "format", "title", "author", "documents", "words", "tokens", "split", "duplicate_passages",
    "duplicates_of", "low_quality", "quality", "rules", "warnings",
)  # fmt: skip


def draw_corpora(listed: Sequence[Listed]) -> dict[str, Any]:
    return {"corpora": [asdict(one) for one in listed]}


def draw_report(corpus: Corpus) -> dict[str, Any]:
    report = describe(corpus)
    files = report["files"]
    values = [(column, list(counts.items())[:SHOWN_VALUES]) for column, counts in report.get("values", {}).items()]
    totals = (
        "name", "origin", "licence", "fingerprint", "records", "words", "train", "test", "tokens", "train_tokens", "test_tokens", "read",
        "refused", "excluded", "duplicate_passages", "duplicate_words", "low_quality", "warnings",
    )  # fmt: skip
    return {name: report.get(name) for name in totals} | {
        "files": [{"name": file["path"]} | {name: file.get(name) for name in _FILE} for file in files[:SHOWN_FILES]],
        "count": len(files), "values": values, "rules": _doings(files),
        "sources": {split: len(names) for split, names in corpus.sources.items()},
    }  # fmt: skip


def _doings(files: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int]]:
    """(rule, paragraphs it touched, characters it took out) over all files, the busiest first."""
    totals: dict[str, list[int]] = {}
    for file in files:
        for rule, change in file.get("rules", {}).items():
            total = totals.setdefault(rule, [0, 0])
            total[0] += change["times"]
            total[1] += change["characters"]
    return sorted(((rule, times, characters) for rule, (times, characters) in totals.items()), key=lambda one: -one[1])
