"""Which column of a table is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from narrative.corpus.options import ReadOptions
from narrative.errors import DocumentError

TEXTS = (
    *("text", "story", "content", "body", "tweet", "review", "sentence", "poem", "verse", "lyrics", "chapter", "passage", "paragraph"),
    *("document", "article", "comment", "message", "post", "completion", "response", "output", "description", "summary"),
)
TITLES = ("title", "headline", "name")
AUTHORS = ("author", "authors", "writer", "poet", "creator")
LANGUAGES = ("language", "lang")
KNOWN = (*TEXTS, *TITLES, *AUTHORS, *LANGUAGES, "id", "label", "labels", "tag", "tags", "gid", "year", "date", "user", "target", "class")

Row = Mapping[str, object]


@dataclass(frozen=True)
class Columns:
    """Names of columns; empty where the table has none of that kind."""

    text: str
    title: str
    author: str
    language: str
    kept: tuple[str, ...]


def choose(rows: Sequence[Row], options: ReadOptions) -> Columns:
    """The columns by what the keeper chose, by their names, or by what the first rows hold.

    Raises `DocumentError` that lists the columns for one that the table doesn't have, and when none holds text.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    for asked in filter(None, (options.text_column, options.title_column, options.author_column, *options.columns)):
        _require(asked, names)
    text = options.text_column or _by_name(names, TEXTS, rows) or _longest(names, rows)
    if not text:
        raise DocumentError(f"No column holds text. The columns are: {_listed(names)}.")
    others = [name for name in names if name != text]
    return Columns(
        text,
        options.title_column or _by_name(others, TITLES, rows),
        options.author_column or _by_name(others, AUTHORS, rows),
        _by_name(others, LANGUAGES, rows),
        options.columns,
    )


def value(row: Row, name: str) -> str:
    """A cell as one line: numbers as they are, lists with commas, nothing for what is missing."""
    cell = row.get(name, "")
    if isinstance(cell, list):
        return sound(", ".join(str(each).strip() for each in cell))
    return "" if cell is None or isinstance(cell, dict) else sound(" ".join(str(cell).split()))


def sound(text: str) -> str:
    """Halves of surrogate pairs, which JSON can spell and no file can hold, become the replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _require(asked: str, names: Sequence[str]) -> None:
    if asked not in names:
        raise DocumentError(f"There is no column {asked!r}. The columns are: {_listed(names)}.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:30])
    return f"{shown} and {len(names) - 30} more" if len(names) > 30 else shown or "none"


def _by_name(names: Sequence[str], wanted: Sequence[str], rows: Sequence[Row]) -> str:
    texts = {name.strip().casefold(): name for name in reversed(names) if any(isinstance(row.get(name), str) for row in rows)}
    return next((texts[name] for name in wanted if name in texts), "")


def _longest(names: Sequence[str], rows: Sequence[Row]) -> str:
    sizes = {name: sum(len(cell) for row in rows if isinstance(cell := row.get(name), str)) for name in names}
    longest = max(sizes, key=lambda name: sizes[name], default="")
    return longest if longest and sizes[longest] else ""
