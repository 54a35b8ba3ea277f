"""Claims about the shelf behind the page: what is dropped, changed, built and taken away."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from narrative.corpus import corpus_names, load_corpus
from narrative.corpus.building import BuildSettings
from narrative.corpus.options import ReadOptions
from narrative.errors import CorpusError, SettingsError
from narrative.studio import Bookshelf, Place, Upload, corpora
from narrative.studio.errands import Errand, News, Steps
from narrative.studio.uploads import LONGEST_NAME, safe_name

ADA, BOB = "owner ada", "owner bob"
RULES = BuildSettings().rules
OPTIONS = ReadOptions()


def book(title: str, chapters: int = 3, paragraphs: int = 30) -> str:
    parts = [f"---\ntitle: {title}\n---\n"]
    for chapter in range(1, chapters + 1):
        parts.append(f"\n## Chapter {chapter} of {title}\n")
        parts += [
            f"In {title}, chapter {chapter}, the {word} of the keeper went by number {word * 7} and on.\n" for word in range(paragraphs)
        ]
    return "\n".join(parts)


@pytest.fixture
def arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NARRATIVE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "uploads"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def shelf(arrived: Path) -> Iterator[Bookshelf]:
    bookshelf = Bookshelf(arrived)
    yield bookshelf
    for owner in (ADA, BOB):
        bookshelf.stop(owner)
        assert bookshelf.wait(owner, 60)


def upload(arrived: Path, name: str, content: str | bytes) -> Upload:
    """As the server does it: into a folder of its own, under a name that it made harmless."""
    folder = arrived / f"{len(list(arrived.iterdir())):03}"
    folder.mkdir()
    path = folder / "".join(sign for sign in name if sign.isalnum() or sign in "._-, ")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Upload(str(path), name)


def drop(shelf: Bookshelf, arrived: Path, owner: str = ADA, **files: str | bytes) -> News:
    shelf.take(owner, [upload(arrived, name.replace("__", "."), content) for name, content in files.items()], options=OPTIONS)
    return over(shelf, owner)


def over(shelf: Bookshelf, owner: str = ADA) -> News:
    assert shelf.wait(owner, 120)
    news = shelf.settle(owner)
    assert news is not None
    return news


def paths(shelf: Bookshelf, owner: str = ADA) -> list[str]:
    return [entry.path for entry in shelf.entries(owner)]


def first(shelf: Bookshelf, **where: Any) -> Place:
    return Place(**({"file": paths(shelf)[0]} | where))


# ---- dropping


def test_what_is_dropped_is_read_under_its_own_name_and_moved_not_copied(shelf: Bookshelf, arrived: Path) -> None:
    sent = [upload(arrived, "Kim “Book” (2nd).md", book("Kim")), upload(arrived, "junk.xyz", b"\x00\x01\xff" * 50)]
    shelf.take(ADA, sent, options=OPTIONS)
    news = over(shelf)
    read, refused = shelf.entries(ADA)
    assert (read.path, read.status, read.title) == ("Kim “Book” (2nd).md", "read", "Kim")
    assert refused.status == "refused"
    assert refused.reason
    assert news.ended == "done"
    assert "1 of 2 files could be read" in news.outcome
    assert not [one for one in sent if Path(one.path).exists()]
    assert not list(shelf.folder(ADA).rglob("*.md"))


def test_a_shelf_is_found_again_by_its_owner_and_by_nobody_else(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    assert paths(Bookshelf(arrived)) == ["whale.md"]
    assert paths(shelf, BOB) == []
    assert "ada" not in str(shelf.folder(ADA))
    with pytest.raises(CorpusError, match="There is no file"):
        shelf.leaf(BOB, Place("whale.md"), rules=RULES)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\Moby Dick.epub", "Moby Dick.epub"),
        (".hidden.txt", "hidden.txt"),
        ("a\0b\u202etxt.exe", "abtxt.exe"),
        ("", "file"),
        ("..", "file"),
        ("\ud800.txt", "txt"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
        ("/", "file"),
    ],
)
def test_hostile_names_become_one_harmless_file_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("ж" * 500 + ".epub")
    assert name.endswith("ж.epub")
    assert len(name.encode()) <= LONGEST_NAME


def test_a_path_outside_the_uploads_is_refused_and_nothing_is_moved(shelf: Bookshelf, arrived: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    link = arrived / "link.txt"
    link.symlink_to(secret)
    good = upload(arrived, "good.txt", "Good text.")
    for path in (secret, link, arrived / ".." / ".." / "secret.txt", arrived / "nothing", arrived, Path("\0")):
        with pytest.raises(CorpusError, match="did not arrive"):
            shelf.take(ADA, [good, Upload(str(path), "it.txt")], options=OPTIONS)
    assert secret.exists()
    assert Path(good.path).exists()
    assert shelf.news(ADA) is None


def test_what_nobody_took_over_is_swept_after_a_day(arrived: Path) -> None:
    old, new = (Path(upload(arrived, name, "Text.").path).parent for name in ("old.txt", "new.txt"))
    os.utime(old, (0, 0))
    Bookshelf(arrived)
    assert (old.exists(), new.exists()) == (False, True)


def test_more_may_be_dropped_while_files_are_read(shelf: Bookshelf, arrived: Path) -> None:
    shelf.take(ADA, [upload(arrived, f"{n}.txt", f"Text number {n}.") for n in range(5)], options=OPTIONS)
    shelf.take(ADA, [upload(arrived, f"{n}.txt", f"Text number {n}.") for n in range(5, 8)], options=OPTIONS)
    over(shelf)
    assert sorted(paths(shelf)) == [f"{n}.txt" for n in range(8)]


def test_stopping_keeps_what_was_read_and_leaves_nothing_lying_about(shelf: Bookshelf, arrived: Path) -> None:
    shelf.take(ADA, [upload(arrived, f"{n}.txt", f"Text number {n}.") for n in range(300)], options=OPTIONS)
    shelf.stop(ADA)
    news = over(shelf)
    assert (news.ended, "Stopped" in news.outcome) == ("stopped", True)
    assert len(paths(shelf)) < 300
    assert not list((shelf.folder(ADA)).rglob("*.txt"))
    assert drop(shelf, arrived, after__txt="Another text.").ended == "done"


# ---- looking and changing


def test_passages_come_a_page_at_a_time_before_and_after(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale") + "\n\nSoft\u00adly.\n")
    leaf = shelf.leaf(ADA, first(shelf, section=2), rules=RULES)
    assert len(leaf.passages) == 20
    assert [one.title for one in leaf.chapters] == [f"Chapter {n} of Whale" for n in (1, 2, 3)]
    assert leaf.count == 32
    last = shelf.leaf(ADA, first(shelf, section=2, page=99), rules=RULES)
    assert last.place.page == 1
    assert (last.passages[-1].before, last.passages[-1].after) == ("Soft\u00adly.", "Softly.")
    only = shelf.leaf(ADA, first(shelf, section=2, only=True), rules=RULES)
    assert [one.after for one in only.passages] == ["Softly."]
    assert shelf.leaf(ADA, first(shelf, section=2), rules=()).changed == 0
    with pytest.raises(CorpusError, match="no such chapter"):
        shelf.leaf(ADA, first(shelf, section=3), rules=RULES)


def test_every_row_of_a_table_can_be_leafed_to(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, stories__csv="title,text\n" + "".join(f"Story {n},Once upon a time number {n} happened.\n" for n in range(250)))
    leaf = shelf.leaf(ADA, first(shelf, document=120), rules=RULES)
    assert (leaf.first, len(leaf.chapters), leaf.chapter.title) == (100, 100, "Story 120")
    assert leaf.earlier is not None
    assert leaf.later is not None
    assert (leaf.earlier.document, leaf.later.document) == (0, 200)
    assert shelf.leaf(ADA, first(shelf, document=249), rules=RULES).later is None


def test_edits_are_kept_and_can_be_taken_back_one_by_one(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    shelf.name(ADA, "whale.md", title="  Moby-Dick;\nor, The Whale ", author="Herman Melville")
    shelf.exclude_chapter(ADA, "whale.md", 0, 1, excluded=True)
    shelf.exclude_chapter(ADA, "whale.md", 0, 1, excluded=True)  # changes nothing: not an edit
    shelf.exclude_file(ADA, "whale.md", excluded=True)
    edits = Bookshelf(arrived).edits(ADA)
    assert edits.titles["whale.md"] == "Moby-Dick; or, The Whale"
    assert edits.files == {"whale.md"}
    assert "left out" in shelf.last_edit(ADA)
    shelf.undo(ADA)
    assert (shelf.edits(ADA).files, shelf.edits(ADA).chapters) == (frozenset(), {("whale.md", 0, 1)})
    shelf.undo(ADA)
    shelf.undo(ADA)
    assert (shelf.edits(ADA).titles, shelf.last_edit(ADA)) == ({}, "")
    with pytest.raises(CorpusError, match="nothing to take back"):
        shelf.undo(ADA)


def test_an_empty_title_is_the_one_that_the_file_brought(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    shelf.name(ADA, "whale.md", title="Another", author="")
    shelf.name(ADA, "whale.md", title="  ", author="")
    assert shelf.edits(ADA).titles["whale.md"] == "Whale"


# ---- building


def build(shelf: Bookshelf, name: str = "sampler", owner: str = ADA, **more: Any) -> News:
    shelf.build(owner, name, BuildSettings(), **more)
    return over(shelf, owner)


def test_the_corpus_is_what_the_shelf_promised(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"), fox__md=book("Fox", chapters=2), out__md=book("Out"))
    shelf.name(ADA, "whale.md", title="Moby-Dick", author="Melville")
    shelf.exclude_chapter(ADA, "whale.md", 0, 1, excluded=True)
    shelf.exclude_file(ADA, "out.md", excluded=True)
    assert build(shelf).ended == "done"
    corpus = load_corpus("sampler")
    records = [record for split in ("train", "test") for record in corpus.records(split)]
    text = "\n".join(record.text for record in records)
    assert {record.title for record in records} == {"Moby-Dick", "Fox"}
    assert "Chapter 1 of Whale" in text
    assert "Chapter 2 of Whale" not in text
    assert "In Out" not in text
    assert len(shelf.entries(ADA)) == 3  # the shelf stays


def test_a_stopped_build_leaves_no_half_corpus(shelf: Bookshelf, arrived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    drop(shelf, arrived, BOB, fox__md=book("Fox"))
    reached, go = threading.Event(), threading.Event()
    from narrative.corpus import build as engine

    real = engine.build

    def slow(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for progress in real(*args, **kwargs):
            reached.set()
            assert go.wait(60)
            yield progress

    monkeypatch.setattr(engine, "build", slow)
    shelf.build(ADA, "sampler", BuildSettings())
    assert reached.wait(60)
    with pytest.raises(CorpusError, match="“sampler” is being built"):
        shelf.build(ADA, "second", BuildSettings())
    with pytest.raises(CorpusError, match="is being built"):
        shelf.take(ADA, [], options=OPTIONS)
    with pytest.raises(CorpusError, match="Somebody else"):
        shelf.build(BOB, "sampler", BuildSettings())
    with pytest.raises(CorpusError, match="can be cleared when"):
        shelf.clear(ADA)
    shelf.stop(ADA)
    assert shelf.news(ADA).stopping  # type: ignore[union-attr]
    go.set()
    news = over(shelf)
    assert (news.ended, news.outcome) == ("stopped", "Stopped. Nothing of the corpus “sampler” was kept.")
    assert corpus_names() == []
    assert not list((arrived.parent / "corpora").iterdir())


def test_names_that_are_taken_or_impossible_are_refused_before_anything_begins(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    build(shelf)
    with pytest.raises(CorpusError, match="already"):
        shelf.build(ADA, "sampler", BuildSettings())
    for name in ("", "../up", "a/b", "<b>"):
        with pytest.raises(CorpusError, match="can't be a corpus name"):
            shelf.build(ADA, name, BuildSettings())
    assert shelf.news(ADA) is None
    assert build(shelf, replace=True).ended == "done"


def test_a_build_of_nothing_says_so(shelf: Bookshelf) -> None:
    with pytest.raises(CorpusError, match="shelf is empty"):
        build(shelf)


def test_a_build_that_leaves_nothing_says_so(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    shelf.exclude_file(ADA, "whale.md", excluded=True)
    news = build(shelf)
    assert (news.ended, corpus_names()) == ("failed", [])
    assert "Nothing is left" in news.outcome


def test_an_errand_that_breaks_says_so_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    def steps(error: Exception) -> Steps:
        yield News("building", "cleaning")
        raise error

    for error, sentence in ((CorpusError("Too little."), "Too little."), (OSError(28, "No space left"), "No space left"),
                            (MemoryError(), "ran out of memory"), (KeyError("x"), "not foreseen")):  # fmt: skip
        errand = Errand(News("building", "copying"), steps(error), stopped=str)
        assert errand.wait(10)
        assert errand.news.ended == "failed"
        assert sentence in errand.news.outcome
    assert "KeyError" in caplog.text


# ---- what was built


def test_reports_can_be_taken_away_as_json_and_csv(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"), junk__xyz=b"\x00\xff" * 40)
    shelf.name(ADA, "whale.md", title='=HYPERLINK("http://x","y")', author="")
    build(shelf)
    report = json.loads(corpora.export_report("sampler", "json").data)
    assert [file["status"] for file in report["files"]] == ["read", "refused"]
    assert report["words"] == report["train"]["words"] + report["test"]["words"]
    made = corpora.export_report("sampler", "csv")
    rows = list(csv.DictReader(io.StringIO(made.data.decode("utf-8-sig"))))
    assert made.name == "sampler-report.csv"
    assert rows[0]["title"].startswith("'=HYPERLINK")  # a spreadsheet takes it for text
    assert int(rows[0]["words"]) == report["words"]
    assert rows[1]["reason"]
    with pytest.raises(SettingsError, match="kind of report"):
        corpora.export_report("sampler", "exe")


def test_deleting_takes_one_corpus_and_nothing_else(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    build(shelf)
    build(shelf, "other")
    assert [one.name for one in corpora.listed()] == ["other", "sampler"]
    for name in ("../home", "sampler/..", "", "none"):
        with pytest.raises(CorpusError, match="no corpus"):
            corpora.delete(name)
    corpora.delete("sampler")
    assert corpus_names() == ["other"]
    assert [path.name for path in (arrived.parent / "corpora").iterdir()] == ["other"]


def test_a_damaged_corpus_is_listed_with_what_is_wrong(shelf: Bookshelf, arrived: Path) -> None:
    drop(shelf, arrived, whale__md=book("Whale"))
    build(shelf)
    (arrived.parent / "corpora" / "sampler" / "corpus.json").write_text("{")
    (line,) = corpora.listed()
    assert "damaged" in line.broken


def test_a_zip_of_books_is_read_book_by_book(shelf: Bookshelf, arrived: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("list/one.md", book("One"))
        archive.writestr("list/two.md", book("Two"))
    drop(shelf, arrived, archive__zip=packed.getvalue())
    assert sorted(one.title for one in shelf.entries(ADA)) == ["One", "Two"]
