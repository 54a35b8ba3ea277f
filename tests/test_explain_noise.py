"""explain.noise: the noise that words bear, held against its closed form, the published optimiser and models read in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from explain.method import Found, MethodSettings
from explain.noise import bearable_noise, learned_noise, rows_read
from explain.noise.layers import state_after
from explain.noise.scale import most_noise, spread_of
from explain.passage import read_text
from explain.question import Question, Target, instead_of
from explain.scorer import Scorer
from explain.twin import layers_of
from narrative.models import SEQ2SEQ, LanguageModel, load_model

RATE, QUICK = 0.1, MethodSettings(noise_steps=4)
LINE = "Once upon a time there was a fox"


# ---- the optimisation by itself


class Toy:
    """Phi(x) = sum of w_t x_t over tokens: `best` is the closed form for one sigma a token."""

    def __init__(self, tokens: int = 14, width: int = 64) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(tokens, width, generator=generator)
        self.weights = 0.1 + 3 * torch.rand(tokens, generator=generator)
        self.r = 0.5 + torch.rand(width, generator=generator)
        self.calls = 0

    def __call__(self, embeddings: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return (embeddings * self.weights[:, None]).sum(1)

    def best(self, groups: torch.Tensor) -> torch.Tensor:
        """(word,): the published form, S the number of words, |w| the root of the sum of squares over a word's tokens."""
        words = int(groups.max()) + 1
        squares = torch.stack([self.weights[groups == word].square().sum() for word in range(words)])
        return (RATE / (2 * words * (1 / self.r.square()).mean())).sqrt() / squares.sqrt()

    def error(self, sigma: torch.Tensor, groups: torch.Tensor) -> float:
        return float((sigma / self.best(groups) - 1).abs().mean())


def published(
    phi: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, r: torch.Tensor, *, cap: float, steps: int
) -> torch.Tensor:
    """The authors' settings: sigma = cap x sigmoid(ratio) from a random start, one sample a step, Adam with a rate of 0.01."""
    generator = torch.Generator().manual_seed(0)
    ratio = torch.randn(len(inputs), 1, generator=generator).requires_grad_()
    adam = torch.optim.Adam([ratio], lr=0.01)
    state = phi(inputs[None])
    for _ in range(steps):
        sigma = cap * ratio.sigmoid()
        noisy = inputs + sigma * torch.randn(inputs.shape, generator=generator)
        loss = ((phi(noisy[None]) - state) / r).square().mean() - RATE * sigma.log().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return (cap * ratio.detach().sigmoid()).squeeze(1)


@pytest.mark.parametrize("width", [16, 64, 256])
def test_linear_state_meets_the_closed_form(width: int) -> None:
    toy, groups = Toy(width=width), torch.arange(14)
    found = bearable_noise(toy, toy.inputs, groups, normaliser=toy.r)
    assert toy.error(found.sigma, groups) < 0.01
    assert found.converged


def test_words_of_several_tokens_meet_the_closed_form_of_words() -> None:
    toy = Toy(tokens=10)
    groups = torch.tensor([0, 0, 1, 2, -1, 2, 2, 3, 4, -1])
    found = bearable_noise(toy, toy.inputs, groups, normaliser=toy.r)
    assert found.sigma.shape == (5,)
    assert toy.error(found.sigma, groups) < 0.01


def test_full_matrix_meets_its_closed_form() -> None:
    """More components than probes, no two words alike in any of them."""
    generator = torch.Generator().manual_seed(3)
    inputs, matrix = torch.zeros(8, 32), torch.randn(200, 8, 32, generator=generator)
    matrix *= torch.linspace(0.2, 2, 8)[:, None]
    want = (RATE / (2 * 8 * matrix.square().sum(2).mean(0))).sqrt()
    found = bearable_noise(lambda rows: torch.einsum("rtd,ctd->rc", rows, matrix), inputs, torch.arange(8), seed=2)
    assert float((found.sigma / want - 1).abs().mean()) < 0.02


@pytest.mark.parametrize("factor", [0.1, 50.0])
def test_weight_times_k_bears_the_kth_part(factor: float) -> None:
    toy, groups = Toy(), torch.arange(14)
    before = bearable_noise(toy, toy.inputs, groups, normaliser=toy.r, steps=50).sigma
    toy.weights[4] *= factor
    after = bearable_noise(toy, toy.inputs, groups, normaliser=toy.r, steps=50).sigma
    assert float(before[4] / after[4]) == pytest.approx(factor, rel=0.01)
    others = torch.arange(14) != 4
    assert torch.allclose(after[others], before[others], rtol=0.01)


def test_published_optimiser_is_worse_with_more_than_ten_times_the_passes() -> None:
    toy, groups = Toy(), torch.arange(14)
    own = toy.error(bearable_noise(toy, toy.inputs, groups, normaliser=toy.r, steps=50).sigma, groups)
    passes, toy.calls = toy.calls, 0
    theirs = toy.error(published(toy, toy.inputs, toy.r, cap=10 * float(toy.inputs.std()), steps=800), groups)
    assert toy.calls > 10 * passes
    assert theirs > 10 * own


def test_word_without_influence_bears_all_that_is_allowed() -> None:
    toy, groups = Toy(), torch.arange(14)
    toy.weights[[2, 9]] = 0
    found = bearable_noise(toy, toy.inputs, groups, normaliser=toy.r, cap=5.0)
    assert torch.allclose(found.sigma[[2, 9]], torch.tensor(5.0))
    assert found.sigma[groups[(groups != 2) & (groups != 9)]].max() < 1


@pytest.mark.parametrize("bend", [torch.square, lambda values: torch.relu(values - 0.1)], ids=["square", "threshold"])
def test_state_that_is_flat_just_here_still_has_its_limit(bend: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The Jacobian is 0, and says nothing: noise is what counts."""
    weights = torch.linspace(0.5, 3, 6)[:, None]
    found = bearable_noise(lambda rows: bend(rows * weights).sum(1), torch.zeros(6, 32), torch.arange(6), cap=5.0)
    assert found.converged
    assert torch.allclose(found.sigma * weights[:, 0], (found.sigma * weights[:, 0]).mean(), rtol=0.15)
    assert found.sigma.max() < 1


def test_loss_is_the_objective_and_ends_below_where_it_began() -> None:
    weights = torch.linspace(0.5, 3, 6)[:, None]
    phi = lambda rows: torch.relu(rows * weights - 0.1).sum(1)  # noqa: E731
    inputs, groups = torch.zeros(6, 32), torch.arange(6)
    drawn = torch.randn(2000, 6, 32, generator=torch.Generator().manual_seed(9))

    def objective(sigma: torch.Tensor) -> float:
        return float((phi(sigma[:, None] * drawn) - phi(inputs[None])).square().mean() - RATE * sigma.log().mean())

    first, last = (bearable_noise(phi, inputs, groups, cap=5.0, steps=steps) for steps in (1, 100))
    assert objective(last.sigma) < objective(first.sigma)
    assert last.loss == pytest.approx(objective(last.sigma), abs=0.01)


def test_too_few_steps_are_said_not_to_have_converged() -> None:
    phi = lambda rows: rows.square().sum(1)  # noqa: E731
    assert not bearable_noise(phi, torch.zeros(6, 32), torch.arange(6), cap=5.0, steps=4).converged


def test_rows_read_at_once_change_nothing() -> None:
    toy, groups = Toy(width=8), torch.arange(14)
    all_at_once, few = (bearable_noise(toy, toy.inputs, groups, steps=10, rows=rows).sigma for rows in (64, 3))
    assert torch.allclose(all_at_once, few, rtol=1e-4)


# ---- as a method


def scorer_of(model: LanguageModel, tick: Callable[[int], None] = lambda _: None, *, instead: str = "") -> Scorer:
    passage = read_text(model, LINE, " who lived under the old oak tree.")
    start = passage.written_from + 2
    question = Question(passage, Target(start, start + 2))
    return Scorer(model, instead_of(model, question, instead) if instead else question, tick=tick)


def found_by(scorer: Scorer, **given: Any) -> Found:
    return learned_noise(scorer, scorer.question.spans(), MethodSettings(**{"noise_steps": 4, **given}))


def hooks_in(scorer: Scorer) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in scorer.reader.modules())


def test_every_word_that_counts_has_its_noise_in_every_layer(tiny_model: LanguageModel) -> None:
    scorer = scorer_of(tiny_model)
    before = hooks_in(scorer)
    found = found_by(scorer)
    free = scorer.question.can_change()
    counts = np.array([free[span.start : span.stop].any() for span in scorer.question.spans()])
    assert found.layers is not None
    assert found.layers.shape == (2, len(counts))
    for noise in (found.scores, *found.layers):
        assert (np.isfinite(noise) == counts).all()
        assert (noise[counts] > 0).all()
        assert noise[counts].max() <= most_noise(scorer) * 1.0001
    assert hooks_in(scorer) == before


def test_words_after_the_target_have_no_noise(tiny_gpt2: LanguageModel) -> None:
    scorer = scorer_of(tiny_gpt2)
    found = found_by(scorer, noise_layers=False)
    after = [span.start >= scorer.question.end for span in scorer.question.spans()]
    assert any(after)
    assert np.isnan(found.scores[after]).all()
    assert found.layers is None


def test_same_seed_same_noise_another_seed_another(tiny_gpt2: LanguageModel) -> None:
    first, again, other = (found_by(scorer_of(tiny_gpt2), seed=seed).scores for seed in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_several_runs_give_their_geometric_mean_and_their_spread(tiny_gpt2: LanguageModel) -> None:
    scorer = scorer_of(tiny_gpt2)
    both = found_by(scorer, noise_seeds=2, noise_layers=False, noise_steps=2)
    phi, cap, r = scorer.token_scores, most_noise(scorer), spread_of(scorer.token_scores, scorer, seed=1)
    pieces = scorer.question.spans("pieces")[: scorer.length]
    assert both.spread is not None
    assert (np.isfinite(both.spread) == np.isfinite(both.scores)).all()
    groups = torch.full((scorer.length,), -1)
    free = scorer.question.can_change()
    for number, span in enumerate(one for one in scorer.question.spans() if one.start < len(pieces) and free[one.start : one.stop].any()):
        groups[span.start : span.stop] = number
    groups[~torch.from_numpy(free[: scorer.length])] = -1
    runs = [
        bearable_noise(phi, scorer.embeddings[: scorer.length], groups, normaliser=r, cap=cap, steps=2, seed=seed, rows=99).sigma.numpy()
        for seed in (1, 2)
    ]
    finite = np.isfinite(both.scores)
    np.testing.assert_allclose(both.scores[finite], np.sqrt(runs[0] * runs[1]), rtol=1e-3)
    np.testing.assert_allclose(both.spread[finite], np.std(runs, axis=0, ddof=1), rtol=0.05, atol=1e-6)


def test_contrast_watches_the_difference(tiny_gpt2: LanguageModel) -> None:
    plain, contrast = (found_by(scorer_of(tiny_gpt2, instead=words), noise_layers=False) for words in ("", "the king"))
    finite = np.isfinite(contrast.scores)
    assert finite.any()
    assert not np.allclose(plain.scores[finite], contrast.scores[finite], rtol=0.01)


def test_state_half_way_is_the_state_of_a_whole_reading(tiny_model: LanguageModel) -> None:
    """Held against `output_hidden_states`, whose last entry has the final norm and is left out."""
    scorer = scorer_of(tiny_model)
    rows = scorer.embeddings[None, : scorer.length]
    border = scorer.question.offset
    given = {"inputs_embeds": rows}
    if tiny_model.kind == SEQ2SEQ:
        given = {"inputs_embeds": rows[:, :border], "decoder_inputs_embeds": rows[:, border:]}
    with torch.no_grad():
        read = scorer.reader(**given, output_hidden_states=True, use_cache=False)
        states = read.decoder_hidden_states if tiny_model.kind == SEQ2SEQ else read.hidden_states
        half = state_after(scorer, 0)(rows)
    target = scorer.question.target
    assert len(layers_of(scorer.model, scorer.reader)) == 2
    assert torch.allclose(half, states[1][:, target.start - 1 : target.stop - 1], atol=1e-5)


def test_layers_above_are_not_read(tiny_gpt2: LanguageModel) -> None:
    scorer, read = scorer_of(tiny_gpt2), []
    layers_of(scorer.model, scorer.reader)[1].register_forward_pre_hook(lambda *_: read.append(1))
    state_after(scorer, 0)(scorer.embeddings[None, : scorer.length])
    assert not read
    scorer.scores(scorer.embeddings[None])
    assert read


@pytest.mark.parametrize("readings", [1, 4, 17])
def test_cancel_passes_through_and_leaves_no_hook(tiny_model: LanguageModel, readings: int) -> None:
    class Cancelled(Exception):  # noqa: N818
        pass

    heard: list[int] = []

    def tick(rows: int) -> None:
        heard.append(rows)
        if len(heard) == readings:
            raise Cancelled

    scorer = scorer_of(tiny_model, tick)
    before = hooks_in(scorer)
    with pytest.raises(Cancelled):
        found_by(scorer)
    assert len(heard) == readings
    assert hooks_in(scorer) == before


def test_readings_are_told_and_stay_within_the_bound(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    scorer = scorer_of(tiny_gpt2, heard.append)
    monkeypatch.setattr(scorer, "rows", lambda **_: 3)
    found_by(scorer, noise_steps=2)
    assert max(heard) == 3
    assert sum(heard) > 2 * 3 * 8  # target and two layers


def test_cost_is_told_about_right(tiny_gpt2: LanguageModel) -> None:
    cost = 0.0

    def tick(rows: int) -> None:
        nonlocal cost
        cost += rows * (3 if torch.is_grad_enabled() else 1)

    settings = MethodSettings(noise_steps=10, noise_seeds=2, noise_layers=False)
    scorer = scorer_of(tiny_gpt2, tick)
    learned_noise(scorer, scorer.question.spans(), settings)
    assert 0.7 * cost < rows_read(0, settings) < 1.4 * cost


def test_cap_is_ten_standard_deviations_of_the_embedding(tiny_t5: LanguageModel) -> None:
    scorer = scorer_of(tiny_t5)
    known = scorer.embed.weight[: len(tiny_t5.tokenizer)].detach()
    assert most_noise(scorer) == pytest.approx(10 * float(known.std(correction=0)), rel=1e-4)


def test_state_that_never_moves_is_divided_by_one(tiny_gpt2: LanguageModel) -> None:
    scorer = scorer_of(tiny_gpt2)
    still = spread_of(lambda rows: torch.zeros(len(rows), 2, 5), scorer, seed=1)
    assert torch.equal(still, torch.ones(5))
    partly = spread_of(lambda rows: torch.stack([rows[:, :2, 0], torch.zeros(len(rows), 2)], dim=-1), scorer, seed=1)
    assert 0 < float(partly[1]) < 0.02 * float(partly[0])


def test_unsettled_noise_is_told_in_words(tiny_gpt2: LanguageModel) -> None:
    found = found_by(scorer_of(tiny_gpt2), noise_steps=1)
    assert found.checks["converged"] == 0
    assert any("more steps" in note for note in found.notes)


def test_shipped_model_needs_in_its_last_layer_what_its_answer_needs() -> None:
    model = load_model("fable-5m", device="cpu")
    passage = read_text(model, "There was a little fox who lived under", " the old")
    end = len(passage.sequence)
    scorer = Scorer(model, Question(passage, Target(end - 1, end)))
    last, inputs = len(layers_of(scorer.model, scorer.reader)) - 1, scorer.embeddings[: scorer.length]
    answer, layer = (
        bearable_noise(
            phi, inputs, torch.arange(scorer.length), normaliser=spread_of(phi, scorer, seed=1), cap=most_noise(scorer), steps=25, probes=16
        )
        for phi in (scorer.token_scores, state_after(scorer, last))
    )
    assert answer.sigma.max() < most_noise(scorer)
    assert spearmanr(layer.sigma, answer.sigma)[0] > 0.4
