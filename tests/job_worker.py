"""A worker put together for tests: `python job_worker.py OPTIONS DEVICE`. OPTIONS is JSON: the pace, and what else differs."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from narrative import home
from narrative.jobs import processes
from narrative.jobs.attendance import Pace
from narrative.jobs.devices import TrainingDevice, device_named
from narrative.jobs.launch import Launch, plan
from narrative.jobs.worker import Worker
from narrative.store.database import Database
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

HERE = Path(__file__).parent


def fake(job: Job, settings: TrainingSettings, device: TrainingDevice) -> Launch:
    """The product's environment, and a trainer without a model."""
    return Launch((sys.executable, str(HERE / "job_trainer.py"), str(job.folder)), plan(job, settings, device).environment)


def true(job: Job, settings: TrainingSettings, device: TrainingDevice) -> Launch:
    """The product's command, or one that halts where the test wants it to."""
    launch = plan(job, settings, device)
    halting = (sys.executable, str(HERE / "job_true_trainer.py"), str(job.folder))
    return Launch(halting, launch.environment) if (job.folder / "play.json").exists() else launch


def counted() -> int:
    path = home.home() / "kills"
    return int(path.read_text()) if path.exists() else 0


def main() -> None:
    options, (device, is_here) = json.loads(sys.argv[1]), device_named(sys.argv[2])
    hours = options.pop("clock", 0)
    if hours:  # as if somebody had set it
        unset = time.time
        time.time = lambda: unset() + hours * 3600
    if not options.pop("quiet", False):  # tests don't wait until the machine has nothing else to do
        processes.make_quiet = lambda _: None
    planner = true if options.pop("true", False) else fake
    worker = Worker(Database(home.database()), device, planner=planner, pace=Pace(**options), kills=counted, claims=is_here)
    with (home.home() / "workers.log").open("a") as log:
        log.write(f"{os.getpid()} {device.name}\n")
    worker.run()


if __name__ == "__main__":
    main()
