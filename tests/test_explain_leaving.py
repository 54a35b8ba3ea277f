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


def captums(model: LanguageModel, question: Question, **options: Any) -> Scores:
    """What Captum's LLMAttribution says of the prompt's tokens, with the end of a text in place of each."""
    given = TextTokenInput(PROMPT, model.tokenizer, baselines=min(model.end_ids))
    asked = torch.tensor([piece.id for piece in question.passage.completion])
    found = LLMAttribution(FeatureAblation(model.model), model.tokenizer).attribute(given, asked, **options)
    return np.asarray(found.seq_attr.double().numpy())


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_neo", "tiny_llama"])
def test_same_as_captum(name: str, request: pytest.FixtureRequest) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    question = question_of(model)
    spans = question.spans(PIECES)[: question.written_from]
    found = ablation(Scorer(model, question, baseline="end"), spans, MethodSettings()).scores
    np.testing.assert_allclose(found, captums(model, question, use_cached_outputs=False, forward_in_tokens=False), atol=1e-4)
    np.testing.assert_allclose(found, captums(model, question, use_cached_outputs=False, forward_in_tokens=True), atol=1e-4)


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_neo", "tiny_llama"])
def test_captums_default_is_still_wrong(name: str, request: pytest.FixtureRequest) -> None:
    """It feeds the whole text again into a cache that holds it already. Once this fails, Captum can be called as it stands."""
    model: LanguageModel = request.getfixturevalue(name)
    question = whole(read_text(model, PROMPT, " who lived"))
    right = captums(model, question, use_cached_outputs=False, forward_in_tokens=False)
    assert np.abs(captums(model, question) - right).max() > 0.1


def test_captums_default_still_runs_out_of_places(tiny_gpt2: LanguageModel) -> None:
    with pytest.raises(IndexError):
        captums(tiny_gpt2, question_of(tiny_gpt2))


def test_word_whose_removal_lowers_the_log_probability_is_positive(tiny_gpt2: LanguageModel) -> None:
    question = question_of(tiny_gpt2)
    found = ablation(Scorer(tiny_gpt2, question, baseline="end"), question.spans(PIECES), MethodSettings()).scores
    ids = torch.tensor([piece.id for piece in question.tokens])
    places = torch.arange(question.target.start, question.target.stop)
    for place in range(question.written_from):
        changed = ids.clone()
        changed[place] = min(tiny_gpt2.end_ids)
        with torch.no_grad():
            before, after = (tiny_gpt2.model(row[None]).logits[0].log_softmax(-1)[places - 1, ids[places]].sum() for row in (ids, changed))
        assert (found[place] > 0) == bool(after < before)
    assert found[: question.written_from].min() < 0 < found[: question.written_from].max(), "one sign alone shows nothing"


@pytest.mark.parametrize(
    ("other", "weights"), [(" who", (1, -1)), (" was the fox, and she laughed", (1, -1)), (" was the fox, and she laughed", (0, 1))]
)
def test_contrast_is_the_difference_of_two_texts(
    tiny_model: LanguageModel, other: str, weights: tuple[float, float], anew: list[int]
) -> None:  # fmt: skip
    passage = read_text(tiny_model, PROMPT, COMPLETION)
    own = Question(passage, Target(passage.written_from + 2, passage.written_from + 5))
    question = instead_of(tiny_model, own, other)
    begin = own.target.start
    swapped = replace(passage, completion=(*passage.sequence[passage.written_from : begin], *question.instead))
    rival = Question(swapped, Target(begin, begin + len(question.instead)))
    spans, scorer = question.spans(PIECES), Scorer(tiny_model, question).side(*weights)
    parts = [by_hand(tiny_model, one, spans, scorer.baseline.vector) for one in (own, rival)]
    parts[1][question.offset + begin :] = 0  # the other words' own tokens are none of this text
    found = ablation(scorer, spans, MethodSettings()).scores
    np.testing.assert_allclose(found, weights[0] * parts[0] + weights[1] * parts[1], atol=1e-4)
    assert not question.offset or sum(anew) < len(spans)
    assert question.offset or not anew


def test_signs_that_stand_for_no_text_score_nothing(tiny_t5: LanguageModel) -> None:
    question = question_of(tiny_t5)
    ticks: list[int] = []
    scorer = Scorer(tiny_t5, question, tick=ticks.append)
    signs = [one for one in question.spans(PIECES) if not question.tokens[one.start].text]
    assert {one.label for one in signs} == {"</s>", "<pad>"}
    assert not ablation(scorer, signs, MethodSettings()).scores.any()
    assert not ticks, "what can't be taken away need not be read"
    assert not ablation(scorer, (), MethodSettings()).scores.size


def test_sign_in_a_span_stays_and_its_words_go(tiny_t5: LanguageModel) -> None:
    question, scorer = question_of(tiny_t5), Scorer(tiny_t5, question_of(tiny_t5))
    last = question.offset - 2  # of the prompt, before its end
    word, both, over = Span(last, last + 1, "fox"), Span(last, last + 2, "fox</s>"), Span(last, last + 4, "fox</s><pad> who")
    found = ablation(scorer, (word, both, over), MethodSettings()).scores
    assert found[0] == pytest.approx(found[1], abs=CLOSE)
    np.testing.assert_allclose(found, by_hand(tiny_t5, question, (word, both, over), scorer.baseline.vector), atol=1e-4)


def test_order_of_the_words_is_theirs(tiny_llama: LanguageModel) -> None:
    question = question_of(tiny_llama)
    scorer, spans = Scorer(tiny_llama, question), question.spans(PIECES)
    found = ablation(scorer, spans, MethodSettings()).scores
    mixed = (*spans[::-2], *spans[::3], Span(0, len(spans), "all"))
    np.testing.assert_allclose(
        ablation(scorer, mixed, MethodSettings()).scores,
        [*found[::-2], *found[::3], *by_hand(tiny_llama, question, mixed[-1:], scorer.baseline.vector)],
        atol=1e-4,
    )


def test_what_stands_before_a_word_is_not_read_again(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    question = question_of(tiny_gpt2)
    scorer, spans = Scorer(tiny_gpt2, question), question.spans(PIECES)
    monkeypatch.setattr(leaving, "_TOGETHER", 2 * scorer.length)
    tokens = tokens_read(scorer, lambda: ablation(scorer, spans, MethodSettings()))
    plain = tokens_read(scorer, lambda: scorer.replaced(torch.ones((len(spans), len(question.tokens)), dtype=torch.bool)))
    assert tokens < 0.75 * plain


def tokens_read(scorer: Scorer, work: Callable[[], object]) -> int:
    read: list[int] = []
    norm = scorer.reader.transformer.ln_f
    hook = norm.register_forward_hook(lambda _, __, states: read.append(states.shape[0] * states.shape[1]))
    work()
    hook.remove()
    return sum(read)


def test_memory_is_bounded_and_bounds_change_nothing(tiny_model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    question, rows = question_of(tiny_model), list[int]()
    scorer, spans = Scorer(tiny_model, question, tick=rows.append), question.spans(PIECES)
    found = ablation(scorer, spans, MethodSettings()).scores
    assert 1 < max(rows) <= scorer.rows()
    monkeypatch.setattr("explain.scorer.MOST_LOGITS", 1)
    rows.clear()
    np.testing.assert_allclose(ablation(scorer, spans, MethodSettings()).scores, found, atol=1e-4)
    assert max(rows) == 1


def test_quick_way_that_gives_something_else_is_not_believed(
    tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch, anew: list[int]
) -> None:  # fmt: skip
    question, after = question_of(tiny_gpt2), Prefix.after
    monkeypatch.setattr(Prefix, "after", lambda *given: after(*given) + 1e-3)
    assert_same_as_by_hand(tiny_gpt2, question, PIECES)
    assert anew == [int(question.can_change().sum())]


def test_model_that_refuses_midway_is_read_anew(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch, anew: list[int]) -> None:
    question, read, reads = question_of(tiny_gpt2), Prefix._read, list[int]()

    def refusing(*given: Any) -> torch.Tensor:
        reads.append(1)
        if len(reads) > 2:
            raise CantResumeError
        return read(*given)

    monkeypatch.setattr(Prefix, "_read", refusing)
    assert_same_as_by_hand(tiny_gpt2, question, PIECES)
    assert anew == [int(question.can_change().sum())]


class StoppedError(RuntimeError):
    """Of a kind that a model might raise, so that nobody may catch it by its kind."""


@pytest.mark.parametrize("last", range(1, 5))
def test_stop_passes_through_and_leaves_nothing_behind(tiny_model: LanguageModel, last: int) -> None:
    rows: list[int] = []

    def tick(count: int) -> None:
        rows.append(count)
        if len(rows) == last:
            raise StoppedError

    before = logits(tiny_model)
    question = question_of(tiny_model)
    scorer = Scorer(tiny_model, question, tick=tick)
    with pytest.raises(StoppedError):
        ablation(scorer, question.spans(PIECES), MethodSettings())
    assert len(rows) == last
    hooks = [module for module in scorer.reader.modules() if module._forward_hooks or module._forward_pre_hooks]
    assert not hooks
    torch.testing.assert_close(logits(tiny_model), before, atol=0, rtol=0)


def test_one_word_prompt_is_enough(tiny_gpt2: LanguageModel) -> None:
    word = Piece(300, "a", "a")
    passage = Passage("one", "0" * 16, "causal", (word,), (Piece(301, "b", "b"),))
    assert_same_as_by_hand(tiny_gpt2, whole(passage), PIECES)
