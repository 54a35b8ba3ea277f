"""A finished model as one file to take away. It is written to the disk piece by piece: a model may be larger than the memory."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

from narrative import home
from narrative.publishing.bases import ANYWHERE
from narrative.publishing.placing import PART, in_one_sentence, require_room
from narrative.publishing.publish import SPARE, pack
from narrative.training.job import Job

A_DAY = 24 * 3600


def archive(job: Job) -> Path:
    """The .zip of a finished job's model, as `publish_job` would publish it, in `home.downloads()`.

    An adapter goes in by itself if any installation of Narrative can find its base, else merged with it. Weights don't shrink, so
    they are stored as they are. The file is made once for the same weights, and swept a day after it was last asked for. Raises
    as `publish_job` does; then no file is left.
    """
    packing, name = pack(job, merged=False, places=ANYWHERE), job.folder.name
    file = home.downloads() / f"{name}-{packing.weights[:8]}.zip"
    with in_one_sentence(f"'{file.name}'"):
        _sweep(home.downloads())
        if file.is_file():
            file.touch()  # the day begins anew
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        require_room(file.parent, 2 * packing.room + SPARE)
        part = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
        try:
            with tempfile.TemporaryDirectory(dir=file.parent, prefix=".", suffix=PART) as filled:
                packing.fill(Path(filled), title=name)
                _store(Path(filled), part, root=name)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    return file


def _store(folder: Path, file: Path, *, root: str) -> None:
    """Every file below `folder`, under one folder `root`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=False) as bundle:  # a date before 1980 is no reason to fail
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                bundle.write(path, f"{root}/{path.relative_to(folder).as_posix()}")


def _sweep(folder: Path) -> None:
    """Remove what nobody asked for since yesterday. What is still being sent stays readable to whoever has it open."""
    from shutil import rmtree

    for path in folder.glob("*") if folder.is_dir() else ():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - A_DAY:
                rmtree(path) if path.is_dir() else path.unlink()
