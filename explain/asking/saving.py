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
from narrative.errors import require_choice
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
    desk, studio, owner, wanted = compare
    importance = finished(desk.explain(text, ask))
    compared = finished(beside(desk, studio, owner, text, ask, importance, wanted)) if wanted else None
    ending, media_type, make = KINDS_OF_FILE[what]
    model = re.sub(r"[^\w.-]+", "-", text.model.name).strip("-")
    method = "check" if what == "check" else ask.method.replace(" ", "-")
    return File(f"words-{model}-{method}.{ending}", media_type, make(_Shown(desk, text, ask, importance, compared)).encode("utf-8"))


def picture(desk: WordDesk, text: Text, ask: Ask, *, dark: bool) -> dict[str, Any]:
    """The shaded text as SVG, with its size in pixels."""
    svg = word_picture(finished(desk.explain(text, ask)), dark=dark)
    width, height = (
        float(found[1]) if (found := re.search(rf'<svg[^>]*\b{side}="([\d.]+)"', svg)) else 800.0 for side in ("width", "height")
    )
    return {"svg": svg, "width": width, "height": height}


def _html(shown: _Shown) -> str:
    return word_page(
        shown.importance, title=question_line(shown.importance), other=shown.compared.other if shown.compared else None,
        faithfulness=shown.desk.checked(shown.text, shown.ask),
    )  # fmt: skip


def _csv(shown: _Shown) -> str:
    return comparison_csv(shown.importance, shown.compared.other) if shown.compared else importance_csv(shown.importance)


def _check(shown: _Shown) -> str:
    return check_csv(shown.desk.checked(shown.text, shown.ask) or finished(shown.desk.check(shown.text, shown.ask)))


KINDS_OF_FILE: dict[str, tuple[str, str, Callable[[_Shown], str]]] = {
    "html": ("html", HTML, _html), "csv": ("csv", CSV, _csv), "check": ("csv", CSV, _check),
}  # fmt: skip
