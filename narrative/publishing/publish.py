"""A finished training into the catalogue, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from narrative import home
from narrative.errors import ModelError, PublishingError, shown
from narrative.files import write_json
from narrative.models.sources import CARD, OWNERLESS, PLAIN_NAME, SHIPPED, entries, is_adapter, own_card
from narrative.models.weights import WEIGHTS, adapter_files, fingerprint, weight_files
from narrative.publishing.bases import HERE, Base, base_of, checked
from narrative.publishing.card import card_for
from narrative.publishing.merging import merge, room_for_merge
from narrative.publishing.parcel import Parcel, adapter_parcel, finished_model, plain_parcel, tokenizer_parcel
from narrative.publishing.placing import in_one_sentence, taking_the_place_of
from narrative.training.job import Job

SPARE = 10_000_000  # bytes that stay free beside a published model


def publish_job(job: Job, *, name: str = "", merge: bool = False) -> str:
    """Put a finished job's model into the catalogue; the name that `load_model` takes from then on.

    `name` is the job's own when not given, with a number behind it if another's model bears that. A LoRA goes in as an
    adapter of its base, or `merge`d with it into plain weights, always so when the base is a folder, which nobody else could
    find. Published once more, a job replaces its own model, which stays whole until the new one is.

    Raises `PublishingError` for an unfinished job, a name that is taken or can't be used, and a disk that can't be written to;
    `ModelError` for files that are damaged. Then nothing has changed.
    """
    packing = pack(job, merged=merge, places=HERE)
    name = name or _free_name(job, packing.weights)
    folder = home.published_models() / name

    def allowed() -> None:
        _check_name(name, job, packing.weights)

    allowed()  # before gigabytes are copied; and again at the end, for others publish too
    with taking_the_place_of(folder, allowed=allowed, room=packing.room + SPARE) as part:
        packing.fill(part, title=name)
    return name


@dataclass(frozen=True)
class Packing:
    """A finished job's model on its way out, to any place."""

    job: Job
    base: Base | None
    weights: str  # fingerprint of what the training wrote
    parcel: Parcel
    merges: bool

    @property
    def room(self) -> int:
        """Bytes that it takes, about."""
        return self.parcel.size + (room_for_merge(self.job.model, self.base) if self.merges and self.base else 0)

    def fill(self, folder: Path, *, title: str) -> None:
        """Write all of it, and its card, to an empty folder."""
        unpack(self.parcel, folder)
        measured = None
        if self.merges and self.base:
            measured = {"largest_logit_difference": merge(self.job.model, self.base, folder)}
        write_json(folder / CARD, card_for(self.job, title=title, base=self.base, weights=self.weights, merged=measured))


def pack(job: Job, *, merged: bool, places: frozenset[str]) -> Packing:
    """What to send where the models of `places` are known: an adapter whose base isn't among them is merged with it.

    Raises `PublishingError` or `ModelError`.
    """
    with in_one_sentence(f"The model of job '{job.folder.name}'"):
        model, base = finished_model(job), base_of(job)
        if not is_adapter(model):
            return Packing(job, base, fingerprint(weight_files(model)), plain_parcel(model), merges=False)
        if base is None:
            raise PublishingError(f"The adapter of job '{job.folder.name}' doesn't say which model it belongs to.")
        base, mark = checked(base), fingerprint(adapter_files(model))
        if merged or not base.known(places):
            return Packing(job, base, mark, tokenizer_parcel(model), merges=True)
        return Packing(job, base, mark, adapter_parcel(model, base=base.name), merges=False)


def unpack(parcel: Parcel, folder: Path) -> None:
    for name, path in parcel.copied.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / name, follow_symlinks=False)
    for name, text in parcel.written.items():
        (folder / name).write_text(text, encoding="utf-8")


def publish(model: Path, folder: Path, card: Mapping[str, Any], *, half: bool = False) -> None:
    """Copy the weights and tokenizer in `model` to `folder` and write `card` as its narrative.json, all or nothing.

    `half` stores the weights in float16, half the size; they are computed with in float32 all the same. A folder that
    was there is replaced. Raises `ModelError` when `model` isn't complete, `PublishingError` when the disk refuses.
    """
    parcel = plain_parcel(model)
    with taking_the_place_of(folder, allowed=_anything, room=parcel.size) as part:
        unpack(parcel, part)
        if half:
            _halve(part / WEIGHTS)
        write_json(part / CARD, dict(card))


def _anything() -> None:
    """A recipe may replace what it likes."""


def _check_name(name: str, job: Job, weights: str) -> None:
    """Raise `PublishingError` unless a model of that name can be asked for, and is this job's own if there is one already."""
    if not PLAIN_NAME.fullmatch(name):
        raise PublishingError(
            f"{shown(name)} can't be a model's name: 1 to 96 letters, digits, dots, hyphens or underscores, the first a letter or digit."
        )
    taken = _taken(name, job, weights)
    if taken:
        raise PublishingError(f"{taken} Give it another name (command line: --name NAME).")


def _taken(name: str, job: Job, weights: str) -> str:
    """Why this job can't have a name, in a sentence; '' when it can."""
    if name in OWNERLESS:
        return f"'{name}' is the name of a model of the hub."
    if any(source.origin == SHIPPED and source.name == name for source in entries()):
        return f"'{name}' ships with Narrative and is never replaced."
    folder = home.published_models() / name
    if os.path.lexists(folder) and _owner(folder) != (job.folder.name, weights):
        return f"A model '{name}' is there already, and it is not this job's."
    return ""


def _free_name(job: Job, weights: str) -> str:
    """The job's own name, or the first free one with a number behind it: a job that was deleted may have published under it."""
    names = (f"{job.folder.name}-{number}" if number > 1 else job.folder.name for number in count(1))
    return next(name for name in names if not _taken(name, job, weights))


def _owner(folder: Path) -> tuple[object, object]:
    """The job that a published model came from, and the fingerprint of what it wrote: a later job may bear the same name."""
    if folder.is_symlink():
        return None, None
    try:
        card = own_card(folder)
    except ModelError:
        return None, None
    return card.get("job"), card.get("job_weights")


def _halve(weights: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    tensors = {name: value.to(torch.float16) if value.is_floating_point() else value for name, value in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    weights.chmod(0o644)  # safetensors keeps what it writes to itself; a published model is for everybody on the machine
