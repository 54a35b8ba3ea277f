"""One HTML document of word importance: it opens offline, may ask no host for anything, and is light or dark as its reader's system is."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from explain.importance import DIFFERS, DIRECTIONS, HIGH, LOW, RAISES
from explain.methods import METHODS
from explain.plots import chart_html
from explain.word_views.plots import bar_chart, comparison, curves, layer_map
from explain.word_views.sentences import layers_sentence, method_title, number, percent, question_line, sentence_of, signless
from explain.word_views.shading import Shaded, Strip, common_limit, same_scale, shade
from narrative import __version__
from narrative.text import writable

if TYPE_CHECKING:
    from explain.faithfulness import Faithfulness, Measure
    from explain.importance import WordImportance

ARROWS = {"higher": " ↑", "lower": " ↓"}  # beside a test: which way is better
_BARS = {
    RAISES: "Strongest first. Each bar is what one word does where it stands; words that come twice have their number in the text.",
    DIFFERS: "Strongest first. Each bar is how much more a word matters for the one than for the other.",
    HIGH: "Strongest first. The bars tell how much, not whether for or against; words that come twice have their number in the text.",
    LOW: "Least noise, most important, first. Words that come twice have their number in the text.",
}
_INK = """<script>
const dark = matchMedia('(prefers-color-scheme: dark)');
const ink = () => document.querySelectorAll('.js-plotly-plot').forEach(
  figure => Plotly.relayout(figure, { 'font.color': dark.matches ? '#c9c6bf' : '#3c4046' }));
dark.addEventListener('change', ink); ink();
</script>"""


def word_page(
    importance: WordImportance,
    *,
    title: str,
    other: WordImportance | None = None,
    titles: tuple[str, str] | None = None,
    faithfulness: Faithfulness | None = None,
    sentence: str = "",
    figures: bool = True,
) -> str:
    """The page as text. `other`: a second map beside the first, on one scale where their numbers mean the same; `titles` name the two.

    `sentence` stands in for the one that the map says by itself. Without `figures` there is no script in the page, and no library.
    """
    limit = common_limit(importance, other) if other is not None and same_scale(importance, other) else None
    sections = [_map(importance, limit, sentence or sentence_of(importance))]
    if other is not None:
        sections.append(_map(other, limit, sentence_of(other)))
    if figures:
        sections += [
            f"<section><h2>{_safe(heading)}</h2>{chart_html(figure, name=f'figure{place}')}{_plain(told)}</section>"
            for place, (heading, figure, told) in enumerate(_figures(importance, other, titles, faithfulness))
        ]
    if faithfulness is not None:
        sections.append(_checks(faithfulness))
    sections.append(_settings(importance, other))
    page = (Path(__file__).parent / "assets" / "words_page.html").read_text(encoding="utf-8")
    return Template(page).substitute(
        title=_safe(title), sections="\n".join(sections), source=_source(importance, other),
        library=f"<script>{get_plotlyjs()}</script>" if figures else "", script=_INK if figures else "",
    )  # fmt: skip


def strip_html(strip: Strip) -> str:
    """The shaded text: a span a word, its numbers under the pointer, a dotted line where the model's own text begins."""
    written = next((word.place for word in strip.words if word.own and word.text), None)
    begins = '<span class="begins" title="From here on the model wrote."></span>'
    return "".join((begins if word.place == written and word.place else "") + _word(word, boxed=strip.boxed) for word in strip.words)


def _word(word: Shaded, *, boxed: bool) -> str:
    """A word's leading space stays outside its colour; a line break is shown by a sign of its own, which is no part of the text."""
    if not word.text and not word.counts:
        return ""  # a sign of the model's own
    inner = word.text.lstrip() or word.text * ("\n" not in word.text)  # spaces of their own have a width to be coloured
    lead, trail = (word.text.removesuffix(inner), "") if inner else ("", word.text)
    kinds = {"target": word.target and boxed, "lined": word.target and not boxed, "piece": not word.text, "blank": bool(trail)}
    kind = " ".join(name for name, holds in kinds.items() if holds)
    style = f' style="background:{word.colour}"' if word.colour else ""
    named = f' class="{kind}"' if kind else ""
    return f'{_safe(lead)}<span{named}{style} title="{_safe(word.told)}">{_safe(inner)}</span>{_safe(trail)}'


def _map(importance: WordImportance, limit: float | None, sentence: str) -> str:
    strip = shade(importance, limit=limit)
    heading = f"{question_line(importance)} · {method_title(importance)} · {importance.question.passage.model}"
    legend = f'{_safe(strip.low)}<i style="background:{strip.gradient}"></i>{_safe(strip.high)}'
    return (
        f'<section><h2>{_safe(heading)}</h2><p class="text" dir="auto">{strip_html(strip)}</p><div class="legend">{legend}</div>'
        f"{_plain(sentence)}{_listed(_facts(importance))}</section>"
    )


def _facts(importance: WordImportance) -> Iterable[tuple[str, str]]:
    question, known = importance.question, METHODS.get(importance.method)
    likely = f"{number(importance.before, digits=4)} nats of log-probability"
    if question.instead:
        likely = f"{number(importance.before, digits=4, signed=True)} nats more likely than the other words"
    elif importance.before > math.log(1e-4):
        likely += f" ({number(100 * math.exp(importance.before))} %)"
    yield "How likely it was", likely
    if known:
        yield "Method", f"{known.sentence} ({known.source})"
    direction = "the sign tells which of the two a word matters more for" if signless(importance) else DIRECTIONS[importance.direction]
    yield "How to read it", f"{direction[:1].upper()}{direction[1:]}."
    yield "Stands in for a word", importance.baseline or "nothing: no word is taken away"
    prompt, own = importance.shares()
    if prompt or own:
        yield "Weight", f"{percent(prompt)} on the prompt, {percent(own)} on the model's own text"
    yield "Counted in", importance.unit
    for note in (*importance.notes, question.passage.trimmed):
        if note:
            yield "Note", note


def _figures(
    importance: WordImportance, other: WordImportance | None, titles: tuple[str, str] | None, faithfulness: Faithfulness | None
) -> Iterable[tuple[str, go.Figure, str]]:
    """Heading, figure, sentence."""
    if other is not None:
        told = "Each line is one word: the further apart its two marks, the less the maps agree on it."
        yield "The two maps, word by word", comparison(importance, other, titles=titles or _titles(importance, other)), told
    yield "The strongest words", bar_chart(importance), _BARS[importance.direction]
    if importance.layers is not None:
        yield "How much noise each word can bear, layer by layer (low = important)", layer_map(importance), layers_sentence(importance)
    if faithfulness is not None and faithfulness.curves:
        told = "The grey band is random orders: a map whose line lies within it tells no more than chance."
        yield "What happens when words go, and when they come back", curves(faithfulness), told


def _titles(one: WordImportance, other: WordImportance) -> tuple[str, str]:
    """What tells two maps apart: the method, the model, or only their order."""
    tellings: tuple[Callable[[WordImportance], str], ...] = (method_title, lambda each: each.question.passage.model, question_line)
    for telling in tellings:
        if telling(one) != telling(other):
            return telling(one), telling(other)
    return "first", "second"


def _checks(faithfulness: Faithfulness) -> str:
    """The measures, each beside what chance gives; what the other methods say; the verdicts in words, last."""
    rows = [
        (
            f"{one.title}{ARROWS.get(one.better, '')}", one.how, _value(one), _amount(one.random, one.spread),
            _amount(one.oracle), _amount(one.worst),
        )
        for one in faithfulness.measures
    ]  # fmt: skip
    heads = ("test", "how", "this map", "random", "leaving out each alone", "map turned round")
    told = "↑ higher is better, ↓ lower is better. No single number says whether a map is true: look at all of them beside random orders."
    alike = [
        (METHODS[name].title if name in METHODS else name, number(value) if math.isfinite(value) else "no order")
        for name, value in faithfulness.agreement.items()
    ]
    if faithfulness.randomised is not None:
        alike.append(("this method, the model's weights shuffled", f"{faithfulness.randomised:.2f}"))
    agreement = _table(("the same order of words as", "rank correlation"), alike, words=1) if alike else ""
    said = [(one.title, one.sentence) for one in faithfulness.measures] + [("Note", note) for note in faithfulness.notes]
    return (
        f'<section><h2>Does this map tell the truth?</h2><div class="wide">{_table(heads, rows, words=2)}{agreement}</div>'
        f"{_plain(faithfulness.sentence)}{_plain(told)}{_listed(said)}</section>"
    )


def _settings(importance: WordImportance, other: WordImportance | None) -> str:
    maps = [one for one in (importance, other) if one is not None]
    parts = [f"<h2>Settings · {_safe(method_title(one))}</h2>{_listed(_used(one)) or _plain('None.')}" for one in maps]
    return f"<section>{''.join(parts)}</section>"


def _used(importance: WordImportance) -> list[tuple[str, str]]:
    """The settings that this method uses, where that is known."""
    known, settings = METHODS.get(importance.method), importance.settings
    tunnel = ("tunnel", "tunnel_samples", "tunnel_noise") if settings.get("tunnel") else ()
    names = {*known.uses, *tunnel, "seed"} if known else set(settings)
    return [(name.replace("_", " "), str(value)) for name, value in settings.items() if name in names]


def _source(*maps: WordImportance | None) -> str:
    """Which models' texts these are, and which version of Narrative made the page."""
    passages = dict.fromkeys((one.question.passage.model, one.question.passage.fingerprint) for one in maps if one is not None)
    models = "; ".join(f"{model} (fingerprint of its weights {fingerprint})" for model, fingerprint in passages)
    return _safe(f"Model: {models}. Made by Narrative {__version__}; the scores are the model's, as the method sees it.")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, words: int) -> str:
    """The first `words` columns are words, the others numbers."""
    kinds = ["" if place < words else ' class="num"' for place in range(len(heads))]
    top = "".join(f"<th{kind}>{_safe(head)}</th>" for kind, head in zip(kinds, heads, strict=True))
    lines = "".join(f"<tr>{''.join(f'<td{kind}>{_safe(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _listed(entries: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{_safe(name)}</dt><dd>{_safe(told)}</dd>" for name, told in entries)
    return f"<dl>{lines}</dl>" if lines else ""


def _plain(sentence: str) -> str:
    return f'<p class="plain">{_safe(sentence)}</p>' if sentence else ""


def _value(measure: Measure) -> str:
    return f"{number(100 * measure.value)} %" if measure.name == "completeness" else _amount(measure.value)


def _amount(value: float | None, spread: float | None = None) -> str:
    if value is None or not math.isfinite(value):
        return ""  # there is no such thing
    return number(value, digits=3) + (f" ± {number(spread)}" if spread is not None and math.isfinite(spread) else "")


def _safe(text: str) -> str:
    return html.escape(writable(text))
