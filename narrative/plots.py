"""Plotly figures of training: series in, a figure as plain data out. Nothing is measured here.

Colours are names of the page's own (`var(--test)`), which the page puts in for light or dark; so one figure does for both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TEST, TRAINING = "test", "training"
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 56, 128, 22, 46  # pixels
EDGE, INSIDE = 24, 0.78  # a line that ends before this share of the axis has its label beside it, inside
LABEL = 17  # pixels that a label at the end of a line needs
DASHES = ("solid", "dash", "dot", "dashdot")
COLOURS = 8  # --curve-1 to --curve-8
_ROUND = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]  # the ticks of a logarithmic axis
_INK, _SOFT, _GRID = "var(--ink)", "var(--soft)", "var(--line)"


@dataclass(frozen=True)
class Quantity:
    """What is drawn upwards."""

    name: str
    title: str
    decimals: int = 2
    log: bool = False


QUANTITIES: dict[str, Quantity] = {
    "loss": Quantity("loss", "loss, nats a token"),
    "perplexity": Quantity("perplexity", "perplexity", decimals=1, log=True),
    "learning rate": Quantity("learning rate", "learning rate", decimals=-2),
    "speed": Quantity("speed", "tokens a second", decimals=0),
}


@dataclass(frozen=True)
class Series:
    """One line: what it is called, which side it is of, and its points. `y` may have holes (None)."""

    name: str
    side: str  # TEST | TRAINING
    x: Sequence[float] = ()
    y: Sequence[float | None] = ()
    job: int = 0  # which of the compared jobs

    def end(self) -> tuple[float, float] | None:
        """The last point that is a number."""
        return next(((x, y) for x, y in zip(reversed(self.x), reversed(self.y), strict=True) if y is not None), None)


@dataclass(frozen=True)
class Mark:
    """Something worth a line across the curve: where, and in two words what."""

    x: float
    text: str


def figure(
    series: Sequence[Series], *, quantity: str, marks: Sequence[Mark] = (), until: float = 0, across: str = "step"
) -> dict[str, Any]:
    """One job: its training line soft and thin, its test lines in the accent colour with a dot at each evaluation.

    `until`: where the run will end, so that the empty part of the axis is what is still to come.
    """
    chosen = QUANTITIES[quantity]
    tests = [one for one in series if one.side == TEST]
    traces = [_line(one, chosen, number=tests.index(one) if one.side == TEST else 0) for one in series]
    layout = _layout(chosen, across=across) | decorations(series, quantity=quantity, marks=marks, until=until)
    if until:
        layout["xaxis"] |= {"range": [0, until]}
    return {"data": traces, "layout": layout}


def compared(series: Sequence[Series], *, quantity: str, across: str = "step") -> dict[str, Any]:
    """Several jobs over each other: a colour a job, test lines strong, training lines faint, a legend of jobs."""
    chosen = QUANTITIES[quantity]
    traces, named = [], set()
    for one in series:
        trace = _line(one, chosen, number=0)
        trace |= {"legendgroup": str(one.job), "showlegend": one.job not in named}
        colour = f"var(--curve-{one.job % COLOURS + 1})"
        faint = one.side == TRAINING and any(other.job == one.job and other.side == TEST for other in series)
        trace["line"] = {"color": colour, "width": 1 if faint else 2.5, "dash": DASHES[one.job // COLOURS % len(DASHES)]}
        trace["opacity"] = 0.45 if faint else 1
        trace["marker"] = {"color": colour, "size": 6, "symbol": one.job % COLOURS}
        if faint:
            trace |= {"showlegend": False, "hoverinfo": "skip"}
            trace.pop("hovertemplate")
        else:
            named.add(one.job)
        traces.append(trace)
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 13, "color": _INK}}
    layout = _layout(chosen, across=across) | {"showlegend": True, "legend": legend}
    layout["margin"] = layout["margin"] | {"t": 34, "r": 24}
    return {"data": traces, "layout": layout}


def decorations(series: Sequence[Series], *, quantity: str, marks: Sequence[Mark] = (), until: float = 0) -> dict[str, Any]:
    """The part of the layout that moves with the curve: labels at the ends of lines, room for them, and marks across it."""
    labels = _labels(series, QUANTITIES[quantity])
    words = [
        {
            "x": mark.x, "xref": "x", "y": 1, "yref": "paper", "yanchor": "bottom", "text": plain(mark.text), "showarrow": False,
            "font": {"size": 11.5, "color": _SOFT},
        }
        for mark in marks
    ]  # fmt: skip
    rules = [
        {
            "type": "line", "x0": mark.x, "x1": mark.x, "xref": "x", "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": _SOFT, "width": 1, "dash": "dot"},
        }
        for mark in marks
    ]  # fmt: skip
    inside = bool(labels) and labels[0]["x"] < until * INSIDE
    margin = {"l": LEFT, "r": EDGE if inside else RIGHT, "t": TOP, "b": BOTTOM}
    return {"annotations": labels + words, "shapes": rules, "margin": margin}


def plain(text: str) -> str:
    """Words as they are: Plotly would take `<b>` in them for bold and `<a>` for a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def number(value: float, quantity: Quantity) -> str:
    """3.06, 21.4, 6.1e-5 or 3,180."""
    if not math.isfinite(value):
        return "-"
    if quantity.decimals < 0:
        digits, _, power = f"{value:.1e}".partition("e")
        return f"{digits}e{int(power)}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.{quantity.decimals}f}"


def _line(one: Series, quantity: Quantity, *, number: int) -> dict[str, Any]:
    test = one.side == TEST
    colour = "var(--test)" if test else "var(--training)"
    form = {-2: ".2e", 0: ",.0f"}.get(quantity.decimals, f",.{quantity.decimals + 1}f")
    return {
        "type": "scatter", "mode": "lines+markers" if test else "lines", "name": plain(one.name), "x": list(one.x), "y": list(one.y),
        "line": {"color": colour, "width": 2.5 if test else 1.6, "dash": DASHES[number % len(DASHES)]},
        "marker": {"color": colour, "size": 5.5}, "connectgaps": False, "cliponaxis": False, "hovertemplate": f"%{{y:{form}}}",
    }  # fmt: skip


def _layout(quantity: Quantity, *, across: str) -> dict[str, Any]:
    axis = {
        "gridcolor": _GRID, "zeroline": False, "linecolor": _GRID, "tickfont": {"color": _SOFT, "size": 12}, "fixedrange": False,
        "automargin": False, "ticks": "",
    }  # fmt: skip
    words = {"font": {"color": _SOFT, "size": 12}, "standoff": 8}
    upwards = axis | {"title": {"text": quantity.title} | words}
    if quantity.log:
        upwards |= {"type": "log", "tickmode": "array", "tickvals": _ROUND, "ticktext": [f"{value:,}" for value in _ROUND]}
    if quantity.decimals < 0:
        upwards |= {"exponentformat": "e", "rangemode": "tozero"}
    if quantity.name == "speed":
        upwards |= {"rangemode": "tozero", "tickformat": ",~r"}
    return {
        "template": "none", "height": HEIGHT, "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM}, "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": "var(--sans)", "color": _INK, "size": 13},
        "xaxis": axis | {"title": {"text": across} | words, "showgrid": False, "rangemode": "tozero", "tickformat": ",~r"},
        "yaxis": upwards, "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "var(--panel)", "bordercolor": _GRID, "font": {"color": _INK, "size": 12.5}},
    }  # fmt: skip


def _labels(series: Sequence[Series], quantity: Quantity) -> list[dict[str, Any]]:
    """The name and last value of each line at its end, moved apart where they would stand on each other."""
    ends = [(one, end) for one in series if (end := one.end())]
    values = [y for one in series for y in one.y if y is not None and math.isfinite(y)]
    scale = _scale(values, quantity)
    last = max((x for _, (x, _) in ends), default=0.0)  # all of them at the furthest end, where no line runs through them
    placed: list[dict[str, Any]] = []
    below = -math.inf
    for one, (_, y) in sorted(ends, key=lambda pair: pair[1][1]):
        height = max(scale(y), below + LABEL)
        below = height
        colour = "var(--test)" if one.side == TEST else _SOFT
        placed.append({
            "x": last, "y": math.log10(y) if quantity.log and y > 0 else y,
            "xanchor": "left", "xshift": 8, "yshift": round(height - scale(y), 1),
            "text": f"{plain(_short(one.name))} {number(y, quantity)}", "showarrow": False, "font": {"color": colour, "size": 13},
        })  # fmt: skip
    return placed


def _scale(values: Sequence[float], quantity: Quantity) -> Any:
    """Value -> height in pixels, about as Plotly will draw it."""
    turned = [math.log10(max(value, 1e-9)) if quantity.log else value for value in values] or [0.0]
    low, high = min(turned), max(turned)
    room = HEIGHT - TOP - BOTTOM

    def height(value: float) -> float:
        here = math.log10(max(value, 1e-9)) if quantity.log else value
        return (here - low) / (high - low) * room * 0.9 if high > low else 0.0

    return height


def _short(name: str, most: int = 18) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
