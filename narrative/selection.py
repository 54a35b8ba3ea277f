"""The one shared state: which sheet, which of its drafts and which of that draft's tokens is chosen. Every tab reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """What is chosen; None where nothing is."""

    sheet: str | None = None  # id of a `store.Sheet`
    draft: str | None = None  # id of a `Draft` on that sheet
    token: int | None = None  # place in `draft.tokens`, from 0
