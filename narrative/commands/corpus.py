"""`narrative corpus show NAME`: what a corpus holds."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from narrative.commands import DONE
from narrative.commands.output import clean, print_json
from narrative.corpus import Corpus, load_corpus
from narrative.corpus.corpus import SPLITS


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="its texts, its size and which books are held back for testing", allow_abbrev=False)
    show.add_argument("name", metavar="NAME", help="a corpus by its name, or its folder")
    show.add_argument("--json", action="store_true", help="the report as one JSON value")


def run(options: argparse.Namespace) -> int:
    corpus = load_corpus(options.name)
    if options.json:
        print_json(describe(corpus))
        return DONE
    print(clean(f"{corpus.name}: {corpus.origin} ({corpus.licence})"))
    for split in SPLITS:
        count = getattr(corpus, split)
        print(f"{split:5}  {len(corpus.sources[split]):,} sources, {count.records:,} records, {count.words:,} words, {count.bytes:,} bytes")
    return DONE


def describe(corpus: Corpus) -> dict[str, Any]:
    """The report as JSON; `files` names every source and the side it stands on."""
    sides = {split: asdict(getattr(corpus, split)) for split in SPLITS}
    files = [{"path": source, "status": "read", "reason": None, "split": split} for split in SPLITS for source in corpus.sources[split]]
    totals = {key: sum(side[key] for side in sides.values()) for key in ("records", "words", "bytes")}
    names = {"name": corpus.name, "origin": corpus.origin, "licence": corpus.licence, "fingerprint": corpus.fingerprint}
    return names | {"files": files, **totals, **sides}
