"""Under which name a tuned model's base is known where it goes, if it is known there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narrative.errors import BrokenModelError, ModelError, PublishingError
from narrative.models import describe
from narrative.models.adapters import local_fingerprint
from narrative.models.sources import HUB, PUBLISHED, SHIPPED, Source, entries, locate, own_card, split_adapter
from narrative.training.job import Job

HERE = frozenset({SHIPPED, PUBLISHED, HUB})  # what the catalogue of this machine leads to
ANYWHERE = frozenset({SHIPPED, HUB})  # what every installation of Narrative has
ON_THE_HUB = frozenset({HUB})


@dataclass(frozen=True)
class Base:
    """What a model was tuned from. `asked` is what `load_model` takes here; it may be a path, which never leaves this machine."""

    asked: str
    name: str  # catalogue name or hub id; '' for a folder
    origin: str  # shipped | published | hub | folder
    title: str  # a few words for a card
    licence: str
    fingerprint: str  # of the weights that were tuned; '' when nobody noted it

    def known(self, places: frozenset[str]) -> bool:
        return bool(self.name) and self.origin in places


def base_of(job: Job) -> Base | None:
    """None for a model from scratch. A base that is gone since keeps its name, as far as that is no path."""
    noted = own_card(job.model) if job.model.is_dir() else {}
    asked = noted.get("base") or job.settings().base
    if not isinstance(asked, str) or not asked:
        return None
    mark = noted.get("base_fingerprint")
    source = _source(asked)
    name = source.name if source else ""
    words = _words(name or asked)
    title = words.get("title") or name or Path(asked).name
    return Base(asked, name, source.origin if source else "folder", title, words.get("licence", ""), mark if isinstance(mark, str) else "")


def checked(base: Base) -> Base:
    """`base` with its fingerprint. Raises `PublishingError` when other weights go by its name now: with them the adapter means nothing."""
    try:
        here = local_fingerprint(base.name) if base.name else None
    except BrokenModelError as error:
        raise PublishingError(f"The base can't be read: {error}") from error
    if here and base.fingerprint and here != base.fingerprint:
        raise PublishingError(
            f"'{base.name}' is not the model any more that this job was tuned from (fingerprint {base.fingerprint}; here is {here}). "
            "An adapter is of use only with its own base."
        )
    return base if base.fingerprint or not here else Base(**{**vars(base), "fingerprint": here})


def _source(asked: str) -> Source | None:
    """Where a base leads under a name that can be given away; a path leads there only if it is the folder of a catalogue's model."""
    if split_adapter(asked)[1] is not None:
        return None
    try:
        found = locate(asked)
    except ModelError:
        return None
    if found.origin in HERE or found.folder is None:
        return found
    real = found.folder.resolve()
    return next((source for source in entries() if source.local().resolve() == real), None)


def _words(name: str) -> Mapping[str, Any]:
    try:
        return vars(describe(name))
    except ModelError:
        return {}
