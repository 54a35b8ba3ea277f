"""Files of what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explain.asking.ask import Ask
from explain.asking.background import finished
from explain.asking.beside import beside
from explain.asking.comparing import Comparison
from explain.asking.desk import Text, WordDesk
from explain.importance import WordImportance
from explain.reading.saving import CSV, HTML, File
from explain.word_views.page import word_page
from explain.word_views.picture import word_picture
from explain.word_views.sentences import question_line
from explain.word_views.tables import check_csv, comparison_csv, importance_csv
from narrative.errors import NarrativeError, require_choice
from narrative.studio import Studio

Beside = tuple[WordDesk, Studio, str, str]  # desk, studio, owner, what is wanted beside it: "" for nothing


@dataclass(frozen=True, eq=False)
class _Shown:
    """All that a file may hold."""

    desk: WordDesk
    text: Text
    ask: Ask
    importance: WordImportance
    compared: Comparison | None


def saved(text: Text, ask: Ask, *, what: str, compare: Beside) -> File:
    """`what` is one of `KINDS_OF_FILE`. What was worked out before is not worked out again."""
    require_choice("file", what, KINDS_OF_FILE)
    desk = compare[0]
    importance = finished(desk.explain(text, ask))
    compared = None if what == "check" else _beside(text, ask, importance, compare)
    ending, media_type, make = KINDS_OF_FILE[what]
    model = re.sub(r"[^\w.-]+", "-", text.model.name).strip("-")
    method = "check" if what == "check" else ask.method.replace(" ", "-")
    return File(f"words-{model}-{method}.{ending}", media_type, make(_Shown(desk, text, ask, importance, compared)).encode("utf-8"))


def _beside(text: Text, ask: Ask, importance: WordImportance, compare: Beside) -> Comparison | None:
    """None where nothing is wanted, or where it can't be had: the page has said why, and the map stands by itself there too."""
    desk, studio, owner, wanted = compare
    try:
        return finished(beside(desk, studio, owner, text, ask, importance, wanted)) if wanted else None
    except NarrativeError:
        return None


def picture(text: Text, ask: Ask, *, compare: Beside, dark: bool) -> dict[str, Any]:
    """The shaded text as SVG, with its size in pixels; on the scale that it shares with what is set beside it."""
    importance = finished(compare[0].explain(text, ask))
    compared = _beside(text, ask, importance, compare)
    svg = word_picture(importance, dark=dark, limit=compared.limit if compared else None)
    width, height = (
        float(found[1]) if (found := re.search(rf'<svg[^>]*\b{side}="([\d.]+)"', svg)) else 800.0 for side in ("width", "height")
    )
    return {"svg": svg, "width": width, "height": height}


def _html(shown: _Shown) -> str:
    return word_page(
        shown.importance, title=question_line(shown.importance), other=shown.compared.other if shown.compared else None,
        titles=shown.compared.titles if shown.compared else None, faithfulness=shown.desk.checked(shown.text, shown.ask),
    )  # fmt: skip


def _csv(shown: _Shown) -> str:
    return comparison_csv(shown.importance, shown.compared.other) if shown.compared else importance_csv(shown.importance)


def _check(shown: _Shown) -> str:
    return check_csv(shown.desk.checked(shown.text, shown.ask) or finished(shown.desk.check(shown.text, shown.ask)))


KINDS_OF_FILE: dict[str, tuple[str, str, Callable[[_Shown], str]]] = {
    "html": ("html", HTML, _html), "csv": ("csv", CSV, _csv), "check": ("csv", CSV, _check),
}  # fmt: skip
