"""The recipe of the shipped model, run whole on a handful of made-up books and a model of a few thousand weights."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from narrative import home
from narrative.corpus import load_corpus
from narrative.models import default_model, load_model
from narrative.recipes import fable

STORY = "Once upon a time there was a fox. She saw {thing} and was happy. She showed it to her friend the owl. "
THINGS = ("a boat", "the moon", "a red kite", "an old shoe", "a bell", "three eggs", "a lamp", "the river", "a letter", "a clock")


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def book(number: int, author: str, shelf: str) -> dict[str, Any]:
    chapters = "".join(
        f"## Chapter {part}\n\n_So_ it went on. " + STORY.format(thing=THINGS[number % 10]) * 12 + "\n\n" for part in range(3)
    )
    return {"title": f"Book {number}", "author": author, "year": 1900, "shelf": shelf, "text": chapters}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    splits = ["train"] * 8 + ["valid"] * 2
    stories = [{"split": split, "text": STORY.format(thing=thing) * 8} for split, thing in zip(splits, THINGS, strict=True)]
    write_lines(folder / "tinystories.jsonl.xz", stories)
    authors = [*fable.RESERVED, *(f"Author {number}" for number in range(17))]
    shelves = ("children", "fiction")
    # enough of each shelf that the held-out tenth takes one from both
    books = [book(number, author, shelves[number % 2]) for number, author in enumerate(authors * 3)]
    write_lines(folder / "fiction-1.jsonl.xz", [{**one, "title": f"Book {number}"} for number, one in enumerate(books)])
    return folder


def test_reserved_authors_and_valid_stories_are_never_learned_from(data: Path) -> None:
    fable.build_corpora(data)
    for name in fable.CORPORA:
        corpus = load_corpus(name)
        learned = list(corpus.records("train"))
        assert learned
        assert not [record for record in learned if record.metadata.get("author") in fable.RESERVED]
        assert not set(corpus.sources["train"]) & set(corpus.sources["test"])
    stories = [record.text for record in load_corpus("fable-tinystories").records("train")]
    assert not [text for text in stories if "a letter" in text or "a clock" in text]  # the two of the valid split


def test_a_tenth_of_the_books_is_held_back_and_the_choice_is_always_the_same(data: Path) -> None:
    held = [load_corpus(corpus.folder).sources["test"] for corpus in fable.build_corpora(data)[1:]]
    assert sum(len(side) for side in held) == round(0.1 * 51)  # 60 books, 9 of them by reserved authors
    for corpus in fable.CORPORA:
        (home.corpora() / corpus / "corpus.json").unlink()
    assert [corpus.sources["test"] for corpus in fable.build_corpora(data)[1:]] == held


def test_chapters_are_plain_text(data: Path) -> None:
    fable.build_corpora(data)
    record = next(load_corpus("fable-fiction").records("train"))
    assert record.text.startswith("Chapter 0\n\nSo it went on. ")


def test_the_recipe_leaves_a_model_with_an_honest_card(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "checkpoints")
    tiny = {"max_steps": 2, "warmup": 0.0, "batch_size": 2, "evaluate_every": 2, "evaluate_blocks": 2}
    (first, new), (last, end) = fable.STAGES
    assert new.architecture is not None
    small = replace(new.architecture, layers=1, heads=2, width=16, vocabulary=300, context=32)
    stages = ((first, replace(new, architecture=small, **tiny)), (last, replace(end, **tiny)))  # type: ignore[arg-type]
    monkeypatch.setattr(fable, "STAGES", stages)
    assert fable.main(["--data", str(data)]) == 0
    assert default_model() == fable.NAME
    model = load_model(fable.NAME, device="cpu")
    assert (model.card.origin, model.card.title) == ("shipped", "Fable 5M")
    card = json.loads((home.SHIPPED / fable.NAME / "narrative.json").read_text(encoding="utf-8"))
    assert card["tokens_seen"] == 2 * 2 * 2 * 32  # two stages, two steps, two blocks, 32 tokens
    assert set(card["metrics"]) == {"tinystories", "children", "fiction"}
    assert all(figures["bits_per_byte"] > 1 for figures in card["metrics"].values())  # four steps teach nothing
    assert str(tmp_path) not in json.dumps(card)
    example = json.loads((home.SHIPPED / fable.NAME / "example.json").read_text(encoding="utf-8"))
    assert {draft["fingerprint"] for draft in example["drafts"]} == {model.fingerprint}


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fable.main(["--data", str(tmp_path)]) == 2
    assert "tinystories.jsonl.xz is not in the data folder" in capsys.readouterr().err
