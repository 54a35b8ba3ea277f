"""From files to a corpus: the whole way, on files that the tests write."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from narrative import home
from narrative.corpus import Corpus, corpus_names, load_corpus
from narrative.corpus.build import build, build_from_files
from narrative.corpus.building import BuildSettings, Progress
from narrative.corpus.options import ReadOptions
from narrative.corpus.shelf import FileEntry, Shelf
from narrative.errors import CorpusError, SettingsError

WORDS = (Path(__file__).read_text(encoding="utf-8") + " harbour lantern orchard winter letter garden sister").split()
NOUNS = sorted({word.strip(".,()[]:\"'").lower() for word in WORDS if word.strip(".,()[]:\"'").isalpha() and len(word) > 3})


def sentence(draw: random.Random, words: int = 12) -> str:
    return " ".join(draw.choices(NOUNS, k=words)).capitalize() + "."


def paragraph(seed: object, sentences: int = 6) -> str:
    draw = random.Random(str(seed))
    return " ".join(sentence(draw) for _ in range(sentences))


def book(seed: object, chapters: int = 4, paragraphs: int = 5) -> str:
    parts = []
    for chapter in range(1, chapters + 1):
        parts += [f"Chapter {chapter}", *(paragraph((seed, chapter, place)) for place in range(paragraphs))]
    return "\n\n".join(parts) + "\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Twelve little books in a folder."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(12):
        (folder / f"book-{number:02}.txt").write_text(book(number), encoding="utf-8")
    return folder


def built(paths: list[Path], name: str = "house", *, options: ReadOptions | None = None, replace: bool = False, **settings: Any) -> Corpus:
    for _ in build_from_files(paths, name, settings=BuildSettings(**settings), options=options or ReadOptions(), replace=replace):
        pass
    return load_corpus(name)


def texts(corpus: Corpus, split: str) -> str:
    return "\n".join(record.text for record in corpus.records(split))


def file_of(corpus: Corpus, path: str) -> dict[str, Any]:
    (file,) = (file for file in corpus.report["files"] if file["path"] == path)
    return dict(file)


def test_every_paragraph_is_on_exactly_one_side_and_books_are_whole(archive: Path) -> None:
    corpus = built([archive])
    sides = {split: texts(corpus, split) for split in ("train", "test")}
    for number in range(12):
        where = {split for split, text in sides.items() for chapter in (1, 4) if paragraph((number, chapter, 2)) in text}
        assert len(where) == 1
        assert file_of(corpus, f"book-{number:02}.txt")["split"] == where.pop()
    words = corpus.train.words + corpus.test.words
    assert words == sum(file["words"] for file in corpus.report["files"])
    assert corpus.test.words / words == pytest.approx(1 / 12, abs=0.01)


def test_a_record_is_a_chapter_with_its_book_and_heading(archive: Path) -> None:
    record = next(built([archive]).records("test"))
    assert record.section.startswith("Chapter ")
    assert record.text.startswith(record.section + "\n\n")
    assert record.source.startswith("book-")


def test_the_same_input_gives_the_same_fingerprint_wherever_it_lies(archive: Path, tmp_path: Path) -> None:
    first = built([archive])
    elsewhere = tmp_path / "elsewhere" / "archive"
    elsewhere.parent.mkdir()
    archive.rename(elsewhere)
    again = built([elsewhere], "again")
    assert again.fingerprint == first.fingerprint
    assert built([elsewhere], "other", seed=1).fingerprint != first.fingerprint
    (elsewhere / "book-03.txt").write_text(book("changed"), encoding="utf-8")
    assert built([elsewhere], "changed").fingerprint != first.fingerprint


def test_a_chapter_that_stands_in_two_files_is_kept_once_and_named(archive: Path) -> None:
    copied = "\n\n".join(["Chapter 1", *(paragraph((3, 2, place)) for place in range(5))])
    own = "\n\n".join(["Chapter 2", *(paragraph(("own", place)) for place in range(5))])
    (archive / "reprint.txt").write_text(f"{copied}\n\n{own}\n", encoding="utf-8")
    corpus = built([archive])
    both = texts(corpus, "train") + texts(corpus, "test")
    assert all(both.count(paragraph((3, 2, place))) == 1 for place in range(5))
    assert all(both.count(paragraph(("own", place))) == 1 for place in range(5))
    report = file_of(corpus, "reprint.txt")
    assert report["duplicate_passages"] == 5
    assert report["duplicates_of"] == {"book-03.txt": 5}
    assert corpus.report["duplicate_words"] == report["duplicate_words"] == sum(len(paragraph((3, 2, n)).split()) for n in range(5))


def test_a_nearly_equal_passage_counts_as_a_duplicate_unless_that_is_switched_off(archive: Path) -> None:
    changed = paragraph((3, 2, 0), 6).split()
    changed[20] = "otherwise"
    (archive / "reprint.txt").write_text(" ".join(changed) + "\n\n" + paragraph("own") + "\n", encoding="utf-8")
    assert file_of(built([archive]), "reprint.txt")["duplicate_passages"] == 1
    off = built([archive], "all", duplicates=0.0)
    assert file_of(off, "reprint.txt")["duplicate_passages"] == 0
    assert "otherwise" in texts(off, "train") + texts(off, "test")


def test_two_editions_of_a_book_stand_on_one_side(archive: Path) -> None:
    """What a second edition has of its own belongs to the same book: short lines, which are never compared, most of all."""
    for number in range(12):
        edition = book(number).replace("\n\nChapter 3", f"\n\n{paragraph(('only here', number))}\n\n'No,' said she {number}.\n\nChapter 3")
        (archive / f"edition-{number:02}.txt").write_text(edition, encoding="utf-8")
    corpus = built([archive])
    sides = [{file_of(corpus, f"{kind}-{number:02}.txt")["split"] for kind in ("book", "edition")} for number in range(12)]
    assert [len(side) for side in sides] == [1] * 12
    assert sides.count({"test"}) == 1


def test_one_big_book_is_cut_at_a_chapter(tmp_path: Path) -> None:
    (tmp_path / "novel.txt").write_text(book("novel", chapters=20), encoding="utf-8")
    corpus = built([tmp_path / "novel.txt"])
    held = [record.section for record in corpus.records("test")]
    assert held == ["Chapter 19", "Chapter 20"]
    assert [record.section for record in corpus.records("train")] == [f"Chapter {number}" for number in range(1, 19)]
    assert file_of(corpus, "novel.txt")["split"] == "both"


def test_what_the_end_of_a_cut_book_repeats_of_its_beginning_is_not_tested(tmp_path: Path) -> None:
    refrain = paragraph("refrain")
    chapters = book("novel", chapters=20).replace(paragraph(("novel", 20, 1)), refrain).replace(paragraph(("novel", 2, 1)), refrain)
    (tmp_path / "novel.txt").write_text(chapters, encoding="utf-8")
    corpus = built([tmp_path / "novel.txt"])
    assert refrain in texts(corpus, "train")
    assert refrain not in texts(corpus, "test")


def test_a_text_without_chapters_is_cut_between_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "essay.txt").write_text("\n\n".join(paragraph(n) for n in range(20)), encoding="utf-8")
    corpus = built([tmp_path / "essay.txt"])
    assert (corpus.train.records, corpus.test.records) == (1, 1)
    assert texts(corpus, "test") == f"{paragraph(18)}\n\n{paragraph(19)}"


def test_too_little_to_divide_is_said(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text(paragraph("note"), encoding="utf-8")
    assert built([tmp_path / "note.txt"]).report["warnings"] == [
        "Nothing could be held back for testing: there is too little text to divide."
    ]


def tweets(folder: Path) -> Path:
    path = folder / "tweets.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label", "user"])
        for number in range(400):
            writer.writerow([sentence(random.Random(number), 9), "sad" if number % 4 else "glad", f"u{number}"])
        writer.writerow([sentence(random.Random(7), 9), "sad", "copier"])
    return path


def test_rows_of_a_table_are_divided_alike_by_label(tmp_path: Path) -> None:
    corpus = built([tweets(tmp_path)], options=ReadOptions(columns=("label",)))
    labels = {split: [record.metadata["label"] for record in corpus.records(split)] for split in ("train", "test")}
    assert (labels["test"].count("sad"), labels["test"].count("glad")) == (30, 10)
    assert (labels["train"].count("sad"), labels["train"].count("glad")) == (270, 90)
    assert corpus.report["values"]["label"] == {"sad": 301, "glad": 100}


def test_a_row_that_stands_twice_is_kept_once(tmp_path: Path) -> None:
    corpus = built([tweets(tmp_path)], options=ReadOptions(columns=("label", "user")))
    assert file_of(corpus, "tweets.csv")["duplicate_passages"] == 1
    records = [*corpus.records("train"), *corpus.records("test")]
    assert len({record.text for record in records}) == len(records) == 400
    assert "copier" not in {record.metadata["user"] for record in records}


def test_a_sample_is_drawn_the_same_again(tmp_path: Path) -> None:
    path = tweets(tmp_path)
    first, again, other = (built([path], name, sample=50, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first.train.records + first.test.records == 50
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_texts_under_the_quality_threshold_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"text": "spam " * 300}, *({"text": paragraph(number, 12)} for number in range(30))]
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    corpus = built([path], quality=0.3)
    assert file_of(corpus, "stories.jsonl")["low_quality"] >= 1
    assert "spam spam" not in texts(corpus, "train") + texts(corpus, "test")


def test_what_can_not_be_read_is_named_and_the_rest_goes_on(archive: Path) -> None:
    junk = {"junk.pdf": os.urandom(4000), "empty.docx": b"", "cut.epub": b"PK\x03\x04 cut", "tool.exe": b"MZ\x90\x00" * 50}
    for name, content in junk.items():
        (archive / name).write_bytes(content)
    corpus = built([archive, archive / "missing.txt"])
    refused = {file["path"]: file["reason"] for file in corpus.report["files"] if file["status"] == "refused"}
    assert {Path(path).name for path in refused} == {*junk, "missing.txt"}
    assert all(reason.endswith(".") and len(reason) > 15 for reason in refused.values())
    assert corpus.report["read"] == 12


def test_nothing_readable_is_an_error_that_gives_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.docx").touch()
    with pytest.raises(CorpusError, match=r"None of the files could be read. empty.docx: The file is empty."):
        built([tmp_path / "empty.docx"])
    assert corpus_names() == []


def test_a_zip_of_books_is_read_like_its_folder(archive: Path, tmp_path: Path) -> None:
    packed = tmp_path / "archive.zip"
    with zipfile.ZipFile(packed, "w") as out:
        for path in sorted(archive.iterdir()):
            out.write(path, path.name)
    corpus = built([packed])
    assert corpus.report["read"] == 12
    assert corpus.train.words == built([archive], "folder").train.words


def test_cleaning_is_counted_by_rule_and_every_rule_can_be_switched_off(tmp_path: Path) -> None:
    wrapped = "\n".join(
        [
            "It was a dark and stormy night, and the harbour lay quite still under",
            "the lanterns of the boats that came home in the winter with their nets",
        ]
        * 6
    )
    (tmp_path / "a.txt").write_text(f"{wrapped}\n\n{paragraph('a')}\n\n{paragraph('b')}\n", encoding="utf-8")
    corpus = built([tmp_path / "a.txt"])
    assert file_of(corpus, "a.txt")["rules"]["hard wraps"]["times"] >= 1
    off = built([tmp_path / "a.txt"], "off", rules=())
    assert file_of(off, "a.txt")["rules"] == {}
    assert "still under\nthe lanterns" in texts(off, "train") + texts(off, "test")


def test_a_build_that_is_stopped_leaves_no_half_corpus(archive: Path) -> None:
    for stage in ("cleaning", "comparing", "writing"):
        running = build_from_files([archive], "half", settings=BuildSettings(), options=ReadOptions())
        assert any(isinstance(news, Progress) and news.stage == stage for news in running)
        running.close()  # type: ignore[attr-defined]
        assert list(home.corpora().iterdir()) == []


def test_what_a_killed_build_left_is_swept_by_the_next(archive: Path) -> None:
    script = f"""
import os, signal, sys
from pathlib import Path
from narrative.corpus.build import build_from_files
from narrative.corpus.building import BuildSettings
from narrative.corpus.options import ReadOptions
for news in build_from_files([Path({str(archive)!r})], "half", settings=BuildSettings(), options=ReadOptions()):
    if getattr(news, "stage", "") == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert len(list(home.corpora().iterdir())) == 1
    assert corpus_names() == []
    built([archive], "whole")
    assert [path.name for path in home.corpora().iterdir()] == ["whole"]


def test_a_corpus_is_replaced_only_when_that_is_asked_for(archive: Path) -> None:
    first = built([archive])
    with pytest.raises(CorpusError, match="There is a corpus 'house' already"):
        built([archive / "book-01.txt"])
    assert load_corpus("house") == first
    assert built([archive / "book-01.txt"], replace=True).fingerprint != first.fingerprint


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "x" * 65, "a b"])
def test_a_name_that_is_no_folder_name_is_refused(archive: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="can't be a corpus name"):
        built([archive], name)


@pytest.mark.parametrize(
    "settings",
    [{"rules": ("nosuch",)}, {"test_share": 1.0}, {"duplicates": 0.2}, {"quality": 2}, {"sample": 0}, {"split_by": "page"}, {"seed": -1}],
)
def test_settings_check_themselves(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        BuildSettings(**settings)


def test_edits_leave_out_files_and_chapters_and_mend_titles(archive: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    entries = [entry for entry in shelf.add([archive], options=ReadOptions()) if entry.status == "read"]
    one, two = entries[0].path, entries[1].path
    edits = (
        shelf.edits.with_file(one, excluded=True)
        .with_chapter(two, 0, 1, excluded=True)
        .with_names(two, title="The Sea", author="A. Nother")
    )
    edits.save(shelf.folder)
    assert Shelf(shelf.folder).edits == edits
    for _ in build(shelf, "edited", settings=BuildSettings()):
        pass
    corpus = load_corpus("edited")
    both = texts(corpus, "train") + texts(corpus, "test")
    assert file_of(corpus, one)["status"] == "excluded"
    assert paragraph((0, 1, 0)) not in both
    assert paragraph((1, 2, 0)) not in both
    assert paragraph((1, 3, 0)) in both
    named = [record for split in ("train", "test") for record in corpus.records(split) if record.source == two]
    assert {(record.title, record.metadata["author"]) for record in named} == {("The Sea", "A. Nother")}
    assert Shelf(shelf.folder).entries() == entries, "the shelf stays as it was"


def test_a_shelf_goes_on_where_a_crash_left_it(archive: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    adding = shelf.add([archive], options=ReadOptions())
    read = [next(entry for entry in adding if entry.status == "read") for _ in range(3)]
    adding.close()  # type: ignore[attr-defined]
    with (shelf.folder / "files.jsonl").open("ab") as files, (shelf.folder / "documents.jsonl").open("ab") as documents:
        files.write(b'{"path": "half')
        documents.write(b'{"title": "half')
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.entries() == read[: len(shelf.entries())]
    assert len(shelf.entries()) >= 2
    last = [entry for entry in shelf.add([archive / "book-11.txt"], options=ReadOptions()) if entry.status == "read"][-1]
    assert [document.words for document in shelf.documents(last)] == [last.words]
    assert shelf.entries()[-1] == last


def test_a_file_that_is_dropped_twice_has_two_names(archive: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    for _ in range(2):
        list(shelf.add([archive / "book-01.txt"], options=ReadOptions()))
    assert [entry.path for entry in shelf.entries()] == ["book-01.txt", "book-01.txt (2)"]


def test_files_are_told_while_they_are_read_and_when_they_are_done(archive: Path, tmp_path: Path) -> None:
    told = list(Shelf(tmp_path / "shelf").add([archive / "book-01.txt"], options=ReadOptions()))
    assert [entry.status for entry in told] == [*["reading"] * (len(told) - 1), "read"]
    assert len(told) >= 2
    assert all(isinstance(entry, FileEntry) for entry in told)
    assert told[-1].words == len(book(1).split())


def test_a_file_of_many_books_goes_by_its_own_name(tmp_path: Path) -> None:
    rows = [{"title": f"Tale {n}", "author": f"Author {n}", "text": book(n)} for n in range(3)]
    (tmp_path / "our_list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    corpus = built([tmp_path / "our_list.jsonl"], options=ReadOptions(title_column="title", author_column="author"))
    file = file_of(corpus, "our_list.jsonl")
    assert (file["title"], file["author"], file["documents"]) == ("our list", "", 3)
    assert {record.title for split in ("train", "test") for record in corpus.records(split)} == {"Tale 0", "Tale 1", "Tale 2"}


def test_tokens_are_counted_as_the_chosen_model_reads_them(archive: Path, tiny_gpt2_folder: Path) -> None:
    corpus = built([archive], tokenizer=str(tiny_gpt2_folder))
    from narrative.models.vocabulary import load_tokenizer

    tokenizer = load_tokenizer(tiny_gpt2_folder)
    expected = {split: sum(len(tokenizer(record.text)["input_ids"]) for record in corpus.records(split)) for split in ("train", "test")}
    assert (corpus.report["train_tokens"], corpus.report["test_tokens"]) == (expected["train"], expected["test"])
    assert corpus.report["tokens"] == sum(expected.values()) == sum(file["tokens"] for file in corpus.report["files"])
