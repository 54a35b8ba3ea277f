"""Captured attention: equal to the model's own `output_attentions`, by tokens and by words, for every kind of model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import CONTEXT, tiny_tokenizer, write_tiny
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from explain import attention
from explain.attention import capture
from explain.passage import read_text
from explain.results import CROSS, DECODER, ENCODER, AttentionMaps
from explain.twin import twin
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel, load_model

TEXT, MORE = "There is a blue curtain in the room, and behind the curtain", " a door that the old fox never opened."
SIZES: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT, "initializer_range": 0.5,
}  # fmt: skip


def built(tmp_path: Path, config: PretrainedConfig, model: type[PreTrainedModel]) -> LanguageModel:
    return load_model(str(write_tiny(tmp_path / "tiny-other", lambda _: model(config), tokenizer=tiny_tokenizer())), device="cpu")


def own(model: LanguageModel, maps: AttentionMaps) -> dict[str, np.ndarray[Any, Any]]:
    """The model's own weights, by transformers' documented way."""
    reader: Any = type(model.model)(copy.deepcopy(model.model.config))
    reader.load_state_dict(model.model.state_dict())
    reader.eval().set_attn_implementation("eager")
    sides = [torch.tensor([[piece.id for piece in side]]) for side in (maps.passage.prompt, maps.passage.sequence)]
    with torch.no_grad():
        if model.kind == "seq2seq":
            read = reader(input_ids=sides[0], decoder_input_ids=sides[1], output_attentions=True)
            named = {ENCODER: read.encoder_attentions, DECODER: read.decoder_attentions, CROSS: read.cross_attentions}
        else:
            named = {"self": reader(input_ids=sides[1], output_attentions=True).attentions}
    return {name: torch.cat(layers).numpy() for name, layers in named.items()}


def assert_equal_to_the_models_own(model: LanguageModel) -> AttentionMaps:
    maps = capture(model, read_text(model, TEXT, MORE))
    expected = own(model, maps)
    assert {one.name for one in maps.maps} == set(expected)
    for one in maps.maps:
        assert one.weights.shape == expected[one.name].shape
        assert np.abs(one.weights - expected[one.name]).max() < 1e-6
        assert np.abs(one.weights.sum(-1) - 1).max() < 1e-5
        if one.causal:
            assert np.triu(one.weights, 1).max() == 0
    return maps


def test_values_are_those_of_output_attentions(tiny_model: LanguageModel) -> None:
    assert_equal_to_the_models_own(tiny_model)


def test_grouped_queries(tmp_path: Path) -> None:
    maps = assert_equal_to_the_models_own(built(tmp_path, Qwen2Config(vocab_size=400, **SIZES), Qwen2ForCausalLM))
    assert maps.map().heads == 4


def test_sliding_windows_see_only_their_window(tmp_path: Path) -> None:
    maps = assert_equal_to_the_models_own(built(tmp_path, MistralConfig(vocab_size=400, sliding_window=4, **SIZES), MistralForCausalLM))
    assert np.tril(maps.map().weights, -4).max() == 0
    assert np.tril(maps.map().weights, -3).max() > 0


def test_layers_of_two_kinds(tmp_path: Path) -> None:
    kinds = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4, "head_dim": 8}
    maps = assert_equal_to_the_models_own(built(tmp_path, Gemma3TextConfig(vocab_size=400, **SIZES, **kinds), Gemma3ForCausalLM))
    far = np.tril(maps.map().weights, -6).max(axis=(1, 2, 3))
    assert far[0] == 0 < far[1]


def test_a_model_without_attention_says_so(tmp_path: Path) -> None:
    config = MambaConfig(vocab_size=400, hidden_size=32, num_hidden_layers=2, state_size=4)
    model = built(tmp_path, config, MambaForCausalLM)
    passage = read_text(model, TEXT)
    with pytest.raises(ExplainError, match="no attention weights to show"):
        capture(model, passage)


def test_words_sum_keys_and_average_queries(tiny_gpt2: LanguageModel) -> None:
    pieces = capture(tiny_gpt2, read_text(tiny_gpt2, TEXT, MORE))
    one, word = pieces.map(), pieces.by_words().map()
    assert len(word.queries) < len(one.queries)
    assert np.abs(word.weights.sum(-1) - 1).max() < 1e-5
    for row, query in enumerate(word.queries):
        for column, key in enumerate(word.keys):
            by_hand = one.weights[:, :, query.start : query.stop, key.start : key.stop].sum(-1).mean(-1)
            assert word.weights[:, :, row, column] == pytest.approx(by_hand, abs=1e-6)
    assert word.queries[word.query_border].start == pieces.passage.written_from


def test_words_of_an_encoder_decoder(tiny_t5: LanguageModel) -> None:
    maps = capture(tiny_t5, read_text(tiny_t5, TEXT, MORE)).by_words()
    assert [one.name for one in maps.maps] == [ENCODER, DECODER, CROSS]
    assert maps.map(CROSS).keys == maps.map(ENCODER).keys
    assert maps.map(CROSS).queries == maps.map(DECODER).queries
    assert all(np.abs(one.weights.sum(-1) - 1).max() < 1e-5 for one in maps.maps)
    with pytest.raises(SettingsError, match="Choose one of: encoder, decoder, cross"):
        maps.map("self")


def test_the_sink_is_left_out_and_its_share_told(tiny_gpt2: LanguageModel) -> None:
    whole = capture(tiny_gpt2, read_text(tiny_gpt2, TEXT))
    left = whole.without_sink().map()
    assert left.weights[..., 0].max() == 0
    assert np.array_equal(left.weights[..., 1:], whole.map().weights[..., 1:])
    assert left.hidden == pytest.approx(whole.map().weights[:, :, 1:, 0].mean(-1), abs=1e-6)
    assert whole.map().hidden is None


def test_maps_are_kept_without_loss(tiny_t5: LanguageModel, tmp_path: Path) -> None:
    maps = capture(tiny_t5, read_text(tiny_t5, TEXT, MORE)).by_words().without_sink()
    maps.save(tmp_path / "maps.npz")
    again = AttentionMaps.load(tmp_path / "maps.npz")
    assert (again.passage, again.unit, again.notes) == (maps.passage, maps.unit, maps.notes)
    for kept, one in zip(again.maps, maps.maps, strict=True):
        assert np.array_equal(kept.weights, one.weights)
        assert kept.hidden is not None
        assert (kept.queries, kept.keys, kept.causal, kept.key_border) == (one.queries, one.keys, one.causal, one.key_border)


def test_a_file_that_holds_no_maps_is_refused(tmp_path: Path) -> None:
    (tmp_path / "maps.npz").write_bytes(b"something else")
    np.savez(tmp_path / "others.npz", a=np.zeros(3))
    for name in ("maps.npz", "others.npz", "missing.npz"):
        with pytest.raises(ExplainError, match=name):
            AttentionMaps.load(tmp_path / name)


def test_one_token_looks_at_itself(tiny_gpt2: LanguageModel) -> None:
    maps = capture(tiny_gpt2, read_text(tiny_gpt2, "a"))
    assert maps.map().weights.shape[2:] == (1, 1)
    assert maps.map().weights.min() == 1
    assert maps.by_words().without_sink().map().weights.min() == 1


def test_maps_that_would_not_fit_are_refused_before_they_are_made(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LARGEST", 4 * 2 * 4 * 10 * 10)
    with pytest.raises(ExplainError, match="at most 10 fit"):
        capture(tiny_gpt2, read_text(tiny_gpt2, TEXT))


def test_a_twin_shares_the_weights_and_nothing_else(tiny_model: LanguageModel) -> None:
    before = tiny_model.model.config._attn_implementation
    other = twin(tiny_model, attention="eager")
    assert other.config._attn_implementation == "eager"
    assert tiny_model.model.config._attn_implementation == before
    for mine, theirs in zip(tiny_model.model.parameters(), other.parameters(), strict=True):
        assert mine.data_ptr() == theirs.data_ptr()
    assert not {id(module) for module in tiny_model.model.modules()} & {id(module) for module in other.modules()}
