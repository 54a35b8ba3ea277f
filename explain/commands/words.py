"""`python -m explain words`: what the Word importance tab shows, as a page, a table, one JSON value or a few plain sentences."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.commands.source import add_text, check_file, check_text, decoded, open_text, write_out
from explain.commands.telling_words import report, summarise
from narrative.commands import DONE
from narrative.commands.output import print_json, say, show_stage
from narrative.errors import ExplainError, SettingsError, require_choice

if TYPE_CHECKING:  # types only: torch comes when the options are read and found good
    from explain.asking import Ask, Text
    from explain.faithfulness import Faithfulness
    from explain.importance import WordImportance
    from explain.method import MethodSettings

# What the registries hold, which would bring torch along; a test holds these against them.
METHODS = (
    "input x gradient", "saliency", "ablation", "occlusion", "gradient shap", "integrated gradients", "lime", "kernel shap", "shapley",
    "noise",
)  # fmt: skip
DEFAULT = "integrated gradients"
UNITS = ("words", "pieces", "sentences")
BASELINES = ("mean", "neutral", "end", "pad")
MOST = 512  # tokens that are asked about at once
BESIDE = ("input x gradient", "ablation")  # quick methods that --check sets beside the map
SETTINGS: dict[str, tuple[type, str]] = {
    "steps": (int, "integrated gradients: points to begin with; more are read where the scores don't add up (default: 32)"),
    "samples": (int, "random methods: how many draws (default: each method's own)"),
    "window": (int, "occlusion: neighbouring words taken away together (default: 3)"),
    "tunnel": (str, "NoiseTunnel around the method: smoothgrad, smoothgrad_sq or vargrad"),
    "tunnel_samples": (int, "NoiseTunnel: how many noisy texts (default: 8)"),
    "tunnel_noise": (float, "NoiseTunnel: its noise, in standard deviations of the word embeddings (default: 0.15)"),
    "noise_rate": (float, "noise: how much large noise is rewarded (default: 0.1)"),
    "noise_steps": (int, "noise: optimiser steps (default: 100)"),
    "noise_seeds": (int, "noise: runs that are averaged (default: 1)"),
    "seed": (int, "of all that is drawn by chance (default: 1)"),
}
LAYERS = "noise_layers"  # the one setting that is yes or no
EPILOG = (
    "Without --completion the word that the model would write next is explained, with one all of it, or the --target in it. Words are "
    "counted from 1 as `words` of the JSON value and the rows of the table are (with the unit words). Every score is one method's view: "
    "--check holds the map against the model. DeepLIFT is left out, for Captum's knows nothing of the layers of a transformer."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add_text(parser, limit=MOST)
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--target", metavar="T", help="a word as it stands in the text (fox; fox#2 for the second), several, or START:STOP")
    asked.add_argument("--contrast", metavar="WORD", help="why the target and not this in its place?")
    asked.add_argument("--method", metavar="M", default=DEFAULT, help=f"{', '.join(METHODS)} (default: {DEFAULT})")
    asked.add_argument("--unit", metavar="U", default=UNITS[0], help=f"{', '.join(UNITS)} (default: {UNITS[0]})")
    told = f"what stands in for a word: {', '.join(BASELINES)} (default: {BASELINES[0]})"
    asked.add_argument("--baseline", metavar="B", default=BASELINES[0], help=told)
    settings = parser.add_argument_group("settings of the methods")
    for name, (kind, told) in SETTINGS.items():
        settings.add_argument(f"--{name.replace('_', '-')}", metavar="M" if kind is str else "N", type=kind, help=told)
    told = "noise: also layer by layer (default: yes)"
    settings.add_argument("--noise-layers", action=argparse.BooleanOptionalAction, help=told)
    out = parser.add_argument_group("what comes out")
    out.add_argument("--check", action="store_true", help="whether the map tells the truth: takes longer than the map")
    out.add_argument("--html", metavar="F", type=Path, help="write the map as one page that opens offline")
    out.add_argument("--csv", metavar="F", type=Path, help="write the map as a table")
    out.add_argument("--json", action="store_true", help="the map as one JSON value")


def run(options: argparse.Namespace) -> int:
    """Read, explain, check if wanted, and give out what was asked for."""
    _check(options)
    settings = _settings(options)
    text = _text(options)
    ask = _ask(options, text, settings)
    importance = _explained(text, ask)
    notes = [*text.notes, *importance.notes]
    faithfulness = None
    if options.check:
        try:
            faithfulness = _checked(text, ask, importance)
        except ExplainError as error:  # the map is there, and is given out
            notes.append(f"Not checked: {error}")
    for note in notes:
        say(note)
    if options.html or options.csv:
        _write(options, importance, faithfulness)
    if options.json:
        print_json(report(importance, faithfulness, notes))
    elif not options.html and not options.csv:
        summarise(importance, faithfulness)
    return DONE


def _check(options: argparse.Namespace) -> None:
    """What can be found wrong before anything heavy is loaded."""
    check_text(options)
    require_choice("method", options.method, METHODS)
    require_choice("unit", options.unit, UNITS)
    require_choice("baseline", options.baseline, BASELINES)
    for name in ("target", "contrast"):
        if getattr(options, name) is not None and not getattr(options, name).strip():
            raise SettingsError(f"--{name} is empty: give a word, or leave it out.")
    for path in filter(None, (options.html, options.csv)):
        check_file(path)


def _settings(options: argparse.Namespace) -> MethodSettings:
    """Raises `SettingsError` for values out of bounds, and for settings that the method has no use for."""
    given = {name: getattr(options, name) for name in (*SETTINGS, LAYERS) if getattr(options, name) is not None}
    from explain.method import MethodSettings
    from explain.methods import METHODS as KNOWN

    require_choice("method", options.method, KNOWN)
    settings, way = MethodSettings.of(given), KNOWN[options.method]
    through = ("tunnel_samples", "tunnel_noise", "seed") if settings.tunnel else ()
    idle = [f"--{name.replace('_', '-')}" for name in given if name not in {*way.uses, *through, "tunnel", "seed"}]
    if idle:
        raise SettingsError(f"{way.title} has no use for {', '.join(idle)} here: leave that out, or take another --method or a --tunnel.")
    if settings.tunnel and not way.tunnels:
        raise SettingsError(f"{way.title} can't go through NoiseTunnel: leave --tunnel out.")
    return settings


def _text(options: argparse.Namespace) -> Text:
    model, source = open_text(options)
    from explain.asking import Text
    from explain.reading import passage_for

    passage, note = passage_for(model, source, limit=MOST if options.limit is None else options.limit)
    return Text(model, passage, tuple(sentence for sentence in (note, passage.trimmed) if sentence))


def _ask(options: argparse.Namespace, text: Text, settings: MethodSettings) -> Ask:
    from explain.asking import NEXT, SPAN, WHOLE, Ask
    from explain.commands.targets import find_target

    aim, places = WHOLE if text.passage.completion else NEXT, (0, 0)
    if options.target is not None:
        aim, places = SPAN, find_target(text.passage, decoded(options.target))
    return Ask(
        aim, *places, instead=decoded(options.contrast or ""), method=options.method, unit=options.unit, baseline=options.baseline,
        settings=settings,
    )  # fmt: skip


def _explained(text: Text, ask: Ask) -> WordImportance:
    from explain.methods import METHODS as KNOWN
    from explain.methods import estimate, explain_words

    question = text.question(ask)
    rows = estimate(ask.method, len(question.spans(ask.unit)), ask.settings, contrast=bool(question.instead))
    with_progress = _telling(f"{KNOWN[ask.method].title} reads the text", rows)
    found = explain_words(
        text.model, question, method=ask.method, settings=ask.settings, unit=ask.unit, baseline=ask.baseline, tick=with_progress
    )
    show_stage("", 1)
    return found


def _checked(text: Text, ask: Ask, importance: WordImportance) -> Faithfulness:
    """The map held against the model, and against those of quick methods."""
    from explain.faithfulness import check_map, check_passes
    from explain.methods import explain_words

    asked: dict[str, Any] = {"unit": ask.unit, "baseline": ask.baseline}
    others = [
        explain_words(text.model, importance.question, method=name, tick=_telling("Other methods read the text", 1000), **asked)
        for name in BESIDE
        if name != ask.method
    ]
    with_progress = _telling("The map is checked", check_passes(importance))
    found = check_map(text.model, importance, baseline=ask.baseline, others=others, tick=with_progress)
    show_stage("", 1)
    return found


def _telling(stage: str, rows: float) -> Callable[[int], None]:
    """What tells of every row read, of about so many."""
    done = 0

    def tick(read: int) -> None:
        nonlocal done
        done += read
        show_stage(stage, min(done / max(rows, 1), 0.98))

    return tick


def _write(options: argparse.Namespace, importance: WordImportance, faithfulness: Faithfulness | None) -> None:
    from explain.word_views.page import word_page
    from explain.word_views.sentences import question_line, sentence_of
    from explain.word_views.tables import importance_csv

    write_out(options.html, lambda: word_page(importance, title=question_line(importance), faithfulness=faithfulness), "The page")
    write_out(options.csv, lambda: importance_csv(importance), "The table")
    say(sentence_of(importance) if faithfulness is None else f"{sentence_of(importance)} {faithfulness.sentence}")
