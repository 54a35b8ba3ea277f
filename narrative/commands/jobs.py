"""`narrative jobs list|show|log|stop|resume|delete`: trainings that wait, run and have ended. None of it needs PyTorch."""

from __future__ import annotations

import argparse
import codecs
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from narrative.commands import DONE
from narrative.commands.output import clean, print_json, say
from narrative.commands.queue import description, duration, open_queue, standing, tended, told, when
from narrative.errors import JobError
from narrative.jobs import JobRow, Queue
from narrative.jobs.states import LIVE

LOOK_EVERY = 0.3  # seconds
AT_ONCE = 65536  # bytes


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (summary, _) in _ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False)
        if name != "list":
            action.add_argument("job", metavar="JOB", help="a job's name")
        if name == "log":
            action.add_argument("--follow", action="store_true", help="go on until the job has ended")
        else:
            action.add_argument("--json", action="store_true", help="the answer as one JSON value")


def run(options: argparse.Namespace) -> int:
    _, act = _ACTIONS[options.action]
    return act(open_queue(), options)


def _list(queue: Queue, options: argparse.Namespace) -> int:
    rows = tended(queue).rows()
    if options.json:
        print_json({"jobs": [told(row) for row in rows]})
        return DONE
    widest = max((len(row.name) for row in rows), default=0)
    for row in rows:
        print(clean(f"{row.name:{widest}}  {row.state:11}  {_learns(row)}; {standing(row) or row.reason}").replace("\n", " "))
    if not rows:
        say("There are none yet. One begins with: narrative train --corpus NAME --base MODEL")
    return DONE


def _show(queue: Queue, options: argparse.Namespace) -> int:
    row = tended(queue).row(options.job)
    if options.json:
        print_json(description(row))
        return DONE
    for name, value in _facts(row):
        if value:
            print(clean(f"{name:10} {value}").replace("\n", " "))
    for note in row.job.notes():
        print(clean(f"{'note':10} step {note.get('step', 0):,}: {note.get('text', '')}").replace("\n", " "))
    sample: dict[str, Any] = next(reversed(list(row.job.samples())), {})
    if sample:
        print(clean(f"{'sample':10} at step {sample.get('step', 0):,}:\n{sample.get('prompt', '')}{sample.get('text', '')}"))
    return DONE


def _facts(row: JobRow) -> Iterator[tuple[str, str]]:
    yield "job", row.name
    yield "state", f"{row.state}, {standing(row)}" if standing(row) else row.state
    yield "because", row.reason
    yield "learns", _learns(row)
    yield "on", row.device
    yield "times", f"queued {when(row.queued)}, begun {when(row.started)}, ended {when(row.ended)}"
    yield "trained", duration(row.seconds) if row.seconds else ""
    foreseen = row.job.estimate().get("seconds")
    yield "foreseen", duration(foreseen) if isinstance(foreseen, int | float) else ""
    if row.perplexity is not None and row.bits_per_byte is not None:
        yield "test", f"perplexity {row.perplexity:.2f}, {row.bits_per_byte:.3f} bits per byte"
    yield "folder", str(row.folder)
    yield "model", str(row.job.model) if row.job.model.is_dir() else ""


def _learns(row: JobRow) -> str:
    return f"{row.base or 'a new model'} on {row.corpora} ({row.method})"


def _log(queue: Queue, options: argparse.Namespace) -> int:
    """Every line that the training printed, as it comes with --follow."""
    row = queue.row(options.job)
    decode, place = codecs.getincrementaldecoder("utf-8")("replace").decode, 0
    while True:
        row = queue.row(options.job) if options.follow else row  # before the file, so that its last lines are not missed
        while piece := _piece(row, place):
            place += len(piece)
            print(clean(decode(piece)), end="", flush=True)
        if not options.follow or row.state not in LIVE:
            return DONE
        with suppress(JobError):
            queue.tend()
        time.sleep(LOOK_EVERY)


def _piece(row: JobRow, place: int) -> bytes:
    try:
        with row.job.log.open("rb") as log:
            log.seek(place)
            return log.read(AT_ONCE)
    except FileNotFoundError:  # it waits for its turn
        return b""
    except OSError as error:
        raise JobError(f"The log of '{row.name}' can't be read: {error.strerror}.") from error


def _stop(queue: Queue, options: argparse.Namespace) -> int:
    row = queue.stop(options.job)
    tended(queue)
    _tell(row, options, f"'{row.name}' {'stops after this step, with a checkpoint' if row.state in LIVE else 'is out of the queue'}.")
    return DONE


def _resume(queue: Queue, options: argparse.Namespace) -> int:
    queue.resume(options.job)
    row = tended(queue).row(options.job)
    _tell(row, options, f"'{row.name}' {standing(row)}. Watch it with: narrative jobs log {row.name} --follow")
    return DONE


def _delete(queue: Queue, options: argparse.Namespace) -> int:
    row = queue.row(options.job)
    queue.delete(row.name)
    kept = f" What was published of it stays: {row.published}." if row.published else ""
    _tell(row, options, f"'{row.name}' is gone, with its checkpoints and its model.{kept}")
    return DONE


def _tell(row: JobRow, options: argparse.Namespace, sentence: str) -> None:
    if options.json:
        print_json(told(row))
    else:
        say(sentence)


_ACTIONS: dict[str, tuple[str, Callable[[Queue, argparse.Namespace], int]]] = {
    "list": ("all jobs: at work, waiting, ended", _list),
    "show": ("all that is known of a job", _show),
    "log": ("what a job's process printed", _log),
    "stop": ("stop a job with a checkpoint, or take it out of the queue", _stop),
    "resume": ("let a job that was stopped or broke off go on from its last checkpoint", _resume),
    "delete": ("remove a job with all that it learned; what was published stays", _delete),
}
