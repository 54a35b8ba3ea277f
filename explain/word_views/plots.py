"""Plotly figures of word importance: maps in, a figure out. Nothing is measured here.

Conventions as in `plots`. Clickable marks carry `customdata` = [word, counted from 0], cells of layers [word, layer].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explain.colours import BROWN, INK_BLUE, PLUM, TEAL, faded
from explain.importance import LOW
from explain.plots import GRID, MOST_TICKS, TEXT, base_axis, base_layout, colour_bar, short_label
from explain.word_views.pairs import Compared, Pair, compared
from explain.word_views.sentences import named, number, signless
from explain.word_views.shading import told
from narrative.plots import plain

if TYPE_CHECKING:
    from explain.faithfulness import Curve, Faithfulness
    from explain.importance import WordImportance

MOST = 30  # words of one chart: more nobody reads
_ROW, _CELL, _HIGHEST = 22, 22, 760  # pixels
_FAINTEST = 0.06  # of a cell whose word bears any noise
_CURVES = {"deletion": "Taking words away", "insertion": "Putting words back"}
_ACROSS = "of the words, strongest first"
_SIDE_BY_SIDE = 2  # curves in a row


def bar_chart(importance: WordImportance, *, most: int = MOST) -> go.Figure:
    """The strongest words first, each one by itself even where it reads like another. Error bars are the spread between seeds.

    Noise is drawn as points on a logarithmic axis: it has no zero for a bar to stand on.
    """
    weight, counted = importance.weight(), importance.counted()
    order = [place for place in np.argsort(-weight, kind="stable").tolist() if counted[place]][:most]
    values = [float(importance.scores[place]) for place in order]
    across = {"title": {"text": _scale_of(importance) + _left_out(len(order), int(counted.sum()))}, "showgrid": True, "zeroline": True}
    marks: dict[str, Any] = {
        "x": values, "y": list(range(len(order))), "customdata": [[place] for place in order], "hoverinfo": "text",
        "hovertext": [plain(told(importance, place, counts=True)) for place in order], "showlegend": False,
    }  # fmt: skip
    if importance.spread is not None:
        marks["error_x"] = {"array": [float(importance.spread[place]) for place in order], "color": TEXT, "thickness": 1.2, "width": 3}
    if importance.direction == LOW:
        trace = go.Scatter(mode="markers", marker={"color": INK_BLUE, "size": 9}, **marks)
        across |= _ratios(values)
    else:
        colours = [INK_BLUE if not importance.signed else TEAL if value > 0 else BROWN for value in values]
        trace = go.Bar(orientation="h", marker={"color": colours}, **marks)
    return _by_rows(go.Figure(trace), [_row_label(importance, place) for place in order], across)


def layer_map(importance: WordImportance) -> go.Figure:
    """Layer x word, layer 1 on top: the deeper the colour, the less noise the layer's state can bear on that word. NaN stays blank.

    Words after the last one that counts are left out.
    """
    noise = np.asarray(importance.layers if importance.layers is not None else np.empty((0, len(importance.words))), dtype=np.float64)
    words = int(np.flatnonzero(importance.counted()).max(initial=0)) + 1
    noise = np.where(np.isfinite(noise) & (noise > 0) & importance.counted(), noise, np.nan)[:, :words]
    most = float(np.nanmax(noise)) if np.isfinite(noise).any() else 1.0
    strength = np.log(most / noise)
    limit = max(float(np.nanmax(strength)) if np.isfinite(strength).any() else 0.0, math.log(2))
    layers = len(noise)
    names = [named(importance, place) for place in range(words)]
    ticks = np.linspace(0, limit, 4)
    bar = colour_bar("noise it can bear", suffix="") | {
        "tickmode": "array", "tickvals": ticks.tolist(), "ticktext": [number(most * math.exp(-one)) for one in ticks],
    }  # fmt: skip
    heat = go.Heatmap(
        z=[[None if math.isnan(one) else round(one, 5) for one in row] for row in strength.tolist()],
        x=list(range(words)), y=list(range(1, layers + 1)), xgap=2, ygap=2, zmin=0, zmax=limit, hoverongaps=False, hoverinfo="text",
        colorscale=[[0, faded(INK_BLUE, _FAINTEST)], [1, INK_BLUE]], colorbar=bar, name="",
        hovertext=[[_cell_told(name, layer, value) for name, value in zip(names, row, strict=True)] for layer, row in enumerate(noise)],
        customdata=[[[word, layer] for word in range(words)] for layer in range(layers)],
    )  # fmt: skip
    figure = go.Figure(heat, base_layout(height=min(_HIGHEST, 90 + max(layers, 3) * _CELL)))
    across, downwards = _layer_axes([span.label for span in importance.words[:words]], layers)
    return figure.update_layout(xaxis=across, yaxis=downwards, margin_b=12)


def _layer_axes(words: Sequence[str], layers: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The words stand above their columns; of many every second, third, ... is named."""
    labels = [short_label(word) for word in words]
    step = max(1, -(-len(labels) // MOST_TICKS))
    across = {
        "side": "top", "tickmode": "array", "tickvals": list(range(0, len(labels), step)), "ticktext": labels[::step],
        "range": [-0.5, len(labels) - 0.5], "tickangle": 0 if sum(map(len, labels)) < 70 else -60,
    }  # fmt: skip
    downwards = {"title": {"text": "layer", "standoff": 4}, "range": [layers + 0.5, 0.5], "dtick": 1 if layers <= 24 else 4, "tick0": 1}
    return base_axis() | across, base_axis() | downwards


def comparison(one: WordImportance, other: WordImportance, *, titles: tuple[str, str], most: int = MOST) -> go.Figure:
    """Each word with its two values and the way between them, furthest from nothing first. Clicks give the word of `one`, or -1."""
    both = compared(one, other)
    pairs = _furthest(both, most)
    figure = go.Figure()
    ways: tuple[list[float | None], list[float | None]] = ([], [])
    for row, pair in enumerate(pairs):
        ways[0].extend((*(_known(value) for value in both.values(pair)), None))
        ways[1].extend((row, row, None))
    figure.add_trace(go.Scatter(x=ways[0], y=ways[1], mode="lines", line={"color": GRID, "width": 3}, hoverinfo="skip", showlegend=False))
    looks = (("circle", INK_BLUE), ("diamond", PLUM))
    for side, (title, importance, (symbol, tone)) in enumerate(zip(titles, (one, other), looks, strict=True)):
        places = [pair.one if side == 0 else pair.other for pair in pairs]
        figure.add_trace(go.Scatter(
            x=[_known(both.values(pair)[side]) for pair in pairs], y=list(range(len(pairs))), mode="markers", name=plain(title),
            marker={"symbol": symbol, "size": 10, "color": tone}, customdata=[[-1 if pair.one is None else pair.one] for pair in pairs],
            hoverinfo="text", hovertext=["" if place is None else plain(f"{title}: {told(importance, place)}") for place in places],
        ))  # fmt: skip
    across = {"title": {"text": both.scale + _left_out(len(pairs), _shown(both))}, "showgrid": True, "zeroline": not both.logarithmic}
    labels = [_row_label(one, pair.one) if pair.one is not None else _row_label(other, pair.other or 0) for pair in pairs]
    figure = _by_rows(figure, labels, across | (_ratios([*both.one, *both.other]) if both.logarithmic else {}))
    return figure.update_layout(showlegend=True, margin_t=44)


def curve_chart(curve: Curve) -> go.Figure:
    """The target as words go or come in this map's order, beside random orders (the band: all but a tenth at either end)
    and the order of leaving out each word alone."""
    figure = go.Figure(_curve_traces(curve), base_layout(height=280))
    axes = _curve_axes()
    return figure.update_layout(xaxis=axes[0], yaxis=axes[1], showlegend=True)


def curves(faithfulness: Faithfulness) -> go.Figure:
    """All curves of a check, two in a row, with one legend."""
    shown = list(faithfulness.curves)
    columns = min(_SIDE_BY_SIDE, max(len(shown), 1))
    rows = max(1, -(-len(shown) // columns))
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=[plain(curve_title(one)) for one in shown], vertical_spacing=0.36 / rows)
    across, upwards = _curve_axes()
    for place, curve in enumerate(shown):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        for trace in _curve_traces(curve, legend=place == 0):
            figure.add_trace(trace, **where)
        figure.update_xaxes(across if place + columns >= len(shown) else across | {"title": {"text": ""}}, **where)
        figure.update_yaxes(upwards if place % columns == 0 else upwards | {"title": {"text": ""}}, **where)
    figure.update_layout(base_layout(height=60 + 260 * rows) | {"showlegend": True})
    figure.update_layout(margin_t=76, legend_y=1 + 46 / (260 * rows - 60))
    return figure.update_annotations(font={"size": 13, "color": TEXT})


def curve_title(curve: Curve) -> str:
    return f"{_CURVES.get(curve.name, curve.name)}, by {curve.how}"


def _curve_traces(curve: Curve, *, legend: bool = True) -> list[go.Scatter]:
    across = [round(100 * float(share), 3) for share in curve.shares]

    def line(values: Any, name: str, **look: Any) -> go.Scatter:
        return go.Scatter(
            x=across, y=[_known(float(one)) for one in values], name=name, legendgroup=name, showlegend=legend, mode="lines",
            hovertemplate=f"{name}: %{{y:.3g}}<extra></extra>", **look,
        )  # fmt: skip

    none = {"width": 0, "color": TEXT}
    edge = {"x": across, "mode": "lines", "line": none, "showlegend": False, "hoverinfo": "skip", "legendgroup": "random order"}
    band = [
        go.Scatter(y=[_known(float(one)) for one in curve.low], **edge),
        go.Scatter(y=[_known(float(one)) for one in curve.high], fill="tonexty", fillcolor=faded(TEXT, 0.2), **edge),
    ]
    return [
        *band,
        line(curve.random, "random order", line={"color": TEXT, "width": 1.5, "dash": "dash"}),
        line(curve.oracle, "by leaving out each alone", line={"color": PLUM, "width": 1.8, "dash": "dot"}),
        line(curve.map, "this map", line={"color": INK_BLUE, "width": 2.6}),
    ]


def _curve_axes() -> tuple[dict[str, Any], dict[str, Any]]:
    across = base_axis() | {"title": {"text": _ACROSS}, "ticksuffix": " %", "rangemode": "tozero"}
    return across, base_axis() | {"title": {"text": "log-probability a token"}, "showgrid": True}


def _by_rows(figure: go.Figure, labels: Sequence[str], across: dict[str, Any]) -> go.Figure:
    """One row a word, the first on top; numbers, not names, stand on the axis: words that come twice would fall together."""
    figure.update_layout(base_layout(height=90 + max(len(labels), 2) * _ROW))
    upwards = {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": list(labels), "range": [len(labels) - 0.5, -0.5]}
    return figure.update_layout(
        xaxis=base_axis() | {"zerolinecolor": TEXT} | across, yaxis=base_axis() | upwards, bargap=0.3, margin_t=16, hovermode="closest",
    )  # fmt: skip


def _ratios(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis with round numbers on it: all of 1, 2, 5 where they are few, else tens."""
    known = [math.log10(value) for value in values if math.isfinite(value) and value > 0] or [0.0]
    powers = range(math.floor(min(known)) - 1, math.ceil(max(known)) + 1)
    digits = (1, 2, 5) if len(powers) <= 5 else (1,)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return {"type": "log", "zeroline": False, "tickmode": "array", "tickvals": ticks, "ticktext": [number(one) for one in ticks]}


def _row_label(importance: WordImportance, place: int) -> str:
    """The word; with its number in the text where another reads the same."""
    label = importance.words[place].label
    alike = sum(span.label == label for span in importance.words) > 1
    return short_label(label) + (f" · {place + 1}" if alike else "")


def _cell_told(name: str, layer: int, noise: float) -> str:
    if math.isnan(noise):
        return ""
    return plain(f"Layer {layer + 1}: {name} bears noise of {number(noise)} before the layer's state changes. Low = needed.")


def _furthest(both: Compared, most: int) -> list[Pair]:
    """Noise: the least first, of whatever is known of a word."""

    def rank(pair: Pair) -> float:
        known = [value for value in both.values(pair) if math.isfinite(value)]
        return min(known) if both.logarithmic else -max(abs(value) for value in known)

    return sorted((pair for pair in both.pairs if np.isfinite(both.values(pair)).any()), key=rank)[:most]


def _shown(both: Compared) -> int:
    return sum(bool(np.isfinite(both.values(pair)).any()) for pair in both.pairs)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _scale_of(importance: WordImportance) -> str:
    if importance.direction == LOW:
        return "noise that the word can bear: low = important"
    if importance.signed:
        return "matters more for the one or the other" if signless(importance) else "nats of log-probability"
    return "importance: high = important"


def _left_out(shown: int, known: int) -> str:
    return f" · the {shown} strongest of {known:,} words" if shown < known else ""
