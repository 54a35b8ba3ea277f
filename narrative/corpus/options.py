"""What the keeper decides about reading: where notes go, and which column of a table is what."""

from __future__ import annotations

from dataclasses import dataclass

from narrative.errors import require_choice

NOTES = ("place", "drop")


@dataclass(frozen=True)
class ReadOptions:
    """Handed to every reader; each uses what its format has."""

    notes: str = "place"
    """place: footnotes and endnotes stand after the paragraph that refers to them, as paragraphs of kind `note`. drop: left out."""
    text_column: str = ""
    """The column (or JSON key) that holds the text; found by its name (text, story, content, ...) when not given."""
    title_column: str = ""
    """The column with a title."""
    author_column: str = ""
    """The column with an author."""
    columns: tuple[str, ...] = ()
    """Columns to keep as metadata: tags, gid, label."""

    def __post_init__(self) -> None:
        require_choice("notes", self.notes, NOTES)
