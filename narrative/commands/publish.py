"""`narrative publish JOB`: the model of a finished training among those to write with, and on the hub where that is asked for."""

from __future__ import annotations

import argparse
from typing import Any

from narrative import home
from narrative.commands import DONE
from narrative.commands.output import print_json, say
from narrative.commands.queue import open_queue
from narrative.errors import SettingsError
from narrative.files import read_json
from narrative.models.sources import CARD
from narrative.publishing import publish_job, push_to_hub, require_hub


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB", help="a finished job's name")
    parser.add_argument("--name", default="", help="the model's name (default: the job's)")
    parser.add_argument("--merge", action="store_true", help="a LoRA as plain weights that need no base model any more")
    parser.add_argument("--hub", metavar="OWNER/NAME", help="upload it to the Hugging Face hub too; needs a token (hf auth login)")
    parser.add_argument("--public", action="store_true", help="let everybody see it on the hub (default: only its owner)")
    parser.add_argument("--json", action="store_true", help="the name, the card and the address as one JSON value")


def run(options: argparse.Namespace) -> int:
    """Print the name that `narrative generate --model` takes, and on a second line the address on the hub."""
    if options.public and options.hub is None:
        raise SettingsError("--public is for the hub: say where with --hub OWNER/NAME.")
    if options.hub is not None:
        require_hub(options.hub)  # before anything is published here
    queue = open_queue()
    row = queue.row(options.job)
    name = publish_job(row.job, name=options.name, merge=options.merge)
    queue.set_published(row.name, name)
    card: dict[str, Any] = read_json(home.published_models() / name / CARD)
    if "merged" in card:
        say(f"Merged: no logit differs by more than {card['merged']['largest_logit_difference']:.1g} from the adapter on its base.")
    address = None
    if options.hub is not None:
        say(f"'{name}' is published here; uploading it to {options.hub}.")
        address = push_to_hub(row.job, options.hub, private=not options.public, merge=options.merge)
    if options.json:
        print_json({"model": name, "card": card, "hub": address})
    else:
        print(name, *([address] if address else []), sep="\n")
    return DONE
