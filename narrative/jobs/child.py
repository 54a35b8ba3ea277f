"""The process that trains, and all that it starts. It outlives the worker, and a later worker takes it up again."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from narrative.jobs import processes
from narrative.jobs.launch import Launch
from narrative.jobs.workforce import ROOT


@dataclass(frozen=True, eq=False)
class Child:
    """A training's process. It leads a session of its own, and all that come of it carry `mark` in their environment."""

    pid: int
    born: str
    mark: str
    _process: subprocess.Popen[bytes] | None = None  # None: another worker's child, whose exit status nobody here will learn

    @classmethod
    def start(cls, launch: Launch, *, log: Path, mark: str) -> Child:
        """Raises `OSError`."""
        environment = {**launch.environment, processes.MARK: mark}
        with log.open("ab") as out:  # a file, never a pipe that nobody may be reading
            process = subprocess.Popen(  # noqa: S603
                launch.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=environment, cwd=ROOT
            )
        processes.make_quiet(process.pid)
        return cls(process.pid, processes.born(process.pid), mark, process)

    @classmethod
    def find(cls, mark: str) -> Child | None:
        """The child of a launch whose worker died before it wrote down the number."""
        for pid in processes.marked(mark):
            with suppress(OSError, AttributeError):  # it ended, or the system knows no sessions
                if os.getsid(pid) == pid:
                    return cls(pid, processes.born(pid), mark)
        return None

    @property
    def alive(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return processes.alive(self.pid, self.born)

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it lives, and of another worker's child."""
        return self._process.poll() if self._process is not None else None

    def terminate(self) -> None:
        """Ask all its processes to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all its processes, also those that outlived their parent or went into a session of their own."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def make_quiet(self) -> None:
        """All its processes: one that opens a session leaves its parent's niceness there."""
        for pid in processes.marked(self.mark):
            processes.make_quiet(pid)

    def _signal(self, which: signal.Signals) -> None:
        if processes.born(self.pid) in ("", self.born):  # the number isn't another's by now, so the group isn't either
            with suppress(OSError, AttributeError):  # no group is left, or the system has none
                os.killpg(self.pid, which)
        for pid in processes.marked(self.mark):
            with suppress(psutil.Error):
                psutil.Process(pid).send_signal(which)
