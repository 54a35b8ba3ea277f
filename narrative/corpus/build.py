"""From files to a corpus: read, cleaned, without what stands twice, divided into what is learned and what is tested.

One pass over the text cleans it into a spool; duplicates and sides are decided on numbers alone; a second pass over the
spool writes the corpus. No step holds more than one document in memory, and the corpus appears whole or not at all.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from narrative import home
from narrative.corpus.building import BuildSettings, Progress
from narrative.corpus.choosing import choose
from narrative.corpus.intake import Intake
from narrative.corpus.options import ReadOptions
from narrative.corpus.shelf import FileEntry, Shelf
from narrative.corpus.tokens import Counter, token_counter
from narrative.corpus.writing import Writing
from narrative.errors import CorpusError, shown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def build_from_files(
    paths: Iterable[Path], name: str, *, settings: BuildSettings, options: ReadOptions, replace: bool = False
) -> Iterator[Progress | FileEntry]:
    """Read files, folders and zips and build the corpus `name` from them. Yields each file as it is read, then progress.

    Raises `CorpusError` when nothing could be read, or when a corpus of that name is there and `replace` is not set.
    """
    check_name(name, replace=replace)
    count = _counter(settings)
    with _part() as part:
        shelf = Shelf(part / "shelf")
        yield from shelf.add(paths, options=options)
        yield from _build(shelf, name, settings, part, count)
        _put_in_place(part, name)


def build(shelf: Shelf, name: str, *, settings: BuildSettings, replace: bool = False) -> Iterator[Progress]:
    """Build the corpus `name` from a shelf. The shelf stays; a copy goes into the corpus, where it is what was before cleaning.

    Raises `CorpusError` likewise.
    """
    check_name(name, replace=replace)
    count = _counter(settings)
    with _part() as part:
        yield from _build(shelf.copy_to(part / "shelf"), name, settings, part, count)
        _put_in_place(part, name)


def _counter(settings: BuildSettings) -> Counter | None:
    """Before anything is read: an unknown model should not be told of after an hour."""
    return token_counter(settings.tokenizer) if settings.tokenizer else None


def check_name(name: str, *, replace: bool) -> None:
    """Raises `CorpusError` for a name that can't be a folder's, or that is taken."""
    if not NAME.fullmatch(name):
        raise CorpusError(
            f"{shown(name)} can't be a corpus name. Use letters, digits, '.', '_' and '-', at most 64, a letter or digit first."
        )
    if (home.corpora() / name / "corpus.json").exists() and not replace:
        raise CorpusError(f"There is a corpus '{name}' already. Choose another name, or replace it.")


def _build(shelf: Shelf, name: str, settings: BuildSettings, part: Path, count: Counter | None) -> Iterator[Progress]:
    intake = Intake(shelf, settings, part)
    try:
        yield from intake.run()
        yield Progress("comparing", 0, len(intake.spool.words))
        choice = choose(intake.spool, intake.signatures.rows(), intake.units, settings)
        yield from Writing(intake, choice, settings, count).run(name, part)
    finally:
        intake.close()


@contextmanager
def _part() -> Iterator[Path]:
    """A folder beside the corpora for what isn't whole yet. It goes when the build ends, however it ends."""
    corpora = home.corpora()
    corpora.mkdir(parents=True, exist_ok=True)
    _sweep(corpora)
    part = Path(mkdtemp(prefix=f".{os.getpid()}-", suffix=".part", dir=corpora))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sweep(corpora: Path) -> None:
    """Remove what builds left whose process was killed."""
    for part in corpora.glob(".*-*.part"):
        pid = part.name[1:].partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(part, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's process
    return True


def _put_in_place(part: Path, name: str) -> None:
    """The new corpus under its name; an old one of that name is gone only when the new one is there."""
    target, old = home.corpora() / name, part.with_suffix(".old")
    if target.exists():
        target.replace(old)
    part.replace(target)
    shutil.rmtree(old, ignore_errors=True)
