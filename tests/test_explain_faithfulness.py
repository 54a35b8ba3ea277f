"""explain.faithfulness: every check against plain loops, closed forms, Captum or planted truths, and the claims on the shipped model."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from explain.faithfulness import CheckSettings, Faithfulness, Measure, check_map, check_passes, rank_agreement, shuffled
from explain.faithfulness import checking as checking_module
from explain.faithfulness import steadiness as steadiness_module
from explain.faithfulness.agreement import agreements, correlation
from explain.faithfulness.erasing import Erasing, removing, replacing
from explain.faithfulness.infidelity import infidelity_of, random_sets
from explain.faithfulness.rankings import counts_of, first, order_of, random_orders
from explain.faithfulness.report import BETTER, CHANCE, WORSE
from explain.faithfulness.trial import Trial
from explain.faithfulness.wording import verdict
from explain.importance import HIGH, WordImportance
from explain.leaving import ablation
from explain.method import MethodSettings
from explain.methods import METHODS, explain_words, run_method
from explain.passage import passage_of, read_text
from explain.question import Question, Target, instead_of, whole
from explain.scorer import Scorer
from explain.words import Span
from narrative.errors import ExplainError, SettingsError
from narrative.generation import GenerationSettings, generate
from narrative.models import LanguageModel, load_model

PROMPT, COMPLETION = "Once upon a time there was a fox", " who lived under the old oak tree."
QUICK = CheckSettings(randoms=4, perturbations=4)
BARE = CheckSettings(randoms=4, perturbations=2, randomise=False)
CLOSE = 1e-4  # nats
BEGINNINGS = (
    "Once there was a little fox",
    "The old man opened the door",
    "Lily wanted to play with",
    "In the morning the children",
    "“Where is my hat?” asked",
    "It was raining, so Tom",
)


class StoppedError(Exception):
    """What somebody who has enough raises."""


def question_of(model: LanguageModel) -> Question:
    return whole(read_text(model, PROMPT, COMPLETION))


def late_word(model: LanguageModel) -> Question:
    """The last token alone: all other words may go."""
    passage = read_text(model, PROMPT, COMPLETION)
    return Question(passage, Target(len(passage.sequence) - 1, len(passage.sequence)))


# ---- on the shipped model


@pytest.fixture(scope="module")
def fable() -> LanguageModel:
    return load_model("fable-5m", device="cpu")


@pytest.fixture(scope="module")
def unlearned(fable: LanguageModel) -> LanguageModel:
    return shuffled(fable, seed=1)


@pytest.fixture(scope="module")
def written(fable: LanguageModel) -> list[Question]:
    """What the model itself wrote: 20 passages, each asked for as a whole."""
    questions = []
    for seed, prompt in enumerate(BEGINNINGS):
        writing = generate(fable, prompt, settings=GenerationSettings(max_new_tokens=6, drafts=4, seed=seed))
        for _ in writing:
            pass
        questions += [whole(passage_of(fable, draft)) for draft in writing.drafts if draft.ids]
    assert len(questions) >= 20
    return questions[:20]


@pytest.fixture(scope="module")
def told(fable: LanguageModel, written: list[Question]) -> Callable[[str], list[WordImportance]]:
    """The maps of these passages by a method, made once."""
    kept: dict[str, list[WordImportance]] = {}

    def maps(method: str) -> list[WordImportance]:
        if method not in kept:
            settings = MethodSettings(steps=8)
            kept[method] = [explain_words(fable, question, method=method, settings=settings) for question in written]
        return kept[method]

    return maps


@pytest.mark.parametrize("method", ["input x gradient", "integrated gradients", "ablation"])
def test_maps_under_shuffled_weights_are_other_maps(
    unlearned: LanguageModel, told: Callable[[str], list[WordImportance]], method: str
) -> None:
    maps = told(method)
    settings = MethodSettings.of(maps[0].settings)
    found = np.array([rank_agreement(one, explain_words(unlearned, one.question, method=method, settings=settings)) for one in maps])
    print(
        f"{method}: rank correlation with the map under shuffled weights {found.mean():.3f} ± {found.std(ddof=1):.3f}, {len(found)} texts"
    )
    assert found.mean() + 2 * found.std(ddof=1) / np.sqrt(len(found)) < 0.3


def test_the_oracle_beats_random_beats_reversed(fable: LanguageModel, told: Callable[[str], list[WordImportance]]) -> None:
    """Reversed: the oracle's own map backwards, and that of Integrated Gradients, which knows nothing of the oracle."""
    found = []
    for one, other in zip(told("ablation"), told("integrated gradients"), strict=True):
        erasing = replacing(Scorer(fable, one.question), one)
        settings = CheckSettings(shares=(0.1, 0.2, 0.5), randoms=8)
        own, others = (Trial(erasing, importance.ranking(), settings).measures()[0] for importance in (one, other))
        found.append((own.oracle, own.random, own.worst, others.worst))
    oracle, random, backwards, other_backwards = np.array(found, dtype=float).T
    leads = {
        "oracle - random": oracle - random, "random - ablation reversed": random - backwards,
        "random - integrated gradients reversed": random - other_backwards,
    }  # fmt: skip
    for name, lead in leads.items():
        print(f"{name}: {lead.mean():.3f} ± {lead.std(ddof=1):.3f} nats a token over {len(lead)} texts")
        assert lead.mean() > 3 * lead.std(ddof=1) / np.sqrt(len(lead)), name


def test_ablation_does_better_than_chance_on_the_shipped_model(fable: LanguageModel, told: Callable[[str], list[WordImportance]]) -> None:
    found = check_map(fable, told("ablation")[0], others=[told("input x gradient")[0]], settings=QUICK)
    measure = found.measure("comprehensiveness")
    assert measure is not None
    assert measure.standing == BETTER
    assert measure.value == pytest.approx(measure.oracle, abs=CLOSE)
    assert set(found.agreement) == {"input x gradient"}
    assert any("by replacement the two are one" in note for note in found.notes)


# ---- comprehensiveness and sufficiency


def additive(weights: NDArray[np.float64], *, least: int = 0) -> Erasing:
    """A text of one token a word, whose target is worth the sum of the weights of the words that are there."""
    spans = [Span(place, place + 1, str(place)) for place in range(len(weights))]
    table = torch.from_numpy(weights)
    return Erasing(
        "replacement", lambda kept: kept.double() @ table, spans, words=np.arange(len(weights)), tokens=len(weights), per=1, least=least
    )


def test_on_a_sum_of_words_all_is_known_in_closed_form() -> None:
    weights = np.array([5.0, 1, 3, 0, -2, 2, 4, 0.5, -1, 0.25])
    trial = Trial(additive(weights), weights, CheckSettings(shares=(0.1, 0.2, 0.5), randoms=200), instead_of_word="nothing")
    comprehensiveness, sufficiency = trial.measures()
    falling, total = np.sort(weights)[::-1], weights.sum()
    top = np.mean([falling[:count].sum() for count in (1, 2, 5)])
    bottom = np.mean([falling[-count:].sum() for count in (1, 2, 5)])
    assert comprehensiveness.value == comprehensiveness.oracle == pytest.approx(top)
    assert comprehensiveness.worst == pytest.approx(bottom)
    assert sufficiency.value == pytest.approx(total - top)
    assert sufficiency.worst == pytest.approx(total - bottom)
    assert comprehensiveness.random == pytest.approx(weights.mean() * np.mean([1, 2, 5]), abs=0.15)
    deletion, insertion = trial.curves()
    assert deletion.map == pytest.approx(total - np.concatenate([[0], falling.cumsum()]))
    assert insertion.map == pytest.approx(np.concatenate([[0], falling.cumsum()]))
    assert list(deletion.shares) == pytest.approx(np.linspace(0, 1, 11))
    assert (deletion.low <= deletion.random).all()
    assert (deletion.random <= deletion.high).all()
    assert (deletion.oracle <= deletion.low + 1e-9).all()


def test_random_orders_are_every_word_once_and_in_pairs_backwards() -> None:
    words = np.array([2, 3, 5, 7, 8])
    orders = random_orders(words, 7, seed=3)
    assert orders.shape == (7, 5)
    assert (np.sort(orders, axis=1) == words).all()
    assert (orders[0] == orders[1][::-1]).all()
    assert (orders == random_orders(words, 7, seed=3)).all()
    assert (orders != random_orders(words, 7, seed=4)).any()


def test_a_share_is_one_word_at_least_and_never_rounded_down() -> None:
    assert counts_of((0.01, 0.1, 0.2, 0.5, 1.0), 30).tolist() == [1, 3, 6, 15, 30]
    assert counts_of((0.05, 0.1, 0.2, 0.5), 7).tolist() == [1, 1, 2, 4]
    gone = first(np.array([[2, 0], [0, 2]]), np.array([0, 1, 2]), width=3)
    assert gone.astype(int).tolist() == [[[0, 0, 0], [0, 0, 1], [1, 0, 1]], [[0, 0, 0], [1, 0, 0], [1, 0, 1]]]


def test_equal_scores_are_ordered_by_chance_not_by_place() -> None:
    values, words = np.zeros(12), np.arange(12)
    orders = {tuple(order_of(values, words, seed=seed).tolist()) for seed in range(5)}
    assert len(orders) == 5
    assert order_of(np.array([1.0, 3, 2]), np.arange(3), seed=0).tolist() == [1, 2, 0]


def log_probability(model: LanguageModel, embeddings: torch.Tensor, border: int, asked: torch.Tensor) -> float:
    """Mean over the target's tokens, the last of which is not among these embeddings; by the model itself."""
    told = {"inputs_embeds": embeddings[None]}
    if model.kind == "seq2seq":
        told = {"inputs_embeds": embeddings[None, :border], "decoder_inputs_embeds": embeddings[None, border:]}
    with torch.no_grad():
        found = model.model(**told).logits[0, -len(asked) :].log_softmax(-1)
    return float(found[torch.arange(len(asked)), asked].mean())


@pytest.mark.parametrize("how", ["replacement", "removal"])
def test_comprehensiveness_and_sufficiency_are_those_of_plain_loops(tiny_model: LanguageModel, how: str) -> None:
    question = question_of(tiny_model)
    importance = explain_words(tiny_model, question, method="ablation")
    found = check_map(tiny_model, importance, settings=replace(BARE, shares=(0.1, 0.3)))

    embed: Any = tiny_model.model.get_input_embeddings()
    with torch.no_grad():
        table = embed(torch.arange(len(tiny_model.tokenizer)))
    baseline, ids = table.mean(0), torch.tensor([piece.id for piece in question.tokens])
    begin = question.offset + question.target.start
    asked = ids[begin : question.offset + question.target.stop]
    signs = [bool(not piece.text) and piece.label.startswith("<") for piece in question.tokens]
    counted = [
        number for number, span in enumerate(importance.words)
        if span.start < (question.end if how == "replacement" else begin) and not all(signs[span.start : span.stop])
    ]  # fmt: skip

    def read(gone: set[int]) -> float:
        places = {place for word in gone for place in range(*importance.words[word][:2]) if not signs[place]}
        rows = table[ids[: question.end]].clone()
        border = question.offset
        if how == "replacement":
            rows[[place for place in places if place < question.end]] = baseline
        else:
            kept = [place for place in range(question.end) if place not in places]
            rows, border = rows[kept], sum(place < border for place in kept)
        return log_probability(tiny_model, rows, border, asked)

    best = sorted(counted, key=lambda word: -importance.scores[word])
    counts = [max(1, int(np.ceil(share * len(counted)))) for share in (0.1, 0.3)]
    lost = np.mean([read(set()) - read(set(best[:count])) for count in counts])
    short = np.mean([read(set()) - read(set(best[count:])) for count in counts])
    worst = np.mean([read(set()) - read(set(best[-count:])) for count in counts])
    comprehensiveness, sufficiency = found.measure("comprehensiveness", how), found.measure("sufficiency", how)
    assert comprehensiveness is not None
    assert sufficiency is not None
    assert comprehensiveness.value == pytest.approx(lost, abs=CLOSE)
    assert comprehensiveness.worst == pytest.approx(worst, abs=CLOSE)
    assert sufficiency.value == pytest.approx(short, abs=CLOSE)


def test_with_all_words_kept_nothing_is_missing(tiny_model: LanguageModel) -> None:
    importance = explain_words(tiny_model, question_of(tiny_model))
    found = check_map(tiny_model, importance, settings=replace(BARE, shares=(1.0,)))
    enough, needed = found.measure("sufficiency"), found.measure("comprehensiveness")
    assert enough is not None
    assert needed is not None
    assert (enough.value, enough.random, enough.oracle, enough.worst) == (0, 0, 0, 0)
    assert needed.value == pytest.approx(needed.random, abs=CLOSE)  # all words gone: no order is left to matter
    assert needed.standing == CHANCE
    deletion, insertion = found.curves[:2]
    assert deletion.map[-1] == insertion.map[0] == deletion.random[-1]
    target = importance.question.target
    assert deletion.map[0] == insertion.map[-1] == pytest.approx(importance.before / (target.stop - target.start), abs=CLOSE)


def test_the_oracles_first_word_is_the_one_whose_loss_alone_is_largest(tiny_model: LanguageModel) -> None:
    importance = explain_words(tiny_model, question_of(tiny_model))
    scorer = Scorer(tiny_model, importance.question)
    removed, _ = removing(scorer, importance)
    for erasing in (replacing(scorer, importance), removed):
        assert erasing is not None
        alone = {
            int(word): float(erasing.without(np.eye(len(importance.words), dtype=bool)[word])) for word in erasing.words
        }  # fmt: skip
        oracle = Trial(erasing, importance.ranking(), BARE).oracle
        assert alone[int(oracle[0])] == min(alone.values())
        assert [alone[int(word)] for word in oracle] == sorted(alone.values())


def test_the_oracle_is_exact_ablation(tiny_model: LanguageModel) -> None:
    importance = explain_words(tiny_model, question_of(tiny_model))
    scorer = Scorer(tiny_model, importance.question)
    per = importance.question.target.stop - importance.question.target.start
    exact = ablation(scorer, importance.words, MethodSettings()).scores
    assert replacing(scorer, importance).alone() * per == pytest.approx(exact, abs=CLOSE * per)


def test_no_set_of_words_is_read_twice(tiny_gpt2: LanguageModel) -> None:
    seen: list[bytes] = []
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    scorer = Scorer(tiny_gpt2, importance.question)

    def read(kept: torch.Tensor) -> torch.Tensor:
        seen.extend(row.numpy().tobytes() for row in kept)
        return scorer.replaced(kept)

    words = np.flatnonzero(importance.counted())
    erasing = Erasing("replacement", read, importance.words, words=words, tokens=len(importance.question.tokens), per=1)
    trial = Trial(erasing, importance.ranking(), CheckSettings())
    trial.measures()
    trial.curves()
    trial.measures()
    assert len(seen) == len(set(seen)) > len(words)


# ---- infidelity and sensitivity


def test_infidelity_of_a_linear_function_is_nothing_for_its_weights_and_known_for_others() -> None:
    weights = np.array([0.5, -1.0, 2.0, 0.25])
    taken = random_sets(4, 50, seed=1)
    assert taken.any(1).all()

    def linear(there: torch.Tensor) -> torch.Tensor:
        return there @ torch.from_numpy(weights) + 3

    assert infidelity_of(linear, weights, taken) == pytest.approx(0, abs=1e-24)
    other = np.array([1.0, 1.0, 1.0, 1.0])
    assert infidelity_of(linear, other, taken) == pytest.approx(np.mean((taken @ (other - weights)) ** 2))


def test_infidelity_is_what_the_model_says_of_sums(tiny_model: LanguageModel) -> None:
    importance = explain_words(tiny_model, question_of(tiny_model), method="ablation")
    measure = check_map(tiny_model, importance, settings=BARE).measure("infidelity")
    assert measure is not None
    words, per = np.flatnonzero(importance.counted()), importance.question.target.stop - importance.question.target.start
    taken = random_sets(len(words), BARE.perturbations, seed=BARE.seed)
    kept = torch.ones((len(taken), len(importance.question.tokens)), dtype=torch.bool)
    for row, chosen in enumerate(taken):
        for word in words[chosen]:
            kept[row, importance.words[word].start : importance.words[word].stop] = False
    scorer = Scorer(tiny_model, importance.question)
    lost = (scorer.original() - scorer.replaced(kept).double().numpy()) / per
    missed = np.array([importance.scores[words[chosen]].sum() / per for chosen in taken]) - lost
    assert measure.value == pytest.approx(np.mean(missed**2), rel=1e-3, abs=CLOSE)
    assert measure.value == pytest.approx(measure.oracle, rel=1e-3, abs=CLOSE)


def test_sensitivity_is_the_largest_change_over_blurred_texts(tiny_model: LanguageModel) -> None:
    question = late_word(tiny_model)
    importance = explain_words(tiny_model, question)
    measure = check_map(tiny_model, importance, settings=replace(BARE, perturbations=3)).measure("sensitivity")
    assert measure is not None
    scorer = Scorer(tiny_model, question)
    radius = steadiness_module.RADIUS * float(scorer.embeddings.std())
    shape = (3, *scorer.embeddings.shape)
    moved = (torch.rand(shape, generator=torch.Generator().manual_seed(BARE.seed)) * 2 - 1) * radius * scorer.free[:, None]

    def by_hand(text: torch.Tensor) -> NDArray[np.float64]:
        given = text.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(scorer.scores(given[None])[0], given)
        pieces = (gradient * given).sum(-1).detach().double().numpy()
        scores = np.array([pieces[span.start : span.stop].sum() for span in importance.words])
        return np.asarray(scores[importance.counted()], dtype=np.float64)

    plain = by_hand(scorer.embeddings)
    changes = [np.linalg.norm(by_hand(scorer.embeddings + one) - plain) / np.linalg.norm(plain) for one in moved]
    assert measure.value == pytest.approx(max(changes), rel=1e-3)


def test_a_map_through_noise_is_blurred_through_noise(tiny_gpt2: LanguageModel) -> None:
    settings = MethodSettings(tunnel="smoothgrad", tunnel_samples=3)
    importance = explain_words(tiny_gpt2, late_word(tiny_gpt2), settings=settings)
    measure = check_map(tiny_gpt2, importance, settings=BARE).measure("sensitivity")
    assert measure is not None
    plain = check_map(tiny_gpt2, replace(importance, settings={}), settings=BARE).measure("sensitivity")
    assert plain is not None
    assert measure.value != pytest.approx(plain.value, rel=1e-3)


# ---- agreement


def test_a_map_agrees_with_itself_and_not_with_its_negative(tiny_gpt2: LanguageModel) -> None:
    one = explain_words(tiny_gpt2, question_of(tiny_gpt2), method="ablation")
    assert rank_agreement(one, one) == 1
    assert rank_agreement(one, replace(one, scores=-one.scores)) == pytest.approx(-1)
    assert rank_agreement(one, replace(one, scores=one.scores**3 * 7)) == 1  # only the order counts


def test_rank_correlation_is_spearmans_with_ties() -> None:
    chance = np.random.default_rng(0)
    one, other = chance.integers(0, 4, 30).astype(float), chance.integers(0, 4, 30).astype(float)
    assert correlation(one, other) == pytest.approx(pd.Series(one).rank().corr(pd.Series(other).rank()))


def test_where_there_is_no_order_there_is_no_agreement(tiny_gpt2: LanguageModel) -> None:
    one = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    level = replace(one, scores=np.zeros_like(one.scores))
    assert np.isnan(rank_agreement(one, level))
    found = check_map(tiny_gpt2, one, others=[replace(level, method="ablation")], settings=BARE)
    assert any("can't be compared" in note for note in found.notes)
    assert found.to_json()["agreement"] == {"ablation": None}
    assert "nan" not in found.sentence


def test_maps_of_other_words_or_targets_are_not_compared(tiny_gpt2: LanguageModel) -> None:
    question = question_of(tiny_gpt2)
    one = explain_words(tiny_gpt2, question)
    others = [
        explain_words(tiny_gpt2, question, unit="pieces"), explain_words(tiny_gpt2, late_word(tiny_gpt2)),
        explain_words(tiny_gpt2, instead_of(tiny_gpt2, question, "and they all laughed")),
    ]  # fmt: skip
    for other in others:
        with pytest.raises(ExplainError, match="different words or different targets"):
            rank_agreement(one, other)


def test_two_maps_of_one_method_are_both_told(tiny_gpt2: LanguageModel) -> None:
    one = explain_words(tiny_gpt2, question_of(tiny_gpt2), method="ablation")
    found = agreements(one, [one, replace(one, baseline="padding", scores=-one.scores), replace(one, baseline="padding")])
    assert dict(found) == pytest.approx({"ablation": 1, "ablation (padding)": -1, "ablation (padding) 2": 1})


# ---- shuffled weights


def test_shuffled_weights_keep_their_numbers_and_leave_the_model_alone(tiny_model: LanguageModel) -> None:
    before = copy.deepcopy(tiny_model.model.state_dict())
    state = torch.random.get_rng_state()
    other = shuffled(tiny_model, seed=5)
    assert torch.equal(torch.random.get_rng_state(), state)
    after = tiny_model.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    moved = 0
    for (name, one), (_, two) in zip(tiny_model.model.named_parameters(), other.model.named_parameters(), strict=True):
        assert torch.equal(one.flatten().sort().values, two.flatten().sort().values), name
        assert one.data_ptr() != two.data_ptr()
        moved += not torch.equal(one, two)
    assert moved
    assert other.fingerprint != tiny_model.fingerprint
    again, another = shuffled(tiny_model, seed=5), shuffled(tiny_model, seed=6)
    pairs = zip(other.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert again.fingerprint == other.fingerprint != another.fingerprint


def test_tied_weights_stay_tied(tiny_gpt2: LanguageModel) -> None:
    model: Any = shuffled(tiny_gpt2, seed=1).model
    assert model.lm_head.weight is model.transformer.wte.weight
    assert model.lm_head.weight is not tiny_gpt2.model.get_input_embeddings().weight


def test_a_map_that_takes_too_long_is_not_made_several_times_over(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    monkeypatch.setattr(checking_module, "MOST_ROWS", 0)
    monkeypatch.setattr(checking_module, "_PATIENCE", 0)
    found = check_map(tiny_gpt2, importance, settings=QUICK)
    assert (found.randomised, found.measure("sensitivity")) == (None, None)
    assert [note for note in found.notes if "left out" in note] == [
        "Sensitivity is left out: it makes the map several times over, and that would take too long here.",
        "The map of shuffled weights is left out: on such a model this method takes many times longer.",
    ]


def test_the_check_tells_the_map_of_shuffled_weights(tiny_gpt2: LanguageModel) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    other = explain_words(shuffled(tiny_gpt2, seed=QUICK.seed), importance.question)
    found = check_map(tiny_gpt2, importance, settings=QUICK)
    assert found.randomised == pytest.approx(rank_agreement(importance, other), abs=1e-9)
    assert "weights shuffled" in found.sentence
    assert check_map(tiny_gpt2, importance, settings=BARE).randomised is None


# ---- all of it


def numbers(found: Faithfulness) -> str:
    return json.dumps(found.to_json(), allow_nan=False, sort_keys=True)


def test_all_checks_run_on_every_architecture_and_leave_nothing_behind(tiny_model: LanguageModel) -> None:
    importance = replace(explain_words(tiny_model, question_of(tiny_model)), checks={"completeness_error": 0.5})
    before, state = copy.deepcopy(tiny_model.model.state_dict()), torch.random.get_rng_state()
    read = [0]
    found = check_map(tiny_model, importance, settings=QUICK, tick=lambda rows: read.__setitem__(0, read[0] + rows))
    kinds = [(one.name, one.how) for one in found.measures]
    assert kinds == [
        ("comprehensiveness", "replacement"), ("sufficiency", "replacement"), ("comprehensiveness", "removal"), ("sufficiency", "removal"),
        ("infidelity", "replacement"), ("sensitivity", ""), ("completeness", ""),
    ]  # fmt: skip
    assert all(np.isfinite(one.value) and one.sentence.endswith(".") for one in found.measures)
    assert {(one.name, one.how) for one in found.curves} == {(a, b) for a in ("deletion", "insertion") for b in ("replacement", "removal")}
    assert found.randomised is not None
    assert found.measure("sensitivity", "removal") is found.measure("sensitivity")
    assert found.measure("nonsense") is None
    assert numbers(found) == numbers(check_map(tiny_model, importance, settings=QUICK))
    after = tiny_model.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in tiny_model.model.modules())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert 0.5 < check_passes(importance, QUICK) / read[0] < 3


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_can_be_checked(tiny_gpt2: LanguageModel, method: str) -> None:
    settings = MethodSettings(samples=20, noise_steps=5, noise_layers=False)
    importance = explain_words(tiny_gpt2, late_word(tiny_gpt2), method=method, settings=settings)
    found = check_map(tiny_gpt2, importance, settings=replace(QUICK, perturbations=2))
    assert found.measure("comprehensiveness") is not None
    assert (found.measure("infidelity") is None) == (not importance.signed) == any("Infidelity is left out" in one for one in found.notes)
    slow = METHODS[method].pace == "thorough"
    assert (found.measure("sensitivity") is None) == slow == any("Sensitivity is left out" in one for one in found.notes)
    assert numbers(found)


@pytest.mark.parametrize("after", [0, 3, 30, 60])
def test_who_stops_the_check_is_heard(tiny_gpt2: LanguageModel, after: int) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    left = [after]

    def tick(rows: int) -> None:
        left[0] -= rows
        if left[0] < 0:
            raise StoppedError

    with pytest.raises(StoppedError):
        check_map(tiny_gpt2, importance, settings=QUICK, tick=tick)
    assert check_map(tiny_gpt2, importance, settings=BARE).measures


def test_a_contrast_is_checked_on_the_difference(tiny_model: LanguageModel) -> None:
    plain = late_word(tiny_model)
    question = instead_of(tiny_model, plain, "fox")
    importance = explain_words(tiny_model, question)
    found = check_map(tiny_model, importance, settings=replace(BARE, randoms=2))
    own, other = Scorer(tiny_model, question).side(1, 0), Scorer(tiny_model, question).side(0, 1)
    difference = float((own.scores(own.embeddings[None]) - other.scores(other.embeddings[None]))[0])
    assert found.curves[0].map[0] == pytest.approx(difference, abs=CLOSE)
    assert any("minus those of “fox”" in note for note in found.notes)
    assert explain_words(tiny_model, plain).before != pytest.approx(importance.before, abs=0.01)


def test_a_contrast_without_signs_is_blurred_as_a_difference(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steadiness_module, "RADIUS", 0.0)
    importance = explain_words(tiny_gpt2, instead_of(tiny_gpt2, late_word(tiny_gpt2), "fox"), method="saliency")
    scorer = Scorer(tiny_gpt2, importance.question)
    again = run_method(METHODS["saliency"], scorer, importance.words, MethodSettings()).scores
    assert again == pytest.approx(importance.scores, abs=CLOSE)
    measure = check_map(tiny_gpt2, importance, settings=BARE).measure("sensitivity")
    assert measure is not None
    assert measure.value == 0


def test_words_of_the_target_are_replaced_but_not_taken_out(tiny_gpt2: LanguageModel) -> None:
    found = check_map(tiny_gpt2, explain_words(tiny_gpt2, question_of(tiny_gpt2)), settings=BARE)
    assert any("can only be replaced" in note for note in found.notes)
    passage = read_text(tiny_gpt2, "fox", COMPLETION)
    alone = check_map(tiny_gpt2, explain_words(tiny_gpt2, whole(passage)), settings=BARE)
    assert alone.measure("comprehensiveness", "removal") is None
    assert alone.measure("comprehensiveness") is not None
    assert any("Taking words out is left out" in note for note in alone.notes)


def test_words_that_were_drawn_are_the_words_of_the_check(tiny_gpt2: LanguageModel) -> None:
    importance = explain_words(tiny_gpt2, late_word(tiny_gpt2), drawn=[Span(2, 7, "upon a time there")])
    found = check_map(tiny_gpt2, importance, settings=QUICK)
    assert found.randomised is not None
    assert f"of {int(importance.counted().sum())})" in found.measures[0].sentence


def test_a_map_without_an_order_is_one_of_chance(tiny_gpt2: LanguageModel) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    found = check_map(tiny_gpt2, replace(importance, scores=np.zeros_like(importance.scores)), settings=QUICK)
    assert any("gives every word the same score" in note for note in found.notes)
    assert found.randomised is None


def test_another_baseline_than_the_maps_is_said(tiny_gpt2: LanguageModel) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2), method="ablation", baseline="end")
    said = "in a word's place"
    assert any(said in note for note in check_map(tiny_gpt2, importance, settings=BARE).notes)
    assert not any(said in note for note in check_map(tiny_gpt2, importance, settings=BARE, baseline="end").notes)


def test_what_cant_be_checked_is_a_sentence(tiny_gpt2: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, "fox", " fox")
    single = explain_words(tiny_gpt2, Question(passage, Target(1, 2)), unit="pieces")
    with pytest.raises(ExplainError, match="Only one word"):
        check_map(tiny_gpt2, single)
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2))
    with pytest.raises(ExplainError, match="another model"):
        check_map(shuffled(tiny_gpt2, seed=1), importance)
    with pytest.raises(SettingsError, match="Unknown method"):
        check_map(tiny_gpt2, replace(importance, method="tea leaves"))
    with pytest.raises(SettingsError, match="Unknown baseline"):
        check_map(tiny_gpt2, importance, baseline="tea")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shares", ()), ("shares", 0.2), ("shares", (0.0,)), ("shares", (float("nan"),)), ("shares", (1.5,)), ("randoms", 1),
        ("randoms", 2.5), ("perturbations", 0), ("randomise", 1), ("seed", -1),
    ],
)  # fmt: skip
def test_settings_outside_their_bounds_are_refused(field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=r"\w+"):
        CheckSettings(**{field: value})  # type: ignore[arg-type]


# ---- in words


def measure(name: str, value: float, *, better: str = "higher", how: str = "replacement") -> Measure:
    return Measure(name, name, how, value, 1.0, 0.1, 2.0, 0.0, better, "Said.")


def test_standing_knows_which_way_is_better() -> None:
    assert [measure("a", value).standing for value in (1.5, 1.1, 0.5)] == [BETTER, CHANCE, WORSE]
    assert [measure("a", value, better="lower").standing for value in (1.5, 1.1, 0.5)] == [WORSE, CHANCE, BETTER]
    assert replace(measure("a", 3), random=None, spread=None).standing == ""


def test_disagreement_is_said_in_words() -> None:
    torn = [measure("comprehensiveness", 3), measure("sufficiency", 3, better="lower")]
    said = verdict(torn, {"Ablation": 0.1, "Saliency": 0.9}, 0.6)
    assert said.startswith("The checks disagree.")
    assert "Better than chance: taking away its top words (by replacement)." in said
    assert "Worse than chance: keeping only its top words (by replacement)." in said
    assert "The methods disagree: another order by Ablation (0.10)" in said
    assert "shows the text rather than what the model has learned" in said
    agreed = verdict(torn[:1], {"Saliency": 0.9}, 0.0)
    assert "disagree" not in agreed
    assert "as it should be" in agreed
    assert verdict([], {}, None) == ""


def test_a_map_of_importance_without_sign_is_followed_by_its_size(tiny_gpt2: LanguageModel) -> None:
    importance = explain_words(tiny_gpt2, question_of(tiny_gpt2), method="ablation")
    sizes = replace(importance, scores=np.abs(importance.scores), direction=HIGH, method="saliency")
    found, flipped = (check_map(tiny_gpt2, one, settings=BARE) for one in (sizes, replace(sizes, scores=-sizes.scores)))
    assert found.measures[0].value == flipped.measures[0].value
    assert found.measure("infidelity") is None
