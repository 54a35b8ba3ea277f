"""The measurements of jobs as one table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from narrative.training.job import Job

COLUMNS = (
    "job", "step", "tokens", "loss", "learning_rate", "grad_norm", "tokens_per_second", "corpus", "test_loss", "perplexity",
    "bits_per_byte", "time",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would work out a text that begins so


def as_table(jobs: Iterable[tuple[str, Job]]) -> str:
    """A line a measurement, as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for name, job in jobs:
        for line in job.metrics():
            writer.writerow(_row(name, line))
    return out.getvalue()


def _row(name: str, line: dict[str, object]) -> list[object]:
    named = {"job": name} | line
    return [_cell(named.get(column)) for column in COLUMNS]


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
