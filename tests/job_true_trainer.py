"""The real training process, with a halt at one step: `python job_true_trainer.py JOB_DIR`; see `wait_at` and `kill_at` in job_trainer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from job_trainer import PLAY, wait_or_die

from narrative.files import read_json
from narrative.training.__main__ import main
from narrative.training.job import Job
from narrative.training.stopping import StopOnRequest

folder = Path(sys.argv[1])
play = PLAY | {"seconds": 0} | read_json(folder / "play.json")
usual = StopOnRequest.on_step_end


def halt(self: StopOnRequest, args: Any, state: Any, control: Any, **more: Any) -> None:
    wait_or_die(Job(folder), play, state.global_step)
    usual(self, args, state, control, **more)


if __name__ == "__main__":
    StopOnRequest.on_step_end = halt  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
