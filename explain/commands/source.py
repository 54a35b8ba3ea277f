"""The text that a command explains: typed words or a stored draft, the model that reads it, and the files that come out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from narrative.commands.output import say, show_stage
from narrative.errors import SettingsError, StoreError, shown

if TYPE_CHECKING:  # types only: torch comes when the options are read and found good
    from explain.reading import Source
    from narrative.generation import Draft
    from narrative.models import LanguageModel


def add_text(parser: argparse.ArgumentParser, *, limit: int) -> None:
    """`limit`: the tokens that are looked at when nobody says how many."""
    text = parser.add_argument_group("the text")
    text.add_argument(
        "--model", metavar="M", help="a name from `narrative models`, a folder or a hub id (default: the draft's, or the first)"
    )
    text.add_argument("--prompt", metavar="P", help="the text to read; - reads it from standard input")
    text.add_argument("--completion", metavar="C", default="", help="what was written after it")
    text.add_argument("--draft", metavar="ID", help="a draft of this machine's studio, instead of prompt and completion")
    told = f"tokens to look at at once; of a longer text the end is kept (default: {limit})"
    text.add_argument("--limit", metavar="N", type=int, help=told)


def check_text(options: argparse.Namespace) -> None:
    """Raise `SettingsError` unless there is one text."""
    if options.draft is not None and (options.prompt is not None or options.completion):
        raise SettingsError("--draft brings its own text: leave --prompt and --completion out.")
    if options.draft is None and options.prompt is None:
        raise SettingsError("There is no text: give --prompt, or --draft with the id of a draft.")


def check_file(path: Path) -> None:
    """Raise `SettingsError` when no file can be written there: before the work, not after it."""
    if not path.parent.is_dir():
        raise SettingsError(f"There is no folder {shown(str(path.parent))} to write {path.name} into. Make it first.")
    if path.exists() and not path.is_file():
        raise SettingsError(f"{shown(str(path))} is no file that could be replaced. Name another one.")


def open_text(options: argparse.Namespace) -> tuple[LanguageModel, Source]:
    """The model, loaded, and the text. A prompt that can't be read is refused before the model is looked for."""
    from narrative.generation.prompt import check_prompt

    draft = None if options.draft is None else _find_draft(options.draft)
    prompt = "" if draft else check_prompt(_read_prompt(options.prompt))
    from narrative.models import default_model, load_model

    model = load_model(options.model or (draft.model if draft else default_model()), progress=show_stage)
    from explain.reading import Source

    return model, Source(model.name, draft, prompt, decoded(options.completion))


def write_out(path: Path | None, make: Callable[[], str], what: str) -> None:
    """What `make` gives, into a file, if one was asked for. Raises `SettingsError` when the disk refuses it."""
    from narrative.files import write_text

    if path is None:
        return
    try:
        write_text(path, make())
    except OSError as error:
        raise SettingsError(f"{shown(str(path))} can't be written: {error.strerror or error}.") from error
    say(f"{what} is in {path}.")


def decoded(given: str) -> str:
    """Bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(given).decode("utf-8", errors="replace")


def _find_draft(identity: str) -> Draft:
    """Whoever may read the file may read all that is in it, so the draft's owner needn't be named here."""
    from narrative.home import database
    from narrative.store import Store

    if not database().exists():
        raise StoreError(f"There is no draft {shown(identity)}: nothing has been written in the studio of this machine yet.")
    with Store(database()) as store:
        return store.find(identity)


def _read_prompt(given: str) -> str:
    """`echo`'s line end is no part of a prompt."""
    if given == "-":
        return sys.stdin.buffer.read().removesuffix(b"\n").decode("utf-8", errors="replace")
    return decoded(given)
