"""Figures of attention: what is drawn is what was found, words of others stay words, and a page asks no host for anything."""

from __future__ import annotations

import json
import re
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from explain.ablation import AblationMap, Target
from explain.compare import AttentionDifference
from explain.lens import Guess, Lens, LensLayer
from explain.plots import (
    MOST_TICKS,
    ROLE_COLOURS,
    ablation_figure,
    difference_map,
    distance_map,
    figure_page,
    heat_map,
    lens_figure,
    overview,
)  # fmt: skip
from explain.results import AttentionMap
from explain.roles import ROLES, HeadRoles
from explain.words import Piece, Span

HARM = ("<b>x</b>", "</script><img src=x onerror=alert(1)>", "%{z} ${1}", "<a href='javascript:1'>a</a>", "&amp;", "狐", "🦊", "the", "the")
ROLES_MADE = HeadRoles(
    (("previous word", "other", "broad"), ("induction", "broad", "previous word")),
    np.array([[0.9, 0, 0.95], [0.5, 0.88, 0.3]], dtype=np.float32), True,
)  # fmt: skip


def made_map(words: int, *, causal: bool = True, labels: tuple[str, ...] = ("the", "fox"), border: int | None = None) -> AttentionMap:
    """(layer 2, head 3), softmax of noise."""
    scores = np.random.default_rng(0).normal(0, 3, (2, 3, words, words))
    scores = np.where(np.tril(np.ones((words, words), dtype=bool)) | (not causal), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    spans = tuple(Span(place, place + 1, labels[place % len(labels)]) for place in range(words))
    border = words if border is None else border
    return AttentionMap("self", (weights / weights.sum(-1, keepdims=True)).astype(np.float32), spans, spans, causal, border, border)


def made_difference(words: int = 9) -> AttentionDifference:
    one = made_map(words, labels=HARM)
    signed = one.weights - one.weights[:, ::-1]
    values = {name: getattr(one, name) for name in ("queries", "keys", "causal", "query_border", "key_border")}
    distance = np.abs(signed).sum(-1).mean(-1) / 2
    return AttentionDifference("base", "tuned", "words", AttentionMap("self", signed, **values), distance)


def made_effects() -> AblationMap:
    effects = np.array([[0.5, -2.25, 0.0], [np.nan, np.nan, np.nan]], dtype=np.float32)
    return AblationMap("self", "zero", Target(2, 3), -4.0, effects, 1)


def made_lens() -> Lens:
    layers = tuple(LensLayer(layer, (Guess(1, HARM[0], 0.25), Guess(2, " fox", 0.125)), layer / 4, 2) for layer in range(4))
    return Lens(3, Piece(2, " fox", "fox"), layers, 2)


def cells(figure: go.Figure) -> list[go.Heatmap]:
    return [trace for trace in figure.data if trace.type == "heatmap"]


def test_each_head_is_drawn_once_in_the_colour_of_what_it_does() -> None:
    figure = overview(ROLES_MADE)
    drawn = {}
    for trace in cells(figure):
        for layer, head in np.ndindex(2, 3):
            if trace.z[layer][head] is not None:
                assert (layer, head) not in drawn
                drawn[layer, head] = trace.name
                assert trace.z[layer][head] == pytest.approx(ROLES_MADE.strength[layer, head], abs=1e-4)
                assert trace.customdata[layer][head] == [layer, head]
                assert (trace.y[layer], trace.x[head]) == (layer + 1, head + 1)
                assert trace.colorscale[-1][1] == ROLE_COLOURS[trace.name]
    assert drawn == {(layer, head): ROLES_MADE.names[layer][head] for layer, head in np.ndindex(2, 3)}


def test_the_legend_names_the_roles_that_occur_and_no_others() -> None:
    figure = overview(ROLES_MADE)
    assert [trace.name for trace in figure.data if trace.type == "scatter"] == ["previous word", "induction", "broad", "other"]
    assert all(trace.marker.color == ROLE_COLOURS[trace.name] for trace in figure.data if trace.type == "scatter")


def test_pointing_at_a_head_says_where_it_is_and_what_it_does() -> None:
    told = {trace.name: trace.hovertemplate for trace in cells(overview(ROLES_MADE))}
    assert told["previous word"] == "Layer %{y}, head %{x}: previous word, %{z:.2f}<extra></extra>"
    assert told["other"] == "Layer %{y}, head %{x}: other<extra></extra>"


def test_layer_one_is_on_top_and_the_chosen_head_has_an_outline() -> None:
    figure = overview(ROLES_MADE, chosen=(1, 0))
    assert tuple(figure.layout.yaxis.range) == (2.5, 0.5)
    (outline,) = figure.layout.shapes
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (0.5, 1.5, 1.5, 2.5)
    assert not overview(ROLES_MADE).layout.shapes


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB; OKLab as of Ottosson 2020.
SIGHT = {
    "usual": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]),
}
_CONES = np.array([[0.41222, 0.53633, 0.05145], [0.2119, 0.6807, 0.1074], [0.0883, 0.28172, 0.62998]])
_LAB = np.array([[0.21045, 0.79362, -0.00407], [1.978, -2.42859, 0.45059], [0.0259, 0.78277, -0.80868]])


def seen_as(colour: str, sight: str) -> np.ndarray:
    shares = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return np.asarray(_LAB @ np.cbrt(_CONES @ np.clip(SIGHT[sight] @ linear, 0, 1)))


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colours_of_any_two_roles_can_be_told_apart(sight: str) -> None:
    assert set(ROLE_COLOURS) == set(ROLES)
    seen = {name: seen_as(colour, sight) for name, colour in ROLE_COLOURS.items()}
    assert min(np.linalg.norm(seen[one] - seen[other]) for one, other in combinations(seen, 2)) > 0.1
    assert all(0.45 < lab[0] < 0.8 for lab in seen.values())


@pytest.mark.parametrize("causal", [True, False])
def test_the_heat_map_holds_the_weights_and_nothing_ahead_of_a_causal_query(causal: bool) -> None:
    one = made_map(7, causal=causal)
    (heat,) = cells(heat_map(one, layer=1, head=2))
    assert [len(row) for row in heat.z] == ([1, 2, 3, 4, 5, 6, 7] if causal else [7] * 7)
    for query, row in enumerate(heat.z):
        assert np.allclose(np.array(row) / 100, one.weights[1, 2, query, : len(row)], atol=0.5001e-4)
    assert heat.hovertemplate == "“%{y}” looks at “%{x}”: %{z:.1f} %<extra></extra>"


def test_words_that_come_twice_stay_two_and_every_one_has_its_name() -> None:
    figure = heat_map(made_map(100), layer=0, head=0)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert list(axis.tickvals) == list(range(100))
        assert list(axis.ticktext) == ["the", "fox"] * 50
    assert list(figure.data[0].x) == list(figure.data[0].y) == list(range(100))
    assert tuple(figure.layout.yaxis.range) == (99.5, -0.5)  # the first word on top
    for axis in (figure.layout.xaxis2, figure.layout.yaxis2):
        assert 40 <= len(axis.tickvals) == len(axis.ticktext) <= MOST_TICKS


def test_long_words_are_short_beside_the_map_and_whole_under_the_pointer() -> None:
    layout = heat_map(made_map(3, labels=("a&b" * 20,)), layer=0, head=0).layout
    assert layout.xaxis.ticktext[0] == "a&amp;b" * 20
    assert layout.xaxis2.ticktext[0] == "a&amp;b" * 5 + "…"


def test_dashed_lines_stand_where_the_prompt_ends() -> None:
    across, down = heat_map(made_map(9, border=4), layer=0, head=0).layout.shapes
    assert (across.y0, across.y1, across.line.dash) == (3.5, 3.5, "dash")
    assert (down.x0, down.x1, down.line.dash) == (3.5, 3.5, "dash")
    assert not heat_map(made_map(9), layer=0, head=0).layout.shapes


def test_one_word_alone_is_a_map_too() -> None:
    (heat,) = cells(heat_map(made_map(1), layer=0, head=0))
    assert [list(row) for row in heat.z] == [[100]]


def test_a_map_of_256_words_is_light() -> None:
    assert len(heat_map(made_map(256), layer=0, head=0).to_json()) < 150_000


def test_signed_maps_are_even_on_both_sides_of_nothing() -> None:
    diff = made_difference()
    for figure in (difference_map(diff, layer=0, head=0), ablation_figure(made_effects())):
        (heat,) = cells(figure)
        assert heat.zmin == -heat.zmax < 0
        below, middle, above = (colour for _, colour in heat.colorscale)
        assert len({below, middle, above}) == 3
        assert heat.showscale is not False
    (heat,) = cells(difference_map(diff, layer=0, head=0))
    assert heat.z[8][2] == pytest.approx(float(diff.map.weights[0, 0, 8, 2]) * 100, abs=0.0051)
    assert heat.zmax == pytest.approx(float(np.abs(diff.map.weights[0, 0]).max()) * 100)


def test_the_distances_of_all_heads_can_be_clicked() -> None:
    diff = made_difference()
    (heat,) = cells(distance_map(diff, chosen=(0, 1)))
    assert heat.z[1][2] == pytest.approx(float(diff.distance[1, 2]) * 100, abs=1e-4)
    assert heat.customdata[1][2] == [1, 2]


def test_heads_that_are_not_worked_out_yet_are_blank() -> None:
    (heat,) = cells(ablation_figure(made_effects(), chosen=(0, 1)))
    assert [list(row) for row in heat.z] == [[0.5, -2.25, 0.0], [None, None, None]]
    assert heat.zmax == 2.25
    nothing = AblationMap("self", "zero", Target(2, 3), -4.0, np.full((2, 3), np.nan, dtype=np.float32), 0)
    assert cells(ablation_figure(nothing))[0].zmax > 0


def test_the_lens_is_a_line_from_the_embedding_to_the_answer() -> None:
    (line,) = lens_figure(made_lens()).data
    assert (list(line.x), list(line.y)) == ([0, 1, 2, 3], [0, 25, 50, 75])
    assert (line.text[0], line.text[3]) == ("embedding", "layer 3")


FIGURES = {
    "overview": lambda: overview(ROLES_MADE, chosen=(0, 0)),
    "heat map": lambda: heat_map(made_map(9, labels=HARM, border=4), layer=0, head=0),
    "difference": lambda: difference_map(made_difference(), layer=0, head=0),
    "distance": lambda: distance_map(made_difference()),
    "ablation": lambda: ablation_figure(made_effects()),
    "lens": lambda: lens_figure(made_lens()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_words_that_mean_harm_are_shown_as_they_are(name: str) -> None:
    made = json.loads(FIGURES[name]().to_json())
    texts = json.dumps(made).replace("<extra></extra>", "")
    assert "<" not in texts
    assert made["layout"]["paper_bgcolor"] == made["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "sendChartToCloud" in made["layout"]["modebar"]["remove"]


def test_a_page_opens_by_itself_and_asks_no_host_for_anything() -> None:
    page = figure_page(heat_map(made_map(9), layer=0, head=0), title="Layer 1", sentence="A row adds up to 100 %.")
    library = get_plotlyjs()
    assert page.count(library) == 1
    own = page.replace(library, "")
    assert re.search(r"https?:", own) is None
    assert re.search(r"""(?:src|href)\s*=|@import|url\(""", own) is None
    assert "default-src 'none'" in own  # and the browser holds the library to it as well
    assert "A row adds up to 100 %." in own


def test_nothing_breaks_out_of_a_page() -> None:
    one = made_map(9, labels=HARM)
    figure = heat_map(one, layer=0, head=0)
    figure.update_layout(title_text=HARM[1], meta=[HARM[1]])  # even where somebody forgot to escape
    own = figure_page(figure, title=HARM[1], sentence=HARM[0] + HARM[1]).replace(get_plotlyjs(), "")
    assert "<img" not in own
    assert "<b>" not in own
    assert own.count("</script>") == own.count("<script") == 3
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in own
