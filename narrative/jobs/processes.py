"""Processes as the system sees them: who lives, since when, and who came of whom. No clock is asked, for clocks are set."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

MARK = "NARRATIVE_LAUNCH"  # in the environment of a child and of all that it starts, in whatever session
PROC = Path("/proc")
LINUX = sys.platform == "linux"


def born(pid: int) -> str:
    """When a process started, in a form that no other process of that number ever has; '' when it is dead.

    A zombie counts as dead: it does nothing more, and whoever should bury it may never come.
    """
    return _born_on_linux(pid) if LINUX else _born_elsewhere(pid)


def alive(pid: int, since: str) -> bool:
    """Whether the process of that number and birth lives."""
    return bool(since) and born(pid) == since


def this_boot() -> str:
    """A name for the time since the machine was started; '' where the system has none."""
    return _boot() if LINUX else ""


def marked(mark: str) -> list[int]:
    """The living processes that came of a launch: its child and all that it started, also those that left its group."""
    wanted = f"{MARK}={mark}".encode()
    if not LINUX:
        return [process.pid for process in psutil.process_iter() if _environment(process).get(MARK) == mark]
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it ended, or is another user's
                if wanted in (folder / "environ").read_bytes().split(b"\0") and born(int(folder.name)):
                    found.append(int(folder.name))
    return found


def make_quiet(pid: int) -> None:
    """Let everything else on the machine go first, as far as the system allows."""
    with suppress(OSError, AttributeError):  # Windows has no such call
        os.setpriority(os.PRIO_PROCESS, pid, 19)
    with suppress(OSError):  # a session's processes share one niceness towards other sessions, where autogroups are on
        (PROC / str(pid) / "autogroup").write_text("19")


@cache
def _boot() -> str:
    with suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ""


def _born_on_linux(pid: int) -> str:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return "" if fields[0] in "ZXx" else f"{_boot()} {fields[19]}"  # field 22: clock ticks since the machine was started


def _born_elsewhere(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}
