"""Tables of attention: the numbers are those that the views draw, and every word comes back as it was."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from explain.ablation import AblationMap, Target
from explain.attention import capture
from explain.bertviz_page import _cuts
from explain.compare import AttentionDifference
from explain.lens import Guess, Lens, LensLayer
from explain.passage import Passage, read_text
from explain.plots import difference_map, heat_map
from explain.results import AttentionMap, AttentionMaps
from explain.roles import HeadRoles
from explain.shades import MOST_LINES, MOST_OF_ONE_HEAD, shades
from explain.tables import ablation_csv, attention_csv, difference_csv, distance_csv, lens_csv, overview_csv
from explain.words import Piece, Span
from narrative.errors import SettingsError
from narrative.models import LanguageModel

TEXT = "The fox saw the sea, and the fox went home."
PASSAGE = Passage("made", "0", "causal", (Piece(0, "a", "a"),), ())
ODD = ('"', ",", "the", "the", "“a”, b", "=1+1", "-", "@x", "+49", "-ing", "¶", "狐", "ע", "</script>")


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def made_maps(words: int = len(ODD), *, heads: int = 3, causal: bool = True) -> AttentionMaps:
    """(layer 2, heads), softmax of noise."""
    scores = np.random.default_rng(1).normal(0, 3, (2, heads, words, words))
    scores = np.where(np.tril(np.ones((words, words), dtype=bool)) | (not causal), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    spans = tuple(Span(place, place + 1, ODD[place % len(ODD)]) for place in range(words))
    one = AttentionMap("self", (weights / weights.sum(-1, keepdims=True)).astype(np.float32), spans, spans, causal, words, words)
    return AttentionMaps(PASSAGE, "pieces", (one,))


def place_of(row: dict[str, str]) -> tuple[int, int, int, int]:
    """(layer, head, query, key), from 0."""
    layer, head, query, key = (int(row[name]) - 1 for name in ("layer", "head", "query", "key"))
    return layer, head, query, key


@pytest.mark.parametrize("hidden", [False, True])
def test_the_head_view_has_every_weight_of_its_layer_as_it_is_and_as_it_is_drawn(hidden: bool) -> None:
    maps = made_maps().without_sink() if hidden else made_maps()
    one = maps.map()
    drawn, rows = shades(one), read(attention_csv(maps, view="head", layer=1))
    assert {place_of(row) for row in rows} == {
        (1, head, query, key) for head in range(3) for query in range(len(ODD)) for key in range(int(hidden), query + 1)
    }  # fmt: skip
    assert len(rows) == 3 * (len(ODD) * (len(ODD) + 1) // 2 - len(ODD) * hidden)  # what is left out has no line, not a weight of 0
    for row in rows:
        assert float(row["weight"]) == pytest.approx(float(one.weights[place_of(row)]), rel=1e-5)
        level = int(drawn.levels[place_of(row)])
        assert float(row["drawn"] or 0) == pytest.approx(drawn.weight(level), abs=0.501e-4)
        assert bool(row["drawn"]) == (level > 0)  # few enough for all of them
        assert row["map"] == "self"


def test_what_is_too_faint_for_a_line_has_no_drawn_value() -> None:
    maps = made_maps(120, heads=3)
    for view, most in (("head", MOST_LINES), ("neuron", MOST_OF_ONE_HEAD)):
        rows = read(attention_csv(maps, view=view, layer=1, head=None if view == "head" else 1))
        drawn = [float(row["drawn"]) for row in rows if row["drawn"]]
        assert 0 < len(drawn) <= most < len(rows)
        assert min(drawn) >= max(float(row["weight"]) for row in rows if not row["drawn"]) - 1 / 255


def test_one_head_can_be_asked_for() -> None:
    rows = read(attention_csv(made_maps(), view="head", layer=0, head=2))
    assert {place_of(row)[:2] for row in rows} == {(0, 2)}
    assert read(attention_csv(made_maps(), view="neuron", layer=0, head=2)) == rows


def test_the_model_view_has_just_the_lines_that_its_picture_draws() -> None:
    maps = made_maps(90, heads=12)
    drawn = shades(maps.map())
    (picture,), _ = _cuts(drawn, "model")
    assert picture.least > 1
    rows = read(attention_csv(maps, view="model"))
    assert {place_of(row) for row in rows} == {tuple(place) for place in np.argwhere(drawn.levels >= picture.least).tolist()}
    assert len(rows) == np.count_nonzero(drawn.levels >= picture.least) > 1000


def test_the_heat_map_and_its_table_are_the_same_numbers() -> None:
    maps = made_maps()
    rows = read(attention_csv(maps, view="heatmap", layer=1, head=1))
    shown = heat_map(maps.map(), layer=1, head=1).data[0].z
    assert len(rows) == sum(len(row) for row in shown)
    for row in rows:
        _, _, query, key = place_of(row)
        assert float(row["drawn"]) == pytest.approx(shown[query][key] / 100, abs=1e-9)


def test_maps_that_look_ahead_are_whole() -> None:
    rows = read(attention_csv(made_maps(4, causal=False), view="heatmap"))
    assert [place_of(row)[2:] for row in rows] == [(query, key) for query in range(4) for key in range(4)]


def test_words_come_back_as_they_were_and_none_can_run_as_a_formula() -> None:
    rows = read(attention_csv(made_maps(), view="heatmap"))
    words = {int(row["key"]): row["key_text"] for row in rows}
    assert words == {int(row["query"]): row["query_text"] for row in rows}
    written = [words[place] for place in range(1, len(ODD) + 1)]
    assert written == ['"', ",", "the", "the", "“a”, b", "'=1+1", "-", "'@x", "'+49", "'-ing", "¶", "狐", "ע", "</script>"]
    assert [word.removeprefix("'") for word in written] == list(ODD)


def test_a_table_is_text_that_any_file_can_hold() -> None:
    maps = made_maps(2)
    spans = (Span(0, 1, "\ud83d"), Span(1, 2, "a\x00b"))
    odd = replace(maps, maps=(replace(maps.map(), queries=spans, keys=spans),))
    text = attention_csv(odd, view="heatmap")
    assert text.encode("utf-8").count(b"\n") == 4
    assert "\x00" not in text


@pytest.mark.parametrize("name", ["encoder", "decoder", "cross"])
def test_each_map_of_an_encoder_decoder_has_its_own_words(tiny_t5: LanguageModel, name: str) -> None:
    maps = capture(tiny_t5, read_text(tiny_t5, "The fox saw the sea.", " She laughed."))
    one = maps.map(name)
    rows = read(attention_csv(maps, view="heatmap", name=name))
    assert {row["map"] for row in rows} == {name}
    assert {int(row["query"]) for row in rows} == set(range(1, len(one.queries) + 1))
    assert {int(row["key"]) for row in rows} == set(range(1, len(one.keys) + 1))


def test_what_a_real_model_gives_adds_up_in_its_table(tiny_gpt2: LanguageModel) -> None:
    maps = capture(tiny_gpt2, read_text(tiny_gpt2, TEXT)).by_words()
    sums: dict[str, float] = {}
    for row in read(attention_csv(maps, view="heatmap", layer=1, head=3)):
        sums[row["query"]] = sums.get(row["query"], 0) + float(row["weight"])
    assert list(sums.values()) == pytest.approx([1] * len(maps.map().queries), abs=1e-4)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"view": "pie"}, "Unknown view 'pie'. Choose one of: head, model, neuron, heatmap"),
        ({"view": "head", "layer": 2}, "Layer is 3; it must be a whole number from 1 to 2"),
        ({"view": "head", "head": 3}, "Head is 4; it must be a whole number from 1 to 3"),
        ({"view": "head", "name": "cross"}, "Unknown kind of attention 'cross'. Choose one of: self"),
    ],
)
def test_what_is_not_there_is_named(asked: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        attention_csv(made_maps(), **asked)  # type: ignore[arg-type]


def test_roles_are_listed_head_by_head() -> None:
    roles = HeadRoles((("broad", "other"), ("induction", "first word")), np.array([[0.9, 0], [0.25, 1]], dtype=np.float32), True)
    assert overview_csv(roles) == "layer,head,role,strength\n1,1,broad,0.9\n1,2,other,0\n2,1,induction,0.25\n2,2,first word,1\n"


def test_a_difference_has_the_numbers_of_its_figure() -> None:
    one = made_maps().map()
    signed = replace(one, weights=one.weights - one.weights[:, ::-1])
    diff = AttentionDifference("base", "tuned", "pieces", signed, np.abs(signed.weights).sum(-1).mean(-1) / 2)
    rows, shown = read(difference_csv(diff, 1, 2)), difference_map(diff, layer=1, head=2).data[0].z
    assert len(rows) == len(ODD) * (len(ODD) + 1) // 2
    assert min(float(row["difference"]) for row in rows) < 0 < max(float(row["difference"]) for row in rows)
    for row in rows:
        assert float(row["difference"]) == pytest.approx(float(signed.weights[place_of(row)]), rel=1e-5)
        assert float(row["drawn"]) == pytest.approx(shown[place_of(row)[2]][place_of(row)[3]] / 100, abs=1e-9)
    assert [float(row["distance"]) for row in read(distance_csv(diff))] == pytest.approx(diff.distance.ravel().tolist(), rel=1e-5)


def test_an_ablation_lists_what_is_worked_out() -> None:
    effects = np.array([[0.5, -2.25], [np.nan, np.nan]], dtype=np.float32)
    assert ablation_csv(AblationMap("self", "zero", Target(2, 3), -4.0, effects, 1)) == "layer,head,effect\n1,1,0.5\n1,2,-2.25\n"


def test_the_lens_is_listed_layer_by_layer() -> None:
    guesses = (Guess(7, "fox", 0.5), Guess(9, "=x", 0.125))
    told = Lens(3, Piece(9, "=x", "=x"), (LensLayer(0, guesses, 0.125, 2), LensLayer(1, guesses[:1], None, None)), 0)
    header = "layer,place,token,text,probability,actual_probability,actual_rank"
    assert lens_csv(told).splitlines() == [header, "0,1,7,fox,0.5,0.125,2", "0,2,9,'=x,0.125,0.125,2", "1,1,7,fox,0.5,,"]
