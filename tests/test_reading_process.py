"""The process that reads: what a file does to its reader, the next file doesn't notice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from narrative.corpus import reading_process
from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.options import ReadOptions
from narrative.corpus.reading_process import ReadingProcess
from narrative.errors import DocumentError

OPTIONS = ReadOptions()
TROUBLE = """
import json, os, signal, sys, time
for line in sys.stdin:
    name = json.loads(line)["name"]
    if name == "silent": time.sleep(60)
    if name == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if name == "noisy": sys.stderr.write("x" * 1_000_000); sys.stderr.flush()
    document = {"title": name, "sections": [], "author": "", "language": "", "metadata": {}, "warnings": []}
    for _ in range(50 if name == "long" else 1):
        print(json.dumps({"format": "text", "document": document}), flush=True)
    print(json.dumps({"end": True}), flush=True)
"""


def file_of(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def troubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A child that does on command what a reader must not do."""
    package = tmp_path / "narrative" / "corpus"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    (package / "reading_child.py").write_text(TROUBLE, encoding="utf-8")
    monkeypatch.setattr(reading_process, "ROOT", tmp_path)
    return tmp_path


def test_a_document_comes_through_unchanged(tmp_path: Path) -> None:
    path = file_of(tmp_path, "tale.txt", "Once upon a time.\n\nThe End, said Zoë: ﷽ \U0001f98a.\n")
    with ReadingProcess() as reading:
        ((form, document),) = reading.read(path, name="tale.txt", options=OPTIONS)
    assert form == "text"
    assert isinstance(document, Document)
    assert isinstance(document.sections[0], Section)
    assert document.paragraphs[-1] == Paragraph("The End, said Zoë: ﷽ \U0001f98a.")


def test_one_child_reads_many_files_and_ends_with_its_block(tmp_path: Path) -> None:
    path = file_of(tmp_path, "tale.txt", "Once upon a time.")
    with ReadingProcess() as reading:
        for _ in range(3):
            assert len(list(reading.read(path, name="tale.txt", options=OPTIONS))) == 1
        process = reading._child._process  # type: ignore[union-attr]
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("empty.txt", "", "empty"),
        ("blank.txt", "  \n\n \n", "no text in"),
        ("tale.xyz", "Once upon a time.", "that end in .xyz are not read"),
        ("tale.epub", "Once upon a time.", "damaged or cut short"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_reason_and_the_next_file_is_read(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    with ReadingProcess() as reading:
        with pytest.raises(DocumentError, match=reason):
            list(reading.read(file_of(tmp_path, name, text), name=name, options=OPTIONS))
        assert list(reading.read(file_of(tmp_path, "good.txt", "A good text."), name="good.txt", options=OPTIONS))


def test_a_name_that_lies_is_seen_through_and_said(tmp_path: Path) -> None:
    path = file_of(tmp_path, "letter.docx", r"{\rtf1\ansi A letter in rich text.\par}")
    with ReadingProcess() as reading:
        ((form, document),) = reading.read(path, name="letter.docx", options=OPTIONS)
    assert form == "RTF"
    assert document.paragraphs[0].text == "A letter in rich text."
    assert document.warnings[0] == "Its name ends in .docx, but it is an RTF file and was read as one."


@pytest.mark.parametrize(("name", "reason"), [("silent", "said nothing for 2 seconds"), ("crash", r"broke down \(exit status -11\)")])
def test_a_reader_that_hangs_or_crashes_is_replaced(troubled: Path, name: str, reason: str) -> None:
    with ReadingProcess(silence=2.0) as reading:
        started = time.monotonic()
        with pytest.raises(DocumentError, match=reason):
            list(reading.read(troubled, name=name, options=OPTIONS))
        assert time.monotonic() - started < 20
        assert [document.title for _, document in reading.read(troubled, name="good", options=OPTIONS)] == ["good"]


def test_a_child_that_was_killed_between_two_files_is_replaced(troubled: Path) -> None:
    with ReadingProcess() as reading:
        assert list(reading.read(troubled, name="one", options=OPTIONS))
        os.kill(reading._child._process.pid, signal.SIGKILL)  # type: ignore[union-attr]
        reading._child._process.wait()  # type: ignore[union-attr]
        assert [document.title for _, document in reading.read(troubled, name="two", options=OPTIONS)] == ["two"]


def test_what_a_reader_prints_stops_nobody(troubled: Path) -> None:
    with ReadingProcess(silence=10.0) as reading:
        assert [document.title for _, document in reading.read(troubled, name="noisy", options=OPTIONS)] == ["noisy"]


def test_leaving_a_file_half_way_leaves_nothing_of_it_for_the_next(troubled: Path) -> None:
    with ReadingProcess() as reading:
        documents = reading.read(troubled, name="long", options=OPTIONS)
        next(documents)
        documents.close()  # type: ignore[attr-defined]
        assert [document.title for _, document in reading.read(troubled, name="next", options=OPTIONS)] == ["next"]
