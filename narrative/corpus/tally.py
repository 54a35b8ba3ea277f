"""Warnings about a file of many documents: what is known at once stands with the first, what was counted with the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from narrative.corpus.document import Document
from narrative.errors import DocumentError


class Tally:
    """What went wrong in rows, and how often."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, fault: str) -> None:
        self._counts[fault] += 1

    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{fault}: {count:,}." for fault, count in sorted(self._counts.items()))

    def told(self, documents: Iterable[Document], *, first: tuple[str, ...], nothing: str) -> Iterator[Document]:
        """`documents` with the warnings `first` on the first and the counts on the last, which is held back until it is known
        to be the last. Raises `DocumentError` that says `nothing` when there is none."""
        last: Document | None = None
        for document in documents:
            if last is not None:
                yield last
            last = replace(document, warnings=first + document.warnings)
            first = ()
        if last is None:
            raise DocumentError(" ".join((nothing, *self.sentences())))
        yield replace(last, warnings=last.warnings + self.sentences())
