"""Results -> what the page draws: plain values, every text in them set as text by the scripts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from explain.asking import Ask, Comparison, Text
from explain.faithfulness import Faithfulness, Measure
from explain.importance import LOW, WordImportance
from explain.methods import METHODS
from explain.tabs.texts import Origin, draft_line, run_of
from explain.word_views.plots import bar_chart, comparison, curves, layer_map
from explain.word_views.sentences import layers_sentence, method_title, number, question_line, sentence_of
from explain.word_views.shading import Strip, shade
from explain.words import words_as_spans
from narrative.generation import Draft
from narrative.models import SEQ2SEQ
from narrative.studio import brief

Data = dict[str, Any]


def draw_text(text: Text, ask: Ask, *, origin: Origin, models: Sequence[tuple[str, str]], drafts: Sequence[Draft]) -> Data:
    """The words to click in, and what can be chosen for this text."""
    passage = text.passage
    runs = [run_of(passage.sequence, text.words(), passage.written_from)]
    encoder = words_as_spans(passage.encoder) if passage.kind == SEQ2SEQ else ()
    if encoder:
        runs.insert(0, run_of(passage.encoder, encoder, len(passage.encoder)))
    offset, own = len(passage.encoder) if encoder else 0, origin.source.draft
    axis = [[[word[0], word[1] + shift, stop + shift, word[2], word[3]] for word, stop in zip(run, _stops(run, end), strict=True)]
            for run, shift, end in zip(runs, (0, offset) if encoder else (0,), _ends(text, bool(encoder)), strict=True)]  # fmt: skip
    return {
        "id": _identity(text), "runs": runs, "axis": axis, "end": len(passage.sequence), "notes": text.notes, "model": text.model.name,
        "models": list(models), "drafts": [[f"Draft {one.number + 1}", f"draft:{one.id}"] for one in drafts if own and one.id != own.id],
        "ways": [[way.title, f"method:{name}"] for name, way in METHODS.items()], "written": bool(passage.completion),
        "line": draft_line(origin.source), "draft": own.id if own else "", "sheet": origin.sheet, "until": origin.source.until,
        "aim": ask.aim, "start": ask.start, "stop": ask.stop, "instead": ask.instead,
        "methods": {
            name: {"uses": way.uses, "tunnels": way.tunnels, "baseline": way.baseline, "sentence": f"{way.sentence} ({way.source}.)"}
            for name, way in METHODS.items()
        },
    }  # fmt: skip


def _ends(text: Text, encoder: bool) -> list[int]:
    return [*([len(text.passage.encoder)] if encoder else []), len(text.passage.sequence)]


def _stops(run: Sequence[Sequence[Any]], end: int) -> list[int]:
    return [*(word[1] for word in run[1:]), end]


def _identity(text: Text) -> str:
    """A short name for this text under this model: the page asks by it whether a map belongs to what it shows."""
    return hashlib.sha256(repr((text.model.fingerprint, text.passage)).encode()).hexdigest()[:16]


def draw_map(text: Text, importance: WordImportance, *, limit: float | None = None) -> Data:
    """The shaded text with its legend, its sentence and its figures."""
    drawn = draw_strip(importance, shade(importance, limit=limit)) | {
        "text": _identity(text), "title": f"{question_line(importance)} · {method_title(importance)}", "sentence": sentence_of(importance),
        "notes": [*text.notes, *importance.notes, *_facts(importance)], "bars": _figure(bar_chart(importance)), "layers": None,
    }  # fmt: skip
    if importance.layers is not None:
        drawn |= {"layers": _figure(layer_map(importance)), "layers_told": layers_sentence(importance)}
    return drawn


def draw_strip(importance: WordImportance, strip: Strip) -> Data:
    """[text, start, stop, written, bare, colour, what the pointer says, target] a word; the encoder's words stand in a run of their own."""
    offset = importance.question.offset
    runs: list[list[Any]] = [[], []]
    for word, span in zip(strip.words, importance.words, strict=True):
        own, shift = (1, offset) if span.start >= offset else (0, 0)
        bare = not word.text.strip()
        shown = word.text + span.label if bare else word.text
        runs[own].append([shown, span.start - shift, span.stop - shift, word.own, bare, word.colour, word.told, word.target])
    return {
        "runs": [run for run in runs if run], "legend": [strip.low, strip.high], "gradient": strip.gradient,
    }  # fmt: skip


def _facts(importance: WordImportance) -> list[str]:
    """What a reader must know to read the numbers."""
    question = importance.question
    what = f"“{brief(question.label, 60)}” has a log-probability of {number(importance.before)} nats here."
    if question.instead:
        what = f"The two differ by {number(importance.before, signed=True)} nats of log-probability here."
    stand = f"In place of a word that is taken away stands {importance.baseline}." if importance.baseline else ""
    low = "Low = important: what is shown is the noise that a word can bear." if importance.direction == LOW else ""
    return [sentence for sentence in (what, stand, low) if sentence]


def draw_other(compared: Comparison) -> Data:
    """The second map beside the first, on one scale where they have one."""
    other = compared.other
    pair = _figure(comparison(compared.one, other, titles=compared.titles)) if compared.kind != "draft" else None
    told = f"{sentence_of(other)} {compared.sentence}"
    title = f"Beside it · {compared.titles[1]}"
    return draw_strip(other, shade(other, limit=compared.limit)) | {"title": title, "sentence": told, "pair": pair}


def draw_check(found: Faithfulness) -> Data:
    return {
        "rows": [_row(one) for one in found.measures], "sentence": found.sentence, "notes": list(found.notes),
        "curves": _figure(curves(found)) if found.curves else None,
    }  # fmt: skip


def _row(one: Measure) -> list[str]:
    arrow = "↑" if one.better == "higher" else "↓"
    how = f" ({one.how})" if one.how else ""
    values = ["" if value is None else number(value) for value in (one.value, one.random, one.oracle)]
    return [f"{one.title}{how} {arrow}", one.sentence, *values]


def _figure(figure: Any) -> Data:
    drawn: Data = json.loads(figure.to_json())
    return drawn
