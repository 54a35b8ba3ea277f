"""explain.ablation: heads taken out, held against a model whose weights were changed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import built, logits, tiny_tokenizer
from torch import nn
from transformers import (
    BartConfig,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    GPTNeoXConfig,
    MambaConfig,
    OPTConfig,
    PretrainedConfig,
)

from explain.ablation import KINDS, AblationMap, Target, ablate_head, ablation_map
from explain.ablation import reading as reading_module
from explain.ablation.reading import EARLY, LATE, Reading
from explain.passage import Passage, read_text
from explain.words import Piece
from narrative.errors import ExplainError, SettingsError
from narrative.models import CAUSAL, SEQ2SEQ, LanguageModel

PROMPT, COMPLETION = "Once upon a time there was a fox", " who lived under the old oak tree."
TARGET = Target(4, 9)
CLOSE = 2e-5  # nats

# Where the projection of each part lies, written down apart from the table that the code has.
PLACES = {
    "gpt2": {"self": "transformer.h.{}.attn.c_proj"},
    "gpt_neo": {"self": "transformer.h.{}.attn.attention.out_proj"},
    "llama": {"self": "model.layers.{}.self_attn.o_proj"},
    "t5": {
        "encoder": "encoder.block.{}.layer.0.SelfAttention.o",
        "decoder": "decoder.block.{}.layer.0.SelfAttention.o",
        "cross": "decoder.block.{}.layer.1.EncDecAttention.o",
    },
    "opt": {"self": "model.decoder.layers.{}.self_attn.out_proj"},
    "gpt_neox": {"self": "gpt_neox.layers.{}.attention.dense"},
    "bloom": {"self": "transformer.h.{}.self_attention.dense"},
    "falcon": {"self": "transformer.h.{}.self_attention.dense"},
    "gemma2": {"self": "model.layers.{}.self_attn.o_proj"},
    "bart": {
        "encoder": "model.encoder.layers.{}.self_attn.out_proj",
        "decoder": "model.decoder.layers.{}.self_attn.out_proj",
        "cross": "model.decoder.layers.{}.encoder_attn.out_proj",
    },
}
_SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.5}
OTHERS: dict[str, Callable[[int], PretrainedConfig]] = {
    "opt": lambda words: OPTConfig(
        vocab_size=words, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=32, init_std=0.5
    ),
    "gpt_neox": lambda words: GPTNeoXConfig(vocab_size=words, intermediate_size=64, **_SIZES),
    "bloom": lambda words: BloomConfig(vocab_size=words, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5),
    "falcon": lambda words: FalconConfig(vocab_size=words, **_SIZES),
    "gemma2": lambda words: Gemma2Config(
        vocab_size=words, intermediate_size=64, num_key_value_heads=2, head_dim=16, final_logit_softcapping=5.0, **_SIZES
    ),
    "bart": lambda words: BartConfig(
        vocab_size=words, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_ffn_dim=64, init_std=0.5,
    ),
}  # fmt: skip


def text(model: LanguageModel) -> Passage:
    return read_text(model, PROMPT, COMPLETION)


def parts(model: LanguageModel) -> dict[str, str]:
    return PLACES[model.model.config.model_type]


def whole_map(model: LanguageModel, passage: Passage, **options: Any) -> AblationMap:
    *_, last = ablation_map(model, passage, target=options.pop("target", TARGET), **options)
    return last


@torch.no_grad()
def by_hand(model: Any, passage: Passage, target: Target = TARGET) -> torch.Tensor:
    """(target,): log-probabilities, the whole passage read, nothing saved."""
    ids = torch.tensor([[piece.id for piece in passage.sequence]])
    prompt = torch.tensor([[piece.id for piece in passage.encoder]])
    read = model(input_ids=prompt, decoder_input_ids=ids) if passage.kind == SEQ2SEQ else model(input_ids=ids)
    places = torch.arange(target.start, target.stop)
    return read.logits[0].double().log_softmax(-1)[places - 1, ids[0, places]]


@torch.no_grad()
def without_weights(changed: Any, passage: Passage, *, place: str, head: int, heads: int, kind: str) -> torch.Tensor:
    """(target,): what a copy says whose output projection no longer reads this head; its mean goes into the bias instead."""
    old = changed.get_submodule(place)
    given: list[torch.Tensor] = []
    if kind == "mean":
        hook = old.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
        by_hand(changed, passage)
        hook.remove()
    weight = (old.weight.T if type(old).__name__ == "Conv1D" else old.weight).clone()
    new = nn.Linear(weight.shape[1], weight.shape[0])
    width = weight.shape[1] // heads
    own = slice(head * width, (head + 1) * width)
    bias = torch.zeros(weight.shape[0]) if getattr(old, "bias", None) is None else old.bias.clone()
    if kind == "mean":
        bias += weight[:, own] @ given[0][0, :, own].mean(0)
    weight[:, own] = 0
    new.weight.copy_(weight), new.bias.copy_(bias)
    changed.set_submodule(place, new)
    said = by_hand(changed, passage)
    changed.set_submodule(place, old)
    return said


def assert_same_as_by_hand(model: LanguageModel) -> None:
    passage = text(model)
    before, own = by_hand(model.model, passage), copy.deepcopy(model.model)
    for part, places in parts(model).items():
        for kind in KINDS:
            made = whole_map(model, passage, part=part, kind=kind)
            layers, heads = made.effects.shape
            assert made.before == pytest.approx(float(before.sum()), abs=CLOSE)
            expected = np.array([
                [
                    float((without_weights(own, passage, place=places.format(layer), head=head, heads=heads, kind=kind) - before).sum())
                    for head in range(heads)
                ]
                for layer in range(layers)
            ])  # fmt: skip
            assert np.abs(expected).max() > 0.05, "these heads do nothing, so that nothing is shown"
            np.testing.assert_allclose(made.effects, expected, atol=CLOSE * 5, rtol=1e-5)


def test_map_is_what_changed_weights_say(tiny_model: LanguageModel) -> None:
    assert_same_as_by_hand(tiny_model)


@pytest.mark.parametrize("family", OTHERS)
def test_other_families_too(family: str) -> None:
    assert_same_as_by_hand(built(OTHERS[family](len(tiny_tokenizer()) + 2)))


def test_map_is_one_head_after_the_other(tiny_model: LanguageModel) -> None:
    passage, kind = text(tiny_model), "mean"
    for part in parts(tiny_model):
        made = whole_map(tiny_model, passage, part=part, kind=kind)
        for layer, head in np.ndindex(*made.effects.shape):
            one = ablate_head(tiny_model, passage, part=part, layer=layer, head=head, kind=kind, target=TARGET)
            assert one.change == pytest.approx(float(made.effects[layer, head]), abs=CLOSE)
            assert one.before == pytest.approx(made.before, abs=CLOSE)


def test_tokens_tell_where_the_change_lies(tiny_llama: LanguageModel) -> None:
    passage = text(tiny_llama)
    effect = ablate_head(tiny_llama, passage, layer=0, head=2, kind="zero", target=TARGET)
    changed = without_weights(
        copy.deepcopy(tiny_llama.model), passage, place="model.layers.0.self_attn.o_proj", head=2, heads=4, kind="zero"
    )
    np.testing.assert_allclose(effect.tokens, (changed - by_hand(tiny_llama.model, passage)).numpy(), atol=CLOSE)
    assert len(effect.tokens) == TARGET.stop - TARGET.start
    assert sum(effect.tokens) == pytest.approx(effect.change, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_head_that_nobody_reads_changes_nothing(tiny_model: LanguageModel, kind: str) -> None:
    for part, place in parts(tiny_model).items():
        deaf: Any = copy.deepcopy(tiny_model.model)
        one = deaf.get_submodule(place.format(1))
        with torch.no_grad():
            (one.weight.T if type(one).__name__ == "Conv1D" else one.weight)[:, :8] = 0  # the first head of four; 8 values each
        effects = whole_map(replace(tiny_model, model=deaf), text(tiny_model), part=part, kind=kind).effects
        assert abs(float(effects[1, 0])) < 2e-6
        assert np.abs(effects[1, 1:]).min() > 1e-4


def test_mean_of_equal_outputs_changes_nothing(tiny_gpt2: LanguageModel) -> None:
    """One word over and over, no positions: every head gives the same everywhere, and that is its mean. Zero is something else."""
    even: Any = copy.deepcopy(tiny_gpt2.model)
    with torch.no_grad():
        even.transformer.wpe.weight.zero_()
    word = Piece(300, "a", "a")
    passage = Passage("even", "0" * 16, CAUSAL, (word,) * 4, (word,) * 4)
    model = replace(tiny_gpt2, model=even)
    assert np.abs(whole_map(model, passage, kind="mean", target=Target(3, 8)).effects).max() < 1e-5
    assert np.abs(whole_map(model, passage, kind="zero", target=Target(3, 8)).effects).max() > 0.01


def test_what_comes_after_the_target_is_not_asked(tiny_neo: LanguageModel) -> None:
    passage = text(tiny_neo)
    cut = replace(passage, completion=passage.completion[: TARGET.stop - len(passage.prompt)], prompt=passage.prompt[: TARGET.stop])
    np.testing.assert_array_equal(whole_map(tiny_neo, passage).effects, whole_map(tiny_neo, cut).effects)


def test_mean_is_over_the_whole_passage(tiny_gpt2: LanguageModel) -> None:
    passage = text(tiny_gpt2)
    cut = replace(passage, completion=passage.completion[:2])
    early = Target(2, 4)
    assert not np.allclose(
        whole_map(tiny_gpt2, passage, kind="mean", target=early).effects, whole_map(tiny_gpt2, cut, kind="mean", target=early).effects
    )


def test_map_grows_layer_by_layer(tiny_gpt2: LanguageModel) -> None:
    first, second = ablation_map(tiny_gpt2, text(tiny_gpt2), target=TARGET)
    assert (first.done, second.done) == (1, 2)
    assert np.isnan(first.effects[1]).all()
    assert not np.isnan(first.effects[0]).any()
    np.testing.assert_array_equal(first.effects[0], second.effects[0])
    assert not np.isnan(second.effects).any()
    assert second.effects.dtype == np.float32
    assert (second.part, second.kind, second.target) == ("self", "zero", TARGET)


def test_stopping_leaves_the_shared_model_alone(tiny_model: LanguageModel) -> None:
    def hooks() -> list[Any]:
        return [
            (name, len(part._forward_hooks), len(part._forward_pre_hooks), "forward" in vars(part))
            for name, part in tiny_model.model.named_modules()
        ]

    before, attached = logits(tiny_model), hooks()
    for part in parts(tiny_model):
        growing = ablation_map(tiny_model, text(tiny_model), part=part, kind="mean", target=TARGET)
        next(growing)
        assert torch.equal(logits(tiny_model), before)
        growing.close()
    assert torch.equal(logits(tiny_model), before)
    assert hooks() == attached
    assert not torch.is_inference_mode_enabled()


def test_few_rows_at_once_give_the_same(tiny_llama: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    passage = text(tiny_llama)
    expected = whole_map(tiny_llama, passage).effects
    monkeypatch.setattr(reading_module, "MOST_LOGITS", 3 * tiny_llama.vocabulary * (TARGET.stop - TARGET.start))
    np.testing.assert_allclose(whole_map(tiny_llama, passage).effects, expected, atol=CLOSE)
    monkeypatch.setattr(reading_module, "MOST_LOGITS", 1)
    np.testing.assert_allclose(whole_map(tiny_llama, passage).effects, expected, atol=CLOSE)


def test_quick_ways_that_fail_are_left(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One way that says wrong things and one that breaks: the map is right all the same, and they are not tried again."""
    passage, tried = text(tiny_gpt2), []
    expected = whole_map(tiny_gpt2, passage).effects
    honest = Reading.without

    def spoilt(self: Reading, layer: int, heads: Any, *, way: str = "whole") -> torch.Tensor:
        tried.append(way)
        if way == EARLY:
            raise RuntimeError("shapes don't fit")
        return honest(self, layer, heads, way=way) + (0.5 if way == LATE else 0.0)

    monkeypatch.setattr(Reading, "without", spoilt)
    np.testing.assert_allclose(whole_map(tiny_gpt2, passage).effects, expected, atol=CLOSE)
    assert tried.count(LATE) == tried.count(EARLY) == 1


def test_half_precision_is_taken(tiny_gpt2: LanguageModel) -> None:
    half = replace(tiny_gpt2, model=copy.deepcopy(tiny_gpt2.model).to(torch.bfloat16))
    effects = whole_map(half, text(half), kind="mean").effects
    np.testing.assert_allclose(effects, whole_map(tiny_gpt2, text(half), kind="mean").effects, atol=0.5)
    assert np.isfinite(effects).all()


@pytest.mark.parametrize("target", [Target(3, 3), Target(5, 4), Target(-1, 3), Target(2, 1000)])
def test_target_must_lie_in_the_passage(tiny_gpt2: LanguageModel, target: Target) -> None:
    with pytest.raises(SettingsError, match=f"from {target.start} to before {target.stop}.*at least one token"):
        ablation_map(tiny_gpt2, text(tiny_gpt2), target=target)  # before anything is asked of the generator


def test_first_token_is_nobodys_doing(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    with pytest.raises(ExplainError, match="has nothing before it"):
        ablation_map(tiny_gpt2, text(tiny_gpt2), target=Target(0, 2))
    with pytest.raises(ExplainError, match="decoder begins with"):
        ablate_head(tiny_t5, text(tiny_t5), part="cross", layer=0, head=0, kind="zero", target=Target(0, 2))


def test_unknown_names_are_told(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    with pytest.raises(SettingsError, match=r"kind of ablation 'half'.*zero, mean"):
        ablation_map(tiny_gpt2, text(tiny_gpt2), kind="half", target=TARGET)
    with pytest.raises(SettingsError, match=r"'cross'.*self"):
        ablation_map(tiny_gpt2, text(tiny_gpt2), part="cross", target=TARGET)
    with pytest.raises(SettingsError, match=r"'self'.*encoder, decoder, cross"):
        ablation_map(tiny_t5, text(tiny_t5), target=TARGET)
    with pytest.raises(SettingsError, match=r"layer .*is 2; it must be a whole number from 0 to 1"):
        ablate_head(tiny_gpt2, text(tiny_gpt2), layer=2, head=0, kind="zero", target=TARGET)
    with pytest.raises(SettingsError, match=r"head .*is 4; it must be a whole number from 0 to 3"):
        ablate_head(tiny_gpt2, text(tiny_gpt2), layer=0, head=4, kind="zero", target=TARGET)


def test_model_without_heads_is_refused_in_words() -> None:
    model = built(MambaConfig(vocab_size=len(tiny_tokenizer()), hidden_size=16, num_hidden_layers=2, state_size=4))
    with pytest.raises(ExplainError, match="No head can be taken out of mamba"):
        ablation_map(model, text(model), target=TARGET)
