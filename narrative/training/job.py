"""A job is a folder. This file is the only one that knows the names in it.

job.json        the settings                    metrics.jsonl   one line a measurement, append-only
state.json      what it does right now          tokens/         the corpora as token ids
tokenizer/      trained for a new model         checkpoint-N/   with a `complete` marker
stop            its presence asks for a stop    model/          written last: its presence means complete
lock            held while a process runs it    train.log       what the process says, when it was started by another
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narrative.errors import TrainingError
from narrative.files import read_json, write_json
from narrative.training.settings import TrainingSettings

try:
    import fcntl
except ImportError:  # Windows: nothing there keeps a second process out
    fcntl = None  # type: ignore[assignment]

COMPLETE = "complete"


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
            if fcntl and os.environ.get("RANK", "0") == "0":  # under torchrun the first process holds it for all
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise TrainingError(f"Job '{self.folder.name}' is running already.") from None
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
        write_json(self.folder / "state.json", {"state": state, "pid": os.getpid(), "time": time.time(), **facts})

    def append_metrics(self, **values: Any) -> None:
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"time": round(time.time(), 3), **values}) + "\n")

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Every measurement so far; a last line that is half written is left out."""
        path = self.folder / "metrics.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def forget_metrics_after(self, step: int) -> None:
        """Drop what a killed run measured past the checkpoint that it resumes from, so that the curve has no fold."""
        kept = [json.dumps(line) + "\n" for line in self.metrics() if line.get("step", 0) <= step]
        part = self.folder / "metrics.part"
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(self.folder / "metrics.jsonl")

    def mark_complete(self, checkpoint: Path) -> None:
        (checkpoint / COMPLETE).touch()

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written to its end; half-written ones are removed."""
        found = sorted(self.folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
        for path in found:
            if not (path / COMPLETE).exists():
                shutil.rmtree(path)
        whole = [path for path in found if path.exists()]
        return whole[-1] if whole else None
