"""`narrative generate PROMPT`: drafts on the command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from narrative.commands import DONE, INTERRUPTED
from narrative.commands.options import add_fields, given_fields
from narrative.commands.output import clean, print_json, say, show_stage
from narrative.generation import Draft, Generation, GenerationSettings, draft_report, generate
from narrative.generation.draft import ASKED, STOPPED
from narrative.generation.prompt import check_prompt
from narrative.models import default_model, load_model


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", metavar="PROMPT", help="the text to continue; - reads it from standard input")
    parser.add_argument("--model", help="a name from `narrative models`, a folder or a hub id (default: the first that ships)")
    parser.add_argument("--adapter", help="a PEFT adapter's name, folder or hub id")
    parser.add_argument("--json", action="store_true", help="drafts with the probability of every token, as one JSON value")
    add_fields(parser, GenerationSettings)


def run(options: argparse.Namespace) -> int:
    """Load, write, print. Ctrl-C ends within one token and prints what is there."""
    settings = GenerationSettings(**given_fields(options, GenerationSettings))
    prompt = check_prompt(_read_prompt(options.prompt))
    model = load_model(options.model or default_model(), adapter=options.adapter, progress=show_stage)
    generation = generate(model, prompt, settings=settings)
    stream = settings.drafts == 1 and not options.json and sys.stdout.isatty()
    with _stopped_by_interrupt(generation):
        if stream:
            print(clean(prompt), end="", flush=True)
        for step in generation:
            if stream and (token := step.tokens[0]):
                print(clean(token.text), end="", flush=True)
    if stream:
        print(flush=True)
    elif options.json:
        print_json({"drafts": [draft_report(draft) for draft in generation.drafts]})
    else:
        _print_all(generation.drafts)
    _report(generation.drafts)
    return INTERRUPTED if any(draft.stopped == ASKED for draft in generation.drafts) else DONE


def _read_prompt(given: str) -> str:
    """Bytes that are no UTF-8 become replacement characters, wherever the prompt comes from; `echo`'s line end is no part of it."""
    stored = sys.stdin.buffer.read().removesuffix(b"\n") if given == "-" else os.fsencode(given)
    return stored.decode("utf-8", errors="replace")


@contextmanager
def _stopped_by_interrupt(generation: Generation) -> Iterator[None]:
    """The first Ctrl-C asks for a stop, a second one interrupts."""

    def ask(*_: Any) -> None:
        generation.stop()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _print_all(drafts: tuple[Draft, ...]) -> None:
    for draft in drafts:
        if len(drafts) > 1:
            print(f"--- {draft.number + 1} of {len(drafts)} ".ljust(80, "-"))
        print(clean(draft.prompt + draft.text))


def _report(drafts: tuple[Draft, ...]) -> None:
    for draft in drafts:
        name = f"Draft {draft.number + 1}: " if len(drafts) > 1 else ""
        facts = f"{len(draft.tokens)} tokens, perplexity {draft.perplexity:.1f}" if draft.perplexity else "nothing was written"
        why = STOPPED.get(draft.stopped or "", "")
        say(f"{name}{facts}; {why}.")
    if drafts[0].dropped:
        say(f"The text is longer than the model can read: it no longer saw the first {drafts[0].dropped:,} tokens at the end.")
