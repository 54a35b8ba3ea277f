"""The shelf and the work on it -> what the page draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from narrative.studio import News

if TYPE_CHECKING:
    from narrative.corpus.edits import Edits
    from narrative.corpus.shelf import FileEntry

A_PAGE = 50
KINDS = ("all", "refused", "excluded")


@dataclass(frozen=True)
class Wanted:
    """Which part of a long list the page asks for. Whatever it sends, something sensible is shown."""

    page: int = 0
    kind: str = "all"
    find: str = ""

    @classmethod
    def of(cls, given: Any) -> Wanted:
        if not isinstance(given, dict):
            return cls()
        page, kind, find = given.get("page"), given.get("kind"), given.get("find")
        return cls(
            max(0, page) if isinstance(page, int) else 0, kind if kind in KINDS else "all", find[:100] if isinstance(find, str) else ""
        )


def draw_news(news: News | None) -> dict[str, Any] | None:
    return asdict(news) if news and news.running else None


def draw_shelf(entries: Sequence[FileEntry], edits: Edits, wanted: Wanted, undo: str) -> dict[str, Any]:
    """One page of the list, and what all files come to."""
    groups: dict[str, list[FileEntry]] = {
        "all": list(entries),
        "refused": [one for one in entries if one.status == "refused"],
        "excluded": [one for one in entries if one.path in edits.files],
    }
    listed = [one for one in groups[wanted.kind] if _matches(one, edits, wanted.find.casefold())]
    page = min(wanted.page, max(0, (len(listed) - 1) // A_PAGE))
    taken = [one for one in entries if one.status == "read" and one.path not in edits.files]
    return {
        "files": [draw_file(one, edits) for one in listed[page * A_PAGE : (page + 1) * A_PAGE]],
        "page": page, "pages": (len(listed) + A_PAGE - 1) // A_PAGE, "listed": len(listed), "kind": wanted.kind, "find": wanted.find,
        "counts": {kind: len(group) for kind, group in groups.items()}, "taken": len(taken), "words": sum(one.words for one in taken),
        "undo": undo,
    }  # fmt: skip


def _matches(entry: FileEntry, edits: Edits, find: str) -> bool:
    title, author = names_of(entry, edits)
    return not find or any(find in text.casefold() for text in (entry.path, title, author))


def names_of(entry: FileEntry, edits: Edits) -> tuple[str, str]:
    """Title and author as the keeper wants them."""
    return edits.titles.get(entry.path, entry.title), edits.authors.get(entry.path, entry.author)


def draw_file(entry: FileEntry, edits: Edits) -> dict[str, Any]:
    """One line of the list. Never under the key `path`: Gradio takes what has one for a file to be served."""
    title, author = names_of(entry, edits)
    return {
        "name": entry.path, "status": entry.status, "reason": entry.reason, "format": entry.format,
        "title": "" if entry.rows else title, "author": author, "language": entry.language, "documents": entry.documents,
        "rows": entry.rows, "chapters": entry.chapters, "words": entry.words,
        "remarks": len(entry.warnings), "excluded": entry.path in edits.files,
        "left": sum(path == entry.path for path, _, _ in edits.chapters),
    }  # fmt: skip
