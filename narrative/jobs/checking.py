"""What can be known of a training before it begins: that its texts and its base model are here, and devices enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from narrative import home
from narrative.corpus import load_corpus
from narrative.errors import CorpusError, JobError, shown
from narrative.jobs.devices import devices
from narrative.models import describe
from narrative.models.sources import FOLDER, locate, split_adapter
from narrative.training.settings import TrainingSettings


def checked(settings: TrainingSettings) -> TrainingSettings:
    """The same settings, with folders named from the root, for the job runs elsewhere.

    Raises `CorpusError`, `ModelError` or `JobError`.
    """
    corpora = tuple((_corpus(name), weight) for name, weight in settings.corpora)
    base = settings.base
    if base:
        describe(base)
        base = "+".join(_anchored(part) for part in split_adapter(base) if part)
    gpus = [device.name for device in devices() if device.is_gpu]
    wanted = settings.processes
    if gpus and wanted > len(gpus):
        raise JobError(f"Processes is {wanted}, but there are {len(gpus)} devices: {', '.join(gpus)}. Choose at most {len(gpus)}.")
    return replace(settings, corpora=corpora, base=base)


def _corpus(name: str) -> str:
    corpus = load_corpus(name)
    if not corpus.train.records:
        raise CorpusError(f"Corpus {shown(corpus.name)} has no texts to learn from. Build it from more files.")
    return name if corpus.folder == home.corpora() / name and not Path(name).is_absolute() else str(corpus.folder.resolve())


def _anchored(name: str) -> str:
    """A folder by its full path; a name of the catalogue or the hub as it is."""
    source = locate(name)
    return str(source.local().resolve()) if source.origin == FOLDER else name
