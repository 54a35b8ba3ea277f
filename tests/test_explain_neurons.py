"""Queries and keys make the attention that was captured, or are not shown."""

from __future__ import annotations

import copy
import threading
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from explain.attention import capture
from explain.neurons import neurons
from explain.passage import Passage, read_text
from explain.results import AttentionMaps
from explain.words import Piece
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel, ModelCard

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64}
SHARED: dict[str, Any] = SIZES | {"vocab_size": 50, "num_key_value_heads": 2, "initializer_range": 0.5}


def gpt2(**settings: Any) -> PreTrainedModel:
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=64, n_embd=32, n_layer=2, n_head=4, initializer_range=0.5, **settings))


# Families that attend otherwise than GPT-2, GPT-Neo and Llama, which have fixtures.
BUILT = {
    "Qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHARED)),
    "Mistral with a window of 8": lambda: MistralForCausalLM(MistralConfig(**SHARED, sliding_window=8)),
    "Gemma2, scaled, capped so high that it hardly matters": lambda: Gemma2ForCausalLM(
        Gemma2Config(**SHARED | {"initializer_range": 0.2}, head_dim=8, query_pre_attn_scalar=3, attn_logit_softcapping=1e5)
    ),
    "OPT": lambda: OPTForCausalLM(OPTConfig(**SIZES, vocab_size=50, ffn_dim=64, init_std=0.5, word_embed_proj_dim=32)),
    "GPT-2 scaled by layer": lambda: gpt2(scale_attn_by_inverse_layer_idx=True),
    "GPT-2 without scaling": lambda: gpt2(scale_attn_weights=False),
    "GPT-2 reordered": lambda: gpt2(reorder_and_upcast_attn=True),
}


def built(model: PreTrainedModel, *, tokens: int = 20) -> tuple[LanguageModel, Passage]:
    """A model with a passage of random tokens; nothing of it needs a tokenizer."""
    ids = torch.randint(3, 50, (tokens,), generator=torch.Generator().manual_seed(1)).tolist()
    pieces = tuple(Piece(identity, f" w{identity}", f"w{identity}") for identity in ids)
    card = ModelCard("built", "Built", "", "folder")
    return LanguageModel("built", model.eval(), cast(Any, None), "causal", 64, "0", card), Passage("built", "0", "causal", pieces, ())


def seeded(name: str) -> tuple[LanguageModel, Passage]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return built(BUILT[name]())


def attention(queries: NDArray[Any], keys: NDArray[Any], seen: NDArray[np.bool_]) -> torch.Tensor:
    """softmax(q.k / sqrt(width)) as torch does it."""
    scores = torch.from_numpy(queries) @ torch.from_numpy(keys).mT / queries.shape[-1] ** 0.5
    return torch.softmax(scores.masked_fill(torch.from_numpy(~seen), -torch.inf), dim=-1)


def assert_they_make_the_attention(model: LanguageModel, passage: Passage, *, window: int = 10_000) -> None:
    """What may be seen is told here by the rule, not by the weights."""
    one = capture(model, passage).map()
    place = np.arange(len(one.queries))
    for layer in range(one.layers):
        behind = place[:, None] - place[None, :]
        seen = (behind >= 0) & (behind < window)
        found = neurons(model, capture(model, passage), layer=layer)
        assert found.layer == layer
        assert found.queries.shape == found.keys.shape
        assert found.queries.shape[:2] == (one.heads, len(one.queries))
        assert found.queries.dtype == found.keys.dtype == np.float32
        torch.testing.assert_close(attention(found.queries, found.keys, seen), torch.from_numpy(one.weights[layer]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_neo", "tiny_llama"])
def test_queries_and_keys_make_the_captured_attention(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    assert_they_make_the_attention(model, read_text(model, "Once upon a time there was", " a little fox"))


@pytest.mark.parametrize("name", list(BUILT))
def test_other_families_too(name: str) -> None:
    assert_they_make_the_attention(*seeded(name), window=8 if "window" in name else 10_000)


def test_a_local_layer_of_gpt_neo_sees_its_window_only(tiny_neo: LanguageModel) -> None:
    passage = read_text(tiny_neo, "Once upon a time there was a little fox who lived under the old oak tree and walked to the sea.")
    assert len(passage.sequence) > 18
    maps = capture(tiny_neo, passage)
    assert maps.map().weights[1, :, 18, 2].max() == 0
    found = neurons(tiny_neo, maps, layer=1)
    place = np.arange(len(passage.sequence))
    behind = place[:, None] - place[None, :]
    made = attention(found.queries, found.keys, (behind >= 0) & (behind < 16))
    torch.testing.assert_close(made, torch.from_numpy(maps.map().weights[1]), atol=1e-4, rtol=0)


def test_heads_that_share_keys_have_a_copy_each(tiny_llama: LanguageModel) -> None:
    found = neurons(tiny_llama, maps_of(tiny_llama), layer=0)
    np.testing.assert_array_equal(found.keys[0], found.keys[1])
    assert not np.array_equal(found.keys[1], found.keys[2])
    assert not np.array_equal(found.queries[0], found.queries[1])


def test_gpt2_gives_what_its_projection_gives(tiny_gpt2: LanguageModel) -> None:
    """Independent of any interface: by hand, from the embeddings."""
    maps = maps_of(tiny_gpt2)
    inner = cast(Any, tiny_gpt2.model).transformer
    ids = torch.tensor([piece.id for piece in maps.passage.sequence])
    with torch.no_grad():
        made = inner.h[0].attn.c_attn(inner.h[0].ln_1(inner.wte(ids) + inner.wpe(torch.arange(len(ids)))))
    queries, keys, _ = (part.reshape(len(ids), 4, 8).transpose(0, 1).numpy() for part in made.split(32, dim=-1))
    found = neurons(tiny_gpt2, maps, layer=0)
    np.testing.assert_allclose(found.queries, queries, atol=1e-4)
    np.testing.assert_allclose(found.keys, keys, atol=1e-4)


def maps_of(model: LanguageModel, text: str = "Once upon a time there was a little fox") -> AttentionMaps:
    return capture(model, read_text(model, text))


def test_t5_is_refused_with_the_reason(tiny_t5: LanguageModel) -> None:
    with pytest.raises(ExplainError, match=r"bias for the distance .* head view and the model view"):
        neurons(tiny_t5, capture(tiny_t5, read_text(tiny_t5, "Once upon a time", "there was")), layer=0)


def test_bloom_is_refused_with_the_reason() -> None:
    model, passage = built(BloomForCausalLM(BloomConfig(vocab_size=50, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5)))
    with pytest.raises(ExplainError, match=r"Built \(bloom\) adds a bias for the distance"):
        neurons(model, capture(model, passage), layer=0)


def test_a_model_that_attends_in_its_own_way_is_refused() -> None:
    config = GPTJConfig(vocab_size=50, n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4)
    model, passage = built(GPTJForCausalLM(config))
    with pytest.raises(ExplainError, match="doesn't give out its queries and keys"):
        neurons(model, capture(model, passage), layer=0)


def test_what_is_not_the_attention_is_refused() -> None:
    """Gemma2 caps q.k: where the cap matters, queries and keys alone tell something else."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        capped = Gemma2ForCausalLM(Gemma2Config(**SHARED, head_dim=8, query_pre_attn_scalar=3, attn_logit_softcapping=2.0))
    model, passage = built(capped)
    with pytest.raises(ExplainError, match=r"more than query times key: in layer 2 .* percentage points"):
        neurons(model, capture(model, passage), layer=1)


def test_the_check_sees_a_small_difference(tiny_gpt2: LanguageModel) -> None:
    maps = maps_of(tiny_gpt2)
    one = maps.map()
    weights = one.weights.copy()
    weights[1, 2, 5, 3] += 3e-4
    changed = replace(maps, maps=(replace(one, weights=weights),))
    with pytest.raises(ExplainError, match="in layer 2"):
        neurons(tiny_gpt2, changed, layer=1)
    assert neurons(tiny_gpt2, changed, layer=0).layer == 0


def test_the_model_is_left_as_it_was(tiny_model: LanguageModel) -> None:
    passage = read_text(tiny_model, "Once upon a time", "there was a fox")
    hooks = [len(module._forward_hooks) for module in tiny_model.model.modules()]
    config, before = copy.deepcopy(tiny_model.model.config.to_dict()), told(tiny_model, passage)
    way = tiny_model.model.config._attn_implementation
    maps = capture(tiny_model, passage)
    try:
        neurons(tiny_model, maps, layer=1)
    except ExplainError:
        assert tiny_model.kind == "seq2seq"
    torch.testing.assert_close(told(tiny_model, passage), before, rtol=0, atol=0)
    assert tiny_model.model.config.to_dict() == config
    assert tiny_model.model.config._attn_implementation == way
    assert [len(module._forward_hooks) for module in tiny_model.model.modules()] == hooks


def told(model: LanguageModel, passage: Passage) -> torch.Tensor:
    ids = torch.tensor([[piece.id for piece in passage.prompt]])
    more = {"decoder_input_ids": torch.tensor([[piece.id for piece in passage.decoder]])} if model.kind == "seq2seq" else {}
    with torch.no_grad():
        return cast(torch.Tensor, model.model(ids, **more).logits)


def test_several_may_ask_at_once(tiny_llama: LanguageModel) -> None:
    texts = ["Once upon a time there was a fox", "The king was tired of gold", "He wrote a letter to his sister", "There is a blue curtain"]
    alone = [neurons(tiny_llama, maps_of(tiny_llama, text), layer=1) for text in texts]
    together: dict[int, Any] = {}

    def ask(place: int) -> None:
        together[place] = neurons(tiny_llama, maps_of(tiny_llama, texts[place]), layer=1)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, one in enumerate(alone):
        np.testing.assert_array_equal(together[place].queries, one.queries)
        np.testing.assert_array_equal(together[place].keys, one.keys)


@pytest.mark.parametrize("layer", [-1, 2])
def test_layers_that_are_not_there_are_refused(layer: int, tiny_gpt2: LanguageModel) -> None:
    with pytest.raises(SettingsError, match=rf"The layer is {layer + 1}; it must be a whole number from 1 to 2"):
        neurons(tiny_gpt2, maps_of(tiny_gpt2), layer=layer)


def test_maps_of_another_kind_are_refused(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel) -> None:
    maps = maps_of(tiny_gpt2)
    for other in (maps.by_words(), maps.without_sink()):
        with pytest.raises(ExplainError, match="by tokens, with the first token in sight"):
            neurons(tiny_gpt2, other, layer=0)
    with pytest.raises(ExplainError, match="another model than tiny-llama"):
        neurons(tiny_llama, maps, layer=0)


def test_half_precision_is_measured_with_its_own_precision(tiny_gpt2: LanguageModel) -> None:
    model = replace(tiny_gpt2, model=copy.deepcopy(tiny_gpt2.model).to(torch.bfloat16))
    found = neurons(model, maps_of(model), layer=0)
    exact = neurons(tiny_gpt2, maps_of(tiny_gpt2), layer=0)
    assert np.abs(found.queries - exact.queries).max() < 0.02 * np.abs(exact.queries).max()
