"""`python -m explain attention`: what the Attention tab shows, as a page, a table, one JSON value or a few plain sentences."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from explain.commands.source import add_text, check_file, check_text, open_text, write_out
from explain.commands.telling import most_changed, report, summarise
from narrative.commands import DONE
from narrative.commands.output import print_json, say, show_stage
from narrative.errors import SettingsError, require_choice, require_whole

if TYPE_CHECKING:  # types only: torch comes when the options are read and found good
    from explain.compare import AttentionDifference
    from explain.reading import Look, Opened

VIEWS = ("head", "model", "neuron", "heatmap")
PARTS = ("self", "encoder", "decoder", "cross")
MOST_SHOWN = 256  # as `explain.passage` has it, which would bring torch along
EPILOG = (
    "Attention is where a model looks, which is not proof of why it wrote something. Without --html, --csv and --json a short summary is "
    "printed. In the JSON, `labels` say what each head does on this text and `strength` how clearly, by layer; `prompt_tokens` of the "
    "`tokens` are the prompt's."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add_text(parser, limit=MOST_SHOWN)
    look = parser.add_argument_group("how to look at it")
    look.add_argument("--view", metavar="V", help=f"what --html and --csv give: {', '.join(VIEWS)} (default: head)")
    look.add_argument("--layer", metavar="N", type=int, help="counted from 1 (default: 1)")
    look.add_argument("--head", metavar="N", type=int, help="counted from 1 (default: all, or the first where a view shows one)")
    unit = look.add_mutually_exclusive_group()
    unit.add_argument(
        "--pieces", dest="unit", action="store_const", const="pieces", help="by the tokens that the model reads (the default)"
    )
    unit.add_argument("--words", dest="unit", action="store_const", const="words", help="by words")
    look.add_argument(
        "--hide-sink", action="store_true", help="leave the first word out, where attention rests that has nowhere else to go"
    )
    look.add_argument("--part", metavar="P", help="of an encoder-decoder: encoder, decoder or cross (default: decoder)")
    look.add_argument("--compare", metavar="MODEL", help="a second model on the same text: what is given is the difference, MODEL minus M")
    out = parser.add_argument_group("what comes out")
    out.add_argument("--html", metavar="F", type=Path, help="write the view as one page that opens offline")
    out.add_argument("--csv", metavar="F", type=Path, help="write what the view draws as a table")
    out.add_argument("--json", action="store_true", help="what each head does, as one JSON value")
    out.add_argument("--full", action="store_true", help="with --json: every weight too")


def run(options: argparse.Namespace) -> int:
    """Read, look, and give out what was asked for."""
    _check(options)
    opened = _open(options)
    look = _look(options, opened)
    compared = _compared(options, opened, look) if options.compare else None
    for note in opened.notes:
        say(note)
    if options.html or options.csv:
        _write(options, opened, look, compared)
    if options.json:
        print_json(report(opened, look, compared, full=options.full))
    elif not options.html and not options.csv:
        summarise(opened, look, compared)
    return DONE


def _check(options: argparse.Namespace) -> None:
    """What can be found wrong before anything heavy is loaded."""
    check_text(options)
    if options.view is not None:
        require_choice("view", options.view, VIEWS)
    if options.part is not None:
        require_choice("kind of attention", options.part, PARTS)
    if options.view == "neuron" and (options.unit == "words" or options.hide_sink):
        raise SettingsError("The neuron view shows every token, for only tokens have vectors: leave --words and --hide-sink out.")
    if options.compare is not None and options.view is not None:
        raise SettingsError("--compare gives the difference as a heat map: leave --view out.")
    if options.full and not options.json:
        raise SettingsError("--full belongs to --json: every weight stands in the JSON value.")
    for path in filter(None, (options.html, options.csv)):
        check_file(path)


def _open(options: argparse.Namespace) -> Opened:
    """The passage under the model, captured."""
    model, source = open_text(options)
    from explain.reading import captured, passage_for

    return captured(model, *passage_for(model, source, limit=MOST_SHOWN if options.limit is None else options.limit))


def _look(options: argparse.Namespace, opened: Opened) -> Look:
    """Raises `SettingsError` for a layer, head or part that this model doesn't have."""
    from explain.reading import Look

    one = opened.pieces.map(options.part)
    for what, value, high in (("layer", options.layer, one.layers), ("head", options.head, one.heads)):
        if value is not None:
            require_whole(what, value, low=1, high=high)
    head = None if options.head is None else options.head - 1
    return Look(
        view="difference" if options.compare else options.view or "head", unit=options.unit or "pieces", hide_sink=options.hide_sink,
        part=one.name, layer=(options.layer or 1) - 1, head=head, compare=options.compare or "",
    )  # fmt: skip


def _compared(options: argparse.Namespace, opened: Opened, look: Look) -> AttentionDifference:
    from explain.compare import difference
    from explain.reading import captured, passage_again
    from narrative.models import load_model

    other = load_model(options.compare, progress=show_stage)
    again = captured(other, passage_again(other, opened.passage))
    return difference(opened.maps(look), again.maps(look), name=look.part)


def _write(options: argparse.Namespace, opened: Opened, look: Look, compared: AttentionDifference | None) -> None:
    from explain.reading import draw_picture

    if compared is not None and options.layer is None and options.head is None:
        look = most_changed(look, compared)
    picture = draw_picture(opened, look, compared=compared)
    write_out(options.html, picture.html, "The page")
    write_out(options.csv, picture.csv, "The table")
    say(picture.sentence.strip())
