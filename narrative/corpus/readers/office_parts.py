"""The XML parts of a Word or OpenDocument package as streams of events, with a warning where one is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from narrative.corpus.package import Package
from narrative.corpus.xml import Event, xml_events
from narrative.errors import DocumentError


class Parts:
    """Reads parts by name; `warnings` gathers what was wrong with those that a document can do without."""

    def __init__(self, package: Package, prefixes: Mapping[str, str]) -> None:
        self._package, self._prefixes = package, prefixes
        self.warnings: list[str] = []

    def events(self, part: str) -> Iterator[Event]:
        """Raises `DocumentError` where the part is missing or damaged."""
        return xml_events(self._package.read(part), what=f"The part {part!r}", prefixes=self._prefixes)

    def optional(self, part: str) -> Iterator[Event]:
        """The events of a part that a document can do without, as far as they go."""
        if part not in self._package:
            return
        try:
            yield from self.events(part)
        except DocumentError as error:
            self.warnings.append(str(error))
