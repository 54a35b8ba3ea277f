"""`python -m narrative.training JOB_DIR`: run or resume one job. Exit 0 finished, 3 stopped on request, 2 can't go on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from narrative.errors import NarrativeError
from narrative.training import ranks
from narrative.training.job import Job

FINISHED, CANNOT, STOPPED = 0, 2, 3


def status_of(work: Callable[[], bool]) -> int:
    """Run `work`, which trains and tells whether it came to its end; the exit status. What a keeper can mend is one line on stderr."""
    try:
        return FINISHED if work() else STOPPED
    except NarrativeError as error:
        print(error, file=sys.stderr)
        return CANNOT


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m narrative.training", description="Run or resume one training job.")
    parser.add_argument("job", type=Path, help="the job's folder, with job.json in it")
    job = Job(parser.parse_args(arguments).job)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # the log is for keepers: sentences, no bars
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

    def work() -> bool:
        from transformers.utils.logging import disable_progress_bar  # after the arguments: a usage error needs no torch

        from narrative.training.run import train

        disable_progress_bar()
        # Of several processes only the first says that it was stopped: a launcher ends all when one fails, in the middle of a checkpoint.
        return train(job) or not ranks.is_first()

    return status_of(work)


if __name__ == "__main__":
    sys.exit(main())
