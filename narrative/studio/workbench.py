"""Trainings as a keeper works with them: what is going on, the curves of one or of several, and what can be done next.

It knows nothing of pages. The jobs are the house's: every browser sees the same. Whoever watches brings along what it has,
and gets what is new, so that a look costs little however long a job has run.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative import home
from narrative.corpus import load_corpus
from narrative.errors import JobError, NarrativeError, SettingsError
from narrative.jobs import JobRow, Queue
from narrative.jobs.devices import devices
from narrative.jobs.row import state_of
from narrative.jobs.states import FINISHED, LIVE
from narrative.studio import corpora
from narrative.studio.corpora import Listed
from narrative.studio.curves import Lines
from narrative.studio.foreseeing import Foreseen, Foresight, noting
from narrative.studio.measurements import Measurements
from narrative.studio.telling import told
from narrative.training.job import COMPLETE

if TYPE_CHECKING:
    from narrative.training.settings import TrainingSettings

KEPT_OPEN = 24  # jobs whose measurements stay in memory
LOG_TAIL = 7_000  # bytes
SAMPLES = 14
RUNS_WELL = "LoRA and models of up to some 30 million weights do well on them; GPT-2 takes hours, larger ones days."


@dataclass(frozen=True)
class Standing:
    """One job as it stands now."""

    row: JobRow
    sentence: str
    notes: tuple[dict[str, Any], ...]
    facts: dict[str, Any] = field(default_factory=dict)  # of its state.json
    checkpoint: int = 0  # the step that a resume goes on from
    finished: bool = False  # whether there is a model to write with


class Workbench:
    """One for the whole app."""

    def __init__(self, queue: Queue, foresight: Foresight) -> None:
        self.queue, self.foresight = queue, foresight
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, float | None], Measurements] = OrderedDict()
        self._publishing = threading.Lock()
        self._corpora: tuple[Any, list[Listed]] = (None, [])
        self.trouble = ""  # why no worker could be started, when that was tried last

    # ---- looking

    def take_up(self) -> None:
        """When the app begins: what waits or runs gets a worker, whoever asked for it. What fails is told to whoever looks."""
        try:
            self.rows()
        except NarrativeError as error:
            self.trouble = str(error)

    def rows(self) -> list[JobRow]:
        """All jobs, those that are live first. Workers that should be there are started by the way."""
        self._tend()
        return self.queue.rows()

    def _tend(self) -> None:
        """What fails here is told to whoever looks, and fails nothing else: a job that is in the queue is in the queue."""
        try:
            self.queue.tend()
            self.trouble = ""
        except NarrativeError as error:
            self.trouble = str(error)

    def standing(self, row: JobRow) -> Standing:
        notes = tuple(row.job.notes())
        checkpoint = last_step(row.folder)
        _, tests = self.lines(row).tests()
        sentence = told(row, tests=tests.tolist(), notes=notes, checkpoint=checkpoint)
        finished = row.state == FINISHED and row.job.model.is_dir()
        return Standing(row, sentence, notes, state_of(row.job), checkpoint, finished)

    def lines(self, row: JobRow) -> Lines:
        """What the job has measured up to now."""
        key = (row.name, row.queued)  # a job may be deleted, and another one get its name
        with self._lock:
            measurements = self._open.pop(key, None) or Measurements(row.folder / "metrics.jsonl")
            self._open[key] = measurements
            while len(self._open) > KEPT_OPEN:
                self._open.popitem(last=False)
        return Lines(row.name, measurements.refresh(), _shares(row))

    def settings(self, name: str) -> TrainingSettings:
        return self.queue.row(name).job.settings()

    def samples(self, row: JobRow) -> list[dict[str, Any]]:
        """What it wrote, the newest first; of many the newest ones and the very first."""
        found = list(row.job.samples())
        return [*reversed(found)] if len(found) <= SAMPLES else [*reversed(found[1 - SAMPLES :]), found[0]]

    def log_tail(self, row: JobRow) -> str:
        """The last lines that its process wrote; '' when there are none."""
        try:
            with row.job.log.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(max(0, size - LOG_TAIL))
                tail = log.read().decode("utf-8", "ignore")  # what is no text would take more room as a sign of its own
        except FileNotFoundError:
            return ""
        return tail if size <= LOG_TAIL else tail.partition("\n")[2]

    def measurements_table(self, names: Sequence[str]) -> str:
        """Every measurement of these jobs as CSV."""
        from narrative.studio.numbers import as_table

        return as_table([(name, self.queue.row(name).job) for name in names])

    def corpora(self) -> list[Listed]:
        """The corpora to learn from. They are read again only when one of them has changed."""
        marks = tuple(sorted((path.parent.name, path.stat().st_mtime_ns) for path in home.corpora().glob("[!.]*/corpus.json")))
        with self._lock:
            if self._corpora[0] != marks:
                self._corpora = (marks, corpora.listed())
            return self._corpora[1]

    def machine(self) -> str:
        """What trains here, in a sentence."""
        try:
            here = devices()
        except NarrativeError as error:
            return str(error)
        gpus = sum(device.is_gpu for device in here)
        if gpus:
            return f"{'One GPU trains' if gpus == 1 else f'{gpus} GPUs train'} here, one job each at a time; the others wait in line."
        if any(device.name == "mps" for device in here):
            return "Apple's GPU trains here, one job at a time; the others wait in line."
        return f"There is no GPU here: jobs run on {os.cpu_count()} processor cores, one at a time. {RUNS_WELL}"

    def can_push(self) -> bool:
        """Whether somebody's token for the hub lies here."""
        from narrative.publishing import hub_token_here

        return hub_token_here()

    # ---- doing

    def start(self, owner: str, settings: TrainingSettings, *, name: str = "") -> JobRow:
        """Put a new job into the queue, with what is foreseen of it, now or in a moment. Raises `NarrativeError` before anything
        is made."""
        row = self.queue.submit(settings, name=name)
        with suppress(NarrativeError):
            if self.foresight.answer(owner):  # whoever called it off wants none
                self.foresee(owner, settings)
        self.foresight.settle(owner, settings, noting(row.job))
        self._tend()
        return row

    def foresee(self, owner: str, settings: TrainingSettings) -> None:
        """Begin to work out what it would cost; `foreseen` tells."""
        marks = [load_corpus(name).fingerprint for name, _ in settings.corpora]
        self.foresight.ask(owner, settings, mark=" ".join(marks))

    def foreseen(self, owner: str) -> Foreseen | None:
        return self.foresight.answer(owner)

    def stop(self, name: str) -> JobRow:
        return self.queue.stop(name)

    def resume(self, name: str) -> JobRow:
        row = self.queue.resume(name)
        self._tend()
        return row

    def delete(self, name: str) -> None:
        self.queue.delete(name)

    def publish(self, name: str) -> str:
        """Into the catalogue, unless it is there already. -> the name to write with"""
        from narrative.models import describe
        from narrative.publishing import publish_job

        with self._publishing:  # whoever asks twice gets the same one
            row = self._finished(name)
            if row.published:
                try:
                    return describe(row.published).name
                except NarrativeError:
                    pass  # somebody took it out of the catalogue: put it back
            published = publish_job(row.job)
            self.queue.set_published(name, published)
            return published

    def archive(self, name: str) -> Path:
        """The finished model as one .zip."""
        from narrative.publishing import archive

        return archive(self._finished(name).job)

    def push(self, name: str, repository: str) -> str:
        """To the hub, for the house only; the address."""
        from narrative.publishing import push_to_hub

        if not repository.strip():
            raise SettingsError("Give the model a name on the hub: YOUR-NAME/MODEL.")
        return push_to_hub(self._finished(name).job, repository.strip(), private=True)

    def _finished(self, name: str) -> JobRow:
        row = self.queue.row(name)
        if row.state in LIVE or not row.job.model.is_dir():
            raise JobError(f"'{name}' has no finished model yet.")
        return row


def last_step(folder: Path) -> int:
    """The step of the newest whole checkpoint; 0 when there is none. It only looks: the job may be writing just now."""
    steps = (path.parent.name.partition("-")[2] for path in folder.glob(f"checkpoint-*/{COMPLETE}"))
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def _shares(row: JobRow) -> dict[str, float]:
    """Corpus -> its share in the mean of the test losses, as the job says; before it has said so, as its settings do."""
    told = state_of(row.job).get("shares")
    if isinstance(told, dict) and told and all(isinstance(one, int | float) and 0 < one < math.inf for one in told.values()):
        return {str(name): float(share) for name, share in told.items()}
    try:
        return {Path(name).name: weight for name, weight in row.job.settings().corpora}  # a folder as its measurements call it
    except NarrativeError:
        return {}
