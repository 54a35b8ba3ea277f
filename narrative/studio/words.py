"""Drafts and tokens as an editor would call them."""

from __future__ import annotations

import secrets

from narrative.generation import Draft
from narrative.generation.draft import STOPPED

LARGEST_SEED = 999_999  # a new seed is short enough to be read out over the phone


def new_seed() -> int:
    return 1 + secrets.randbelow(LARGEST_SEED)


def brief(text: str, most: int = 48) -> str:
    """The beginning of `text` on one line."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def word_of(draft: Draft, at: int) -> str:
    """Token `at` as a reader would call it."""
    text = draft.tokens[at].text if at < len(draft.tokens) else ""
    return text.strip() or ("¶" if text else "∎")


def why_stopped(draft: Draft) -> str:
    return STOPPED[draft.stopped] if draft.stopped else "it was cut off"
