"""The books an editor has dropped, and the corpora built from them. It knows nothing of pages; a tab draws what it tells.

Each owner has one shelf, on disk, and one errand at a time: files being read or a corpus being built. An errand goes on
when the page is closed; whoever asks again, from any page of that owner, learns how far it is.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative import home
from narrative.errors import CorpusError, shown
from narrative.files import read_json, write_json
from narrative.studio.errands import BUILDING, READING, Errand, News, Steps
from narrative.studio.leafing import Leaf, Place, leaf
from narrative.studio.uploads import Upload, sweep, take_over

if TYPE_CHECKING:  # lxml, ftfy and numpy come with the engine: it is imported when the first book comes
    from narrative.corpus.building import BuildSettings
    from narrative.corpus.edits import Edits
    from narrative.corpus.options import ReadOptions
    from narrative.corpus.shelf import FileEntry, Shelf

KEPT_EDITS = 100  # that can be undone


@dataclass
class _Desk:
    """What one owner has going on."""

    errand: Errand | None = None
    waiting: deque[Path] = field(default_factory=deque)  # files that have arrived and are not read yet
    open: bool = False  # whether the reading errand still looks at `waiting`
    undo: deque[tuple[str, Edits]] = field(default_factory=lambda: deque(maxlen=KEPT_EDITS))
    entries: tuple[tuple[int, int], list[FileEntry]] | None = None  # (size, time) of the list, and what it says


class Bookshelf:
    """One for the whole app. `arrived` is the folder into which the server puts what browsers send."""

    def __init__(self, arrived: Path) -> None:
        self._arrived = arrived
        self._lock = threading.Lock()
        self._desks: dict[str, _Desk] = {}
        if arrived == home.uploads():  # a folder that is set otherwise may hold what isn't ours
            sweep(arrived)

    def folder(self, owner: str) -> Path:
        """Everything of one owner. The name tells nobody the owner's id, which is the key to it."""
        return home.shelves() / sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    # ---- what lies there

    def entries(self, owner: str) -> Sequence[FileEntry]:
        """The files that were read or refused, in the order in which they came."""
        listed = self.folder(owner) / "shelf" / "files.jsonl"
        try:
            facts = listed.stat()
        except FileNotFoundError:
            return ()
        desk, mark = self._desk(owner), (facts.st_size, facts.st_mtime_ns)
        if desk.entries is None or desk.entries[0] != mark:
            desk.entries = mark, self._shelf(owner).entries()
        return desk.entries[1]

    def entry(self, owner: str, path: str) -> FileEntry:
        """Raises `CorpusError` when there is no such file."""
        found = next((one for one in self.entries(owner) if one.path == path), None)
        if found is None:
            raise CorpusError(f"There is no file {shown(path)} on the shelf. Reload the page.")
        return found

    def edits(self, owner: str) -> Edits:
        from narrative.corpus.edits import Edits

        return Edits.load(self.folder(owner) / "shelf")

    def leaf(self, owner: str, place: Place, *, rules: Sequence[str]) -> Leaf:
        """Passages before and after cleaning. Raises `CorpusError` when there are none at `place`."""
        return leaf(self._shelf(owner), self.entry(owner, place.file), self.edits(owner), place, rules=rules)

    def form(self, owner: str) -> Mapping[str, Any]:
        """What the owner last chose for a build; empty at first, or when it can't be read."""
        with contextlib.suppress(OSError, ValueError):
            stored = read_json(self.folder(owner) / "form.json")
            if isinstance(stored, dict):
                return stored
        return {}

    def keep_form(self, owner: str, form: Mapping[str, Any]) -> None:
        write_json(self.folder(owner) / "form.json", dict(form))

    # ---- what the keeper changes

    def exclude_file(self, owner: str, path: str, *, excluded: bool) -> None:
        self._edit(owner, path, lambda edits: edits.with_file(path, excluded=excluded), "left out" if excluded else "put back")

    def exclude_chapter(self, owner: str, path: str, document: int, section: int, *, excluded: bool) -> None:
        what = "a chapter left out" if excluded else "a chapter put back"
        self._edit(owner, path, lambda edits: edits.with_chapter(path, document, section, excluded=excluded), what)

    def name(self, owner: str, path: str, *, title: str, author: str) -> None:
        """Mend title and author; an empty title is the one that the file brought."""
        titled = " ".join(title.split()) or self.entry(owner, path).title
        self._edit(owner, path, lambda edits: edits.with_names(path, title=titled, author=" ".join(author.split())), "renamed")

    def last_edit(self, owner: str) -> str:
        """What `undo` would take back, in words; '' when there is nothing."""
        undo = self._desk(owner).undo
        return undo[-1][0] if undo else ""

    def undo(self, owner: str) -> None:
        """Take the last edit back. Raises `CorpusError` when there is none."""
        desk = self._desk(owner)
        with self._lock:
            if not desk.undo:
                raise CorpusError("There is nothing to take back.")
            _, before = desk.undo.pop()
            before.save(self.folder(owner) / "shelf")

    def _edit(self, owner: str, path: str, change: Any, what: str) -> None:
        self.entry(owner, path)
        desk = self._desk(owner)
        with self._lock:
            before = self.edits(owner)
            after = change(before)
            if after != before:
                after.save(self.folder(owner) / "shelf")
                desk.undo.append((f"{path}: {what}", before))

    def clear(self, owner: str) -> None:
        """Take every file off the shelf. Corpora that were built from it stay."""
        desk = self._desk(owner)
        with self._lock:
            _require_idle(desk, "The shelf can be cleared when that is done or stopped.")
            shutil.rmtree(self.folder(owner) / "shelf", ignore_errors=True)
            desk.undo.clear()

    # ---- errands

    def news(self, owner: str) -> News | None:
        """How far the errand is; of one that is over, how it ended; None when there was none since `settle`."""
        errand = self._desk(owner).errand
        return errand.news if errand else None

    def settle(self, owner: str) -> News | None:
        """`news`, and an errand that is over is forgotten with it: its outcome has been told."""
        desk = self._desk(owner)
        with self._lock:
            news = desk.errand.news if desk.errand else None
            if news and not news.running:
                desk.errand = None
        return news

    def stop(self, owner: str) -> None:
        errand = self._desk(owner).errand
        if errand:
            errand.stop()

    def wait(self, owner: str, seconds: float | None = None) -> bool:
        """Whether nothing is going on any more. For programs and tests; a page asks for news instead."""
        errand = self._desk(owner).errand
        return errand is None or errand.wait(seconds)

    def take(self, owner: str, uploads: Sequence[Upload], *, options: ReadOptions) -> None:
        """Read what has arrived onto the shelf. More may be taken while that goes on.

        Raises `CorpusError` when a corpus is being built, or when an upload isn't where it should be.
        """
        desk = self._desk(owner)
        incoming = self.folder(owner) / "incoming"
        with self._lock:
            running = desk.errand if desk.errand and desk.errand.news.running else None
            if running and running.news.kind == BUILDING:
                raise CorpusError("A corpus is being built from the shelf. Drop more files when that is done or stopped.")
            if not running:
                desk.waiting.clear()
                shutil.rmtree(incoming, ignore_errors=True)  # what a crash has left
            desk.waiting.extend(take_over(uploads, arrived=self._arrived, into=incoming))
            if not (running and desk.open):
                desk.open = True
                first = News(READING, "reading", 0, len(desk.waiting))
                desk.errand = Errand(first, self._reading(owner, desk, options), stopped=_stopped_reading, before=running)

    def build(self, owner: str, name: str, settings: BuildSettings, *, replace: bool = False) -> None:
        """Build the corpus `name` from the shelf as it is now. Raises `CorpusError` when it can't begin."""
        from narrative.corpus.build import check_name

        if not self.entries(owner):
            raise CorpusError("The shelf is empty. Drop books on it first.")
        check_name(name, replace=replace)
        desk = self._desk(owner)
        with self._lock:
            _require_idle(desk, "A corpus can be built when that is done or stopped.")
            going = [one.errand.news for one in self._desks.values() if one.errand]
            if any(news.running and news.corpus == name for news in going):
                raise CorpusError(f"Somebody else is building a corpus '{name}' just now. Choose another name.")
            desk.errand = Errand(
                News(BUILDING, "copying", corpus=name), self._building(owner, name, settings, replace=replace), stopped=_stopped_building
            )

    def _reading(self, owner: str, desk: _Desk, options: ReadOptions) -> Steps:
        counts: Counter[str] = Counter()
        begun, last = 0, ""

        def arrivals() -> Iterator[Path]:
            nonlocal begun
            while path := self._next(desk):
                begun += 1
                try:
                    yield path
                finally:
                    shutil.rmtree(path.parent, ignore_errors=True)

        try:
            for entry in self._shelf(owner).add(arrivals(), options=options):
                counts[entry.status] += 1
                last = entry.path
                yield News(READING, "reading", max(0, begun - 1), begun + len(desk.waiting), last, words=entry.words)
        finally:
            self._drop_waiting(desk)
        return _told(counts["read"], counts["refused"], last)

    def _next(self, desk: _Desk) -> Path | None:
        with self._lock:
            desk.open = bool(desk.waiting)
            return desk.waiting.popleft() if desk.waiting else None

    def _drop_waiting(self, desk: _Desk) -> None:
        """When the errand was called off or failed: nobody will read what still waits. (Otherwise, it is the next errand's.)"""
        with self._lock:
            if desk.open:
                desk.open = False
                for path in desk.waiting:
                    shutil.rmtree(path.parent, ignore_errors=True)
                desk.waiting.clear()

    def _building(self, owner: str, name: str, settings: BuildSettings, *, replace: bool) -> Steps:
        from narrative.corpus.build import build

        for progress in build(self._shelf(owner), name, settings=settings, replace=replace):
            yield News(BUILDING, progress.stage, progress.done, progress.total, progress.detail, corpus=name)
        return f"The corpus “{name}” is built."

    # ---- inside

    def _shelf(self, owner: str) -> Shelf:
        from narrative.corpus.shelf import Shelf

        return Shelf(self.folder(owner) / "shelf")

    def _desk(self, owner: str) -> _Desk:
        with self._lock:
            return self._desks.setdefault(owner, _Desk())


def _require_idle(desk: _Desk, then: str) -> None:
    news = desk.errand.news if desk.errand else None
    if news and news.running:
        what = "Files are being read." if news.kind == READING else f"The corpus “{news.corpus}” is being built."
        raise CorpusError(f"{what} {then}")


def _told(read: int, refused: int, last: str) -> str:
    if read + refused == 1:
        return f"“{last}” is on the shelf." if read else f"“{last}” could not be read; the shelf says why."
    if not refused:
        return f"{read:,} files were read."
    return f"{read:,} of {read + refused:,} files could be read; the shelf says why the others could not."


def _stopped_reading(_: News) -> str:
    return "Stopped. The files that were read to their end are on the shelf."


def _stopped_building(news: News) -> str:
    return f"Stopped. Nothing of the corpus “{news.corpus}” was kept."
