"""`narrative corpus build PATH... --name N` and `narrative corpus show N`: books in, and what became of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from narrative.commands import DONE
from narrative.commands.output import clean, print_json
from narrative.corpus import Corpus, load_corpus
from narrative.corpus.corpus import SPLITS


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _configure_build(actions.add_parser("build", help="read files, folders and zips of files into a corpus", allow_abbrev=False))
    show = actions.add_parser("show", help="its texts, its size and which books are held back for testing", allow_abbrev=False)
    show.add_argument("name", metavar="NAME", help="a corpus by its name, or its folder")
    show.add_argument("--json", action="store_true", help="the report as one JSON value")


def _configure_build(build: argparse.ArgumentParser) -> None:
    build.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files, folders and zips of files")
    build.add_argument("--name", required=True, help="the corpus's name")
    build.add_argument("--replace", action="store_true", help="replace a corpus of that name")
    build.add_argument("--json", action="store_true", help="the report as one JSON value")
    reading = build.add_argument_group("reading")
    reading.add_argument("--notes", help="place: footnotes follow their paragraph; drop: they are left out (place)")
    reading.add_argument("--text-column", help="the column of a table that holds the text; found by its name when not given")
    reading.add_argument("--title-column", help="the column with a title")
    reading.add_argument("--author-column", help="the column with an author")
    reading.add_argument("--columns", metavar="NAMES", help="columns to keep as metadata, with commas between: tags,gid,label")
    cleaning = build.add_argument_group("cleaning and choosing")
    cleaning.add_argument("--without", metavar="RULES", help="cleaning rules that are switched off, with commas between")
    cleaning.add_argument("--duplicates", type=float, help="similarity from which a passage in two files is kept once; 0 keeps all (0.8)")
    cleaning.add_argument("--quality", type=float, help="leave out texts under this quality score, 0 to 1 (0: keep all)")
    cleaning.add_argument("--sample", type=int, help="draw so many of the texts that are left (all)")
    sides = build.add_argument_group("sides")
    sides.add_argument("--test-share", type=float, help="share that is held back for testing (0.1)")
    sides.add_argument("--split-by", help="book, record, or auto: rows of tables one by one, all else by book (auto)")
    sides.add_argument("--stratify", metavar="COLUMN", help="share out this column's values evenly (label, where there is one)")
    sides.add_argument("--seed", type=int, help="decides what is held back and sampled (0)")
    about = build.add_argument_group("about it")
    about.add_argument("--tokenizer", metavar="MODEL", help="count tokens as this model reads them")
    about.add_argument("--origin", help="where the texts come from, for the card of a model that learns from them")
    about.add_argument("--licence", help="the texts' licence")


def run(options: argparse.Namespace) -> int:
    return _ACTIONS[options.action](options)


def _build(options: argparse.Namespace) -> int:
    from narrative.corpus.build import build_from_files  # lxml, ftfy and numpy come with it
    from narrative.corpus.building import BuildSettings
    from narrative.corpus.cleaning import RULES
    from narrative.corpus.options import ReadOptions
    from narrative.errors import require_choice

    without = _names(options.without)
    for rule in without:
        require_choice("cleaning rule", rule, RULES)
    settings = BuildSettings(rules=tuple(rule for rule in BuildSettings.rules if rule not in without), **_given(options, BuildSettings))
    reading = ReadOptions(**_given(options, ReadOptions) | {"columns": _names(options.columns)})
    for news in build_from_files(options.paths, options.name, settings=settings, options=reading, replace=options.replace):
        _tell(news)
    corpus = load_corpus(options.name)
    if options.json:
        print_json(describe(corpus))
    else:
        _print(corpus)
    return DONE


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (given or "").split(",") if name.strip())


def _given(options: argparse.Namespace, settings: type) -> dict[str, Any]:
    """The options that were given and bear the name of one of the settings; those that take several names apart."""
    known = {field.name for field in fields(settings)} - {"columns", "rules"}
    return {name: value for name, value in vars(options).items() if name in known and value is not None}


def _tell(news: Any) -> None:
    """Progress, to stderr. A file that is still being read says nothing yet."""
    from narrative.corpus.building import Progress

    if isinstance(news, Progress):
        share = f" {news.done:,} of {news.total:,}" if news.total else ""
        line = f"{news.stage}{share}{f': {news.detail}' if news.detail else ''}"
    elif news.status == "reading":
        return
    else:
        what = f"{news.format}, {news.words:,} words" if news.status == "read" else f"refused: {news.reason}"
        line = f"{news.path}: {what}"
    print(clean(line), file=sys.stderr)


def _show(options: argparse.Namespace) -> int:
    corpus = load_corpus(options.name)
    if options.json:
        print_json(describe(corpus))
    else:
        _print(corpus)
    return DONE


def _print(corpus: Corpus) -> None:
    print(clean(f"{corpus.name}: {corpus.origin} ({corpus.licence})"))
    for split in SPLITS:
        count = getattr(corpus, split)
        tokens = corpus.report.get(f"{split}_tokens")
        sources = f"{len(corpus.sources[split]):,} sources, {count.records:,} records, {count.words:,} words"
        print(f"{split:5}  {sources}, {count.bytes:,} bytes{f', {tokens:,} tokens' if tokens is not None else ''}")
    for file in corpus.report.get("files", ()):
        what = f"{file['format']}, {file['words']:,} words" if file["status"] == "read" else f"{file['status']}: {file['reason'] or ''}"
        print(clean(f"  {file['path']}: {what}"))
    for warning in corpus.report.get("warnings", ()):
        print(warning)


def describe(corpus: Corpus) -> dict[str, Any]:
    """The report as JSON. A corpus that no build made (a recipe's) names its sources as files, with the side each is on."""
    sides = {split: asdict(getattr(corpus, split)) for split in SPLITS}
    files = [{"path": source, "status": "read", "reason": None, "split": split} for split in SPLITS for source in corpus.sources[split]]
    totals = {key: sum(side[key] for side in sides.values()) for key in ("records", "words", "bytes")}
    names = {"name": corpus.name, "origin": corpus.origin, "licence": corpus.licence, "fingerprint": corpus.fingerprint}
    return names | {"files": files, **totals, **sides} | dict(corpus.report)


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {"build": _build, "show": _show}
