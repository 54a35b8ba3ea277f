"""explain.methods: claims that hold for every method in the registry, on four architectures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from explain.attribution import chance, gradients, through_noise
from explain.importance import DIFFERS, HIGH, LOW, RAISES, WordImportance
from explain.method import TUNNELS, Found, MethodSettings
from explain.methods import LEFT_OUT, METHODS, estimate, explain_words
from explain.passage import read_text
from explain.question import PIECES, SENTENCES, Question, Target, instead_of, whole
from explain.scorer import Scorer
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel

PROMPT, COMPLETION = "Once there was a fox.", " He lived in a tree."
SETTINGS = MethodSettings(steps=4, samples=4, tunnel_samples=2, noise_steps=3, noise_layers=False)
DRAWN = [name for name, way in METHODS.items() if "seed" in way.uses]
SURE = [name for name in METHODS if name not in DRAWN]
TUNNELLED = [name for name, way in METHODS.items() if way.tunnels]
SUBTRACTED = [name for name, way in METHODS.items() if way.direction != LOW]  # learned noise has a contrast of its own


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny models' weights are spread so wide that adding up takes thousands of points: see the tests of Captum's methods."""
    monkeypatch.setattr(gradients, "MOST_STEPS", SETTINGS.steps)


def passage(model: LanguageModel, prompt: str = PROMPT, completion: str = COMPLETION) -> Question:
    return whole(read_text(model, prompt, completion))


def one_word(model: LanguageModel) -> Question:
    """The second of the words that were written."""
    asked = passage(model)
    span = next(one for one in asked.spans() if one.start > asked.written_from)
    return Question(asked.passage, Target(span.start - asked.offset, span.stop - asked.offset))


def found(model: LanguageModel, question: Question, method: str, **changes: Any) -> WordImportance:
    return explain_words(model, question, method=method, settings=replace(SETTINGS, **changes))


def raw(scorer: Scorer, question: Question, method: str) -> np.ndarray[Any, Any]:
    """What the method says itself, before the registry puts silent words to 0."""
    return METHODS[method].run(scorer, question.spans(), SETTINGS).scores


def plain_log_probability(model: LanguageModel, question: Question) -> float:
    ids = torch.tensor([[piece.id for piece in question.passage.sequence]])
    given = {"input_ids": ids}
    if question.offset:
        given = {"input_ids": torch.tensor([[piece.id for piece in question.passage.encoder]]), "decoder_input_ids": ids}
    with torch.no_grad():
        logits = model.model(**given).logits[0].log_softmax(-1)
    start, stop = question.target.start, question.target.stop
    return float(logits[start - 1 : stop - 1].gather(-1, ids[0, start:stop, None]).sum())


def holds(one: WordImportance) -> None:
    counted = one.counted()
    assert counted.any()
    assert len(one.scores) == len(one.words)
    assert np.isfinite(one.scores[counted]).all()
    assert (np.isnan(one.scores[~counted]) if one.direction == LOW else one.scores[~counted] == 0).all()
    if one.direction != LOW:
        assert one.scores[counted].any()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_a_passage_a_word_and_a_single_word_of_prompt(tiny_model: LanguageModel, method: str) -> None:
    for question in (passage(tiny_model), one_word(tiny_model), passage(tiny_model, "Once", " upon")):
        one = found(tiny_model, question, method)
        holds(one)
        assert one.before == pytest.approx(plain_log_probability(tiny_model, question), abs=1e-3)
        assert (one.direction, one.method) == (METHODS[method].direction, method)
        assert bool(one.baseline) == METHODS[method].baseline


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("words", [1, 2, 3])
def test_every_method_holds_for_very_few_words(tiny_gpt2: LanguageModel, method: str, words: int) -> None:
    prompt = " ".join(PROMPT.split()[:words])
    one = found(tiny_gpt2, passage(tiny_gpt2, prompt, " the"), method)
    holds(one)
    assert one.counted().sum() == words


@pytest.mark.parametrize("method", SUBTRACTED)
def test_a_contrast_is_the_difference_of_the_two_maps(tiny_model: LanguageModel, method: str) -> None:
    question = instead_of(tiny_model, one_word(tiny_model), "sea")
    one = found(tiny_model, question, method)
    scorer = Scorer(tiny_model, question)
    sides = [raw(scorer.side(*weights), question, method) for weights in ((1, 0), (0, 1))]
    holds(one)
    assert one.direction == (DIFFERS if METHODS[method].direction == HIGH else RAISES)
    assert np.allclose(one.scores, np.where(one.counted(), sides[0] - sides[1], 0), atol=1e-3)
    assert not np.allclose(sides[0], sides[1], atol=1e-3)
    assert any("no sign" in note for note in one.notes) == (METHODS[method].direction == HIGH)


@pytest.mark.parametrize("method", SUBTRACTED)
def test_words_that_the_model_cannot_see_score_zero_by_themselves(tiny_model: LanguageModel, method: str) -> None:
    question = one_word(tiny_model)
    scores = raw(Scorer(tiny_model, question), question, method)
    unseen = np.array([span.start >= question.end for span in question.spans()])
    assert unseen.sum() > 2
    assert (scores[unseen] == 0).all()
    assert scores[~unseen].any()


@pytest.mark.parametrize("method", DRAWN)
def test_same_seed_same_scores_and_another_seed_others(tiny_gpt2: LanguageModel, method: str) -> None:
    question = one_word(tiny_gpt2)
    first, again, other = (found(tiny_gpt2, question, method, seed=seed).scores for seed in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.allclose(first, other, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("method", SURE)
def test_methods_without_a_seed_draw_nothing(tiny_gpt2: LanguageModel, method: str) -> None:
    question = one_word(tiny_gpt2)
    assert np.array_equal(found(tiny_gpt2, question, method, seed=1).scores, found(tiny_gpt2, question, method, seed=2).scores)


@pytest.mark.parametrize("method", METHODS)
def test_the_random_states_of_the_process_are_left_as_they_were(tiny_gpt2: LanguageModel, method: str) -> None:
    question, tunnel = one_word(tiny_gpt2), "smoothgrad" if METHODS[method].tunnels else ""
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    found(tiny_gpt2, question, method, tunnel=tunnel)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert all(np.array_equal(one, two) for one, two in zip(np.random.get_state(), numpy_before, strict=True))  # noqa: NPY002


class StoppedError(RuntimeError):
    """What a page's Stop raises."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tunnel", ["", "vargrad"])
def test_a_stop_passes_through_every_method_and_leaves_nothing_behind(tiny_gpt2: LanguageModel, method: str, tunnel: str) -> None:
    if tunnel and not METHODS[method].tunnels:
        return
    question, settings = one_word(tiny_gpt2), replace(SETTINGS, tunnel=tunnel)
    calm = explain_words(tiny_gpt2, question, method=method, settings=settings).scores
    state, readings = torch.get_rng_state(), 0

    def stop(_: int) -> None:
        nonlocal readings
        readings += 1
        if readings == 2:  # the first one reads the text as it stands
            raise StoppedError("stop")

    with pytest.raises(StoppedError, match="stop"):
        explain_words(tiny_gpt2, question, method=method, settings=settings, tick=stop)
    assert readings == 2
    assert torch.equal(torch.get_rng_state(), state)
    assert _lock_is_free()
    after = explain_words(tiny_gpt2, question, method=method, settings=settings).scores
    assert np.array_equal(calm, after, equal_nan=True)


def _lock_is_free() -> bool:
    """Asked by another thread: this one could always take it again."""
    taken: list[bool] = []
    asking = threading.Thread(target=lambda: taken.append(chance._LOCK.acquire(timeout=1) and not chance._LOCK.release()))
    asking.start()
    asking.join()
    return taken == [True]


def test_who_waits_for_the_draws_of_another_can_be_stopped(tiny_gpt2: LanguageModel) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with chance.seeded(Scorer(tiny_gpt2, one_word(tiny_gpt2)), 1):
            held.set()
            go_on.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)

    def stop(rows: int) -> None:
        if not rows:
            raise StoppedError("stop")

    try:
        with pytest.raises(StoppedError):
            explain_words(tiny_gpt2, one_word(tiny_gpt2), method="lime", settings=SETTINGS, tick=stop)
    finally:
        go_on.set()
        other.join()


@pytest.mark.parametrize("method", TUNNELLED)
def test_the_variance_is_the_mean_of_squares_less_the_square_of_the_mean(tiny_t5: LanguageModel, method: str) -> None:
    question = one_word(tiny_t5)
    mean, squares, variance = (found(tiny_t5, question, method, tunnel=tunnel) for tunnel in ("smoothgrad", "smoothgrad_sq", "vargrad"))
    assert np.allclose(variance.scores, squares.scores - mean.scores**2, rtol=1e-5, atol=1e-7)
    assert variance.scores.any()
    assert (variance.scores >= 0).all()
    assert mean.direction == METHODS[method].direction
    assert {squares.direction, variance.direction} == {HIGH}
    assert not mean.checks
    for one in (mean, squares, variance):
        holds(one)


@pytest.mark.parametrize("method", TUNNELLED)
def test_noise_of_nearly_nothing_changes_nearly_nothing(tiny_gpt2: LanguageModel, method: str) -> None:
    question = one_word(tiny_gpt2)
    plain = found(tiny_gpt2, question, method).scores
    quiet, loud = (found(tiny_gpt2, question, method, tunnel="smoothgrad", tunnel_noise=noise).scores for noise in (1e-5, 0.3))
    assert np.abs(quiet - plain).max() < 0.01 * np.abs(plain).max()
    assert np.abs(loud - plain).max() > 0.01 * np.abs(plain).max()


def test_a_variance_of_nothing_is_not_below_nothing(tiny_gpt2: LanguageModel) -> None:
    question = one_word(tiny_gpt2)
    always = np.random.default_rng(0).normal(size=len(question.spans()))
    settings = MethodSettings(tunnel="vargrad", tunnel_samples=11)  # a mean of eleven: rounding leaves less than nothing
    one = through_noise(lambda *_: Found(always), Scorer(tiny_gpt2, question), question.spans(), settings)
    assert (one.scores >= 0).all()
    assert np.allclose(one.scores, 0, atol=1e-9)


@pytest.mark.parametrize("tunnel", [name for name in TUNNELS if name])
def test_a_contrast_through_noise_tunnel_is_the_difference_of_the_two_maps(tiny_gpt2: LanguageModel, tunnel: str) -> None:
    question = instead_of(tiny_gpt2, one_word(tiny_gpt2), "sea")
    one = found(tiny_gpt2, question, "ablation", tunnel=tunnel)
    own = found(tiny_gpt2, replace(question, instead=()), "ablation", tunnel=tunnel)
    holds(one)
    assert one.direction == (RAISES if tunnel == "smoothgrad" else DIFFERS)
    assert not np.allclose(one.scores, own.scores)
    scorer, settings = Scorer(tiny_gpt2, question), replace(SETTINGS, tunnel=tunnel)
    for_it, against = (
        through_noise(METHODS["ablation"].run, scorer.side(*weights), question.spans(), settings).scores for weights in ((1, 0), (0, 1))
    )
    assert np.allclose(one.scores, for_it - against, atol=1e-3)


@pytest.mark.parametrize("method", [name for name, way in METHODS.items() if not way.tunnels])
def test_methods_that_cannot_go_through_noise_tunnel_say_so(tiny_gpt2: LanguageModel, method: str) -> None:
    with pytest.raises(SettingsError, match="can't go through NoiseTunnel"):
        found(tiny_gpt2, one_word(tiny_gpt2), method, tunnel="smoothgrad")


@pytest.mark.parametrize("method", ["input x gradient", "integrated gradients", "saliency"])
def test_words_and_sentences_score_what_their_pieces_do_together(tiny_model: LanguageModel, method: str) -> None:
    question = one_word(tiny_model)
    words, pieces, sentences = (
        explain_words(tiny_model, question, method=method, settings=SETTINGS, unit=unit) for unit in ("words", PIECES, SENTENCES)
    )
    totals = [pieces.scores[span.start : span.stop].sum() for span in words.words]
    assert np.allclose(words.scores, totals, atol=1e-5)
    assert sentences.scores.sum() == pytest.approx(words.scores.sum(), rel=1e-4)
    assert len(sentences.words) < len(words.words) < len(pieces.words)


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_costs_is_told_honestly(tiny_gpt2: LanguageModel, method: str) -> None:
    if METHODS[method].direction == LOW:
        return  # learned noise tells its own
    cost = 0.0

    def tick(rows: int) -> None:
        nonlocal cost
        cost += rows * (3 if torch.is_grad_enabled() else 1)

    one = explain_words(tiny_gpt2, passage(tiny_gpt2), method=method, settings=SETTINGS, tick=tick)
    told = estimate(method, int(one.counted().sum()), SETTINGS)
    assert 0.6 * told <= cost <= 1.5 * told
    assert estimate(method, 10, SETTINGS, contrast=True) == 2 * estimate(method, 10, SETTINGS)
    tunnelled = estimate(method, 10, replace(SETTINGS, tunnel="vargrad"))
    assert tunnelled > estimate(method, 10, SETTINGS)


def test_the_registry_climbs_from_instant_to_thorough_and_explains_itself() -> None:
    paces = ["instant", "quick", "thorough"]
    climbed = [paces.index(way.pace) for way in METHODS.values()]
    settings = {one.name for one in fields(MethodSettings)}
    assert climbed == sorted(climbed)
    assert set(climbed) == {0, 1, 2}
    for way in METHODS.values():
        assert set(way.uses) <= settings
        assert way.sentence.endswith(".")
        assert any(year.isdigit() for year in way.source.split())
    assert all(reason.endswith(".") for reason in LEFT_OUT.values())
    assert not set(LEFT_OUT) & set(METHODS)


BAD: Sequence[tuple[dict[str, Any], str]] = [
    ({"steps": 0}, "number of steps is 0"),
    ({"steps": 2.5}, "number of steps is 2.5"),
    ({"samples": -1}, "number of samples is -1"),
    ({"window": 0}, "window is 0"),
    ({"tunnel": "smooth"}, "Unknown NoiseTunnel 'smooth'"),
    ({"tunnel_samples": 1}, "number of noisy texts is 1"),
    ({"tunnel_noise": float("nan")}, "noise is nan"),
    ({"noise_rate": float("inf")}, "noise rate is inf"),
    ({"noise_steps": 0}, "number of noise steps is 0"),
    ({"noise_layers": 1}, "true or false"),
    ({"seed": -1}, "Seed is -1"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD)
def test_settings_that_mean_nothing_are_refused_with_a_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        MethodSettings.of(given)
    assert str(refused.value).endswith(".")


def test_unknown_methods_baselines_and_settings_are_refused_with_what_there_is(tiny_gpt2: LanguageModel) -> None:
    question = one_word(tiny_gpt2)
    with pytest.raises(SettingsError, match=r"Unknown method 'lme'\. Choose one of: input x gradient"):
        explain_words(tiny_gpt2, question, method="lme")
    with pytest.raises(SettingsError, match=r"Unknown baseline 'zero'\. Choose one of: mean"):
        explain_words(tiny_gpt2, question, baseline="zero")
    with pytest.raises(SettingsError, match=r"Unknown settings: step\. There are: noise_layers"):
        MethodSettings.of({"step": 3})
    with pytest.raises(SettingsError, match="Unknown method 'lme'"):
        estimate("lme", 3, SETTINGS)


def test_a_target_without_a_word_before_it_is_refused(tiny_t5: LanguageModel) -> None:
    question = Question(read_text(tiny_t5, "Once", " upon"), Target(1, 2))
    given = replace(question.passage, prompt=question.passage.prompt[-1:])  # the sign of the end alone
    with pytest.raises(ExplainError, match="No word stands before the target"):
        explain_words(tiny_t5, replace(question, passage=given))


@pytest.mark.parametrize("method", ["kernel shap", "lime"])
def test_too_few_draws_are_made_up_and_told(tiny_gpt2: LanguageModel, method: str) -> None:
    one = found(tiny_gpt2, passage(tiny_gpt2), method, samples=2)
    words = int(one.counted().sum())
    assert one.notes == (f"2 draws are too few for {words} words, so that {words + 2} were taken: even that is rough.",)
    assert not found(tiny_gpt2, passage(tiny_gpt2), method, samples=words + 2).notes
