"""explain.attribution against Captum itself, and one test for each of Captum's pitfalls: what it does, and that it can't happen here."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import (
    DeepLift,
    FeatureAblation,
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    KernelShap,
    LayerIntegratedGradients,
    LLMAttribution,
    LLMGradientAttribution,
    NoiseTunnel,
    Occlusion,
    ShapleyValueSampling,
    TextTokenInput,
)
from tiny_models import built, t5_tokenizer, tiny_tokenizer
from torch import nn
from transformers import GPT2Config, GPTNeoConfig, LlamaConfig, T5Config

from explain.attribution import gradients
from explain.attribution.chance import seeded
from explain.attribution.tunnel import spread
from explain.baselines import BASELINES
from explain.method import MethodSettings
from explain.methods import LEFT_OUT, METHODS, explain_words
from explain.passage import read_text
from explain.question import PIECES, Question, Target, whole
from explain.scorer import Scorer
from explain.words import summed
from narrative.models import LanguageModel, load_model

PROMPT, COMPLETION = "Once upon a time there was a fox", " who lived under the old oak tree."
STEPS = 32
CLOSE = 1e-4  # nats


@pytest.fixture(scope="module")
def gentle() -> dict[str, LanguageModel]:
    """The four architectures with weights nearer to those of trained models than the shared ones have."""
    words = tiny_tokenizer()
    signs = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    common = {"vocab_size": len(words), "initializer_range": 0.2, **signs}
    configurations = [
        GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4, **common),
        GPTNeoConfig(
            max_position_embeddings=64, hidden_size=32, num_layers=2, num_heads=4, window_size=16,
            attention_types=[[["global", "local"], 1]], **common,
        ),
        LlamaConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, **common),
        T5Config(
            vocab_size=len(t5_tokenizer()), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, initializer_factor=0.8,
            decoder_start_token_id=words.pad_token_id, pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id,
        ),
    ]  # fmt: skip
    return {one.model_type: built(one) for one in configurations}


ARCHITECTURES = ("gpt2", "gpt_neo", "llama", "t5")
DECODERS = ARCHITECTURES[:3]


def passage(model: LanguageModel, prompt: str = PROMPT, completion: str = COMPLETION) -> Question:
    return whole(read_text(model, prompt, completion))


def first_word(model: LanguageModel, prompt: str = PROMPT) -> Question:
    """A target of one token, so that all that is read can be taken away, if no sign stands before it."""
    asked = passage(model, prompt)
    return replace(asked, target=Target(asked.target.start, asked.target.start + 1))


def run(method: str, scorer: Scorer, unit: str = PIECES, **settings: Any) -> np.ndarray[Any, Any]:
    return METHODS[method].run(scorer, scorer.question.spans(unit), MethodSettings(**settings)).scores


def baseline_rows(scorer: Scorer) -> torch.Tensor:
    return torch.where(scorer.free[:, None], scorer.baseline.vector, scorer.embeddings)[None]


# ---- the gradients' methods


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_are_those_of_plain_torch(gentle: dict[str, LanguageModel], name: str) -> None:
    scorer = Scorer(gentle[name], passage(gentle[name]))
    rows = scorer.embeddings[None].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(scorer.scores(rows).sum(), rows)
    free = scorer.free.numpy()
    times_input = (gradient[0] * scorer.embeddings).sum(-1).numpy()
    assert np.allclose(run("input x gradient", scorer), times_input * free, atol=CLOSE)
    assert np.allclose(run("saliency", scorer), gradient[0].square().sum(-1).sqrt().numpy() * free, atol=CLOSE)


@pytest.fixture
def as_many_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more points than Captum is told to take, so that the two can be compared digit by digit."""
    monkeypatch.setattr(gradients, "MOST_STEPS", STEPS)


@pytest.mark.usefixtures("as_many_points")
@pytest.mark.parametrize("name", DECODERS)
def test_one_integral_of_a_passage_is_the_sum_of_captums_integrals_by_token(gentle: dict[str, LanguageModel], name: str) -> None:
    model = gentle[name]
    question = passage(model)
    end = min(model.end_ids)
    scorer = Scorer(model, question, baseline="end")
    scorer.free = scorer.free & (torch.arange(len(scorer.free)) < question.written_from)  # all that Captum asks for
    captum = LLMGradientAttribution(LayerIntegratedGradients(scorer.reader, scorer.embed), model.tokenizer)
    ids = torch.tensor([piece.id for piece in question.passage.completion])
    theirs = captum.attribute(TextTokenInput(PROMPT, model.tokenizer), ids, baselines=end, n_steps=STEPS)
    ours = run("integrated gradients", scorer, steps=STEPS)
    prompt = ours[: question.written_from]
    assert np.allclose(prompt, theirs.seq_attr.numpy(), rtol=1e-4, atol=CLOSE)
    assert np.corrcoef(prompt, theirs.seq_attr.numpy())[0, 1] > 0.99999


@pytest.mark.usefixtures("as_many_points")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_with_the_models_own_words_too_it_is_the_sum_of_the_integrals_by_token(gentle: dict[str, LanguageModel], name: str) -> None:
    scorer = Scorer(gentle[name], passage(gentle[name]))
    total = torch.zeros(len(scorer.ids))
    for token in range(len(scorer.asked)):
        captum = IntegratedGradients(lambda rows, token=token: scorer.token_scores(rows)[:, token])
        total += captum.attribute(scorer.embeddings[None], baseline_rows(scorer), n_steps=STEPS)[0].detach().sum(-1)
    ours = run("integrated gradients", scorer, steps=STEPS)
    assert np.allclose(ours, total.numpy(), rtol=1e-4, atol=CLOSE)
    assert np.abs(ours[scorer.question.written_from :]).max() > 10 * CLOSE


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_integral_adds_up_on_every_architecture_from_every_baseline(gentle: dict[str, LanguageModel], name: str, baseline: str) -> None:
    model = gentle[name]
    one = explain_words(model, passage(model), method="integrated gradients", baseline=baseline)
    assert one.checks["completeness_error"] < 0.01
    assert one.checks["sum"] == pytest.approx(one.scores.sum())
    assert not one.notes
    assert one.baseline


def test_the_integral_adds_up_on_the_shipped_model() -> None:
    model = load_model("fable-5m", device="cpu")
    one = explain_words(model, passage(model), method="integrated gradients")
    assert one.checks["completeness_error"] < 0.01
    assert one.checks["change"] > 1


def test_more_points_are_taken_where_the_integral_does_not_add_up(tiny_neo: LanguageModel) -> None:
    question = passage(tiny_neo)
    once = IntegratedGradients(Scorer(tiny_neo, question).scores)
    scorer = Scorer(tiny_neo, question)
    plain = once.attribute(scorer.embeddings[None], baseline_rows(scorer), n_steps=STEPS).sum().item()
    one = explain_words(tiny_neo, question, method="integrated gradients", settings=MethodSettings(steps=STEPS))
    assert abs(plain - one.checks["change"]) > 0.05 * abs(one.checks["change"])
    assert one.checks["completeness_error"] < 0.01
    assert 2 * STEPS < one.checks["steps"] <= gradients.MOST_STEPS


def test_where_all_points_do_not_do_it_is_said(tiny_t5: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "MOST_STEPS", 64)
    one = explain_words(tiny_t5, passage(tiny_t5), method="integrated gradients", settings=MethodSettings(steps=4))
    assert one.checks["completeness_error"] > 0.01
    assert one.checks["steps"] == 60
    assert one.notes == ("The scores don't add up within 1 %, even with 60 points on the way from the baseline: take another baseline.",)


def test_very_many_points_are_found_at_once_and_find_the_same(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], first_word(gentle["gpt2"], "Once there"))
    few, many = (run("integrated gradients", scorer, steps=steps) for steps in (STEPS, 600))
    assert np.allclose(few, many, atol=CLOSE)


def test_gradient_shap_is_captums_and_shows_its_error(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], passage(gentle["gpt2"]))
    with seeded(scorer, 5):
        theirs = GradientShap(scorer.scores).attribute(scorer.embeddings[None], baseline_rows(scorer), n_samples=8, stdevs=0.0)
    ours = run("gradient shap", scorer, samples=8, seed=5)
    assert np.allclose(ours, theirs[0].detach().sum(-1).numpy(), atol=CLOSE)
    scorer.rows = lambda **_: 3  # type: ignore[method-assign]
    assert np.isfinite(run("gradient shap", scorer, samples=8, seed=5)).all()
    one = explain_words(gentle["gpt2"], passage(gentle["gpt2"]), method="gradient shap", settings=MethodSettings(samples=4))
    assert one.checks["completeness_error"] == pytest.approx(abs(one.scores.sum() - one.checks["change"]) / abs(one.checks["change"]))
    assert one.checks["completeness_error"] > 0.001


def test_gradient_shap_comes_near_the_integral_with_many_draws(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], first_word(gentle["gpt2"]))
    integral = run("integrated gradients", scorer)
    few, many = (np.abs(run("gradient shap", scorer, samples=samples) - integral).max() for samples in (4, 1024))
    assert many < few / 3


# ---- the methods that take words away


def test_taken_plainly_captum_copies_a_score_over_the_embedding_so_that_its_sum_is_wrong(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], first_word(gentle["gpt2"]))
    places = torch.arange(scorer.length)[None, :, None]
    theirs = (
        FeatureAblation(scorer.scores)
        .attribute(scorer.embeddings[None, : scorer.length], baseline_rows(scorer)[:, : scorer.length], feature_mask=places)[0]
        .detach()
    )
    ours = run("ablation", scorer)[: scorer.length]
    assert scorer.free[: scorer.length].all()
    assert np.allclose(ours, theirs.mean(-1).numpy(), atol=CLOSE)
    width = scorer.embeddings.shape[-1]
    assert np.allclose(theirs.sum(-1).numpy(), width * ours, atol=width * CLOSE)
    assert np.abs(theirs.sum(-1).numpy() - ours).max() > 1


def test_shapley_sampling_is_captums_on_the_embeddings(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["llama"], first_word(gentle["llama"]))
    places = torch.arange(scorer.length)[None, :, None]
    with seeded(scorer, 3), torch.no_grad():
        theirs = ShapleyValueSampling(scorer.scores).attribute(
            scorer.embeddings[None, : scorer.length], baseline_rows(scorer)[:, : scorer.length], feature_mask=places, n_samples=4
        )[0]
    ours = run("shapley", scorer, samples=4, seed=3)[: scorer.length]
    assert scorer.free[: scorer.length].all()
    assert np.allclose(ours, theirs.mean(-1).numpy(), atol=CLOSE)


@pytest.mark.parametrize("window", [1, 3, 50])
def test_occlusion_is_captums_on_the_embeddings(gentle: dict[str, LanguageModel], window: int) -> None:
    scorer = Scorer(gentle["gpt_neo"], first_word(gentle["gpt_neo"]))
    wide = min(window, scorer.length)
    theirs = (
        Occlusion(scorer.scores)
        .attribute(
            scorer.embeddings[None, : scorer.length],
            (wide, scorer.embeddings.shape[-1]),
            baselines=baseline_rows(scorer)[:, : scorer.length],
        )[0]
        .detach()
    )
    ours = run("occlusion", scorer, window=window)[: scorer.length]
    assert scorer.free[: scorer.length].all()
    assert np.allclose(ours, theirs.mean(-1).numpy(), atol=CLOSE)


def test_a_window_of_one_word_is_ablation(tiny_model: LanguageModel) -> None:
    scorer = Scorer(tiny_model, passage(tiny_model))
    assert np.allclose(run("occlusion", scorer, "words", window=1), run("ablation", scorer, "words"), atol=1e-3)


def _shares(scorer: Scorer) -> np.ndarray[Any, Any]:
    """Shapley values by all orders of the words there are (Shapley 1953)."""
    spans = scorer.question.spans()
    counted = [place for place, span in enumerate(spans) if scorer.free[span.start : span.stop].any()]
    shares = np.zeros(len(spans))
    orders = list(permutations(counted))
    for order in orders:
        kept = torch.zeros(len(order) + 1, len(scorer.ids), dtype=torch.bool)
        for place, word in enumerate(order):
            kept[place + 1 :, spans[word].start : spans[word].stop] = True
        shares[list(order)] += np.diff(scorer.replaced(kept).double().numpy()) / len(orders)
    return shares


@pytest.mark.parametrize(("method", "samples", "close"), [("shapley", 400, 0.15), ("kernel shap", 4000, 0.15)])
def test_sampled_shares_come_near_those_of_all_orders(tiny_gpt2: LanguageModel, method: str, samples: int, close: float) -> None:
    scorer = Scorer(tiny_gpt2, passage(tiny_gpt2, "Once upon a time", " there"))
    exact, ours = _shares(scorer), run(method, scorer, "words", samples=samples)
    assert np.abs(ours - exact).max() < close * np.abs(exact).max()
    assert ours.sum() == pytest.approx(exact.sum(), abs=1e-3 * np.abs(exact).sum())


@pytest.mark.parametrize("method", ["shapley", "kernel shap"])
def test_shares_add_up_whatever_was_drawn(tiny_model: LanguageModel, method: str) -> None:
    one = explain_words(tiny_model, passage(tiny_model), method=method, settings=MethodSettings(samples=3))
    assert one.checks["completeness_error"] < 1e-3


def test_lime_finds_the_slopes_of_a_straight_line(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], passage(gentle["gpt2"]))
    slopes = torch.linspace(-2, 3, len(scorer.ids))
    scorer.replaced = lambda kept: ((kept | ~scorer.free) * slopes).sum(-1) + 7  # type: ignore[method-assign]
    expected = summed((slopes * scorer.free).numpy(), scorer.question.spans())
    for method, close in (("lime", 0.1), ("kernel shap", 1e-3), ("shapley", 1e-4)):
        assert np.allclose(run(method, scorer, "words"), expected, atol=close), method


@pytest.mark.parametrize("method", ["lime", "kernel shap", "shapley", "occlusion"])
def test_a_single_word_scores_what_its_ablation_does(tiny_model: LanguageModel, method: str) -> None:
    scorer = Scorer(tiny_model, first_word(tiny_model, "Once"))
    ablated = run("ablation", scorer, "words")
    assert np.count_nonzero(ablated) == 1
    assert np.allclose(run(method, scorer, "words"), ablated, rtol=0.1 if method == "lime" else 1e-4, atol=1e-4)


def test_captums_kernel_shap_fails_for_one_word() -> None:
    with pytest.raises((ValueError, RuntimeError)):
        KernelShap(lambda rows: rows.sum(-1)).attribute(torch.ones(1, 1), baselines=0, n_samples=8)


# ---- NoiseTunnel


@pytest.mark.usefixtures("as_many_points")
@pytest.mark.parametrize("name", ["gpt2", "t5"])
@pytest.mark.parametrize("method", ["input x gradient", "integrated gradients"])
def test_smoothgrad_is_captums_on_the_embeddings(gentle: dict[str, LanguageModel], name: str, method: str) -> None:
    scorer = Scorer(gentle[name], first_word(gentle[name]))
    more = {"baselines": baseline_rows(scorer), "n_steps": STEPS} if method == "integrated gradients" else {}
    captum = (IntegratedGradients if more else InputXGradient)(_only_free(scorer))
    deviation = 0.15 * spread(scorer)
    with seeded(scorer, 7):
        theirs = NoiseTunnel(captum).attribute(
            scorer.embeddings[None], nt_samples=4, nt_samples_batch_size=1, stdevs=deviation, **more
        )  # fmt: skip
    one = explain_words(
        gentle[name], scorer.question, method=method, unit=PIECES,
        settings=MethodSettings(tunnel="smoothgrad", tunnel_samples=4, seed=7, steps=STEPS),
    )  # fmt: skip
    assert np.allclose(one.scores, theirs[0].detach().sum(-1).numpy() * scorer.free.numpy(), rtol=1e-4, atol=CLOSE)


def _only_free(scorer: Scorer) -> Any:
    """The score of a text whose given tokens take no noise."""
    return lambda rows: scorer.scores(torch.where(scorer.free[:, None], rows, scorer.embeddings))


def test_the_noise_is_scaled_to_all_embeddings_that_the_tokenizer_knows(tiny_model: LanguageModel) -> None:
    scorer = Scorer(tiny_model, passage(tiny_model))
    known = scorer.embed.weight[: len(tiny_model.tokenizer)]
    assert spread(scorer) == pytest.approx(known.std(correction=0).item(), rel=1e-5)


def test_captums_noise_tunnel_does_not_run_with_gradient_shap_and_its_several_baselines(gentle: dict[str, LanguageModel]) -> None:
    scorer = Scorer(gentle["gpt2"], first_word(gentle["gpt2"]))
    several = baseline_rows(scorer).expand(5, -1, -1)
    assert GradientShap(scorer.scores).attribute(scorer.embeddings[None], several).isfinite().all()
    with pytest.raises(AssertionError, match="Baseline can be provided"):
        NoiseTunnel(GradientShap(scorer.scores)).attribute(scorer.embeddings[None], nt_samples=3, stdevs=0.1, baselines=several)
    assert not METHODS["gradient shap"].tunnels


# ---- pitfalls


class _Asked(nn.Module):
    """A module, as DeepLIFT wants one."""

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.reader, self.scorer = scorer.reader, scorer

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.scorer.scores(rows)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
@pytest.mark.parametrize("name", DECODERS)
def test_captums_deep_lift_is_but_the_gradient_and_does_not_add_up(gentle: dict[str, LanguageModel], name: str) -> None:
    scorer = Scorer(gentle[name], passage(gentle[name]))
    start = baseline_rows(scorer)
    rows = scorer.embeddings[None].clone().requires_grad_()
    theirs = DeepLift(_Asked(scorer)).attribute(rows, start)[0].detach()
    (gradient,) = torch.autograd.grad(scorer.scores(rows).sum(), rows)
    with torch.no_grad():
        change = float(scorer.scores(rows)[0] - scorer.scores(start)[0])
    assert torch.allclose(theirs, (gradient * (rows - start))[0].detach(), atol=CLOSE)
    assert theirs.abs().sum() > 1
    assert abs(float(theirs.sum()) - change) > 0.05 * abs(change)
    assert "DeepLIFT" in LEFT_OUT


def test_captums_own_baseline_is_token_0_and_ours_is_chosen_and_shown(gentle: dict[str, LanguageModel]) -> None:
    model = gentle["gpt2"]
    question = first_word(model)
    scorer = Scorer(model, question)
    ids = scorer.ids[None, : scorer.length]

    def score(given: torch.Tensor) -> torch.Tensor:
        return scorer.reader(given).logits[:, -1].log_softmax(-1)[:, scorer.asked[0]]

    captum = LayerIntegratedGradients(score, scorer.embed)
    silent, zeros = (captum.attribute(ids, baselines=given, n_steps=8)[0].sum(-1).detach() for given in (None, torch.zeros_like(ids)))
    one = explain_words(model, question, method="integrated gradients", unit=PIECES, settings=MethodSettings(steps=8))
    assert torch.equal(silent, zeros)
    assert np.abs(one.scores[: scorer.length] - silent.numpy()).max() > 0.01
    assert one.baseline == "the average word"


def test_captum_merges_repeated_words_and_drops_what_the_model_wrote(gentle: dict[str, LanguageModel]) -> None:
    model = gentle["gpt2"]
    question = passage(model, "the fox and the fox", " and the sea")
    scorer = Scorer(model, question)
    captum = LLMGradientAttribution(LayerIntegratedGradients(scorer.reader, scorer.embed), model.tokenizer)
    ids = torch.tensor([piece.id for piece in question.passage.completion])
    theirs = captum.attribute(TextTokenInput("the fox and the fox", model.tokenizer), ids, baselines=0, n_steps=4)
    one = explain_words(model, question, method="integrated gradients", settings=MethodSettings(steps=8))
    assert len(theirs.seq_attr_dict) < len(theirs.seq_attr) == len(question.passage.prompt)
    labels = [span.label for span in one.words]
    assert labels == ["the", "fox", "and", "the", "fox", "and", "the", "sea"]
    foxes = [score for score, label in zip(one.scores, labels, strict=True) if label == "fox"]
    assert foxes[0] != foxes[1]
    assert one.scores[5:7].all()
    assert one.shares()[1] > 0


def test_captums_text_attribution_goes_round_hooks_and_the_scorer_does_not(gentle: dict[str, LanguageModel]) -> None:
    model = gentle["gpt2"]
    question = first_word(model, "Once upon")
    scorer = Scorer(model, question)
    calls: list[str] = []
    scorer.reader.register_forward_hook(lambda *_: calls.append("called"))
    captum = LLMAttribution(FeatureAblation(scorer.reader), model.tokenizer)
    captum.attribute(
        TextTokenInput("Once upon", model.tokenizer), torch.tensor([scorer.asked[0]]), use_cached_outputs=False, forward_in_tokens=False
    )
    assert not calls
    run("ablation", scorer)
    assert calls


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_from_a_baseline_of_zeros_the_integral_does_not_add_up_where_a_model_divides_by_length(
    gentle: dict[str, LanguageModel], name: str
) -> None:
    scorer = Scorer(gentle[name], passage(gentle[name]))
    nothing = baseline_rows(scorer)
    nothing[:, scorer.free] = 0
    found = IntegratedGradients(scorer.scores).attribute(scorer.embeddings[None], nothing, n_steps=50).sum().item()
    with torch.no_grad():
        change = float(scorer.scores(scorer.embeddings[None])[0] - scorer.scores(nothing)[0])
    assert abs(found - change) > 0.1 * abs(change)
    assert "zero" not in BASELINES
