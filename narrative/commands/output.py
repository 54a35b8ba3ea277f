"""How commands speak: one JSON value or plain text on stdout, progress on stderr."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from narrative.text import writable


def print_json(value: Any) -> None:
    """`value` as one JSON value on stdout. Numbers that JSON doesn't know (infinite, not a number) become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, allow_nan=False), flush=True)


def say(sentence: str) -> None:
    """One line of progress or warning."""
    print(sentence, file=sys.stderr, flush=True)


def show_stage(stage: str, share: float) -> None:
    """Progress of a load, on one line that rewrites itself; nothing where nobody watches."""
    if sys.stderr.isatty():
        line = "" if share >= 1 else f"{stage} ({share:.0%})"
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def clean(text: str) -> str:
    """Text of a model without the control characters that would steer a terminal."""
    return writable(text).replace("\r", "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
