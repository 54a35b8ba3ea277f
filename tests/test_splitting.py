"""Which texts are held back: shares, whole books, cuts at chapters, rows by label."""

from __future__ import annotations

import random

import pytest

from narrative.corpus.splitting import OVER, UNDER, cut_off, hold_back, hold_back_rows, in_drawn_order
from narrative.errors import SettingsError

NAMES = [f"book {number}" for number in range(60)]


def sizes(seed: int) -> list[int]:
    return [random.Random(seed * 100 + n).randint(5_000, 150_000) for n in range(len(NAMES))]


@pytest.mark.parametrize("seed", range(6))
def test_about_a_tenth_of_the_words_is_held_back_in_whole_books(seed: int) -> None:
    words = sizes(seed)
    held, missing = hold_back(NAMES, words, share=0.1, seed=seed)
    share = sum(words[n] for n in held) / sum(words)
    assert missing == 0
    assert 0.1 * (1 - UNDER) <= share <= 0.1 * (1 + OVER)


def test_equal_books_are_not_cut_as_long_as_one_makes_about_the_share() -> None:
    for count in (8, 10, 12, 15):
        held, missing = hold_back([str(n) for n in range(count)], [1000] * count, share=0.1, seed=0)
        assert (len(held), missing) == (1, 0)
    assert hold_back([str(n) for n in range(5)], [1000] * 5, share=0.1, seed=0) == (set(), 500)


def test_many_little_texts_make_the_share_exactly() -> None:
    held, missing = hold_back([str(n) for n in range(5000)], [20] * 5000, share=0.1, seed=0)
    assert (len(held), missing) == (500, 0)


def test_the_same_seed_holds_the_same_books_back_and_another_holds_others() -> None:
    words = sizes(0)
    assert hold_back(NAMES, words, share=0.1, seed=1) == hold_back(NAMES, words, share=0.1, seed=1)
    assert hold_back(NAMES, words, share=0.1, seed=1) != hold_back(NAMES, words, share=0.1, seed=2)


def test_one_more_book_does_not_move_the_others_in_the_order() -> None:
    order = [NAMES[n] for n in in_drawn_order(NAMES, 3)]
    more = [*NAMES[:30], "a new one", *NAMES[30:]]
    assert [more[n] for n in in_drawn_order(more, 3) if more[n] != "a new one"] == order


def test_the_order_of_the_files_does_not_matter() -> None:
    words = sizes(0)
    backwards, _ = hold_back(NAMES[::-1], words[::-1], share=0.1, seed=0)
    forwards, _ = hold_back(NAMES, words, share=0.1, seed=0)
    assert {NAMES[n] for n in forwards} == {NAMES[::-1][n] for n in backwards}


def test_what_no_whole_book_can_give_is_said_to_be_missing() -> None:
    assert hold_back(["one"], [1000], share=0.1, seed=0) == (set(), 100)
    assert hold_back(["one", "two"], [1000, 1000], share=0.0, seed=0) == (set(), 0)
    assert hold_back([], [], share=0.1, seed=0) == (set(), 0)
    assert hold_back(["empty", "one"], [0, 1000], share=0.1, seed=0) == (set(), 100)


def test_a_book_is_cut_at_the_chapter_nearest_to_what_is_wanted() -> None:
    chapters = [100, 400, 300, 90, 30]
    passages = [[size // 10] * 10 for size in chapters]
    assert cut_off(chapters, passages, words=100) == (3, 0)
    assert cut_off(chapters, passages, words=35) == (4, 0)
    assert cut_off(chapters, passages, words=380) == (2, 0)


def test_a_book_is_cut_inside_a_chapter_only_when_no_chapter_is_near() -> None:
    assert cut_off([1000], [[100] * 10], words=100) == (0, 9)
    assert cut_off([1000], [[100] * 10], words=250) == (0, 7)
    assert cut_off([500, 500], [[100] * 5, [100] * 5], words=100) == (1, 4)


def test_a_book_of_one_passage_can_not_be_cut_and_its_beginning_always_stays() -> None:
    assert cut_off([1000], [[1000]], words=100) is None
    assert cut_off([], [], words=100) is None
    assert cut_off([10, 10], [[10], [10]], words=1000) == (1, 0)


def test_rows_are_held_back_alike_from_every_label() -> None:
    labels = ["sad"] * 300 + ["glad"] * 100 + ["odd"] * 20
    held = hold_back_rows(labels, [str(n) for n in range(len(labels))], share=0.1, seed=4)
    assert [sum(labels[n] == label for n in held) for label in ("sad", "glad", "odd")] == [30, 10, 2]


def test_of_a_few_rows_at_least_one_is_held_back() -> None:
    assert len(hold_back_rows([""] * 4, list("abcd"), share=0.1, seed=0)) == 1
    assert len(hold_back_rows(["x", "y", "z"], list("abc"), share=0.1, seed=0)) == 1
    assert hold_back_rows(["x"], ["a"], share=0.1, seed=0) == set()
    assert hold_back_rows(["x", "y"], ["a", "b"], share=0.0, seed=0) == set()


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(SettingsError, match="Test share is"):
        hold_back(NAMES, sizes(0), share=share, seed=0)
    with pytest.raises(SettingsError, match="Test share is"):
        hold_back_rows(["x"], ["a"], share=share, seed=0)
