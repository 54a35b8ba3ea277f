"""Near-duplicates: MinHash against true Jaccard similarities, and which of two copies stays."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from narrative.corpus.document import Paragraph
from narrative.corpus.duplicates import PERMUTATIONS, SHINGLE, Signatures, find_repeats, signature
from narrative.corpus.passages import ALONE, LONGEST_RUN, passages

VOCABULARY = [f"word{number}" for number in range(4000)]


def text(seed: int, words: int = 120) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def changed(words: list[str], times: int, seed: int) -> list[str]:
    draw, copy = random.Random(seed), list(words)
    for place in draw.sample(range(len(copy)), times):
        copy[place] = draw.choice(VOCABULARY)
    return copy


def jaccard(first: list[str], second: list[str]) -> float:
    """By the definition, on sets of tuples: independent of all hashing."""
    one, other = ({tuple(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1)} for words in (first, second))
    return len(one & other) / len(one | other)


def repeats_of(
    texts: list[list[str]], tmp_path: Path, *, units: list[int] | None = None, threshold: float = 0.8, short: bool = False
) -> list[int]:
    signatures = Signatures(tmp_path / "signatures.bin")
    for words in texts:
        signatures.add(words, short=short)
    found = find_repeats(signatures.rows(), np.array(units or range(len(texts))), threshold=threshold)
    signatures.close()
    return [int(n) for n in found.of]


def test_the_share_of_equal_places_estimates_the_true_similarity() -> None:
    errors = []
    for seed in range(150):
        words = text(seed)
        copy = changed(words, seed % 20, seed)
        errors.append(float((signature(words) == signature(copy)).mean()) - jaccard(words, copy))
    # the estimator is unbiased, with a variance of s(1-s)/60 at most 1/240
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 1.2 / (4 * PERMUTATIONS) ** 0.5


def test_copies_with_a_few_changed_words_are_found_and_different_texts_are_not(tmp_path: Path) -> None:
    originals = [text(seed) for seed in range(200)]
    copies = [changed(words, 1, seed) for seed, words in enumerate(originals)]  # a similarity of about 0.91
    of = repeats_of([*originals, *copies], tmp_path)
    assert of[:200] == [-1] * 200
    assert sum(found == place for place, found in enumerate(of[200:])) >= 197
    assert set(of[200:]) <= {-1, *range(200)}


def test_what_is_less_alike_than_the_threshold_stays(tmp_path: Path) -> None:
    originals = [text(seed) for seed in range(60)]
    copies = [changed(words, 12, seed) for seed, words in enumerate(originals)]
    assert max(jaccard(one, other) for one, other in zip(originals, copies, strict=True)) < 0.6
    assert repeats_of([*originals, *copies], tmp_path) == [-1] * 120


def test_the_earliest_of_many_copies_stays_and_all_others_name_it(tmp_path: Path) -> None:
    words = text(1)
    assert repeats_of([text(0), words, words, text(2), words], tmp_path) == [-1, -1, 1, -1, 1]


def test_a_refrain_within_one_book_is_the_poets_own(tmp_path: Path) -> None:
    refrain = text(1)
    assert repeats_of([refrain, text(2), refrain, refrain], tmp_path, units=[7, 7, 7, 8]) == [-1, -1, -1, 0]


def test_a_notice_in_a_thousand_files_is_kept_once(tmp_path: Path) -> None:
    assert repeats_of([text(3)] * 1000, tmp_path) == [-1] + [0] * 999


def test_short_passages_repeat_for_good_reasons_but_a_short_row_is_all_there_is(tmp_path: Path) -> None:
    rows = [["good", "morning"], ["good", "morning"], ["good", "evening"], ["morning", "good"]]
    assert repeats_of(rows, tmp_path) == [-1] * 4
    assert repeats_of(rows, tmp_path, short=True) == [-1, 0, -1, -1]


def test_no_passages_no_repeats(tmp_path: Path) -> None:
    assert repeats_of([], tmp_path) == []


def test_signatures_are_the_same_in_every_process() -> None:
    """Golden: a corpus built on another machine must drop the same passages."""
    assert signature(["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"])[:3].tolist() == GOLDEN


GOLDEN = [352966367, 492509478, 1499994326]


def sentences(*lengths: int, kind: str = "text") -> list[Paragraph]:
    draw = random.Random(5)
    return [Paragraph(" ".join(draw.choices(VOCABULARY, k=length)), kind) for length in lengths]


def test_passages_together_are_the_whole_section_in_order() -> None:
    paragraphs = [*sentences(3, 50, 4, 60, *[7] * 80, 200), Paragraph("The End", "heading")]
    joined = [text for passage in passages(paragraphs) for text in passage.paragraphs]
    assert joined == [paragraph.text for paragraph in paragraphs]


def test_a_long_paragraph_is_a_passage_and_dialogue_is_taken_together() -> None:
    found = list(passages(sentences(ALONE, 5, 5, 5, ALONE + 1)))
    assert [len(passage.paragraphs) for passage in found] == [1, 3, 1]


def test_runs_of_short_paragraphs_are_cut_within_bounds() -> None:
    found = list(passages(sentences(*[6] * 400)))
    assert all(ALONE <= len(passage.compared) <= LONGEST_RUN + 6 for passage in found[:-1])
    assert len(found) > 400 * 6 / LONGEST_RUN


def test_one_more_line_of_dialogue_changes_only_the_passages_around_it() -> None:
    lines = sentences(*[6] * 300)
    first = {passage.compared for passage in passages(lines)}
    second = {passage.compared for passage in passages([*lines[:10], Paragraph("one more line of dialogue"), *lines[10:]])}
    assert len(second - first) <= 3


@pytest.mark.parametrize("kind", ["text", "verse"])
def test_headings_are_never_compared(kind: str) -> None:
    found = list(passages([Paragraph("Chapter the First " * 20, "heading"), *sentences(45, kind=kind)]))
    assert [bool(passage.compared) for passage in found] == [False, True]
