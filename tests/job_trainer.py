"""A training without a model, as a process of its own, that keeps to the folder's rules: `python job_trainer.py JOB_DIR`.

`play.json` in the job's folder says what it does; it is read once, at the start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from narrative.errors import TrainingError
from narrative.files import read_json
from narrative.training.job import Job

PLAY: dict[str, Any] = {
    "steps": 4,
    "seconds": 0.05,  # a step
    "wait_at": None,  # a step at which it waits until the file `go` is there, or a stop is asked
    "kill_at": None,  # a step at which it kills itself; 0: before it says anything
    "save_every": 2,
    "exit": 0,
    "reason": "",
    "deaf": False,  # to stop requests and SIGTERM
    "grandchild": False,
}
SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(120)"


def main(folder: Path) -> int:
    job = Job(folder)
    play = PLAY | (read_json(folder / "play.json") if (folder / "play.json").exists() else {})
    with (folder.parent.parent / "order.log").open("a") as log:
        log.write(f"{folder.name} {os.getpid()}\n")
    if play["kill_at"] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if play["deaf"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if play["grandchild"]:
        child = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
        (folder / "grandchild").write_text(str(child.pid))
    try:
        with job.held():
            return train(job, play)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 2


def train(job: Job, play: dict[str, Any]) -> int:
    checkpoint = job.last_checkpoint()
    first = int(checkpoint.name.split("-")[1]) if checkpoint else 0
    for step in range(first + 1, play["steps"] + 1):
        job.write_state("running", step=step, steps=play["steps"], seconds=step * 1.5, test_loss=5.0 - step / 10, stage="")
        wait_or_die(job, play, step)
        if job.stop_asked and not play["deaf"]:
            save(job, step)
            job.write_state("stopped", step=step, steps=play["steps"])
            return 3
        if step % play["save_every"] == 0:
            save(job, step)
    if play["exit"] == 2:
        job.write_state("failed", step=play["steps"], steps=play["steps"], reason=play["reason"])
    elif play["exit"] == 0 and play["reason"] != "no model":
        job.model.mkdir()
        job.write_state("finished", step=play["steps"], steps=play["steps"], seconds=9.0, test_loss=4.5)
    return int(play["exit"])


def wait_or_die(job: Job, play: dict[str, Any], step: int) -> None:
    deadline = time.monotonic() + 60
    while play["wait_at"] == step and job.folder.exists() and not (job.folder / "go").exists() and time.monotonic() < deadline:
        if job.stop_asked and not play["deaf"]:
            break
        time.sleep(0.02)
    time.sleep(play["seconds"])
    if play["kill_at"] == step:
        os.kill(os.getpid(), signal.SIGKILL)


def save(job: Job, step: int) -> None:
    folder = job.folder / f"checkpoint-{step}"
    folder.mkdir(exist_ok=True)
    job.mark_complete(folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
