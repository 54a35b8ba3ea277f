"""One file on the shelf, open at a chapter -> what the page draws."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from narrative.studio import Leaf
from narrative.studio.leafing import PASSAGES
from narrative.tabs.train.shelf_view import draw_file

if TYPE_CHECKING:
    from narrative.corpus.edits import Edits
    from narrative.corpus.shelf import FileEntry


def draw_book(entry: FileEntry, edits: Edits, leaf: Leaf) -> dict[str, Any]:
    from narrative.corpus.cleaning import RULES

    named = {rule for passage in leaf.passages for rule in passage.rules}
    return {
        "file": draw_file(entry, edits), "warnings": list(entry.warnings), "mendable": not entry.rows,
        "place": asdict(leaf.place), "chapters": [asdict(one) for one in leaf.chapters], "first": leaf.first,
        "earlier": asdict(leaf.earlier) if leaf.earlier else None, "later": asdict(leaf.later) if leaf.later else None,
        "chapter": asdict(leaf.chapter), "passages": [asdict(one) for one in leaf.passages], "count": leaf.count, "size": PASSAGES,
        "changed": leaf.changed, "removed": leaf.removed, "quality": leaf.quality, "components": leaf.components,
        "rules": {name: RULES[name].summary for name in sorted(named)},
    }  # fmt: skip
