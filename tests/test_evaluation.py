"""Perplexity against the slow way, token by token."""

from __future__ import annotations

import math

import pytest
import torch

from narrative.errors import ModelError, SettingsError
from narrative.evaluation import TextScore, score_texts
from narrative.models import LanguageModel

SHORT = "There is a blue curtain in the room."
LONG = " ".join(["The fox wanted to see the sea, so she walked and walked until the night came."] * 5)


def slow_nats(model: LanguageModel, text: str, stride: int) -> float:
    """Every token by a forward pass of its own, over the window that `score_texts` promises."""
    known = [model.tokenizer.bos_token_id, *model.tokenizer(text, add_special_tokens=False)["input_ids"]]
    nats = 0.0
    for position in range(1, len(known)):
        moved = max(0, math.ceil((position + 1 - model.context) / stride))
        with torch.no_grad():
            logits = model.model(input_ids=torch.tensor([known[moved * stride : position]])).logits[0, -1]
        nats -= logits.log_softmax(-1)[known[position]].item()
    return nats


@pytest.mark.parametrize("stride", [8, 32, 63])
def test_a_long_text_is_scored_through_a_sliding_window(tiny_gpt2: LanguageModel, stride: int) -> None:
    score = score_texts(tiny_gpt2, [LONG], stride=stride)
    assert score.tokens > 2 * tiny_gpt2.context
    # the window that holds the last token may be cut short by the text's end, which changes nothing for the tokens before
    assert score.nats == pytest.approx(slow_nats(tiny_gpt2, LONG, stride), rel=1e-5)


def test_perplexity_weighs_by_tokens_not_by_texts(tiny_llama: LanguageModel) -> None:
    score = score_texts(tiny_llama, [SHORT, LONG])
    assert score == score_texts(tiny_llama, [SHORT]) + score_texts(tiny_llama, [LONG])
    assert score.perplexity == pytest.approx(math.exp(score.nats / score.tokens))


def test_bits_per_byte_is_a_closed_form() -> None:
    assert TextScore(nats=8 * math.log(2), tokens=3, bytes=4).bits_per_byte == pytest.approx(2.0)


def test_an_empty_text_counts_for_nothing(tiny_gpt2: LanguageModel) -> None:
    assert score_texts(tiny_gpt2, [""]) == TextScore(0.0, 0, 0)


def test_an_encoder_decoder_is_refused(tiny_t5: LanguageModel) -> None:
    with pytest.raises(ModelError, match="encoder-decoder"):
        score_texts(tiny_t5, [SHORT])


@pytest.mark.parametrize("stride", [0, 64])
def test_a_stride_that_skips_or_stands_still_is_refused(tiny_gpt2: LanguageModel, stride: int) -> None:
    with pytest.raises(SettingsError, match="from 1 to 63"):
        score_texts(tiny_gpt2, [SHORT], stride=stride)
