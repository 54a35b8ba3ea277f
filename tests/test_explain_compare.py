"""What two models look at differently: nothing where they are one, the planted change where there is one."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from explain.attention import capture
from explain.compare import difference
from explain.passage import Passage, read_text
from explain.results import AttentionMap, AttentionMaps
from explain.words import Piece, Span, pieces_as_spans
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel

TEXT = "Once upon a time there was a little fox who lived under the old oak tree."


def changed_in(model: LanguageModel, layer: int, head: int) -> LanguageModel:
    """The same GPT-2 but for the queries of one head."""
    tuned = copy.deepcopy(model.model)
    width = 32 // 4
    with torch.no_grad():
        cast(Any, tuned).transformer.h[layer].attn.c_attn.weight[:, head * width : (head + 1) * width] *= -1
    return replace(model, name="tuned", model=tuned)


def made(texts: list[str], *, model: str, layers: int = 1, heads: int = 2, seed: int = 0, first: int = 0) -> AttentionMaps:
    """Random maps by pieces of a text that a tokenizer cut into these pieces."""
    pieces = tuple(Piece(first + place, text, text.strip()) for place, text in enumerate(texts))
    weights = np.tril(np.random.default_rng(seed).random((layers, heads, len(texts), len(texts)))) + np.eye(len(texts)) * 1e-3
    weights = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    spans = pieces_as_spans(pieces)
    one = AttentionMap("self", weights, spans, spans, True, len(texts), len(texts))
    return AttentionMaps(Passage(model, "0", "causal", pieces, ()), "pieces", (one,))


def test_a_model_differs_from_itself_nowhere(tiny_model: LanguageModel) -> None:
    maps = capture(tiny_model, read_text(tiny_model, TEXT, "The fox laughed."))
    for name in [one.name for one in maps.maps]:
        for both in (maps, maps.by_words(), maps.without_sink()):
            found = difference(both, both, name=name)
            assert not found.weights.any()
            assert not found.distance.any()
            assert found.distance.shape == (2, 4)
            assert found.map.name == name
            assert found.unit == both.unit


def test_a_changed_head_is_found_where_it_is(tiny_gpt2: LanguageModel) -> None:
    tuned = changed_in(tiny_gpt2, 1, 2)
    passage = read_text(tiny_gpt2, TEXT)
    before, after = capture(tiny_gpt2, passage), capture(tuned, read_text(tuned, TEXT))
    found = difference(before, after)
    assert (found.base, found.tuned, found.unit) == (tiny_gpt2.name, "tuned", "pieces")
    assert found.distance[1, 2] > 0.1
    assert np.delete(found.distance.ravel(), 6).max() < 1e-6
    assert (found.queries, found.keys) == (before.map().queries, before.map().keys)


def test_distance_is_half_the_sum_of_differences_over_keys() -> None:
    base, tuned = made(list("abcde"), model="a"), made(list("abcde"), model="b", seed=1)
    found = difference(base, tuned)
    before, after = base.map().weights[0].tolist(), tuned.map().weights[0].tolist()
    rows = [
        [sum(abs(x - y) for x, y in zip(*row, strict=True)) / 2 for row in zip(*head, strict=True)]
        for head in zip(before, after, strict=True)
    ]
    by_hand = [sum(shares) / 5 for shares in rows]
    np.testing.assert_allclose(found.distance[0], by_hand, atol=1e-6)
    np.testing.assert_allclose(found.weights.sum(-1), 0, atol=1e-6)
    assert (found.distance > 0.01).all()
    assert (found.distance <= 1).all()


def test_exchanging_the_models_turns_the_sign() -> None:
    base, tuned = made(list("abcde"), model="a"), made(list("abcde"), model="b", seed=1)
    there, back = difference(base, tuned), difference(tuned, base)
    np.testing.assert_array_equal(there.weights, -back.weights)
    np.testing.assert_array_equal(there.distance, back.distance)
    assert (there.base, there.tuned) == (back.tuned, back.base)


def test_texts_cut_differently_are_compared_by_words() -> None:
    base, tuned = made(["The", " fo", "x", " ran"], model="a"), made(["Th", "e", " fox", " ran"], model="b", seed=1)
    found = difference(base, tuned)
    assert found.unit == "words"
    assert [span.label for span in found.keys] == ["The", "fox", "ran"]
    np.testing.assert_allclose(found.weights, tuned.by_words().map().weights - base.by_words().map().weights, atol=1e-6)


def test_the_same_pieces_with_other_numbers_are_compared_by_words() -> None:
    """Two vocabularies: what looks alike need not be the same token."""
    assert difference(made(["The", " fox"], model="a"), made(["The", " fox"], model="b", first=7)).unit == "words"


def test_maps_in_two_units_are_compared_by_words() -> None:
    base = made(["The", " fo", "x"], model="a")
    assert difference(base, base.by_words()).unit == "words"
    assert not difference(base.by_words(), base).distance.any()


def test_other_words_are_refused_by_name() -> None:
    base, tuned = made(["The", " fox", " ran"], model="small"), made(["The", " fox", " sat"], model="large")
    with pytest.raises(
        ExplainError, match="small and large don't read the same words: word 3 is “ran” for the one and “sat” for the other"
    ):
        difference(base, tuned)
    longer = made(["The", " fox", " ran", " home"], model="large")
    with pytest.raises(ExplainError, match="3 and 4 words"):
        difference(base, longer)


def test_other_layers_or_heads_are_refused_by_name() -> None:
    base = made(["The", " fox"], model="small")
    for layers, heads in ((2, 2), (1, 4)):
        with pytest.raises(
            ExplainError, match=rf"small \(1 and 2\) and large \({layers} and {heads}\) don't fit: only models of the same build"
        ):
            difference(base, made(["The", " fox"], model="large", layers=layers, heads=heads))


def test_models_of_another_kind_are_refused(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    one, other = capture(tiny_gpt2, read_text(tiny_gpt2, TEXT)), capture(tiny_t5, read_text(tiny_t5, TEXT))
    with pytest.raises(ExplainError, match="don't read alike: one has an encoder and the other hasn't"):
        difference(one, other)
    with pytest.raises(SettingsError, match="kind of attention"):
        difference(one, one, name="cross")


def test_the_first_word_is_left_out_of_both_or_of_neither() -> None:
    base, tuned = made(list("abcde"), model="a"), made(list("abcde"), model="b", seed=1)
    with pytest.raises(ExplainError, match="show it in both, or in neither"):
        difference(base, tuned.without_sink())
    hidden = difference(base.without_sink(), tuned.without_sink())
    whole = difference(base, tuned)
    np.testing.assert_array_equal(hidden.weights[..., 1:], whole.weights[..., 1:])
    assert not hidden.weights[..., 0].any()
    np.testing.assert_allclose(hidden.map.hidden, whole.weights[:, :, 1:, 0].mean(-1), atol=1e-6)


def test_a_first_token_left_out_of_texts_cut_differently_is_refused() -> None:
    base, tuned = made(["The", " fox"], model="a").without_sink(), made(["Th", "e", " fox"], model="b").without_sink()
    with pytest.raises(ExplainError, match="the first token that is left out is not the same"):
        difference(base, tuned)
    by_words = made(["The", " fox"], model="a").by_words().without_sink(), made(["Th", "e", " fox"], model="b").by_words().without_sink()
    found = difference(*by_words)
    assert found.keys == (Span(0, 2, "The"), Span(2, 3, "fox"))
