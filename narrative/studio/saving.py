"""How a run gets into the store while it is being written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from narrative.generation import Draft, Generation
from narrative.store import Store

SAVES_A_SECOND = 1


@dataclass(frozen=True)
class Place:
    """Where new drafts stand: on a sheet of their own, or in the place of one among `others`."""

    label: str
    parent: str | None = None
    others: tuple[Draft, ...] = ()
    number: int = 0

    @property
    def name(self) -> str:
        return f"Draft {self.number + 1}"

    def around(self, drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        return (*self.others[: self.number], *drafts, *self.others[self.number + 1 :])


class Saving:
    """Keeps a growing sheet in the store: at the first word, then about once a second, less often where saving takes long."""

    def __init__(self, store: Store, owner: str, place: Place, generation: Generation) -> None:
        self.store, self.owner, self.place, self.generation = store, owner, place, generation
        self.sheet = ""
        self._due = 0.0

    def now_and_then(self) -> None:
        if time.monotonic() >= self._due:
            self.now()

    def now(self) -> None:
        if not any(len(draft.tokens) > (draft.at or 0) for draft in self.generation.drafts):
            return
        began = time.monotonic()
        drafts = self.place.around(self.generation.drafts)
        self.sheet = self.store.put(self.owner, drafts, parent=self.place.parent, label=self.place.label, sheet=self.sheet or None).id
        took = time.monotonic() - began
        self._due = began + max(1 / SAVES_A_SECOND, 20 * took)
