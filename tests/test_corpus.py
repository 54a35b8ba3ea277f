"""Corpora: what is tested was never learned, and a damaged corpus says so."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrative.corpus import Corpus, load_corpus, split_by_source, write_corpus
from narrative.errors import CorpusError, SettingsError
from narrative.formats import Record

BOOKS = [f"Author {number % 7}: Book {number}" for number in range(43)]


def records(*sources: str, each: int = 3, text: str = "A fox — “little” — saw the sea 🦊.") -> Iterator[Record]:
    for source in sources:
        for number in range(each):
            yield Record(f"{source}#{number}", source, source, f"Chapter {number}", text, {"author": "A. Nonymous"})


def small(folder: Path, *, name: str = "small") -> Corpus:
    return write_corpus(name, train=records("one", "two"), test=records("three"), origin="made up", licence="CC0-1.0", folder=folder)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_source_is_on_both_sides_and_none_is_lost(share: float, seed: int) -> None:
    train, test = split_by_source(BOOKS, test_share=share, seed=seed)
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(BOOKS)
    assert train
    assert test


def test_a_split_depends_on_the_seed_and_not_on_the_order_or_on_repeats() -> None:
    shuffled = random.Random(5).sample(BOOKS, len(BOOKS)) + BOOKS[:9]
    assert split_by_source(shuffled, seed=3) == split_by_source(BOOKS, seed=3)
    assert split_by_source(BOOKS, seed=3) != split_by_source(BOOKS, seed=4)


def test_a_split_gives_about_the_share_that_was_asked_for() -> None:
    assert len(split_by_source(BOOKS, test_share=0.1)[1]) == 4
    assert split_by_source(["only"], test_share=0.1) == (["only"], [])
    assert split_by_source([]) == ([], [])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused_by_its_name(share: float) -> None:
    with pytest.raises(SettingsError, match="Test share is"):
        split_by_source(BOOKS, test_share=share)


def test_what_is_written_comes_back_whole(tmp_path: Path) -> None:
    written = small(tmp_path / "small")
    loaded = load_corpus(tmp_path / "small")
    assert loaded == written
    assert list(loaded.records("train")) == list(records("one", "two"))
    assert list(loaded.records("test")) == list(records("three"))
    assert (loaded.train.records, loaded.test.records) == (6, 3)
    assert loaded.train.words == 6 * 9  # between spaces
    assert loaded.train.bytes == 6 * len("A fox — “little” — saw the sea 🦊.".encode())
    assert loaded.sources == {"train": ("one", "two"), "test": ("three",)}


def test_a_corpus_is_found_by_its_name(narrative_home: Path) -> None:
    write_corpus("mine", train=records("one"), test=records("two"), origin="", licence="")
    assert load_corpus("mine").folder == narrative_home / "corpora" / "mine"


def test_a_folder_that_happens_to_have_the_name_does_not_hide_a_corpus(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus("mine", train=records("one"), test=records("two"), origin="", licence="")
    (narrative_home / "elsewhere" / "mine").mkdir(parents=True)
    monkeypatch.chdir(narrative_home / "elsewhere")
    assert load_corpus("mine").train.records == 3


def test_equal_texts_have_equal_fingerprints_and_one_letter_changes_them(tmp_path: Path) -> None:
    first, second = small(tmp_path / "a"), small(tmp_path / "b", name="other name")
    assert first.fingerprint == second.fingerprint
    changed = write_corpus(
        "c", train=records("one", "two", text="A fax."), test=records("three"), origin="", licence="", folder=tmp_path / "c"
    )
    assert changed.fingerprint != first.fingerprint


def test_a_record_may_not_be_learned_and_tested(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="'one#0' comes twice"):
        write_corpus("leak", train=records("one"), test=records("one"), origin="", licence="", folder=tmp_path)
    with pytest.raises(CorpusError, match="No corpus"):  # what broke off does not pass for a corpus
        load_corpus(tmp_path)


def test_a_rebuild_that_breaks_off_leaves_no_old_report_beside_new_texts(tmp_path: Path) -> None:
    small(tmp_path)
    with pytest.raises(CorpusError):
        write_corpus("leak", train=records("one"), test=records("one"), origin="", licence="", folder=tmp_path)
    assert not (tmp_path / "corpus.json").exists()


def test_an_unknown_corpus_names_those_that_are_here() -> None:
    with pytest.raises(CorpusError, match=r"No corpus 'nosuch'\. None has been built yet"):
        load_corpus("nosuch")
    write_corpus("mine", train=records("one"), test=records("two"), origin="", licence="")
    with pytest.raises(CorpusError, match="Here are: mine"):
        load_corpus("nosuch")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"', "null", '{"train": {"records": 1}, "test": {}, "sources": {}}', "\udcff"])
def test_a_damaged_report_is_a_corpus_error(tmp_path: Path, text: str) -> None:
    small(tmp_path)
    (tmp_path / "corpus.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CorpusError, match="damaged"):
        load_corpus(tmp_path)


GOOD = json.dumps({"id": "x", "source": "s", "title": "", "section": "", "text": "t", "metadata": {}}).encode()


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (b'{"id": "x", "sour', "line 3"),
        (b"\xff\xfe", "line 3"),
        (b'{"id": "x"}', "line 3"),
        (b"[1, 2]", "line 3"),
        (b'"text"', "line 3"),
        (GOOD.replace(b'"t"', b"7"), "line 3"),
        (b"", "line 3"),
        (GOOD, "3 records instead of 6"),
    ],
    ids=["cut", "no UTF-8", "fields missing", "a list", "a string", "a number as text", "blank", "records missing"],
)
def test_damaged_texts_are_a_corpus_error_that_names_the_place(tmp_path: Path, line: bytes, where: str) -> None:
    corpus = small(tmp_path)
    lines = (tmp_path / "train.jsonl").read_bytes().splitlines()[:2]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join([*lines, line]) + b"\n")
    with pytest.raises(CorpusError, match=where):
        list(corpus.records("train"))


def test_texts_that_are_gone_are_a_corpus_error(tmp_path: Path) -> None:
    corpus = small(tmp_path)
    (tmp_path / "test.jsonl").unlink()
    with pytest.raises(CorpusError, match="damaged"):
        list(corpus.records("test"))


def test_an_unknown_side_is_refused_with_the_two_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Unknown split 'valid'\. Choose one of: train, test"):
        list(small(tmp_path).records("valid"))
