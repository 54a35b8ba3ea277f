"""BertViz's pages as text: what they carry, what they leave out and say so, and what can't get out of them."""

from __future__ import annotations

import gzip
import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_attention import attention, made_maps, made_neurons

from explain.attention import capture
from explain.bertviz_page import ALPHABET, VIEWS, as_text, bertviz_page
from explain.passage import read_text
from explain.results import AttentionMaps
from explain.shades import MOST_LINES, least_level, shades
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel

HOSTILE = '</script><img src=x onerror="window.ran=1"><!-- \u2028 \''


def read_back(text: str) -> bytes:
    """Two signs are a number below 8281, 13 bits of it count."""
    bits = "".join(
        f"{ALPHABET.index(ord(text[place])) * 91 + ALPHABET.index(ord(text[place + 1])):013b}" for place in range(0, len(text), 2)
    )
    return bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits) - 7, 8))


def block(html: str, name: str) -> bytes:
    found = re.search(rf'<script type="text/plain" id="{name}" data-bytes="(\d+)">([^<]*)</script>', html)
    assert found
    return gzip.decompress(read_back(found[2])[: int(found[1])])


def told(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="told">(.*?)</script>', html, flags=re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def page_of(maps: AttentionMaps, view: str, **options: Any) -> str:
    given = {"neurons": made_neurons(maps.map())} if view == "neuron" else {}
    return bertviz_page(maps, view=view, **given, **options).html


def test_a_shade_is_the_weight_to_half_a_step() -> None:
    one = made_maps(tokens=9).map()
    drawn = shades(one)
    assert drawn.gain == 1
    assert drawn.levels.dtype == np.uint8
    assert np.abs(drawn.levels / 255 - one.weights).max() <= 0.5 / 255 + 1e-6


def test_what_is_left_without_the_first_word_is_drawn_in_full_strength() -> None:
    one = made_maps(tokens=9).without_sink().map()
    drawn = shades(one)
    assert drawn.levels.max() == 255
    assert drawn.weight(255) == pytest.approx(float(one.weights.max()))
    assert np.abs(drawn.levels / 255 / drawn.gain - one.weights).max() <= 0.5 / 255 / drawn.gain + 1e-6


def test_weights_that_are_no_numbers_are_not_drawn() -> None:
    maps = made_maps(tokens=3)
    maps.map().weights[0, 0, 1] = np.nan
    assert shades(maps.map()).levels[0, 0, 1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("most", [1, 7, 40, 10_000])
def test_the_least_level_is_the_smallest_that_few_enough_reach(most: int) -> None:
    levels = np.random.default_rng(most).integers(0, 60, 200).astype(np.uint8)
    found = least_level(levels, most)
    expected = next((level for level in range(1, 256) if (levels >= level).sum() <= most), 256)
    assert found == min(expected, levels.max())


def test_the_least_level_never_leaves_a_picture_empty() -> None:
    assert least_level(np.full((5, 5), 255, np.uint8), 10) == 255
    assert least_level(np.full((5, 5), 3, np.uint8), 10) == 3
    assert least_level(np.zeros((5, 5), np.uint8), 10) == 1
    assert least_level(np.zeros((0,), np.uint8), 10) == 1


def test_text_of_bytes_comes_back_and_means_nothing_to_html() -> None:
    data = bytes(range(256)) * 3 + b"end"
    text = as_text(data)
    assert read_back(text)[: len(data)] == data
    assert not set(text) & set('<&"')
    assert len(text) <= len(data) * 16 / 13 + 2


@pytest.mark.parametrize("view", ["head", "model"])
def test_the_page_carries_every_weight_that_may_be_and_no_other(view: str) -> None:
    maps = made_maps(tokens=6, layers=2, heads=3)
    levels = shades(maps.map()).levels
    weights = np.frombuffer(block(page_of(maps, view), "weights-0"), np.uint8)
    expected = [levels[layer, head, query, : query + 1] for query in range(6) for layer in range(2) for head in range(3)]
    assert weights.tolist() == np.concatenate(expected).tolist()


def test_an_encoder_decoder_brings_its_three_maps_the_named_one_first(tiny_t5: LanguageModel) -> None:
    maps = capture(tiny_t5, read_text(tiny_t5, "The fox wanted to see the sea.", "The king was tired."))
    html = page_of(maps, "head", name="cross")
    assert [entry["name"] for entry in told(html)["maps"]] == ["cross", "encoder", "decoder"]
    for place, entry in enumerate(told(html)["maps"]):
        cells = sum(range(len(entry["left"]) + 1)) if entry["causal"] else len(entry["left"]) * len(entry["right"])
        assert len(block(html, f"weights-{place}")) == cells * entry["layers"] * entry["heads"]


def test_the_neuron_view_carries_queries_and_keys_of_its_layer() -> None:
    maps = made_maps(tokens=5, layers=3, heads=2)
    given = made_neurons(maps.map(), layer=1)
    html = bertviz_page(maps, view="neuron", layer=1, neurons=given).html
    vectors = told(html)["vectors"]
    for side in ("queries", "keys"):
        scales = np.array(vectors[side]["scales"], np.float32)[:, None, None]
        values = np.frombuffer(block(html, side), "<i2").reshape(2, 5, -1) * scales
        assert np.abs(values - getattr(given, side)).max() <= scales.max() / 2 * 1.01
    assert len(block(html, "weights-0")) == 2 * 15
    assert (told(html)["layer"], told(html)["maps"][0]["layers"]) == (1, 1)


@pytest.mark.parametrize("view", VIEWS)
def test_bertvizs_script_is_the_installed_one_and_nothing_else_is_asked_for(view: str) -> None:
    html = page_of(made_maps(tokens=3), view)
    script = Path(str(distribution("bertviz").locate_file(f"bertviz/{view}_view.js"))).read_text(encoding="utf-8")
    assert script in block(html, "libraries").decode()
    assert not re.search(
        r"(?:src|href)\s*=|https?:(?!//www\.w3\.org/)|@import|url\(", re.sub(r'<script type="text/plain".*?</script>', "", html)
    )
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:" in html


@pytest.mark.parametrize("view", VIEWS)
def test_no_label_and_no_title_can_end_the_script(view: str) -> None:
    plain, hostile = page_of(made_maps(["a", "b"]), view), page_of(made_maps([HOSTILE, "b"]), view, title=HOSTILE)
    assert re.findall(r"</?\w+|<!", plain) == re.findall(r"</?\w+|<!", hostile)
    assert (told(hostile)["maps"][0]["left"], told(hostile)["title"]) == ([HOSTILE, "b"], HOSTILE)


def test_no_script_of_ours_could_be_ended_or_commented_out() -> None:
    for asset in (Path(__file__).parents[1] / "explain" / "assets").glob("bertviz*.js"):
        assert not re.search(r"</script|<!--", asset.read_text(encoding="utf-8"), flags=re.IGNORECASE), asset.name


def test_few_lines_are_all_drawn_and_the_sentence_tells_the_limit() -> None:
    for view in VIEWS:
        page = bertviz_page(maps := made_maps(tokens=4), view=view, neurons=made_neurons(maps.map()))
        assert "Lines under" not in page.sentence
        assert f"At most {MOST_LINES:,} lines" in page.sentence or view == "neuron"


def test_what_is_left_out_is_said_with_its_true_weight() -> None:
    maps = made_maps(tokens=70, layers=1, heads=12)
    levels = shades(maps.map()).levels
    least = least_level(levels)
    assert int((levels >= 1).sum()) > MOST_LINES >= int((levels >= least).sum())
    page = bertviz_page(maps, view="head")
    assert f"Lines under {100 * (least - 0.5) / 255:.2g} % are not drawn: only the {MOST_LINES:,} strongest are." in page.sentence
    hidden = maps.without_sink()
    assert hidden.map().left_out in bertviz_page(hidden, view="head").sentence
    assert hidden.map().left_out in told(bertviz_page(hidden, view="head").html)["limit"]
    level = least_level(shades(hidden.map()).levels)
    assert f"Lines under {100 * shades(hidden.map()).least_weight(level):.2g} %" in bertviz_page(hidden, view="head").sentence


def test_of_too_many_equal_lines_a_share_is_drawn_and_it_is_said() -> None:
    maps = made_maps(tokens=200, layers=10, heads=12, sharpness=1e4)
    page = bertviz_page(maps, view="model")
    reaching = int((shades(maps.map()).levels == 255).sum())
    least, keep, note = told(page.html)["maps"][0]["cuts"][0]
    assert (least, round(keep * reaching)) == (255, MOST_LINES * 4 // 5)
    assert f"{reaching:,} lines are equally strong: {MOST_LINES * 4 // 5:,} of them" in note
    assert note in page.sentence


@pytest.mark.parametrize("weights", ["any", "peaked"])
def test_256_tokens_in_144_heads_stay_under_two_megabytes(weights: str) -> None:
    """Even shares of an exponential draw: about the hardest rows to pack that there are."""
    maps = made_maps(tokens=256, layers=12, heads=12, sharpness=None if weights == "any" else 8)
    assert len(page_of(maps, "head").encode()) < 2_000_000


def test_what_cannot_be_shown_is_refused_in_a_sentence() -> None:
    maps = made_maps(tokens=4, layers=2, heads=3)
    with pytest.raises(SettingsError, match=r"Unknown view 'tree'\. Choose one of: head, model, neuron"):
        bertviz_page(maps, view="tree")
    with pytest.raises(SettingsError, match="The layer is 3; it must be a whole number from 1 to 2"):
        bertviz_page(maps, view="head", layer=2)
    with pytest.raises(SettingsError, match="The head is 4; it must be a whole number from 1 to 3"):
        bertviz_page(maps, view="head", head=3)
    with pytest.raises(SettingsError, match="Unknown kind of attention 'cross'"):
        bertviz_page(maps, view="head", name="cross")
    with pytest.raises(ExplainError, match="needs queries and keys"):
        bertviz_page(maps, view="neuron")
    with pytest.raises(ExplainError, match="those of layer 1, for another picture than layer 2"):
        bertviz_page(maps, view="neuron", layer=1, neurons=made_neurons(maps.map()))
    with pytest.raises(ExplainError, match="no queries and keys of their own"):
        bertviz_page(maps.by_words(), view="neuron", neurons=made_neurons(maps.map()))


def test_made_attention_is_attention() -> None:
    weights = attention(tokens=5, layers=1, heads=2)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    assert not np.triu(weights[0, 0], 1).any()
