"""Figures of training: plain data for Plotly, with the words of others as words."""

from __future__ import annotations

import json
import re

import plotly.graph_objects as go
import pytest

from narrative.plots import LABEL, QUANTITIES, TEST, TRAINING, Mark, Series, compared, decorations, figure, number

RUN = [Series("training", TRAINING, [10, 20, 30], [4.0, 3.2, 2.97]), Series("test", TEST, [0, 15, 30], [4.2, 3.4, 3.06])]
HARM = "<b>x</b> ${1} %{y} <a href='javascript:1'>&amp;"


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_plotly_itself_takes_every_figure_and_it_is_plain_json(quantity: str) -> None:
    for made in (
        figure(RUN, quantity=quantity, marks=[Mark(20, "resumed")], until=100),
        compared(RUN, quantity=quantity, across="tokens read"),
    ):
        assert json.loads(json.dumps(made)) == made
        go.Figure(json.loads(re.sub(r"var\(--[\w-]+\)", "#123456", json.dumps(made))))


def test_the_lines_end_in_their_names_and_last_values() -> None:
    assert [label["text"] for label in decorations(RUN, quantity="loss")["annotations"]] == ["training 2.97", "test 3.06"]


def test_labels_that_would_stand_on_each_other_are_moved_apart() -> None:
    close = [Series("training", TRAINING, [1, 2], [4.0, 3.0]), Series("test", TEST, [1, 2], [4.0, 3.001])]
    low, high = decorations(close, quantity="loss")["annotations"]
    assert high["yshift"] - low["yshift"] >= LABEL - 1
    assert low["x"] == high["x"] == 2


def test_a_hole_at_the_end_leaves_the_label_at_the_last_number() -> None:
    holed = [Series("test", TEST, [0, 10, 20], [5.0, 4.0, None])]
    (label,) = decorations(holed, quantity="loss")["annotations"]
    assert (label["x"], label["text"]) == (10, "test 4.00")


def test_an_empty_curve_is_a_figure_without_labels() -> None:
    made = figure([Series("training", TRAINING)], quantity="loss")
    assert (made["data"][0]["x"], made["layout"]["annotations"]) == ([], [])


def test_names_that_mean_harm_are_shown_as_they_are() -> None:
    made = json.dumps(
        [
            figure([Series(HARM, TEST, [0, 1], [1, 2])], quantity="loss", marks=[Mark(1, HARM)]),
            compared([Series(HARM, TEST, [0], [1])], quantity="loss"),
        ]
    )
    assert "<b>" not in made
    assert "<a" not in made
    assert "&lt;b&gt;x&lt;/b&gt;" in made


def test_a_mark_stands_across_the_curve_with_its_words() -> None:
    made = decorations(RUN, quantity="loss", marks=[Mark(20, "memorising")])
    assert made["shapes"][0]["x0"] == made["shapes"][0]["x1"] == 20
    assert made["annotations"][-1]["text"] == "memorising"


def test_compared_jobs_differ_in_more_than_colour_and_stand_in_the_legend_once_each() -> None:
    series = [Series(f"job {n}", side, [0, 1], [2, 1], n) for n in range(3) for side in (TRAINING, TEST)]
    traces = compared(series, quantity="loss")["data"]
    tests = [trace for trace in traces if trace["showlegend"]]
    assert [trace["name"] for trace in tests] == ["job 0", "job 1", "job 2"]
    assert len({trace["line"]["color"] for trace in tests}) == len({trace["marker"]["symbol"] for trace in tests}) == 3
    assert all(trace["line"]["width"] < 2 for trace in traces if not trace["showlegend"])


def test_where_there_is_no_test_line_the_training_line_stands_in_the_legend() -> None:
    (trace,) = compared([Series("job", TRAINING, [0, 1], [1e-4, 0.0])], quantity="learning rate")["data"]
    assert (trace["showlegend"], trace["opacity"]) == (True, 1)


@pytest.mark.parametrize(
    ("quantity", "value", "shown"),
    [
        ("loss", 3.0649, "3.06"),
        ("perplexity", 21.44, "21.4"),
        ("learning rate", 6.1e-5, "6.1e-5"),
        ("speed", 3180.4, "3,180"),
        ("perplexity", 123456.0, "123,456"),
        ("loss", float("nan"), "-"),
    ],
)
def test_values_are_written_as_people_do(quantity: str, value: float, shown: str) -> None:
    assert number(value, QUANTITIES[quantity]) == shown
