"""Command-line options made from a settings dataclass, so that the two can't drift apart."""

from __future__ import annotations

import argparse
import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields
from itertools import pairwise
from typing import Any


def add_fields(parser: argparse._ActionsContainer, settings: type, *, skip: tuple[str, ...] = ()) -> None:
    """One option for each field of `settings`: its name, its docstring as help, its default shown; a switch for yes or no.

    Options that are not given leave no trace in the parsed namespace: the defaults stay the dataclass's own.
    """
    help_of = field_docstrings(settings)
    for field in fields(settings):
        if field.name in skip:
            continue
        name, told = "--" + field.name.replace("_", "-"), help_of.get(field.name, "")
        if str(field.type) == "bool":
            told = f"{told} (default: {'on' if field.default else 'off'})".replace("%", "%%")
            parser.add_argument(name, dest=field.name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=told)
            continue
        default = "" if field.default is MISSING or field.default in (None, "") else f" (default: {field.default})"
        parser.add_argument(
            name, dest=field.name, type=_reader(str(field.type)), default=argparse.SUPPRESS,
            metavar=field.name.rsplit("_", 1)[-1].upper(), help=(told + default).replace("%", "%%"),
        )  # fmt: skip


def given_fields(options: argparse.Namespace, settings: type) -> dict[str, Any]:
    """The fields of `settings` that were given on the command line."""
    return {field.name: getattr(options, field.name) for field in fields(settings) if hasattr(options, field.name)}


def field_docstrings(settings: type) -> dict[str, str]:
    """Field -> the string that stands below it in the source, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(settings))).body
    found = {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(below.value)).split())
    return found


def _reader(annotation: str) -> Callable[[str], Any]:
    """What turns an option's text into a field's value. Text that is no number passes: the settings say what is allowed."""
    return {"int": _whole, "float": _number}.get(annotation.removesuffix(" | None"), str)


def _whole(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
