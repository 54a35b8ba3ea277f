"""The folders of jobs: made, and taken away, in one step each, so that a crash leaves a whole job or none."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from narrative import home
from narrative.errors import JobError, SettingsError, shown
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_MADE, _GOING, _GONE = ".new-", ".deleting-", ".deleted-"  # beginnings of names that no job can have


def is_name(name: object) -> bool:
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def check_name(name: str) -> None:
    if not is_name(name):
        rule = "must be 1 to 80 letters, digits, dots, hyphens or underscores, and begin with a letter or digit"
        raise SettingsError(f"Job name {shown(name)} {rule}.")


def free_name(stem: str, taken: Container[str]) -> str:
    """`stem` with the next number, such as "house-full-3"."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._") or "job"
    number = 1
    while f"{plain[:70]}-{number}" in taken or (home.jobs() / f"{plain[:70]}-{number}").exists():
        number += 1
    return f"{plain[:70]}-{number}"


def make(name: str, settings: TrainingSettings) -> None:
    """The folder of a new job, with its settings. Raises `JobError` when there is one of that name, or when it can't be written."""
    folder = home.jobs() / name
    if folder.exists():
        raise JobError(f"There is a job {shown(name)} already. Choose another name, or resume it.")
    part = home.jobs() / f"{_MADE}{secrets.token_hex(8)}"
    try:
        part.mkdir(parents=True)
        Job.create(part, settings)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise JobError(f"The job can't be written to {home.jobs()}: {error.strerror or error}.") from error


def unmake(name: str) -> None:
    """Take back what `make` made a moment ago."""
    shutil.rmtree(home.jobs() / name, ignore_errors=True)


@contextmanager
def out_of_sight(name: str) -> Iterator[None]:
    """Take a job's folder away; it comes back when what is done meanwhile fails. A folder that is gone already is no fault."""
    folder, hidden = home.jobs() / name, home.jobs() / f"{_GOING}{name}"
    try:
        with suppress(FileNotFoundError):
            folder.rename(hidden)
    except OSError as error:
        raise JobError(f"The folder {folder} can't be removed: {error.strerror or error}.") from error
    try:
        yield
    except BaseException:
        with suppress(OSError):
            hidden.rename(folder)
        raise


def left_over() -> bool:
    """Whether an app died while it made or removed a job, or does so at this moment."""
    return any(path.name.startswith((_MADE, _GOING, _GONE)) for path in _hidden())


def recover(names: Container[str]) -> None:
    """Finish or take back what was left half done, where `names` are the jobs there are. Only in a transaction that writes:
    whoever makes or removes a job has one too.
    """
    for path in _hidden():
        if path.name.startswith(_MADE):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(_GOING):
            name = path.name.removeprefix(_GOING)
            lost = name in names and not (home.jobs() / name).exists()
            with suppress(OSError):
                path.rename(home.jobs() / (name if lost else f"{_GONE}{secrets.token_hex(8)}"))


def sweep() -> None:
    """Remove what was deleted. It may be gigabytes, so no transaction waits for it."""
    for path in _hidden():
        if path.name.startswith(_GONE):
            shutil.rmtree(path, ignore_errors=True)


def _hidden() -> list[Path]:
    with suppress(OSError):
        return list(home.jobs().glob(".*-*"))
    return []


def with_settings(*, besides: Container[str] = ()) -> list[Path]:
    """The folders that hold a job, but for those of the names given."""
    with suppress(OSError):
        others = [path for path in home.jobs().iterdir() if path.name not in besides and is_name(path.name)]
        return [path for path in others if (path / "job.json").is_file()]
    return []
