"""What of a finished job goes out: which files, under which names, and nothing that tells of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from narrative.errors import PublishingError, shown
from narrative.models.sources import CARD, CONFIG, is_adapter, read_object
from narrative.models.vocabulary import has_tokenizer
from narrative.models.weights import ADAPTER_CONFIG, INDEX, WEIGHTS, adapter_files, read_header, weight_files
from narrative.training.job import Job

# Configs, vocabularies and chat templates. No programs, no pickles, and no README: what PEFT writes into one names the base's path.
SMALL = (".json", ".txt", ".model", ".spm", ".jinja", ".tiktoken")
LARGEST_SMALL = 200_000_000  # bytes; the longest vocabularies take a tenth of it
PLACES = ("_name_or_path", "name_or_path", "base_model_name_or_path", "is_local", "local_files_only")  # fields that tell where it lay here
SETTINGS = (CONFIG, ADAPTER_CONFIG, "tokenizer_config.json", "generation_config.json")


@dataclass(frozen=True)
class Parcel:
    """The files of one model: those to copy as they lie, and those to write."""

    copied: Mapping[str, Path]  # name in the parcel -> the file
    written: Mapping[str, str] = field(default_factory=dict)  # name in the parcel -> its text

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.stat().st_size for path in self.copied.values()) + sum(len(text.encode()) for text in self.written.values())

    @property
    def names(self) -> list[str]:
        return sorted((*self.copied, *self.written))


def finished_model(job: Job) -> Path:
    """The folder of a finished job's model. Raises `PublishingError` for one that isn't finished, or isn't whole any more."""
    job.settings()  # first of all: what is no job is told so
    name, state = job.folder.name, job.state()
    if not job.model.is_dir():
        come = f" (step {state.get('step', 0):,} of {state['steps']:,})" if state.get("steps") else ""
        raise PublishingError(f"Job '{name}' has no finished model yet{come}. When it has ended before its time, resume it.")
    if job.model.is_symlink():
        raise PublishingError(f"The model of job '{name}' is a link to another folder. Only what the training wrote is published.")
    weights = adapter_files(job.model) if is_adapter(job.model) else weight_files(job.model)
    for file in weights:
        read_header(file)
    if not is_adapter(job.model):
        read_object(job.model / CONFIG)
    if not has_tokenizer(job.model):
        raise PublishingError(f"The model of job '{name}' isn't whole: tokenizer.json is missing.")
    return job.model


def plain_parcel(model: Path) -> Parcel:
    """Weights and tokenizer of a model of its own."""
    weights = {file.name: file for file in weight_files(model)}
    index = {} if WEIGHTS in weights else {INDEX: model / INDEX}
    return _cleaned(_real(weights | index | _small(model)), base=None)


def adapter_parcel(model: Path, *, base: str) -> Parcel:
    """An adapter and its tokenizer. `base`: catalogue name or hub id, for PEFT's own config too."""
    weights = {file.name: file for file in adapter_files(model)}
    return _cleaned(_real(weights | _small(model)), base=base)


def tokenizer_parcel(model: Path) -> Parcel:
    """What an adapter's folder brings along for the model that it is merged into."""
    small = {name: path for name, path in _small(model).items() if name not in (ADAPTER_CONFIG, CONFIG, "generation_config.json")}
    return _cleaned(_real(small), base=None)


def _small(model: Path) -> dict[str, Path]:
    """Every small file but the weights' index and a card; chat templates lie in a folder of their own."""
    found = {path.relative_to(model).as_posix(): path for path in (*model.iterdir(), *model.glob("additional_chat_templates/*"))}
    return {name: path for name, path in found.items() if path.suffix in SMALL and name not in (INDEX, CARD)}


def _real(files: dict[str, Path]) -> dict[str, Path]:
    """Raises `PublishingError` for a link: it may lead to anything that this machine can read."""
    for name, path in files.items():
        if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
            raise PublishingError(f"{shown(name)} in the model's folder is no plain file but a link or a folder. Only files are published.")
        if path.suffix in SMALL and path.stat().st_size > LARGEST_SMALL:
            raise PublishingError(f"{shown(name)} is larger than any vocabulary ({path.stat().st_size / 1e6:,.0f} MB).")
    return files


def _cleaned(files: dict[str, Path], *, base: str | None) -> Parcel:
    written = {name: json.dumps(kept, ensure_ascii=False, indent=2) + "\n" for name, kept in _without_places(files, base)}
    return Parcel({name: path for name, path in files.items() if name not in written}, written)


def _without_places(files: Mapping[str, Path], base: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in SETTINGS:
        if name in files:
            stored = read_object(files[name])
            kept = {key: value for key, value in stored.items() if key not in PLACES}
            if name == ADAPTER_CONFIG:
                kept["base_model_name_or_path"] = base
            if kept != stored:
                yield name, kept
