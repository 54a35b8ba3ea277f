"""A worker put together for tests: `python job_worker.py OPTIONS DEVICE`. OPTIONS is JSON: the pace, and what else differs."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from narrative import home
from narrative.jobs.attendance import Pace
from narrative.jobs.devices import TrainingDevice, device_named
from narrative.jobs.launch import Launch, plan
from narrative.jobs.worker import Worker
from narrative.store.database import Database
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

TRAINER = Path(__file__).with_name("job_trainer.py")


def fake(job: Job, settings: TrainingSettings, device: TrainingDevice) -> Launch:
    """The product's environment, and a trainer without a model."""
    return Launch((sys.executable, str(TRAINER), str(job.folder)), plan(job, settings, device).environment)


def counted() -> int:
    path = home.home() / "kills"
    return int(path.read_text()) if path.exists() else 0


def main() -> None:
    options, (device, is_here) = json.loads(sys.argv[1]), device_named(sys.argv[2])
    hours = options.pop("clock", 0)
    if hours:  # as if somebody had set it
        true = time.time
        time.time = lambda: true() + hours * 3600
    planner = plan if options.pop("true", False) else fake
    worker = Worker(Database(home.database()), device, planner=planner, pace=Pace(**options), kills=counted, claims=is_here)
    with (home.home() / "workers.log").open("a") as log:
        log.write(f"{os.getpid()} {device.name}\n")
    worker.run()


if __name__ == "__main__":
    main()
