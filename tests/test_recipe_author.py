"""The recipe that tunes the shipped model on one author: which books it takes, and under which names."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from narrative.corpus import load_corpus
from narrative.errors import CorpusError
from narrative.recipes import author

TEXT = "## Chapter {0}\n\n" + "He went down to the harbour of {1} and counted the ships that were there. " * 30


@pytest.fixture
def data(tmp_path: Path) -> Path:
    authors = ["Anne Brontë", "Anne Brontë", "Charlotte Brontë"]
    with lzma.open(tmp_path / "fiction-1.jsonl.xz", "wt", encoding="utf-8") as out:
        for number, name in enumerate(authors):
            text = "\n\n".join(TEXT.format(part, f"{name} {number} {part}") for part in range(4))
            out.write(json.dumps({"author": name, "title": f"Book {number}", "year": 1847, "shelf": "fiction", "text": text}) + "\n")
    return tmp_path


def test_only_the_authors_own_books_go_in_and_are_taken_up_again(data: Path) -> None:
    corpus = author.build_corpus(data, "Anne Brontë")
    assert corpus.name == "anne-bronte"
    texts = " ".join(record.text for split in ("train", "test") for record in corpus.records(split))
    assert "Anne Brontë 1 3" in texts
    assert "Charlotte" not in texts
    assert author.build_corpus(data, "Anne Brontë").fingerprint == corpus.fingerprint


def test_another_authors_corpus_is_never_taken_for_this_ones(data: Path) -> None:
    author.build_corpus(data, "Anne Brontë")
    assert author.build_corpus(data, "Charlotte Brontë").name == "charlotte-bronte"
    with pytest.raises(CorpusError, match="'anne-bronte' already, which is not this recipe's"):
        author.build_corpus(data, "anne bronte")


def test_an_author_without_books_is_an_error(data: Path) -> None:
    with pytest.raises(CorpusError, match="no book by 'Nobody'"):
        author.build_corpus(data, "Nobody")


def test_both_ways_are_the_presets_of_the_page(data: Path) -> None:
    corpus = author.build_corpus(data, "Anne Brontë")
    jobs = {way: author.job_for(corpus, way) for way in author.WAYS}
    assert {way: (job.folder.name, job.settings().method) for way, job in jobs.items()} == {
        "full": ("anne-bronte-full", "full"), "lora": ("anne-bronte-lora", "lora"),
    }  # fmt: skip
    assert author.job_for(load_corpus("anne-bronte"), "lora").settings() == jobs["lora"].settings()
