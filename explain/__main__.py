"""`python -m explain`: the studio's explanations without the studio. Answers go to stdout, progress to stderr; bad input exits with 2."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from narrative import __version__
from narrative.cli import Command, OneLineParser
from narrative.commands import BAD_INPUT, BROKEN_PIPE, INTERRUPTED
from narrative.errors import NarrativeError

PROGRAM = "python -m explain"
COMMANDS = {
    "attention": Command("where every layer and head of a model looks while it reads a text", "explain.commands.attention"),
}


def build_parser(chosen: str | None) -> OneLineParser:
    """Every command by name, the chosen one with its options."""
    parser = OneLineParser(prog=PROGRAM, description="See why a language model wrote what it wrote.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"explain {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        told = f"{command.summary.capitalize()}."
        options = commands.add_parser(name, help=command.summary, description=told, allow_abbrev=False)
        if name == chosen:
            importlib.import_module(command.module).configure(options)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 bad input, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # an error of ours is one line on stderr, not one among many
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in given if not word.startswith("-")), None)
    try:
        options = build_parser(chosen).parse_args(given)
        status: int = importlib.import_module(COMMANDS[options.command].module).run(options)
        sys.stdout.flush()
    except NarrativeError as error:
        print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its exit
        return BROKEN_PIPE
    return status


if __name__ == "__main__":
    sys.exit(main())
