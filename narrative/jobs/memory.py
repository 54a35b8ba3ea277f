"""When memory ran out: how the system says so, and the smaller batch that needs less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from narrative.errors import NarrativeError
from narrative.training.job import Job

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


def make_room(job: Job, *, when: str) -> tuple[bool, str]:
    """Let a job that died for want of memory go on with at most half its batch. (Whether it can, what to tell its keeper.)

    As many passes more make up for it: what it learns at a step stays the same.
    """
    ran_out = f"The machine ran out of memory {when}"
    try:
        batch, passes = job.batch(job.settings())
        if batch == 1:
            return False, f"{ran_out}, though its batches hold one text. A shorter context or gradient checkpointing needs less."
        blocks = batch * passes
        smaller = next(size for size in range(batch // 2, 0, -1) if blocks % size == 0)
        job.set_batch(smaller, blocks // smaller)
    except (NarrativeError, OSError) as error:
        return False, f"{ran_out}, and its batch could not be made smaller: {error}."
    return True, f"{ran_out}. Batches are now of {smaller} instead of {batch}, with {blocks // smaller} passes a step; it learns the same."


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
