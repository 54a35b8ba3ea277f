"""explain.importance: what is kept of a map of words, and how it is counted; held against sums by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explain.importance import DIFFERS, DIRECTIONS, HIGH, LOW, RAISES, WordImportance
from explain.methods import explain_words
from explain.passage import Passage, read_text
from explain.question import GROUPINGS, PIECES, SENTENCES, WORDS, Question, Target, instead_of, whole
from explain.words import Piece, Span
from narrative.errors import ExplainError
from narrative.models import CAUSAL, LanguageModel

SIGN = Piece(0, "", "<s>")


def pieces(*texts: str) -> tuple[Piece, ...]:
    return tuple(Piece(7 + number, text, text.strip()) for number, text in enumerate(texts))


def made(scores: list[float], direction: str = RAISES, **more: Any) -> WordImportance:
    """A sign, “The fox”, and “ ran far away” written after it; the target is “far”, so that only “The”, “fox” and “ran” count."""
    passage = Passage("a model", "0" * 16, CAUSAL, (SIGN, *pieces("The", " fox")), pieces(" ran", " far", " away"))
    question = Question(passage, Target(4, 5))
    return WordImportance(question, WORDS, question.spans(), np.array(scores), "a method", direction, **more)


def same(one: Any, other: Any) -> bool:
    """Equal, arrays number by number and NaN to NaN."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return bool(one == other) and type(one) is type(other)


# ---- kept without loss


def kept(found: WordImportance, folder: Path) -> WordImportance:
    found.save(folder / "map.npz")
    return WordImportance.load(folder / "map.npz")


def test_a_full_map_is_kept_without_loss(tmp_path: Path) -> None:
    found = made(
        [0.1, -1 / 3, math.pi, 1e-300, np.nan, 0.0], LOW, settings={"steps": 32, "tunnel": "", "noise_rate": 0.1, "noise_layers": True},
        baseline="the average word", before=-1 / 7, checks={"completeness_error": 1e-17, "spread": 2.5}, notes=("One “note”.", "Two."),
        spread=np.array([1, 2, 3, np.nan, np.inf, -0.0]), layers=np.random.default_rng(1).normal(size=(3, 6)),
    )  # fmt: skip
    again = kept(found, tmp_path)
    for field in fields(WordImportance):
        assert same(getattr(found, field.name), getattr(again, field.name)), field.name
    assert all(isinstance(span, Span) for span in again.words)
    assert all(isinstance(piece, Piece) for piece in again.question.tokens)


def test_a_bare_map_stays_bare(tmp_path: Path) -> None:
    again = kept(made([0, 1, 2, 3, 0, 0]), tmp_path)
    assert (again.spread, again.layers, again.notes, again.checks, again.baseline) == (None, None, (), {}, "")


def test_checks_that_numpy_gives_are_kept(tmp_path: Path) -> None:
    again = kept(made([0, 1, 2, 3, 0, 0], checks={"a": np.float64(0.5), "nan": math.nan}, before=float("-inf")), tmp_path)
    assert again.checks["a"] == 0.5
    assert math.isnan(again.checks["nan"])
    assert again.before == -math.inf


@pytest.mark.parametrize("unit", GROUPINGS)
def test_maps_of_models_are_kept_with_their_contrast(tiny_model: LanguageModel, unit: str, tmp_path: Path) -> None:
    passage = read_text(tiny_model, "The café 🦊 wanted “to see”", " the sea. And ran", limit=40)
    one = Question(passage, Target(passage.written_from, passage.written_from + 1))
    question = instead_of(tiny_model, one, "old woman")
    found = explain_words(tiny_model, question, unit=unit)
    again = kept(found, tmp_path)
    assert again.question == question  # passages, targets and pieces are told apart by what they hold
    assert again.question.instead_label == "old woman"
    for field in fields(WordImportance):
        assert same(getattr(found, field.name), getattr(again, field.name)), field.name


# ---- damaged and foreign files


def spoil(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored}
    told = json.loads(str(arrays.pop("told")))
    change(told, arrays)
    np.savez(path, told=np.array(json.dumps(told)), **arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda told, _: told.pop("question"),
        lambda told, _: told.pop("method"),
        lambda told, _: told.update(more=1),
        lambda told, _: told.update(direction="sideways"),
        lambda told, _: told.update(words=[[0, 1]]),
        lambda told, _: told.update(words=5),
        lambda told, _: told["question"].update(passage=None),
        lambda told, _: told["question"]["passage"].pop("completion"),
        lambda told, _: told["question"].update(target={"start": 40, "stop": 50}),
        lambda told, _: told["question"].update(target=[1, 2]),
        lambda _, arrays: arrays.pop("scores"),
        lambda _, arrays: arrays.update(scores=np.zeros(3)),
        lambda _, arrays: arrays.update(scores=np.zeros(())),
        lambda _, arrays: arrays.update(layers=np.zeros((2, 5))),
    ],
)
def test_a_file_of_which_something_is_missing_or_does_not_fit_is_refused(tmp_path: Path, change: Callable[..., object]) -> None:
    path = tmp_path / "map.npz"
    made([0, 1, 2, 3, 0, 0], layers=np.zeros((2, 6))).save(path)
    spoil(path, lambda *_: None)
    assert WordImportance.load(path).method == "a method"  # what spoils files spoils nothing by itself
    spoil(path, change)
    with pytest.raises(ExplainError, match=r"map\.npz holds no word importance of Narrative, or is damaged\."):
        WordImportance.load(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, scores=np.zeros(3))
    others = [path.read_bytes(), b"", b"PK\x03\x04", b"not a map", bytes(1000), b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran"]
    with (tmp_path / "one.npy").open("wb") as file:
        np.save(file, np.zeros(3))
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    for other in (*others, (tmp_path / "one.npy").read_bytes(), (tmp_path / "pickle.npy").read_bytes()):
        path.write_bytes(other)
        with pytest.raises(ExplainError, match="holds no word importance"):
            WordImportance.load(path)
    for missing in (tmp_path / "nowhere.npz", tmp_path):
        with pytest.raises(ExplainError, match="holds no word importance"):
            WordImportance.load(missing)


def test_a_file_damaged_anywhere_is_refused_or_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    found = made([0, 1, 2, 3, 0, 0], layers=np.random.default_rng(1).normal(size=(2, 6)))
    found.save(path)
    sound, refused = path.read_bytes(), 0
    chance = np.random.default_rng(2)
    for place in range(0, len(sound), 5):
        damaged = bytearray(sound)
        damaged[place] ^= int(chance.integers(1, 256))
        cut = sound[:place]
        for other in (bytes(damaged), cut):
            path.write_bytes(other)
            try:
                again = WordImportance.load(path)
            except ExplainError as error:
                refused += "is damaged" in str(error)
            else:  # dates and the like, which say nothing
                assert same(again.scores, found.scores)
                assert again.question == found.question
    assert refused > len(sound) // 5


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)])
def test_a_file_that_claims_a_password_or_an_unknown_packing_is_refused(tmp_path: Path, place: int, value: int) -> None:
    path = tmp_path / "map.npz"
    made([0, 1, 2, 3, 0, 0]).save(path)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"PK\x01\x02") + place] = value  # in the table of contents of the ZIP file
    path.write_bytes(damaged)
    with pytest.raises(ExplainError, match="is damaged"):
        WordImportance.load(path)


# ---- what counts, and how much


def test_words_that_the_target_cannot_depend_on_do_not_count() -> None:
    found = made([9, 1, -2, 3, 9, 9])
    assert [span.label for span in found.words] == ["<s>", "The", "fox", "ran", "far", "away"]
    assert found.counted().tolist() == [False, True, True, True, False, False]
    assert found.weight().tolist() == [0, 1, 2, 3, 0, 0]
    assert found.ranking().tolist() == [-np.inf, 1, -2, 3, -np.inf, -np.inf]


def test_a_group_counts_when_any_of_its_tokens_does() -> None:
    found = made([1, 2, 3, 4, 5, 6])
    wide = replace(
        found, words=found.question.spans(drawn=(Span(0, 2, "<s>The"), Span(3, 6, "ran far away"))), scores=np.array([1, 2, 3.0])
    )
    assert wide.counted().tolist() == [True, True, True]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_ranking_puts_what_did_more_first_and_weight_is_never_negative(direction: str) -> None:
    found = made([np.nan, 0.5, 0.1, 2.0, np.nan, np.nan], direction)
    order = [found.words[place].label for place in np.argsort(-found.ranking()) if np.isfinite(found.ranking()[place])]
    assert order == (["fox", "The", "ran"] if direction == LOW else ["ran", "The", "fox"])
    assert (found.weight() >= 0).all()
    assert found.signed == (direction in {RAISES, DIFFERS})
    assert found.weight()[[0, 4, 5]].tolist() == [0, 0, 0]


def test_signs_are_kept_only_where_they_mean_something() -> None:
    scores = [0.0, -3.0, 1.0, 2.0, 0.0, 0.0]
    assert made(scores, RAISES).ranking()[1:4].tolist() == [-3, 1, 2]
    assert made(scores, HIGH).ranking()[1:4].tolist() == [3, 1, 2]
    assert made(scores, RAISES).weight().tolist() == made(scores, HIGH).weight().tolist() == [0, 3, 1, 2, 0, 0]


def test_noise_weighs_by_its_ratio_to_the_largest() -> None:
    """The weight of a word is the logarithm of how many times less noise it bears than the word that bears most: no unit is in it."""
    found = made([np.nan, 1.0, 0.25, 0.5, np.nan, np.nan], LOW)
    assert found.weight() == pytest.approx([0, 0, math.log(4), math.log(2), 0, 0])
    assert replace(found, scores=found.scores * 1000).weight() == pytest.approx(found.weight())
    none = replace(found, scores=np.array([np.nan, 1.0, 0.0, 0.5, np.nan, np.nan]))
    assert np.isfinite(none.weight()).all()  # not even no noise at all breaks it
    assert none.weight().argmax() == 2


def test_uncounted_noise_sets_no_scale() -> None:
    found = made([1e9, 1.0, 0.25, 0.5, 1e9, 1e9], LOW)
    assert found.weight() == pytest.approx([0, 0, math.log(4), math.log(2), 0, 0])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_shares_of_prompt_and_own_text_add_up_to_one(direction: str) -> None:
    chance = np.random.default_rng(1)
    for _ in range(20):
        found = made([5.0, *chance.uniform(0.01, 1, 3), 7.0, 7.0], direction)
        weight = found.weight()
        prompt, own = found.shares()
        assert prompt + own == pytest.approx(1, abs=1e-12)
        assert own == pytest.approx(weight[3] / weight.sum())


def test_shares_go_by_weight_not_by_sign() -> None:
    assert made([9, 1, -2, -1, 9, 9]).shares() == pytest.approx((0.75, 0.25))
    assert made([9, 0, 0, 0, 9, 9]).shares() == (0, 0)
    assert made([9, 1, 1, 0, 9, 9]).shares() == (1, 0)


def test_shares_of_an_encoder_decoder_split_at_what_was_written(tiny_t5: LanguageModel) -> None:
    question = whole(read_text(tiny_t5, "The fox wanted", " to see the sea"))
    spans = question.spans()
    found = WordImportance(question, WORDS, spans, np.ones(len(spans)), "m", RAISES)
    counted = found.counted()
    prompt = sum(bool(one) for one, span in zip(counted, spans, strict=True) if span.stop <= question.offset)
    assert found.shares() == pytest.approx((prompt / counted.sum(), 1 - prompt / counted.sum()))
    assert 0 < prompt < counted.sum()


@pytest.mark.parametrize("method", ["input x gradient", "ablation"])
@pytest.mark.parametrize("unit", [WORDS, PIECES, SENTENCES])
def test_a_word_that_the_model_cannot_see_scores_zero(tiny_model: LanguageModel, method: str, unit: str) -> None:
    passage = read_text(tiny_model, "The fox wanted to see.", " He ran. The end came.")
    target = next(span for span in whole(passage).spans() if span.label == "ran")
    question = Question(passage, Target(target.start - whole(passage).offset, target.stop - whole(passage).offset))
    found = explain_words(tiny_model, question, method=method, unit=unit)
    unseen = np.array([span.start >= question.end for span in found.words])
    assert unseen.any()
    assert (found.scores[unseen] == 0).all()
    assert not found.counted()[unseen].any()
    assert not found.weight()[unseen].any()
    assert (found.scores[found.counted()] != 0).all()
    signs = np.array([found.question.tokens[span.start].label.startswith("<") and span.stop - span.start == 1 for span in found.words])
    assert (found.scores[signs] == 0).all()
