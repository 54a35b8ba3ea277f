"""Files of what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from explain.compare import AttentionDifference
from explain.reading.about import about_word
from explain.reading.desk import Opened
from explain.reading.look import Look
from explain.reading.mattering import part_of, target_of
from explain.reading.picture import draw_picture
from explain.tables import ablation_csv, distance_csv, lens_csv, overview_csv
from narrative.errors import ExplainError, require_choice

CSV, HTML = "text/csv", "text/html"


@dataclass(frozen=True)
class File:
    """One download."""

    name: str
    media_type: str
    data: bytes


def saved(opened: Opened, look: Look, *, what: str, compared: AttentionDifference | None = None) -> File:
    """`what` is one of `KINDS_OF_FILE`. Raises `SettingsError` for another, `ExplainError` where there is nothing of that kind."""
    require_choice("file", what, KINDS_OF_FILE)
    ending, media_type, make = KINDS_OF_FILE[what]
    model = re.sub(r"[^\w.-]+", "-", opened.model.name).strip("-")
    name = f"attention-{model}-{look.view if what in ('html', 'csv') else what}.{ending}"
    return File(name, media_type, make(opened, look, compared).encode("utf-8"))


def _html(opened: Opened, look: Look, compared: AttentionDifference | None) -> str:
    return draw_picture(opened, look, compared=compared).html()


def _csv(opened: Opened, look: Look, compared: AttentionDifference | None) -> str:
    return draw_picture(opened, look, compared=compared).csv()


def _heads(opened: Opened, look: Look, compared: AttentionDifference | None) -> str:
    """What the map of layers and heads shows."""
    if compared is not None and look.view == "difference":
        return distance_csv(compared)
    return overview_csv(opened.roles(opened.map(look).name))


def _lens(opened: Opened, look: Look, _: AttentionDifference | None) -> str:
    report = about_word(opened, look)
    if report is None or report.lens is None:
        raise ExplainError(report.why_no_lens if report else "Choose a word in the text first.")
    return lens_csv(report.lens)


def _survey(opened: Opened, look: Look, _: AttentionDifference | None) -> str:
    target, _words = target_of(opened, look)
    *_parts, whole = opened.survey(part=part_of(opened, look), kind=look.kind, target=target)
    return ablation_csv(whole)


Make = Callable[[Opened, Look, AttentionDifference | None], str]
KINDS_OF_FILE: dict[str, tuple[str, str, Make]] = {
    "html": ("html", HTML, _html), "csv": ("csv", CSV, _csv), "heads": ("csv", CSV, _heads), "lens": ("csv", CSV, _lens),
    "survey": ("csv", CSV, _survey),
}  # fmt: skip
