"""The devices of this machine that train, found without importing torch: a worker is small and starts at once."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from narrative.errors import JobError, shown

VARIABLE = "NARRATIVE_DEVICES"
_NAME = re.compile(r"(?:cuda|mps|cpu)(?::\d+)?")


@dataclass(frozen=True)
class TrainingDevice:
    """A place where one job runs at a time."""

    name: str  # as torch spells it: "cuda:1", "mps", "cpu"
    visible: str  # what CUDA_VISIBLE_DEVICES must say for a process to see this GPU and no other; '' for no GPU

    @property
    def is_gpu(self) -> bool:
        return self.name.startswith("cuda")


def devices() -> tuple[TrainingDevice, ...]:
    """Those that NARRATIVE_DEVICES names ("cuda:0,cuda:1", "cpu"); else every GPU, else Apple's, else the processor.

    Raises `JobError` when the variable names something else, or a GPU that isn't here.
    """
    named = os.environ.get(VARIABLE, "").replace(" ", "")
    if named:
        return tuple(_named(name) for name in dict.fromkeys(named.split(",")))
    return _gpus() or (TrainingDevice("mps" if _on_apple() else "cpu", ""),)


def device_named(name: str) -> tuple[TrainingDevice, bool]:
    """The device of that name, and whether it is one of `devices()`: a job may have been left on one that is there no more."""
    found = next((device for device in devices() if device.name == name), None)
    if found is None and not _NAME.fullmatch(name):
        raise JobError(f"Unknown device {shown(name)}. Choose one of: {', '.join(device.name for device in devices())}.")
    return found or TrainingDevice(name, ""), found is not None


def _named(name: str) -> TrainingDevice:
    if not _NAME.fullmatch(name):
        raise JobError(f"Unknown device {shown(name)} in {VARIABLE}. Name some of: cuda:0, cuda:1, ..., mps, cpu; with commas between.")
    if not name.startswith("cuda"):
        return TrainingDevice(name, "")
    wanted = name if ":" in name else f"{name}:0"
    found = next((gpu for gpu in _gpus() if gpu.name == wanted), None)
    if found is None:
        here = ", ".join(gpu.name for gpu in _gpus()) or "none"
        raise JobError(f"The GPU {shown(name)} in {VARIABLE} is not here. GPUs that are: {here}.")
    return found


def _gpus() -> tuple[TrainingDevice, ...]:
    """The GPUs that this process may use, in its order. Whoever narrowed them down with CUDA_VISIBLE_DEVICES is obeyed."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    marks = _installed_gpus() if allowed is None else tuple(mark for mark in allowed.replace(" ", "").split(",") if mark not in ("", "-1"))
    return tuple(TrainingDevice(f"cuda:{number}", mark) for number, mark in enumerate(marks if _installed_gpus() else ()))


@cache  # no GPU comes or goes while a program runs, and asking takes up to seconds
def _installed_gpus() -> tuple[str, ...]:
    """The ids of all GPUs, as `nvidia-smi -L` lists them; of a GPU that is cut into slices, the ids of the slices."""
    tool = shutil.which("nvidia-smi")
    if tool is None or not _torch_uses_gpus():
        return ()
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([tool, "-L"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
        return ids_in(answer.stdout.splitlines())
    return ()


def ids_in(lines: Iterable[str]) -> tuple[str, ...]:
    """Of each GPU its id, or, where slices (MIG) are listed beneath it, theirs: a process can use one slice only."""
    groups: list[list[str]] = []
    for line in lines:
        found = re.search(r"\(UUID: ([^)\s]+)\)", line)
        if found and line.startswith("GPU"):
            groups.append([found[1]])
        elif found and groups:
            groups[-1].append(found[1])
    return tuple(mark for group in groups for mark in (group[1:] or group))


def _torch_uses_gpus() -> bool:
    """Whether the torch that is installed was built for Nvidia's GPUs; its version says so."""
    with suppress(metadata.PackageNotFoundError):
        return not metadata.version("torch").endswith(("+cpu", "+xpu"))
    return False


def _on_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
