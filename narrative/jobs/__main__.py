"""`python -m narrative.jobs DEVICE`: the worker of a device. Ends by itself when nothing is left to do."""

from __future__ import annotations

import argparse
import sys

from narrative import home
from narrative.errors import NarrativeError
from narrative.jobs.devices import device_named
from narrative.jobs.worker import Worker
from narrative.store.database import Database

DONE, CANNOT = 0, 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m narrative.jobs", description="Run the queued jobs on one device.")
    parser.add_argument("device", help="such as cuda:0, mps or cpu")
    try:
        device, is_here = device_named(parser.parse_args(arguments).device)
        Worker(Database(home.database()), device, claims=is_here).run()
    except NarrativeError as error:
        print(error, file=sys.stderr)
        return CANNOT
    return DONE


if __name__ == "__main__":
    sys.exit(main())
