"""`python -m narrative.training JOB_DIR`: run or resume one job. Exit 0 finished, 3 stopped on request, 2 can't go on."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from narrative.errors import NarrativeError
from narrative.training import ranks
from narrative.training.job import Job

FINISHED, CANNOT, STOPPED = 0, 2, 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m narrative.training", description="Run or resume one training job.")
    parser.add_argument("job", type=Path, help="the job's folder, with job.json in it")
    job = Job(parser.parse_args(arguments).job)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # the log is for keepers: sentences, no bars
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        from transformers.utils.logging import disable_progress_bar  # after the arguments: a usage error needs no torch

        from narrative.training.run import train

        disable_progress_bar()
        # Of several processes only the first says that it was stopped: a launcher ends all when one fails, in the middle of a checkpoint.
        return FINISHED if train(job) or not ranks.is_first() else STOPPED
    except NarrativeError as error:
        print(error, file=sys.stderr)
        return CANNOT


if __name__ == "__main__":
    sys.exit(main())
