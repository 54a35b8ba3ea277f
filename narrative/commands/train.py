"""`narrative train`: make a job and watch it. The job is a process of its own, so it outlives this terminal."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from narrative import home
from narrative.commands import BAD_INPUT, DONE, FAILED, STOPPED
from narrative.commands.options import add_fields, given_fields
from narrative.commands.output import print_json, say
from narrative.corpus import load_corpus
from narrative.errors import SettingsError, TrainingError, shown
from narrative.models import describe
from narrative.training import Architecture, TrainingSettings
from narrative.training.job import Job

LOOK_EVERY = 0.3  # seconds


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", action="append", metavar="NAME[:WEIGHT]", help="what to learn from; may be given several times")
    parser.add_argument("--name", metavar="JOB", help="the job's name (default: the date and time)")
    parser.add_argument("--resume", metavar="JOB", help="take a stopped or broken job up again, from its last checkpoint")
    parser.add_argument("--json", action="store_true", help="the outcome and the last measurements as one JSON value")
    add_fields(parser.add_argument_group("settings"), TrainingSettings, skip=("corpora", "architecture"))
    add_fields(parser.add_argument_group("a new model (with --method scratch)"), Architecture, skip=("context",))


def run(options: argparse.Namespace) -> int:
    """Start or resume, report progress, and say how it ended. Ctrl-C asks for a stop with a checkpoint; a second one kills."""
    job = _job_to_resume(options) if options.resume else _new_job(options)
    job.clear_stop()
    began = time.time()
    with job.log.open("ab") as log:  # a file, never a pipe that nobody may be reading
        command = [sys.executable, "-m", "narrative.training", str(job.folder)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    with _stopped_by_interrupt(job, child):
        for line in _measurements(job, child, since=began):
            say(_sentence(line, job.state()))
    return _conclude(job, child.returncode, as_json=options.json)


def _new_job(options: argparse.Namespace) -> Job:
    """Everything that can be checked is checked before the folder is made."""
    settings = _settings(options)
    name = options.name or datetime.now().astimezone().strftime("train-%Y%m%d-%H%M%S")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise SettingsError(
            f"Job name {shown(name)} must be 1 to 80 letters, digits, dots, hyphens or underscores, and begin with a letter or digit."
        )
    if settings.base:
        describe(settings.base)
    job = Job.create(home.jobs() / name, settings)
    say(f"Job {name}: what it says stands in {job.log}.")
    return job


def _settings(options: argparse.Namespace) -> TrainingSettings:
    given = given_fields(options, TrainingSettings)
    numbers = given_fields(options, Architecture)
    if given.get("method") == "scratch":  # a new model's context is its training block too
        numbers.pop("context", None)
        own = {"context": given.pop("context")} if "context" in given else {}
        given["architecture"] = Architecture(**numbers, **own)
    elif numbers.keys() - {"context"}:
        names = ", ".join(f"--{name}" for name in sorted(numbers.keys() - {"context"}))
        raise SettingsError(f"{names}: only with --method scratch; a base model has its own.")
    if given.get("base") and os.sep in given["base"]:
        given["base"] = str(Path(given["base"]).resolve())
    return TrainingSettings(corpora=tuple(_corpus(text) for text in options.corpus or ()), **given)


def _corpus(text: str) -> tuple[str, float]:
    """`NAME` or `NAME:WEIGHT` -> (name, or absolute folder, of a corpus that is there; weight, 0 when not given)."""
    name, colon, tail = text.rpartition(":")
    try:
        weight = float(tail) if colon else 0.0
    except ValueError:
        name, weight = text, 0.0
    corpus = load_corpus(name if colon and name else text)
    at_home = corpus.folder == home.corpora() / name
    return (name if at_home and name else str(corpus.folder.resolve())), weight


def _job_to_resume(options: argparse.Namespace) -> Job:
    given = given_fields(options, TrainingSettings) | given_fields(options, Architecture)
    if given or options.corpus or options.name:
        raise SettingsError("--resume goes on with the settings that the job began with. Leave the other settings out.")
    folder = home.jobs() / options.resume
    job = Job(folder)
    if not (folder / "job.json").exists():
        here = sorted(path.parent.name for path in home.jobs().glob("*/job.json"))
        raise TrainingError(f"No job {shown(options.resume)}. {'Here are: ' + ', '.join(here) if here else 'There are none yet'}.")
    if job.running:
        raise TrainingError(f"Job {shown(options.resume)} is running already.")
    job.settings()
    return job


@contextmanager
def _stopped_by_interrupt(job: Job, child: subprocess.Popen[bytes]) -> Iterator[None]:
    def ask(*_: Any) -> None:
        if job.stop_asked:
            child.kill()
            say("Killed. What was learned since the last checkpoint is lost.")
        else:
            job.ask_stop()
            say("Stopping after this step, with a checkpoint. Once more Ctrl-C kills at once.")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _measurements(job: Job, child: subprocess.Popen[bytes], *, since: float) -> Iterator[dict[str, Any]]:
    """The lines of `metrics.jsonl` as they come, until the process ends."""
    ended = False
    while not ended:
        ended = child.poll() is not None  # looked at before the file, so that the last lines are not missed
        for line in job.metrics():
            if line["time"] > since:
                since = line["time"]
                yield line
        if not ended:
            time.sleep(LOOK_EVERY)


def _sentence(line: dict[str, Any], state: dict[str, Any]) -> str:
    step = f"step {line['step']:,} of {state['steps']:,}" if state.get("steps") else f"step {line['step']:,}"
    if "corpus" in line:
        return f"{step}: on {line['corpus']}'s test texts, perplexity {line['perplexity']:.2f}, {line['bits_per_byte']:.3f} bits per byte"
    minutes = f", {state['seconds_left'] / 60:,.0f} minutes left" if state.get("seconds_left") else ""
    return f"{step}: loss {line['loss']:.3f}, {line['tokens_per_second']:,.0f} tokens a second{minutes}"


def _conclude(job: Job, status: int, *, as_json: bool) -> int:
    state = job.state()
    if status == BAD_INPUT:
        raise TrainingError(str(state.get("reason", f"The training can't go on; see {job.log}.")))
    name = job.folder.name
    if as_json:
        print_json(_outcome(job, status, state))
    elif status == DONE:
        print(job.model)
    if status == STOPPED:
        say(f"Stopped at step {state.get('step', 0):,}. It goes on with: narrative train --resume {name}")
    elif status != DONE:
        say(f"The training broke off (status {status}); {job.log} says more. It goes on with: narrative train --resume {name}")
    return status if status in (DONE, STOPPED) else FAILED


def _outcome(job: Job, status: int, state: dict[str, Any]) -> dict[str, Any]:
    tests = {
        line["corpus"]: {key: line[key] for key in ("step", "test_loss", "perplexity", "bits_per_byte")}
        for line in job.metrics()
        if "corpus" in line
    }
    losses = [line["loss"] for line in job.metrics() if "loss" in line]
    ended = {DONE: "finished", STOPPED: "stopped"}.get(status, "broken off")
    facts = {"job": job.folder.name, "state": ended, "step": state.get("step"), "steps": state.get("steps")}
    return facts | {"loss": losses[-1] if losses else None, "metrics": tests, "model": str(job.model) if status == DONE else None}
