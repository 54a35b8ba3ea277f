"""`narrative models`: what can be written with."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from narrative.commands import DONE
from narrative.commands.output import clean, print_json
from narrative.models import ModelCard, catalogue


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="every card in full, as one JSON value")


def run(options: argparse.Namespace) -> int:
    cards = catalogue()
    if options.json:
        print_json({"models": [asdict(card) for card in cards]})
        return DONE
    widest = max((len(card.name) for card in cards), default=0)
    for card in cards:
        print(f"{card.name:{widest}}  {clean(_facts(card))}")
    return DONE


def _facts(card: ModelCard) -> str:
    size = f"{card.parameters / 1e6:,.1f} M parameters" if card.parameters else ""
    context = f"reads {card.context:,} tokens" if card.context else ""
    place = card.origin if card.here else "on the hub; asking for it needs the network"
    return "; ".join(fact for fact in (card.architecture, size, context, card.summary, place) if fact)
