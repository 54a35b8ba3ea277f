"""`narrative corpus build PATH... --name N` and `narrative corpus show N`: books in, and what became of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from narrative.commands import DONE
from narrative.commands.options import add_fields, given_fields
from narrative.commands.output import clean, print_json
from narrative.corpus import Corpus, load_corpus
from narrative.corpus.build import build_from_files
from narrative.corpus.building import BuildSettings, Progress
from narrative.corpus.cleaning import RULES
from narrative.corpus.corpus import SPLITS, describe
from narrative.corpus.options import ReadOptions
from narrative.corpus.shelf import FileEntry
from narrative.errors import require_choice


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
    add_fields(reading, ReadOptions, skip=("columns",))
    reading.add_argument("--columns", metavar="NAMES", help="columns of a table to keep as metadata, with commas between: tags,gid,label")
    building = build.add_argument_group("cleaning, choosing and dividing")
    building.add_argument("--without", metavar="RULES", help=f"cleaning rules to switch off, with commas between: {', '.join(RULES)}")
    add_fields(building, BuildSettings, skip=("rules",))


def run(options: argparse.Namespace) -> int:
    return _ACTIONS[options.action](options)


def _build(options: argparse.Namespace) -> int:
    without = _names(options.without)
    for rule in without:
        require_choice("cleaning rule", rule, RULES)
    rules = tuple(rule for rule in BuildSettings.rules if rule not in without)
    settings = BuildSettings(**given_fields(options, BuildSettings) | {"rules": rules})
    reading = ReadOptions(**given_fields(options, ReadOptions) | {"columns": _names(options.columns)})
    for news in build_from_files(options.paths, options.name, settings=settings, options=reading, replace=options.replace):
        _tell(news)
    return _show(options)


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (given or "").split(",") if name.strip())


def _tell(news: Progress | FileEntry) -> None:
    """Progress, to stderr. A file that is still being read says nothing yet."""
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


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {"build": _build, "show": _show}
