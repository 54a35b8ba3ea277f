"""How a training is started: its command, and what it finds in its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from narrative.jobs.devices import TrainingDevice, devices
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

TRAINER = ("-m", "narrative.training")
# Each yields to the keeper's own value. The first three spare the system millions of page faults: PyTorch frees and asks for the
# same large blocks at every step, and glibc gives them back in between. The fourth lets threads that wait sleep, not spin.
FRUGAL = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class Launch:
    """A command and its whole environment."""

    command: tuple[str, ...]
    environment: dict[str, str]


Planner = Callable[[Job, TrainingSettings, TrainingDevice], Launch]


def plan(job: Job, settings: TrainingSettings, device: TrainingDevice) -> Launch:
    """One process on the device; or, with more processes, all devices at once through `accelerate launch`."""
    environment = {**FRUGAL, **os.environ}
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):  # of whoever started the worker
        environment.pop(name, None)
    if settings.threads:
        environment["OMP_NUM_THREADS"] = str(settings.threads)
    if settings.processes > 1:
        return _together(job, settings, device, environment)
    environment["CUDA_VISIBLE_DEVICES"] = device.visible
    return Launch((sys.executable, *TRAINER, str(job.folder)), environment)


def _together(job: Job, settings: TrainingSettings, device: TrainingDevice, environment: dict[str, str]) -> Launch:
    gpus = [gpu.visible for gpu in devices() if gpu.is_gpu][: settings.processes] if device.is_gpu else []
    environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    if not gpus:
        environment["ACCELERATE_USE_CPU"] = "true"  # its option --cpu would start one process only
    threads = settings.threads or max(1, (os.cpu_count() or 1) // settings.processes)
    options = {
        "num_processes": settings.processes, "num_machines": 1, "mixed_precision": "no", "dynamo_backend": "no",
        "num_cpu_threads_per_process": threads,
        "main_process_port": 0,  # any that is free: two homes on one machine don't get into each other's way
    }  # fmt: skip
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = (sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", *given, *TRAINER, str(job.folder))
    return Launch(command, environment)
