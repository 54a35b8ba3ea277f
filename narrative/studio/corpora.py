"""The corpora that were built: what is in them, their reports as files, and taking one away."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from narrative import home
from narrative.corpus import Corpus, corpus_names, load_corpus
from narrative.corpus.corpus import describe
from narrative.errors import CorpusError, require_choice, shown
from narrative.export import Exported

COLUMNS = (
    "path", "status", "reason", "format", "title", "author", "language", "chapters", "words", "characters", "tokens", "split",
    "train_words", "test_words", "duplicate_passages", "duplicate_words", "low_quality", "quality", "removed_by_rule", "warnings",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would work out what begins so


@dataclass(frozen=True)
class Listed:
    """One line in the list of corpora. `broken`: why it can't be read."""

    name: str
    words: int = 0
    sources: int = 0
    broken: str = ""


def listed() -> list[Listed]:
    """All corpora under NARRATIVE_HOME, by name."""
    return [_line(name) for name in corpus_names()]


def _line(name: str) -> Listed:
    try:
        corpus = load_corpus(name)
    except CorpusError as error:
        return Listed(name, broken=str(error))
    return Listed(name, corpus.train.words + corpus.test.words, len({*corpus.sources["train"], *corpus.sources["test"]}))


def find(name: str) -> Corpus:
    """Raises `CorpusError` for a name that is none of a corpus under NARRATIVE_HOME."""
    if name not in corpus_names():
        raise CorpusError(f"There is no corpus {shown(name)} any more.")
    return load_corpus(name)


def delete(name: str) -> None:
    """Take a corpus away for good. Raises `CorpusError` when there is none of that name."""
    if name not in corpus_names():
        raise CorpusError(f"There is no corpus {shown(name)} any more.")
    gone = home.corpora() / f".{os.getpid()}-{name}.part"  # out of sight at once; a build sweeps what a crash leaves of it
    shutil.rmtree(gone, ignore_errors=True)
    (home.corpora() / name).replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


def export_report(name: str, kind: str) -> Exported:
    """The report of a corpus: all of it as JSON, or a line a file as CSV. Raises `CorpusError`, or `SettingsError` for another kind."""
    require_choice("kind of report", kind, ("json", "csv"))
    report = describe(find(name))
    if kind == "json":
        return Exported(f"{name}-report.json", "application/json", (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode())
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _row(file)] for file in report["files"])
    return Exported(f"{name}-report.csv", "text/csv", out.getvalue().encode("utf-8-sig"))  # without the mark, Excel misreads accents


def _row(file: Mapping[str, Any]) -> list[Any]:
    rules = "; ".join(f"{rule}: {change['times']}" for rule, change in file.get("rules", {}).items())
    row = {**file, "removed_by_rule": rules, "warnings": " ".join(file.get("warnings", ()))}
    return [row.get(column) for column in COLUMNS]


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
