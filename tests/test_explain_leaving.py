"""explain.leaving: words left out one at a time, held against plain readings and against Captum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, LLMAttribution, TextTokenInput
from numpy.typing import NDArray
from tiny_models import built, logits, tiny_tokenizer
from transformers import (
    BartConfig,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    MambaConfig,
    MistralConfig,
    OPTConfig,
    PretrainedConfig,
    RecurrentGemmaConfig,
)

from explain import leaving
from explain.leaving import ablation
from explain.method import MethodSettings
from explain.passage import Passage, read_text
from explain.prefix import CantResumeError, Prefix
from explain.question import PIECES, WORDS, Question, Target, instead_of, whole
from explain.scorer import Scorer
from explain.words import Piece, Span
from narrative.models import LanguageModel

PROMPT, COMPLETION = "Once upon a time there was a fox", " who lived under the old oak tree."
CLOSE = 1e-5  # nats a token asked, and as much for each nat
Scores = NDArray[np.float64]


def question_of(model: LanguageModel) -> Question:
    return whole(read_text(model, PROMPT, COMPLETION))


def by_hand(model: LanguageModel, question: Question, spans: tuple[Span, ...], baseline: torch.Tensor) -> Scores:
    """The model itself, every word in a reading of its own, nothing cut off behind the target and nothing remembered."""
    layer: Any = model.model.get_input_embeddings()
    ids = torch.tensor([piece.id for piece in question.tokens])
    places = torch.arange(question.target.start, question.target.stop)
    free = torch.from_numpy(question.can_change())

    @torch.no_grad()
    def score(changed: torch.Tensor) -> float:
        row = torch.where((changed & free)[:, None], baseline, layer(ids))[None]
        border = question.offset
        told = {"inputs_embeds": row[:, :border], "decoder_inputs_embeds": row[:, border:]} if border else {"inputs_embeds": row}
        read = model.model(**told, use_cache=False).logits[0].double().log_softmax(-1)
        return float(read[places - 1, ids[border + places]].sum())

    before = score(torch.zeros(len(ids), dtype=torch.bool))
    return np.array([before - score((torch.arange(len(ids)) >= one.start) & (torch.arange(len(ids)) < one.stop)) for one in spans])


def assert_same_as_by_hand(model: LanguageModel, question: Question, unit: str) -> Scores:
    spans, scorer = question.spans(unit), Scorer(model, question)
    found = ablation(scorer, spans, MethodSettings()).scores
    expected = by_hand(model, question, spans, scorer.baseline.vector)
    assert np.abs(expected).max() > 0.1, "these words do nothing, so that nothing is shown"
    np.testing.assert_allclose(found, expected, atol=CLOSE * len(scorer.asked), rtol=CLOSE)
    return found


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of words that were read the plain way, beside the one that is checked."""
    read: list[int] = []
    plain = leaving._anew

    def counting(scorer: Scorer, changed: torch.Tensor) -> torch.Tensor:
        if len(changed) > 1:
            read.append(len(changed))
        return plain(scorer, changed)

    monkeypatch.setattr(leaving, "_anew", counting)
    return read


@pytest.mark.parametrize("unit", [WORDS, PIECES])
def test_same_as_reading_every_word_anew(tiny_model: LanguageModel, unit: str, anew: list[int]) -> None:
    question = question_of(tiny_model)
    assert_same_as_by_hand(tiny_model, question, unit)
    encoder = [one for one in question.spans(unit) if question.can_change()[one.start : one.stop].any() and one.start < question.offset]
    assert anew == ([len(encoder)] if encoder else []), "only an encoder's words have nothing to share"


def test_target_in_the_middle(tiny_model: LanguageModel) -> None:
    asked = replace(question_of(tiny_model), target=Target(3, 6))
    found = assert_same_as_by_hand(tiny_model, asked, PIECES)
    assert not found[asked.end :].any(), "what stands after the target can't have brought it about"
    assert np.count_nonzero(found[asked.offset : asked.end]) > 2


_SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.5}
QUICK: dict[str, Callable[[int], PretrainedConfig]] = {
    "mistral, which looks back 4 tokens": lambda words: MistralConfig(
        vocab_size=words, intermediate_size=64, num_key_value_heads=2, sliding_window=4, **_SIZES
    ),
    "gemma2, every other layer looks back 4 tokens": lambda words: Gemma2Config(
        vocab_size=words, intermediate_size=64, num_key_value_heads=2, head_dim=16, sliding_window=4, **_SIZES
    ),
    "bloom": lambda words: BloomConfig(vocab_size=words, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5),
    "falcon": lambda words: FalconConfig(vocab_size=words, **_SIZES),
    "opt": lambda words: OPTConfig(
        vocab_size=words, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=32, init_std=0.5
    ),
    "bart": lambda words: BartConfig(
        vocab_size=words, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, init_std=0.5,
    ),
}  # fmt: skip
PLAIN: dict[str, Callable[[int], PretrainedConfig]] = {
    "mamba": lambda words: MambaConfig(vocab_size=words, hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.5),
    "recurrent_gemma": lambda words: RecurrentGemmaConfig(vocab_size=words, intermediate_size=64, attention_window_size=4, **_SIZES),
}


@pytest.mark.parametrize("family", QUICK)
def test_other_families_too(family: str, anew: list[int]) -> None:
    model = built(QUICK[family](len(tiny_tokenizer()) + 2))
    question = question_of(model)
    assert_same_as_by_hand(model, question, PIECES)
    assert sum(anew) <= question.offset


@pytest.mark.parametrize("family", PLAIN)
def test_models_without_keys_and_values_take_the_plain_way(family: str, anew: list[int]) -> None:
    model = built(PLAIN[family](len(tiny_tokenizer()) + 2))
    question = question_of(model)
    assert_same_as_by_hand(model, question, PIECES)
    assert anew == [int(question.can_change().sum())]
