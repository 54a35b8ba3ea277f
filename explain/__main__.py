"""`python -m explain`: the studio's explanations without the studio. Answers go to stdout, progress to stderr; bad input exits with 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from narrative.cli import Command, Program

COMMANDS = {
    "attention": Command("where every layer and head of a model looks while it reads a text", "explain.commands.attention"),
    "words": Command("which words drove a text, by several methods, and whether their answer holds", "explain.commands.words"),
}
EXPLAIN = Program("python -m explain", "See why a language model wrote what it wrote.", COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 bad input, 130 interrupted."""
    return EXPLAIN.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
