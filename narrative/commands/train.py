"""`narrative train`: put a training into the queue and watch it. The job outlives this terminal, and goes on after any crash."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from narrative import home
from narrative.commands import DONE, FAILED, STOPPED
from narrative.commands.following import follow
from narrative.commands.options import add_fields, given_fields
from narrative.commands.output import print_json, say
from narrative.commands.queue import open_queue, outcome, tended, told
from narrative.corpus import load_corpus
from narrative.errors import SettingsError, TrainingError, require_choice
from narrative.jobs import JobRow, Queue
from narrative.jobs import states as job_states
from narrative.models import describe
from narrative.training import Architecture, TrainingSettings
from narrative.training.architectures import SIZES
from narrative.training.presets import PRESETS, settings_for

EPILOG = (
    "Ctrl-C asks for a stop with a checkpoint; once more Ctrl-C leaves the job to stop by itself. Exit status: 0 finished, 1 it broke "
    "off, 2 it could not begin, 3 stopped."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--corpus", action="append", metavar="NAME[:WEIGHT]", help="what to learn from; may be given several times")
    presets = "; ".join(f"{name} ({preset.title})" for name, preset in PRESETS.items())
    parser.add_argument("--preset", metavar="NAME", help=f"settings to begin with, changed by those that are given: {presets}")
    parser.add_argument("--name", metavar="JOB", default="", help="the job's name (default: from the corpus and the method)")
    parser.add_argument("--resume", metavar="JOB", help="take a stopped or broken job up again, from its last checkpoint")
    parser.add_argument("--detach", action="store_true", help="don't watch it: print the job's name and return at once")
    parser.add_argument("--estimate", action="store_true", help="only tell its time and memory, after a few real steps")
    parser.add_argument("--json", action="store_true", help="the outcome and the last measurements as one JSON value")
    add_fields(parser.add_argument_group("settings"), TrainingSettings, skip=("corpora", "architecture"))
    new = parser.add_argument_group("a new model (with --method scratch)")
    new.add_argument("--size", metavar="NAME", help=f"its numbers by a name, changed by those that are given: {', '.join(SIZES)}")
    add_fields(new, Architecture, skip=("context",))


def run(options: argparse.Namespace) -> int:
    """Submit or resume, report progress, and say how it ended."""
    if options.estimate:
        return _estimate(_settings(options), as_json=options.json)
    queue = open_queue()
    row = _resumed(queue, options) if options.resume else queue.submit(_settings(options), name=options.name)
    tended(queue)
    if options.detach:
        print_json(told(queue.row(row.name))) if options.json else print(row.name)
        return DONE
    say(f"Job {row.name}: it goes on without this terminal; what it says stands in {row.job.log}.")
    return conclude(follow(queue, row.name), as_json=options.json)


def conclude(row: JobRow, *, as_json: bool) -> int:
    """Say how a job ended; the exit status. A training that could not begin is bad input: it raises `TrainingError`."""
    if row.state == job_states.FAILED and not row.step:
        raise TrainingError(row.reason)
    if as_json:
        print_json(outcome(row))
    elif row.state == job_states.FINISHED:
        print(row.job.model)
    again = f"narrative train --resume {row.name}"
    if row.state == job_states.FINISHED:
        say(f"Finished. Among the models to write with it comes by: narrative publish {row.name}")
        return DONE
    say(f"{row.reason or f'It is {row.state}.'} Go on with: {again}")
    return STOPPED if row.state == job_states.STOPPED else FAILED


def _resumed(queue: Queue, options: argparse.Namespace) -> JobRow:
    given = given_fields(options, TrainingSettings) | given_fields(options, Architecture)
    if given or options.corpus or options.name or options.preset or options.size:
        raise SettingsError("--resume goes on with the settings that the job began with. Leave the other settings out.")
    return queue.resume(options.resume)


def _estimate(settings: TrainingSettings, *, as_json: bool) -> int:
    from narrative.jobs.checking import checked
    from narrative.training.estimate import estimate

    foreseen = estimate(checked(settings))
    if as_json:
        print_json(foreseen.to_json() | {"sentence": foreseen.sentence})
        return DONE
    print(foreseen.sentence)
    share = f"{foreseen.trainable:,} of {foreseen.parameters:,} weights learn ({foreseen.trainable / max(1, foreseen.parameters):.2%})"
    print(f"{foreseen.tokens:,} tokens to learn from and {foreseen.test_tokens:,} to test on; {share}.")
    print(f"{foreseen.tokens_per_second:,.0f} tokens a second on {foreseen.device}.")
    for warning in foreseen.warnings:
        say(warning)
    return DONE


def _settings(options: argparse.Namespace) -> TrainingSettings:
    given = given_fields(options, TrainingSettings)
    corpora = tuple(_corpus(text) for text in options.corpus or ())
    if options.preset is not None:
        require_choice("preset", options.preset, PRESETS)
    values = dict(PRESETS[options.preset].values) if options.preset is not None else {}
    given |= _architecture(options, given, method=str(given.get("method") or values.get("method", "")), usual=values.get("architecture"))
    if options.preset is None:
        return TrainingSettings(corpora=corpora, **given)
    base = given.pop("base", None)
    return settings_for(options.preset, corpora=corpora, base=describe(base) if base else None, **given)


def _architecture(options: argparse.Namespace, given: dict[str, Any], *, method: str, usual: Architecture | None) -> dict[str, Any]:
    """The field `architecture`, from a named size and the numbers that are given. A new model's context is its training block too."""
    numbers = {name: value for name, value in given_fields(options, Architecture).items() if name != "context"}
    if method != "scratch":
        named = [f"--{name}" for name in sorted(numbers)] + (["--size"] if options.size else [])
        if named:
            raise SettingsError(f"{', '.join(named)}: only with --method scratch; a base model has its own.")
        return {"architecture": None} if usual else {}
    if options.size is not None:
        require_choice("size", options.size, SIZES)
    start = SIZES[options.size] if options.size is not None else usual or Architecture()
    own = {"context": given.pop("context")} if "context" in given else {}
    return {"architecture": replace(start, **numbers, **own)}


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
