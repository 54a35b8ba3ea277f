"""Results -> what the page draws: plain values, every text in them set as text by the scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from explain.ablation import AblationMap, HeadEffect
from explain.compare import AttentionDifference
from explain.plots import ROLE_COLOURS, ablation_figure, distance_map, overview
from explain.reading import Look, Opened, Picture, Source, WordReport
from explain.reading.picture import percent
from explain.results import ENCODER, TITLES
from explain.roles import ROLES
from explain.tabs.texts import draft_line, run_of
from explain.words import Span
from narrative.models import SEQ2SEQ

Data = dict[str, Any]


def draw_text(opened: Opened, look: Look, *, source: Source, sheet: str, models: Sequence[tuple[str, str]]) -> Data:
    """The text to click in, and what can be chosen for this model."""
    one = opened.map(look)
    passage = opened.passage
    runs = [run_of(passage.sequence, one.queries if one.name != ENCODER else _spans(opened, look), passage.written_from)]
    if passage.kind == SEQ2SEQ:
        prompt = next(entry for entry in opened.maps(look).maps if entry.name == ENCODER)
        runs.insert(0, run_of(passage.encoder, prompt.queries, len(passage.encoder)))
    return {
        "runs": runs, "encoder": passage.kind == SEQ2SEQ, "notes": opened.notes, "model": opened.model.name,
        "layers": one.layers, "heads": one.heads, "part": one.name,
        "parts": [[entry.name, TITLES[entry.name]] for entry in opened.pieces.maps], "models": list(models),
        "layer": look.layer, "head": look.head, "place": look.place, "line": draft_line(source), "sink": one.keys[0].label,
        "draft": source.draft.id if source.draft else "", "sheet": sheet, "until": source.until,
    }  # fmt: skip


def _spans(opened: Opened, look: Look) -> tuple[Span, ...]:
    """The queries of the decoder, while the encoder is looked at."""
    return next(entry for entry in opened.maps(look).maps if entry.name != ENCODER).queries


def draw_overview(opened: Opened, look: Look, compared: AttentionDifference | None = None) -> Data:
    """What every head does, and the sentence of the chosen one; of two models, how far each head moved."""
    if compared is not None:
        told = f"How much of its attention each head moves between {compared.base} and {compared.tuned}: the darker, the more."
        return draw_figure(distance_map(compared)) | {"sentence": told}
    one = opened.map(look)
    roles = opened.roles(one.name)
    figure = overview(roles, chosen=None if look.head is None else (look.layer, look.head))
    figure.update_layout(showlegend=False, margin_t=8)  # the list below it is the legend
    drawn = draw_figure(figure)
    names = sorted({name for layer in roles.names for name in layer}, key=list(ROLES).index)
    counts = [
        {
            "title": ROLES[name].title, "colour": ROLE_COLOURS[name], "meaning": ROLES[name].sentence,
            "count": sum(layer.count(name) for layer in roles.names),
        }
        for name in names
    ]  # fmt: skip
    told = "" if roles.repeats else "Too little is repeated here for heads that go on as before (induction) to show themselves."
    chosen = ""
    if look.head is not None:
        name, strength = roles.names[look.layer][look.head], float(roles.strength[look.layer, look.head])
        what = f"{ROLES[name].title.lower()} ({percent(strength)})" if strength else ROLES[name].title.lower()
        chosen = f"Layer {look.layer + 1}, head {look.head + 1}: {what}. {ROLES[name].sentence}"
    return drawn | {"counts": counts, "sentence": told, "chosen": chosen}


def draw_figure(figure: Any) -> Data:
    """Numbers travel in Plotly's own compact form."""
    return {"figure": json.loads(figure.to_json())}


def draw_view(picture: Picture) -> Data:
    drawn = draw_figure(picture.figure) if picture.figure is not None else {"page": picture.page}
    return drawn | {"view": picture.view, "title": picture.title, "sentence": picture.sentence}


def draw_about(report: WordReport | None) -> Data:
    """Which heads look from the chosen word, and the lens."""
    if report is None:
        return {"word": ""}
    glances = [
        {"layer": one.layer, "head": one.head, "targets": [[report.keys[key], weight] for key, weight in one.targets]}
        for one in report.glances
    ]
    return {"word": report.span.label, "glances": glances, "lens": _lens(report), "why": report.why_no_lens}


def _lens(report: WordReport) -> Data | None:
    told = report.lens
    if told is None:
        return None
    layers = [
        {
            "layer": row.layer, "guess": row.guesses[0].label, "probability": row.guesses[0].probability, "actual": row.probability,
            "rank": row.rank, "more": [[guess.label, guess.probability] for guess in row.guesses[1:]],
        }
        for row in told.layers
    ]  # fmt: skip
    last = told.layers[-1]
    final, count = last.guesses[0].label, len(told.layers) - 1
    when = (
        "only at the very end"
        if told.settled == count
        else f"after layer {told.settled} of {count}"
        if told.settled
        else "before any layer"
    )
    sentence = f"The model's first choice here, “{final}”, stands {when}."
    if told.actual is not None and last.rank is not None and last.rank > 1:
        sentence += f" “{told.actual.label}” itself ends as choice {last.rank:,}."
    return {"layers": layers, "settled": told.settled, "sentence": sentence, "actual": told.actual.label if told.actual else ""}


def draw_effect(effect: HeadEffect, look: Look, words: str) -> Data:
    """One head taken out, in a sentence."""
    return {"sentence": effect_sentence(effect.change, words, look.layer, look.head or 0, look.kind)}


def effect_sentence(change: float, words: str, layer: int, head: int, kind: str) -> str:
    """`change`: log-probability without the head minus with it, in nats."""
    way = "Without" if kind == "zero" else "With its average instead of"
    what = f"{way} head {head + 1} of layer {layer + 1}"
    if abs(change) < 0.01:
        return f"{what}, {words} is as likely as before ({change:+.3f} nats): here this head hardly matters."
    times = math.exp(min(abs(change), 50))
    size = "more than a million times" if times > 1e6 else f"{times:,.0f} times" if times >= 10 else f"{times:.1f} times"
    size = size if times >= 1.5 else percent(times - 1)
    return f"{what}, {words} is {size} {'less' if change < 0 else 'more'} likely ({change:+.2f} nats)."


def draw_survey(result: AblationMap, look: Look, words: str, *, stopped: bool) -> Data:
    """All heads taken out in turn, as far as it is worked out."""
    layers = result.effects.shape[0]
    done = result.done == layers
    state = "" if done else f"Stopped after layer {result.done} of {layers}. " if stopped else f"Layer {result.done} of {layers}… "
    way = "taken out" if look.kind == "zero" else "set to its average"
    sentence = (
        f"{state}What becomes of {words} when each head is {way}: brown, it is less likely, so the head helped; teal, it is more "
        "likely. The numbers are changes in log-probability (nats: 0.7 is half or twice as likely)."
    )
    return draw_figure(ablation_figure(result)) | {"sentence": sentence, "done": done or stopped, "whole": done}
