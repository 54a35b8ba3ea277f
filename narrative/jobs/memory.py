"""When memory ran out: how the system says so, and the smaller batch that needs less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from narrative.errors import NarrativeError
from narrative.training.job import Job
from narrative.training.memory import make_smaller

GROUPS = Path("/sys/fs/cgroup")
MINE, MACHINE = Path("/proc/self/cgroup"), Path("/proc/vmstat")


def kills() -> int:
    """How many processes the system has killed because memory ran out: of this control group where it counts them, else of all.

    0 where nobody counts.
    """
    for path in _counters():
        with suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def make_room(job: Job, *, step: int) -> tuple[bool, str]:
    """Let a job that died for want of memory go on with half its batch: (whether it can, what to tell its keeper)."""
    try:
        return True, make_smaller(job, job.settings(), step=step)
    except (NarrativeError, OSError) as error:
        return False, f"Memory ran out. {error}"


def _counters() -> Iterator[Path]:
    with suppress(OSError):
        for line in MINE.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds == "":  # version 2
                yield GROUPS / path.lstrip("/") / "memory.events"
            elif kinds == "memory":  # version 1
                yield GROUPS / "memory" / path.lstrip("/") / "memory.oom_control"
                yield GROUPS / "memory" / "memory.oom_control"  # in a container, its own group is the root
    yield MACHINE
