"""explain.lens: the last row is the model's own answer, the others are final norm and output layer written out by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_models import built, logits, tiny_tokenizer
from torch import nn
from transformers import (
    BartConfig,
    BloomConfig,
    CohereConfig,
    FalconConfig,
    Gemma2Config,
    GPTNeoXConfig,
    GraniteConfig,
    MistralConfig,
    OPTConfig,
    PretrainedConfig,
    Qwen2Config,
    T5Config,
)

from explain.lens import Lens, _label, _settled, lens
from explain.passage import Passage, read_text
from narrative.errors import ExplainError, SettingsError
from narrative.generation.pieces import token_text
from narrative.models import CAUSAL, SEQ2SEQ, LanguageModel

PROMPT, COMPLETION = "Once upon a time there was a fox", " who lived under the old oak tree."
CLOSE = 1e-5  # of probabilities

_SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "initializer_range": 0.5}
_LLAMA_LIKE = _SIZES | {"intermediate_size": 64, "num_key_value_heads": 2}
_OPT = {"hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "init_std": 0.5}
_T5 = {
    "decoder_start_token_id": 0,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "initializer_factor": 2.0,
}
OTHERS: dict[str, Callable[[int], PretrainedConfig]] = {
    "opt": lambda words: OPTConfig(vocab_size=words, word_embed_proj_dim=32, **_OPT),
    "opt without a final norm": lambda words: OPTConfig(vocab_size=words, word_embed_proj_dim=16, do_layer_norm_before=False, **_OPT),
    "gpt_neox": lambda words: GPTNeoXConfig(vocab_size=words, intermediate_size=64, **_SIZES),
    "bloom": lambda words: BloomConfig(vocab_size=words, hidden_size=32, n_layer=3, n_head=4, initializer_range=0.5),
    "qwen2": lambda words: Qwen2Config(vocab_size=words, **_LLAMA_LIKE),
    "mistral": lambda words: MistralConfig(vocab_size=words, **_LLAMA_LIKE),
    "gemma2": lambda words: Gemma2Config(vocab_size=words, head_dim=16, final_logit_softcapping=5.0, **_LLAMA_LIKE),
    "falcon": lambda words: FalconConfig(vocab_size=words, **_SIZES),
    "cohere": lambda words: CohereConfig(vocab_size=words, logit_scale=0.25, intermediate_size=64, **_SIZES),
    "granite": lambda words: GraniteConfig(vocab_size=words, logits_scaling=3.0, **_LLAMA_LIKE),
    "t5 with an output layer of its own": lambda words: T5Config(vocab_size=words, tie_word_embeddings=False, **_T5),
    "bart": lambda words: BartConfig(
        vocab_size=words, d_model=32, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_ffn_dim=64, init_std=0.5,
    ),
}  # fmt: skip


def text(model: LanguageModel) -> Passage:
    return read_text(model, PROMPT, COMPLETION)


@torch.no_grad()
def read(model: LanguageModel, passage: Passage) -> Any:
    """The whole passage at once, with the hidden states."""
    ids = torch.tensor([[piece.id for piece in passage.sequence]])
    if model.kind == CAUSAL:
        return model.model(input_ids=ids, output_hidden_states=True)
    prompt = torch.tensor([[piece.id for piece in passage.encoder]])
    return model.model(input_ids=prompt, decoder_input_ids=ids, output_hidden_states=True)


def assert_row(made: Lens, layer: int, expected: torch.Tensor) -> None:
    """expected: (vocabulary,), logits."""
    row, probabilities = made.layers[layer], expected.softmax(-1)
    assert row.layer == layer
    assert [guess.id for guess in row.guesses] == expected.topk(len(row.guesses)).indices.tolist()
    assert [guess.probability for guess in row.guesses] == pytest.approx(probabilities.topk(len(row.guesses)).values.tolist(), abs=CLOSE)
    if made.actual is not None:
        assert row.probability == pytest.approx(float(probabilities[made.actual.id]), abs=CLOSE)
        assert row.rank == 1 + int((expected > expected[made.actual.id]).sum())


def assert_last_row_is_the_models_own(model: LanguageModel) -> None:
    passage = text(model)
    own = read(model, passage).logits[0]
    for place in (1, 2, len(passage.sequence) // 2, len(passage.sequence)):
        made = lens(model, passage, place, most=20)
        assert_row(made, len(made.layers) - 1, own[place - 1])


def test_last_row_is_the_models_own(tiny_model: LanguageModel) -> None:
    assert_last_row_is_the_models_own(tiny_model)


@pytest.mark.parametrize("family", OTHERS)
def test_last_row_is_the_models_own_in_other_families(family: str) -> None:
    model = built(OTHERS[family](len(tiny_tokenizer()) + 2))
    assert_last_row_is_the_models_own(model)
    assert len(lens(model, text(model), 3).layers) == 4


def _capped(rows: torch.Tensor, cap: float) -> torch.Tensor:
    return (rows / cap).tanh() * cap


# state of a layer -> logits, for each family in its own words
ENDS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "gpt2": lambda model, state: model.lm_head(model.transformer.ln_f(state)),
    "gpt_neo": lambda model, state: model.lm_head(model.transformer.ln_f(state)),
    "llama": lambda model, state: model.lm_head(model.model.norm(state)),
    "t5": lambda model, state: model.lm_head(model.decoder.final_layer_norm(state) * 32**-0.5),
    "opt": lambda model, state: model.lm_head(model.model.decoder.final_layer_norm(state)),
    "gemma2": lambda model, state: _capped(model.lm_head(model.model.norm(state)), 5.0),
    "granite": lambda model, state: model.lm_head(model.model.norm(state)) / 3.0,
    "cohere": lambda model, state: model.lm_head(model.model.norm(state)) * 0.25,
}


def assert_rows_below_are_as_by_hand(model: LanguageModel) -> None:
    passage = text(model)
    seen, place = read(model, passage), 9
    states = seen.decoder_hidden_states if model.kind == SEQ2SEQ else seen.hidden_states
    made = lens(model, passage, place)
    assert len(made.layers) == len(states)
    with torch.no_grad():
        for layer, state in enumerate(states[:-1]):  # the last one has its final norm already
            assert_row(made, layer, ENDS[model.model.config.model_type](model.model, state[0, place - 1]))


def test_rows_below_are_as_by_hand(tiny_model: LanguageModel) -> None:
    assert_rows_below_are_as_by_hand(tiny_model)


@pytest.mark.parametrize("family", ["opt", "gemma2", "granite", "cohere"])
def test_rows_below_are_as_by_hand_in_other_families(family: str) -> None:
    assert_rows_below_are_as_by_hand(built(OTHERS[family](len(tiny_tokenizer()))))


def test_next_token_has_no_actual_one(tiny_model: LanguageModel) -> None:
    passage = text(tiny_model)
    made = lens(tiny_model, passage, len(passage.sequence))
    assert made.actual is None
    assert all(row.probability is None and row.rank is None for row in made.layers)
    assert lens(tiny_model, passage, 3).actual == passage.sequence[3]


def test_what_stands_there_and_after_is_not_seen(tiny_model: LanguageModel) -> None:
    passage = text(tiny_model)
    shorter = replace(passage, completion=passage.completion[:3])
    place = len(shorter.sequence) - 1
    assert lens(tiny_model, passage, place) == lens(tiny_model, shorter, place)


def test_settled_is_where_the_first_guess_stays() -> None:
    assert _settled([7, 7, 7]) == 0
    assert _settled([3, 7, 7]) == 1
    assert _settled([7, 3, 7]) == 2  # the final guess was there before, but did not stay
    assert _settled([1, 2, 3]) == 2


def test_settled_tells_of_the_rows(tiny_llama: LanguageModel) -> None:
    passage = text(tiny_llama)
    told = [lens(tiny_llama, passage, place) for place in range(1, len(passage.sequence) + 1)]
    for made in told:
        first = [row.guesses[0].id for row in made.layers]
        assert len(set(first[made.settled :])) == 1
        assert made.settled == 0 or first[made.settled - 1] != first[-1]
    assert len({made.settled for made in told}) > 1


def test_labels_are_for_readers(tiny_gpt2: LanguageModel) -> None:
    words = tiny_gpt2.tokenizer
    ids = words.get_vocab().values()
    inside = next(identity for identity in ids if token_text(words, identity) == "he")
    spaced = next(identity for identity in ids if token_text(words, identity) == " the")
    assert _label(tiny_gpt2, inside, "t") == "…he"
    assert _label(tiny_gpt2, inside, " ") == "he"
    assert _label(tiny_gpt2, inside, "") == "he"
    assert _label(tiny_gpt2, spaced, "t") == "the"
    assert _label(tiny_gpt2, words.eos_token_id, "t") == words.eos_token
    assert _label(tiny_gpt2, len(words) + 3, "t") == f"<{len(words) + 3}>"


def test_every_guess_has_a_label(tiny_model: LanguageModel) -> None:
    made = lens(tiny_model, text(tiny_model), 6, most=100)
    labels = [guess.label for row in made.layers for guess in row.guesses]
    assert all(label and label == label.strip() for label in labels)


def test_shared_model_is_left_alone(tiny_model: LanguageModel) -> None:
    def marks() -> list[Any]:
        return [
            (name, len(part._forward_hooks), len(part._forward_pre_hooks), "forward" in vars(part))
            for name, part in tiny_model.model.named_modules()
        ]

    before, attached = logits(tiny_model), marks()
    lens(tiny_model, text(tiny_model), 4)
    assert torch.equal(logits(tiny_model), before)
    assert marks() == attached


def test_first_place_has_nothing_before_it(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    with pytest.raises(ExplainError, match="has nothing before it"):
        lens(tiny_gpt2, text(tiny_gpt2), 0)
    with pytest.raises(ExplainError, match="decoder begins with"):
        lens(tiny_t5, text(tiny_t5), 0)


def test_places_and_guesses_have_bounds(tiny_gpt2: LanguageModel) -> None:
    passage = text(tiny_gpt2)
    end = len(passage.sequence)
    for place in (-1, end + 1):
        with pytest.raises(SettingsError, match=rf"place .*is {place}; it must be a whole number from 0 to {end}"):
            lens(tiny_gpt2, passage, place)
    with pytest.raises(SettingsError, match="number of guesses is 0"):
        lens(tiny_gpt2, passage, 1, most=0)


class _Blend(nn.Module):
    """A final norm that looks back at the other tokens: such an end can't be read from one token's state."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states.cumsum(1)


def test_model_that_the_lens_does_not_fit_is_refused(tiny_gpt2: LanguageModel) -> None:
    odd: Any = copy.deepcopy(tiny_gpt2.model)
    odd.transformer.ln_f = _Blend()
    model = replace(tiny_gpt2, model=odd)
    with pytest.raises(ExplainError, match=r"\(gpt2\) can't be read half-way: .*does not give the model's own answer"):
        lens(model, text(model), 5)


def test_model_without_layers_is_refused(tiny_gpt2: LanguageModel) -> None:
    odd: Any = copy.deepcopy(tiny_gpt2.model)
    odd.transformer.h = nn.ModuleList()
    model = replace(tiny_gpt2, model=odd)
    with pytest.raises(ExplainError, match="can't be read half-way"):
        lens(model, text(model), 5)
