"""The main view: one of BertViz's pages, or a figure, with the sentence that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explain.bertviz_page import bertviz_page
from explain.compare import AttentionDifference
from explain.neurons import neurons
from explain.plots import difference_map, figure_page, heat_map
from explain.reading.desk import Opened
from explain.reading.look import VIEWS, Look
from explain.results import AttentionMaps
from explain.tables import attention_csv, difference_csv

WHOLE_PAGE, FIGURE = "page", "figure"
BY_PIECES = "The neuron view shows the pieces that the model reads: a word of several pieces has no vector of its own. "
WITH_SINK = " The first word is shown here: the weights come about with it."


@dataclass(frozen=True, eq=False)
class Picture:
    """What is shown: `page` is a whole HTML document, else `figure` is a Plotly figure."""

    view: str
    title: str
    sentence: str
    page: str = ""
    figure: Any = None
    csv: Callable[[], str] = str

    def html(self) -> str:
        """A document that opens anywhere, without a network."""
        return self.page or figure_page(self.figure, title=self.title, sentence=self.sentence)


def draw_picture(opened: Opened, look: Look, *, compared: AttentionDifference | None = None) -> Picture:
    """Raises `ExplainError` where a model or a text has no such view."""
    return _VIEWS[look.view](opened, look.fitted(opened.map(look)), compared)


def _bertviz(opened: Opened, look: Look, _: AttentionDifference | None) -> Picture:
    maps, name = opened.maps(look), opened.map(look).name
    title = f"{VIEWS[look.view]}, {opened.model.card.title or opened.model.name}"
    page = bertviz_page(maps, view=look.view, name=name, layer=look.layer, head=look.head, title=title, dark=look.dark, led=True)
    return Picture(look.view, title, page.sentence, page.html, csv=_table(maps, look, name))


def _neuron(opened: Opened, look: Look, _: AttentionDifference | None) -> Picture:
    """By pieces and with the sink: the page shows how the weights come about, and they come about so."""
    inside = neurons(opened.model, opened.pieces, layer=look.layer)
    name = opened.pieces.map().name
    title = f"Neuron view of layer {look.layer + 1}, {opened.model.card.title or opened.model.name}"
    page = bertviz_page(
        opened.pieces, view="neuron", name=name, layer=look.layer, head=look.head or 0, neurons=inside, title=title, dark=look.dark,
        led=True,
    )  # fmt: skip
    told = (BY_PIECES if look.unit == "words" else "") + page.sentence + (WITH_SINK if look.hide_sink else "")
    return Picture("neuron", title, told, page.html, csv=_table(opened.pieces, look, name))


def _heat_map(opened: Opened, look: Look, _: AttentionDifference | None) -> Picture:
    one, head = opened.map(look), look.head or 0
    title = f"Layer {look.layer + 1}, head {head + 1}, {opened.model.card.title or opened.model.name}"
    told = "Each row is a word that looks, each column a word that it looks at; a row adds up to 100 %."
    figure = heat_map(one, layer=look.layer, head=head)
    return Picture("heatmap", title, f"{told} {one.left_out}".strip(), figure=figure, csv=_table(opened.maps(look), look, one.name))


def _difference(_: Opened, look: Look, compared: AttentionDifference | None) -> Picture:
    if compared is None:
        raise ValueError("a difference needs two models")
    head = look.head or 0
    title = f"Layer {look.layer + 1}, head {head + 1}: {compared.tuned} against {compared.base}"
    told = (
        f"Teal: {compared.tuned} looks there more than {compared.base} does; brown: less. This head moved "
        f"{percent(float(compared.distance[look.layer, head]), 1)} of its attention."
    )
    if compared.map.hidden is not None:
        told += " What went to the first word is left out of this."
    figure = difference_map(compared, layer=look.layer, head=head)
    return Picture("difference", title, told, figure=figure, csv=lambda: difference_csv(compared, look.layer, head))


def _table(maps: AttentionMaps, look: Look, name: str) -> Callable[[], str]:
    return lambda: attention_csv(maps, view=look.view, name=name, layer=look.layer, head=look.head)


def percent(share: float, places: int = 0) -> str:
    return f"{share:.{places}%}".replace("%", " %")


_VIEWS: dict[str, Callable[[Opened, Look, AttentionDifference | None], Picture]] = {
    "head": _bertviz, "model": _bertviz, "neuron": _neuron, "heatmap": _heat_map, "difference": _difference,
}  # fmt: skip
