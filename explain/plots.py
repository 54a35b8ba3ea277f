"""Plotly figures of attention: results in, a figure out. Nothing is measured here.

Marks are of a middle lightness and everything else is transparent or grey, so that one figure reads on white paper and in the dark;
who wants its text darker or lighter sets `layout.font.color`, which nothing in a figure overrides.
Clickable cells carry `customdata` = [layer, head], counted from 0; what is shown to people counts from 1.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from explain.colours import BROWN, INK_BLUE, TEAL, faded
from explain.results import AttentionMap
from explain.words import Span
from narrative.plots import plain

if TYPE_CHECKING:  # types only: drawing needs no torch
    from explain.ablation import AblationMap
    from explain.compare import AttentionDifference
    from explain.lens import Lens
    from explain.roles import HeadRoles

FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Helvetica, Arial, sans-serif"
TEXT, GRID = "#7b8089", "rgba(128,133,142,0.28)"
ROLE_COLOURS = {  # chosen so that the nearest two stay as far apart as can be for every kind of colour vision, at about one lightness
    "previous word": "#3f68cc",
    "same word": "#a53d7c",
    "induction": "#ee891e",
    "first word": "#d092fb",
    "broad": "#26cc94",
    "next word": "#696701",
    "other": "#8b8c8f",
}
FAINTEST = 0.16  # how full a colour is at strength 0: what a head does can still be told
MOST_TICKS = 60  # labels on one axis; of more words every second, third, ... is named
LONGEST_TICK = 16  # characters of a label beside the map; the pointer shows all of it
_STOPS, _RISE = (0, 0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 1), 0.6  # faint weights, the many, are drawn fuller than in proportion
_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"]  # of little use here; the last would send the figure away
_CELL, _LOW, _HIGH = 22, 280, 760  # pixels


def overview(roles: HeadRoles, *, chosen: tuple[int, int] | None = None) -> go.Figure:
    """Layer x head: the colour says what a head does, its fullness how strongly. `chosen`: (layer, head) that gets an outline."""
    names = np.array(roles.names, dtype=object)
    present = sorted({*names.flat}, key=[*ROLE_COLOURS, *names.flat].index)
    figure = go.Figure(layout=_grid_layout(*names.shape))
    for role in present:
        colour = ROLE_COLOURS.get(role, ROLE_COLOURS["other"])
        strength = np.where(names == role, roles.strength, np.nan)
        hover = plain(role) if role == "other" else f"{plain(role)}, %{{z:.2f}}"
        figure.add_trace(_cells(strength, colours=[[0, faded(colour, FAINTEST)], [1, colour]], low=0, high=1, hover=hover, name=role))
        figure.add_trace(go.Scatter(  # the legend's mark: those of heat maps can't be told apart
            x=[None], y=[None], mode="markers", name=plain(role), legendgroup=role, hoverinfo="skip",
            marker={"symbol": "square", "size": 11, "color": colour},
        ))  # fmt: skip
    figure.update_layout(showlegend=True, shapes=_outline(chosen), margin_t=56)
    return figure


def heat_map(one: AttentionMap, *, layer: int, head: int) -> go.Figure:
    """Queries downwards, keys across, in percent of each query's attention. Blank above the diagonal where nobody looks ahead."""
    weights = one.weights[layer, head]
    most = max(float(weights.max()) * 100, 0.01)
    colours = [[share, faded(INK_BLUE, round(share**_RISE, 3))] for share in _STOPS]
    figure = _matrix(one, weights, colours=colours, low=0, high=most, hover="“%{y}” looks at “%{x}”: %{z:.1f} %")
    figure.data[0].colorbar = colour_bar("of its attention", suffix=" %")
    return figure


def difference_map(diff: AttentionDifference, *, layer: int, head: int) -> go.Figure:
    """As `heat_map`, in percentage points: teal where the tuned model looks more than the base model, brown where less."""
    weights = diff.map.weights[layer, head]
    most = max(float(np.abs(weights).max()) * 100, 0.01)
    figure = _matrix(
        diff.map, weights, colours=_diverging(), low=-most, high=most, hover="“%{y}” looks at “%{x}”: %{z:+.1f} points",
    )  # fmt: skip
    figure.data[0].colorbar = colour_bar("points more or less", suffix="")
    return figure


def distance_map(diff: AttentionDifference, *, chosen: tuple[int, int] | None = None) -> go.Figure:
    """Layer x head: the share of a head's attention that went elsewhere."""
    percent = np.asarray(diff.distance, dtype=np.float64) * 100
    colours = [[0, faded(TEAL, 0.06)], [1, TEAL]]
    most = max(float(percent.max(initial=0)), 0.01)
    figure = go.Figure(_cells(percent, colours=colours, low=0, high=most, hover="%{z:.1f} % elsewhere"), _grid_layout(*percent.shape))
    figure.data[0].update(showscale=True, colorbar=colour_bar("went elsewhere", suffix=" %"))
    figure.update_layout(shapes=_outline(chosen))
    return figure


def ablation_figure(result: AblationMap, *, chosen: tuple[int, int] | None = None) -> go.Figure:
    """Layer x head: what happens to the watched log-probability when a head is taken out. Brown: it falls, so the head helped.

    Heads that are not worked out yet (NaN) stay blank.
    """
    effects = np.asarray(result.effects, dtype=np.float64)
    known = effects[np.isfinite(effects)]
    most = max(float(np.abs(known).max(initial=0)), 1e-6)
    figure = go.Figure(
        _cells(effects, colours=_diverging(), low=-most, high=most, hover="%{z:+.3g} nats without it", digits=6),
        _grid_layout(*effects.shape),
    )
    figure.data[0].update(showscale=True, colorbar=colour_bar("nats without it", suffix=""))
    figure.update_layout(shapes=_outline(chosen))
    return figure


def lens_figure(told: Lens) -> go.Figure:
    """How likely the token that stands there is after each layer."""
    percent = [None if one.probability is None else round(one.probability * 100, 4) for one in told.layers]
    names = ["embedding" if one.layer == 0 else f"layer {one.layer}" for one in told.layers]
    first = [plain(one.guesses[0].label) if one.guesses else "" for one in told.layers]
    line = go.Scatter(
        x=[one.layer for one in told.layers], y=percent, mode="lines+markers", text=names, customdata=first,
        line={"color": INK_BLUE, "width": 2.5}, marker={"size": 6}, cliponaxis=False,
        hovertemplate="%{text}: %{y:.2f} %; likeliest “%{customdata}”<extra></extra>",
    )  # fmt: skip
    across = base_axis() | {"title": {"text": "after layer"}, "showgrid": False, "dtick": max(1, len(names) // 12)}
    upwards = base_axis() | {"title": {"text": "probability"}, "rangemode": "tozero", "ticksuffix": " %", "showgrid": True}
    return go.Figure(line, base_layout(height=220) | {"xaxis": across, "yaxis": upwards, "showlegend": False})


def figure_page(figure: go.Figure, *, title: str, sentence: str) -> str:
    """One HTML document with Plotly inside: it opens offline and may ask no host for anything. Light or dark as its reader's system is."""
    chart = chart_html(figure, name="figure")
    page = (Path(__file__).parent / "assets" / "figure.html").read_text(encoding="utf-8")
    return Template(page).substitute(title=html.escape(title), sentence=html.escape(sentence), library=get_plotlyjs(), chart=chart)


def chart_html(figure: go.Figure, *, name: str) -> str:
    """The part of a page that draws this figure, by the library that stands before it; `name`: of its element."""
    config = {"displaylogo": False, "showSendToCloud": False, "plotlyServerURL": "", "toImageButtonOptions": {"format": "svg"}}
    html_text: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config | {"responsive": True})
    return html_text


def _matrix(one: AttentionMap, weights: NDArray[np.float32], *, colours: Any, low: float, high: float, hover: str) -> go.Figure:
    """Query x key. Numbers, not names, stand on the axes: words that come twice would fall together."""
    across, downwards = _word_axis(one.keys), _word_axis(one.queries)
    rows, columns = weights.shape
    heat = go.Heatmap(
        z=_rows(weights, causal=one.causal), x=list(range(columns)), y=list(range(rows)), colorscale=colours, zmin=low, zmax=high,
        hoverongaps=False, hovertemplate=f"{hover}<extra></extra>", name="",
    )  # fmt: skip
    # Plotly names a cell by the axis's own labels, so the axes of the cells name every word, unseen; others are seen, thinned and short.
    seen = go.Scatter(x=[None], y=[None], xaxis="x2", yaxis="y2", hoverinfo="skip", showlegend=False)
    figure = go.Figure([heat, seen], base_layout(height=min(_HIGH, max(_LOW, 150 + rows * _CELL))))
    figure.update_layout(
        xaxis=across | {"range": [-0.5, columns - 0.5], "showticklabels": False},
        yaxis=downwards | {"range": [rows - 0.5, -0.5], "showticklabels": False},
        xaxis2=_thinned(across) | {"overlaying": "x", "matches": "x", "tickangle": -90, "title": {"text": "is looked at"}},
        yaxis2=_thinned(downwards) | {"overlaying": "y", "matches": "y", "title": {"text": "looks"}},
        shapes=_borders(one), showlegend=False,
    )  # fmt: skip
    return figure


def _rows(weights: NDArray[np.float32], *, causal: bool) -> list[list[float]]:
    """Percent to two decimals, whole ones without a point: a third of the bytes. Rows of causal maps end at the diagonal."""
    hundredths = np.rint(np.asarray(weights, dtype=np.float64) * 10_000).astype(int).tolist()
    rows = [row[: place + 1] if causal else row for place, row in enumerate(hundredths)]
    return [[value / 100 if value % 100 else value // 100 for value in row] for row in rows]


def _cells(
    values: NDArray[np.float64], *, colours: Any, low: float, high: float, hover: str, name: str = "", digits: int = 4
) -> go.Heatmap:
    """Layer x head, both from 1; NaN stays blank."""
    layers, heads = values.shape
    return go.Heatmap(
        z=[[round(float(value), digits) if np.isfinite(value) else None for value in row] for row in values],
        x=list(range(1, heads + 1)), y=list(range(1, layers + 1)), xgap=2, ygap=2, colorscale=colours, zmin=low, zmax=high, showscale=False,
        customdata=[[[layer, head] for head in range(heads)] for layer in range(layers)], hoverongaps=False, name=name, legendgroup=name,
        hovertemplate=f"Layer %{{y}}, head %{{x}}: {hover}<extra></extra>",
    )  # fmt: skip


def _grid_layout(layers: int, heads: int) -> dict[str, Any]:
    across, downwards = (
        base_axis() | {"title": {"text": name, "standoff": 4}, "range": ends, "dtick": 1 if count <= 24 else 4, "tick0": 1}
        for name, count, ends in (("head", heads, [0.5, heads + 0.5]), ("layer", layers, [layers + 0.5, 0.5]))
    )
    return base_layout(height=min(_HIGH, 110 + max(layers, 3) * _CELL)) | {"xaxis": across, "yaxis": downwards}


def base_layout(*, height: int) -> dict[str, Any]:
    return {
        "template": "none", "height": height, "margin": {"l": 48, "r": 16, "t": 34, "b": 44}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": FONT, "color": TEXT, "size": 12},
        "hoverlabel": {"bgcolor": "#1c1f24", "bordercolor": "#30343b", "font": {"color": "#e9e4da", "size": 12.5}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": TEXT, "activecolor": INK_BLUE, "remove": _BUTTONS},
    }  # fmt: skip


def base_axis() -> dict[str, Any]:
    return {"showgrid": False, "gridcolor": GRID, "zeroline": False, "linecolor": GRID, "showline": False, "ticks": "", "automargin": True}


def _word_axis(spans: Sequence[Span]) -> dict[str, Any]:
    texts = [plain(span.label) for span in spans]
    return base_axis() | {"tickmode": "array", "tickvals": list(range(len(spans))), "ticktext": texts}


def _thinned(axis: dict[str, Any]) -> dict[str, Any]:
    step = -(-len(axis["tickvals"]) // MOST_TICKS)
    texts = [short_label(html.unescape(text)) for text in axis["ticktext"][::step]]
    return axis | {"tickvals": axis["tickvals"][::step], "ticktext": texts}


def short_label(label: str) -> str:
    return plain(label if len(label) <= LONGEST_TICK else f"{label[: LONGEST_TICK - 1]}…")


def _borders(one: AttentionMap) -> list[dict[str, Any]]:
    """Dashed lines where the prompt ends and what was written begins."""
    line = {"type": "line", "line": {"color": TEXT, "width": 1, "dash": "dash"}}
    shapes = []
    if 0 < one.query_border < len(one.queries):
        shapes.append(line | {"xref": "paper", "x0": 0, "x1": 1, "y0": one.query_border - 0.5, "y1": one.query_border - 0.5})
    if 0 < one.key_border < len(one.keys):
        shapes.append(line | {"yref": "paper", "y0": 0, "y1": 1, "x0": one.key_border - 0.5, "x1": one.key_border - 0.5})
    return shapes


def _outline(chosen: tuple[int, int] | None) -> list[dict[str, Any]]:
    if chosen is None:
        return []
    layer, head = chosen
    corners = {"x0": head + 0.5, "x1": head + 1.5, "y0": layer + 0.5, "y1": layer + 1.5}
    return [{"type": "rect", "line": {"color": TEXT, "width": 2.5}, "fillcolor": "rgba(0,0,0,0)"} | corners]


def _diverging() -> list[list[Any]]:
    return [[0, BROWN], [0.5, "rgba(128,133,142,0.08)"], [1, TEAL]]


def colour_bar(title: str, *, suffix: str) -> dict[str, Any]:
    return {"thickness": 10, "outlinewidth": 0, "ticksuffix": suffix, "title": {"text": title, "side": "right"}, "nticks": 5}
