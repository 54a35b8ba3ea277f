"""Workers as processes that outlive whoever starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from narrative import home
from narrative.errors import JobError

ROOT = Path(__file__).resolve().parents[2]  # where the package lies, installed or not
COMMAND = (sys.executable, "-m", "narrative.jobs")


class Workforce:
    """Starts workers, and buries those that end. Whether one is wanted, others decide; too many do no harm, they leave again."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = tuple(command or COMMAND)
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, device: str) -> None:
        """A worker for that device, unless the one started here is still on its way. Raises `JobError` when the system won't."""
        self.bury()
        if device in self._started:
            return
        environment = {**os.environ, "NARRATIVE_HOME": str(home.home())}  # as seen from here, wherever the worker stands
        detached: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True, "env": environment, "cwd": ROOT}
        try:
            home.jobs().mkdir(parents=True, exist_ok=True)
            with (home.jobs() / f".worker-{device.replace(':', '-')}.log").open("ab") as log:
                self._started[device] = subprocess.Popen([*self._command, device], stdout=log, stderr=log, **detached)  # noqa: S603
        except OSError as error:
            raise JobError(f"The worker for {device} can't be started: {error.strerror or error}. Queued jobs wait.") from error

    def bury(self) -> None:
        """A dead child stays in the system's list until its parent looks."""
        self._started = {device: worker for device, worker in self._started.items() if worker.poll() is None}
