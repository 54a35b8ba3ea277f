"""A job is a folder. This file is the only one that knows the names in it.

job.json        the settings                    metrics.jsonl   one line a measurement, append-only
state.json      what it does right now          samples.jsonl   what it wrote at each evaluation, append-only
base.json       which weights it began with     corpora.json    which texts it learns from
stop            its presence asks for a stop    notes.jsonl     what the keeper should know, append-only
tokenizer/      trained for a new model         tokens/         the corpora as token ids
checkpoint-N/   with a `complete` marker        best/           the weights with the lowest test loss so far
batch.json      a smaller batch, if memory ran  model/          written last: its presence means complete
                out                             train.log       what the process says, when it was started by another
lock            held while a process runs it    estimate.json   what was foreseen of time and memory
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from narrative.errors import TrainingError
from narrative.files import read_json, sync, write_json, write_text
from narrative.training import ranks
from narrative.training.settings import TrainingSettings

try:
    import fcntl
except ImportError:  # Windows: nothing there keeps a second process out
    fcntl = None  # type: ignore[assignment]

COMPLETE = "complete"
LOCK_TRIES = 10


@dataclass(frozen=True)
class Job:
    """The folder of one training run."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, settings: TrainingSettings) -> Job:
        """Raises `TrainingError` if another job lies there."""
        if (folder / "job.json").exists():
            raise TrainingError(f"There is a job in {folder.name} already. Choose another name, or resume it.")
        write_json(folder / "job.json", settings.to_json())
        return cls(folder)

    def settings(self) -> TrainingSettings:
        try:
            return TrainingSettings.from_json(read_json(self.folder / "job.json"))
        except (FileNotFoundError, NotADirectoryError):
            raise TrainingError(f"There is no job in {self.folder.name}: job.json is missing.") from None
        except ValueError as error:
            raise TrainingError(f"job.json of {self.folder.name} can't be read: {error}") from error

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def log(self) -> Path:
        return self.folder / "train.log"

    @property
    def stop_asked(self) -> bool:
        return (self.folder / "stop").exists()

    def ask_stop(self) -> None:
        (self.folder / "stop").touch()

    def clear_stop(self) -> None:
        (self.folder / "stop").unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep a second process out, for two would spoil each other's checkpoints. The lock goes with the process, however it ends.

        Raises `TrainingError` when the job runs already.
        """
        with (self.folder / "lock").open("w") as lock:
            if fcntl and ranks.is_first() and not _locked(lock):  # the first process holds it for the others
                raise TrainingError(f"Job '{self.folder.name}' is running already.")
            yield

    @property
    def running(self) -> bool:
        """Whether a living process holds the job."""
        try:
            with self.held():
                return False
        except TrainingError:
            return True

    def state(self) -> dict[str, Any]:
        """What the process wrote last with `write_state`; empty before that."""
        with suppress(FileNotFoundError):
            return dict(read_json(self.folder / "state.json"))
        return {}

    def write_state(self, state: str, **facts: Any) -> None:
        """Replace `state.json` in one step, so that a reader never sees half of it."""
        if ranks.is_first():
            write_json(self.folder / "state.json", {"state": state, "pid": os.getpid(), "time": time.time(), **facts})

    def append_metrics(self, **values: Any) -> None:
        self._append("metrics.jsonl", values)

    def append_sample(self, *, step: int, prompt: str, text: str) -> None:
        self._append("samples.jsonl", {"step": step, "prompt": prompt, "text": text})

    def append_note(self, kind: str, text: str, *, step: int) -> None:
        """A sentence for the keeper, once: the same one again is left out."""
        if not any(note.get("text") == text and note.get("step") == step for note in self.notes()):
            self._append("notes.jsonl", {"step": step, "kind": kind, "text": text})

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Every measurement so far; a last line that is half written is left out."""
        return self._lines("metrics.jsonl")

    def samples(self) -> Iterator[dict[str, Any]]:
        return self._lines("samples.jsonl")

    def notes(self) -> Iterator[dict[str, Any]]:
        return self._lines("notes.jsonl")

    def estimate(self) -> dict[str, Any]:
        """What was foreseen before the start; empty when nothing was."""
        with suppress(FileNotFoundError, ValueError):
            return dict(read_json(self.folder / "estimate.json"))
        return {}

    def forget_after(self, step: int) -> None:
        """Drop what a killed run measured, wrote and noted past the checkpoint that it resumes from, so that the curve has no fold."""
        for name in ("metrics.jsonl", "samples.jsonl", "notes.jsonl"):
            path = self.folder / name
            if path.exists() or name == "metrics.jsonl":
                lines = [line for line in self._lines(name) if line.get("step", 0) <= step or line.get("kind") == "memory"]  # still true
                kept = [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]
                part = path.with_suffix(".part")
                part.write_text("".join(kept), encoding="utf-8")
                part.replace(path)

    def _append(self, name: str, values: dict[str, Any]) -> None:
        if ranks.is_first():
            with (self.folder / name).open("a", encoding="utf-8") as out:
                out.write(json.dumps({"time": round(time.time(), 3), **values}, ensure_ascii=False) + "\n")

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.folder / name
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else ():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value

    def batch(self, settings: TrainingSettings) -> tuple[int, int]:
        """(batch size, accumulation): those of the settings, or what they became when memory ran out."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            stored = read_json(self.folder / "batch.json")
            batch, accumulation = int(stored["batch_size"]), int(stored["accumulation"])
            if batch > 0 and batch * accumulation == settings.batch_size * settings.accumulation:
                return batch, accumulation
        return settings.batch_size, settings.accumulation

    def set_batch(self, batch_size: int, accumulation: int) -> None:
        write_json(self.folder / "batch.json", {"batch_size": batch_size, "accumulation": accumulation})

    def note_corpora(self, fingerprints: Mapping[str, str]) -> None:
        """Which texts it learns from, by corpus; the first word counts, for the tokens are made once."""
        if not (self.folder / "corpora.json").exists():
            write_json(self.folder / "corpora.json", dict(fingerprints))

    def corpora(self) -> dict[str, str]:
        """Corpus -> fingerprint of the texts that were learned; empty before the first run."""
        with suppress(OSError, ValueError, TypeError):
            return {str(name): str(mark) for name, mark in dict(read_json(self.folder / "corpora.json")).items()}
        return {}

    @property
    def best(self) -> Path:
        return self.folder / "best"

    def mark_complete(self, checkpoint: Path) -> None:
        sync(checkpoint)  # the mark must not outlive a power cut that the rest does not
        (checkpoint / COMPLETE).touch()
        sync(checkpoint)

    def forget_checkpoints(self, *, keep: int) -> None:
        """Remove all whole checkpoints but the `keep` with the highest steps."""
        whole = sorted((path for path in self.folder.glob("checkpoint-*") if (path / COMPLETE).exists()), key=_step_of)
        for path in whole[:-keep]:
            (path / COMPLETE).unlink()  # first: half a removal must not look like a checkpoint
            shutil.rmtree(path, ignore_errors=True)

    def ask_again(self, reason: str) -> None:
        """Let whoever keeps the queue start this job again, for it can go on by itself; why, in a sentence."""
        write_text(self.folder / "again", reason)

    def asked_again(self) -> str:
        """The sentence of `ask_again`; '' when nobody asked since `clear_again`."""
        with suppress(OSError):
            return (self.folder / "again").read_text(encoding="utf-8")
        return ""

    def clear_again(self) -> None:
        (self.folder / "again").unlink(missing_ok=True)

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written to its end; half-written ones are removed."""
        found = sorted(self.folder.glob("checkpoint-*"), key=_step_of)
        for path in found:
            if not (path / COMPLETE).exists():
                shutil.rmtree(path)
        whole = [path for path in found if path.exists()]
        return whole[-1] if whole else None


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _locked(file: IO[str]) -> bool:
    """Take the lock. Somebody who only looks whether a job runs has it for an instant, so it is tried more than once."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False
