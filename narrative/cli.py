"""The `narrative` command. Answers go to stdout, progress and warnings to stderr; bad input exits with 2 and one line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

from narrative import __version__
from narrative.commands import BAD_INPUT, BROKEN_PIPE, INTERRUPTED
from narrative.errors import NarrativeError


@dataclass(frozen=True)
class Command:
    """One word after `narrative`. `module` has `configure(parser)` and `run(options) -> exit status`."""

    summary: str
    module: str


COMMANDS = {
    "models": Command("list the models that are here, and some that the hub has", "narrative.commands.models"),
    "generate": Command("continue a text with a model", "narrative.commands.generate"),
    "train": Command("train a model on corpora, or take a stopped training up again", "narrative.commands.train"),
    "jobs": Command("look at trainings that wait, run and have ended, stop them and take them up again", "narrative.commands.jobs"),
    "publish": Command("put the model of a finished training among those to write with", "narrative.commands.publish"),
    "corpus": Command("look at the corpora that models learn from", "narrative.commands.corpus"),
}


class OneLineParser(argparse.ArgumentParser):
    """argparse without the usage text before its errors: one line says what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {' '.join(message.split())}\n")


@dataclass(frozen=True)
class Program:
    """Commands under one name: `narrative`, and `python -m explain`."""

    name: str
    description: str
    commands: Mapping[str, Command]

    def parser(self, chosen: str | None) -> argparse.ArgumentParser:
        """Every command by name, the chosen one with its options: those of the others would cost the import of torch."""
        parser = OneLineParser(prog=self.name, description=self.description, allow_abbrev=False)
        parser.add_argument("--version", action="version", version=f"narrative {__version__}")
        commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
        for name, command in self.commands.items():
            told = f"{command.summary.capitalize()}."
            options = commands.add_parser(name, help=command.summary, description=told, allow_abbrev=False)
            if name == chosen:
                importlib.import_module(command.module).configure(options)
        return parser

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """One command; its exit status: 0 done, 1 a training broke off, 2 bad input, 3 a training stopped, 130 interrupted."""
        _speak_utf8(sys.stdout, sys.stderr)
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # an error of ours is one line on stderr, not one among many
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        given = list(sys.argv[1:] if arguments is None else arguments)
        chosen = next((word for word in given if not word.startswith("-")), None)
        try:
            options = self.parser(chosen).parse_args(given)
            status: int = importlib.import_module(self.commands[options.command].module).run(options)
            sys.stdout.flush()
        except NarrativeError as error:
            print(f"{self.name}: {' '.join(str(error).split())}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:  # whoever read our output has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its exit
            return BROKEN_PIPE
        return status


NARRATIVE = Program("narrative", "Tune a language model on your own books, and write with it.", COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of `narrative` and return its exit status."""
    return NARRATIVE.run(arguments)


def _speak_utf8(*streams: IO[str]) -> None:
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
