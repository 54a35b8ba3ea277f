"""Tables and books of verse: which column is what, in any dialect, and rows that are wrong are counted and not fatal."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest

from narrative.corpus.document import Document, Paragraph
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import table, verse
from narrative.errors import DocumentError

STORY = "The old fox, who was tired, sat by the river; he thought about the winter."
ROWS = [[f"{STORY} It was day {number}.", "happy" if number % 2 else "sad", str(number)] for number in range(30)]


def put(tmp_path: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: str | tuple[str, ...]) -> list[Document]:
    return list(table.read(path, ReadOptions(**options)))  # type: ignore[arg-type]


def texts(documents: list[Document]) -> list[str]:
    return ["\n".join(paragraph.text for paragraph in document.paragraphs) for document in documents]


def written(rows: list[list[str]], **dialect: str) -> str:
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(rows)  # type: ignore[call-overload]
    return out.getvalue()


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
def test_any_dialect_is_read_with_and_without_a_header(tmp_path: Path, delimiter: str, quote: str, header: bool) -> None:
    rows = [["story", "label", "number"], *ROWS] if header else ROWS
    path = put(tmp_path, written(rows, delimiter=delimiter, quotechar=quote))
    documents = read(path, columns=("label",) if header else ("column 2",))
    assert texts(documents) == [row[0] for row in ROWS]
    assert [list(document.metadata.values()) for document in documents] == [[row[1]] for row in ROWS]
    assert documents[-1].warnings == ()


def test_quotes_inside_quotes_line_breaks_and_commas_stay_in_their_cell(tmp_path: Path) -> None:
    cell = 'He said: "No, never."\nThen he left,\n\nand slept.'
    assert texts(read(put(tmp_path, written([["id", "text"], ["1", cell], ["2", "b"]])))) == [
        'He said: "No, never."\nThen he left,\nand slept.',
        "b",
    ]
    escaped = 'id,text\n1,"He said: \\"No, never.\\""\n2,"b, c"\n'
    assert texts(read(put(tmp_path, escaped))) == ['He said: "No, never."', "b, c"]


def test_apostrophes_and_loose_quotes_in_tabs_are_text(tmp_path: Path) -> None:
    rows = "text\tlabel\n'Tis the fox's den\ta\n\"Hello, he said\tb\nIt's 5\" long\tc\n"
    assert texts(read(put(tmp_path, rows, "a.tsv"))) == ["'Tis the fox's den", '"Hello, he said', "It's 5\" long"]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert texts(read(put(tmp_path, f"text\n{STORY}\nOne, two\nThree\n"))) == [STORY, "One, two", "Three"]


@pytest.mark.parametrize("name", ["text", "Story", "CONTENT", "body", "tweet", "review", "sentence"])
def test_the_text_column_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    assert texts(read(put(tmp_path, f"note,{name}\nlonger than the other,a\nlonger than the other,b\n"))) == ["a", "b"]


def test_without_a_known_name_the_longest_column_is_the_text(tmp_path: Path) -> None:
    assert texts(read(put(tmp_path, jsonl({"a": "x", "b": STORY, "c": 123456}), "a.jsonl"))) == [STORY]


def test_chosen_columns_are_used_and_lists_and_numbers_become_text(tmp_path: Path) -> None:
    row = {"text": "no", "mine": "yes", "heading": " A  Title ", "by": "A. Nony", "tags": ["Twist", "Dialogue"], "gid": 12, "none": None}
    (document,) = read(
        put(tmp_path, jsonl(row), "a.jsonl"),
        text_column="mine",
        title_column="heading",
        author_column="by",
        columns=("tags", "gid", "none"),
    )
    assert texts([document]) == ["yes"]
    assert (document.title, document.author, document.metadata) == ("A Title", "A. Nony", {"tags": "Twist, Dialogue", "gid": "12"})


@pytest.mark.parametrize("option", ["text_column", "title_column", "author_column", "columns"])
def test_an_unknown_column_is_refused_with_those_there_are(tmp_path: Path, option: str) -> None:
    chosen = {option: ("nosuch",) if option == "columns" else "nosuch"}
    for path in (put(tmp_path, "id,text\n1,a\n"), put(tmp_path, jsonl({"id": 1, "text": "a"}), "a.jsonl")):
        with pytest.raises(DocumentError, match=r"There is no column 'nosuch'\. The columns are: id, text\."):
            read(path, **chosen)


def test_ragged_rows_are_read_and_counted_in_the_last_warning(tmp_path: Path) -> None:
    documents = read(put(tmp_path, "label,text\na,one\nb\nc,two, and more\nd,three\n"))
    assert texts(documents) == ["one", "two, and more", "three"]
    assert documents[0].warnings == documents[1].warnings == ()
    assert documents[2].warnings == (
        "Rows left out because they have no text: 1.",
        "Rows with more or fewer cells than there are columns: 2.",
    )


def test_bad_json_lines_are_counted_and_not_fatal(tmp_path: Path) -> None:
    lines = (
        jsonl({"text": "one"})
        + '{"text": "cut\n[1]\n"x"\n\n'
        + "[" * 100_000
        + "\n"
        + jsonl({"text": 7}, {"other": 1}, {"text": ""}, {"text": "two"})
    )
    documents = read(put(tmp_path, lines, "a.jsonl"))
    assert texts(documents) == ["one", "two"]
    assert documents[0].warnings == ()
    assert documents[1].warnings == (
        "Lines left out because they are no JSON objects: 4.",
        "Rows left out because the column 'text' holds no text but int: 1.",
        "Rows left out because they have no text: 2.",
    )


def test_zero_bytes_and_marks_do_no_harm(tmp_path: Path) -> None:
    assert texts(read(put(tmp_path, "\ufefflabel,text\na,o\0ne\nb,two\n"))) == ["one", "two"]
    assert texts(read(put(tmp_path, "label;text\na;Größe\nb;zwei\n".encode("utf-16")))) == ["Größe", "zwei"]
    (document,) = read(put(tmp_path, '{"text": "half \\ud83d"}\n', "a.jsonl"))
    assert document.paragraphs[0].text.encode() == b"half \xef\xbf\xbd"


def test_a_guessed_encoding_is_said_once(tmp_path: Path) -> None:
    sentence = "Où vas-tu ? L’été était fini, près de la forêt."  # noqa: RUF001
    rows = written([["id", "text"], *([str(number), sentence] for number in range(9))])
    documents = read(put(tmp_path, rows.encode("cp1252")))
    assert documents[3].paragraphs[0].text == sentence
    assert [len(document.warnings) for document in documents] == [1] + [0] * 8


def test_a_whole_book_in_a_row_is_cut_at_its_markdown_headings(tmp_path: Path) -> None:
    book = {"title": "The Fox", "author": "A. Nony", "text": "Before.\n\n## Chapter I \n\nThe _old_ fox.\n\n## II\n\nEnd."}
    (document,) = read(put(tmp_path, jsonl(book), "a.jsonl"))
    assert (document.title, document.author) == ("The Fox", "A. Nony")
    assert [section.title for section in document.sections] == ["", "Chapter I", "II"]
    assert document.sections[1].paragraphs == (Paragraph("Chapter I", "heading"), Paragraph("The old fox."))


def test_a_story_without_headings_among_markdown_books_is_markdown_too(tmp_path: Path) -> None:
    lines = jsonl({"text": "A _short_ one."}, {"text": "## Chapter I\n\nText."})
    assert texts(read(put(tmp_path, lines, "a.jsonl"))) == ["A short one.", "Chapter I\nText."]


def test_without_headings_asterisks_in_a_row_are_text(tmp_path: Path) -> None:
    assert texts(read(put(tmp_path, jsonl({"text": "*sigh* #sad 5 * 3"}), "a.jsonl"))) == ["*sigh* #sad 5 * 3"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "No row"),
        ("text,label\n", "No row"),
        ("text,label\n,a\n ,b\n", "No row has text in the column 'text'"),
        ('[{"text": "a"}]', "one JSON list"),
        ('{"text": 1}\n{"text": 2}\n', "No column holds text. The columns are: text"),
        ('{"text": "cut', "no JSON objects: 1"),
        (random.Random(3).randbytes(3_000), "not text"),
        (b"PK\x03\x04" + bytes(99), "zip package"),
    ],
    ids=["empty", "only a header", "no text", "a list", "no texts", "cut", "junk", "a workbook"],
)
def test_a_table_without_a_good_row_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        read(put(tmp_path, content))


def test_a_quote_that_is_never_closed_takes_bounded_memory_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CELL", 50_000)
    rows = [f'{number},"the fox, {number}"' if number < 450 else f"{number},the fox" for number in range(9_000)]
    rows[500] = '500,"the fox'
    documents = read(put(tmp_path, "id,text\n" + "\n".join(rows) + "\n"))
    assert len(documents) > 3_000
    assert documents[-1].paragraphs[0].text == "the fox"
    assert "can't be cut into cells: 1." in documents[-1].warnings[0]


def test_a_row_that_goes_over_a_thousand_lines_is_pointed_out(tmp_path: Path) -> None:
    rows = "id,text\n" + '1,"a, b"\n' * 450 + '2,"the fox\n' + "3,cat\n" * 2_000
    assert "a quote may be missing: 1." in read(put(tmp_path, rows))[-1].warnings[0]


def test_a_line_beyond_all_bounds_is_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_DOCUMENT", 5_000)
    lines = jsonl({"text": "one"}, {"text": "x" * 20_000}, {"text": "two"})
    documents = read(put(tmp_path, lines, "a.jsonl"))
    assert texts(documents) == ["one", "two"]
    assert "left out" in documents[-1].warnings[0]


def test_whatever_is_cut_or_flipped_only_documents_or_document_errors_come_out(tmp_path: Path) -> None:
    books = jsonl({"gid": 1, "title": "t", "stanzas": [["a", "b"], ["c"]]}, {"gid": 2, "stanzas": [["d"]]})
    goods = [written([["text", "label"], *ROWS[:8]]), jsonl({"text": "a"}, {"text": "## B\n\nc"}), books]
    draw = random.Random(7)
    seen = 0
    for number in range(210):
        good = goods[number % 3].encode()
        spoiled = bytearray(good[: draw.randrange(1, len(good))] if draw.random() < 0.5 else good)
        for _ in range(draw.choice([1, 5, 50])):
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
        reader = verse.read if number % 3 == 2 else table.read
        try:
            seen += len(list(reader(put(tmp_path, bytes(spoiled)), ReadOptions())))
        except DocumentError as error:
            assert str(error).endswith(".")  # noqa: PT017
    assert seen > 50


# --- verse --------------------------------------------------------------------------------------------------------

BOOK = {"gid": 24364, "author": "A. Poet", "title": "Songs", "period": "1875-1900", "stanzas": [["One ", "  two"], [], ["Three", ""]]}


def test_a_book_of_verse_is_a_document_and_a_stanza_a_paragraph(tmp_path: Path) -> None:
    (document,) = verse.read(put(tmp_path, jsonl(BOOK)), ReadOptions())
    assert (document.title, document.author) == ("Songs", "A. Poet")
    assert document.metadata == {"gid": "24364", "period": "1875-1900"}
    assert document.paragraphs == (Paragraph("One\ntwo", "verse"), Paragraph("Three", "verse"))


def test_lines_that_are_no_verse_are_counted_and_all_of_them_refused(tmp_path: Path) -> None:
    bad: list[object] = [{"title": "x"}, {"stanzas": "x"}, {"stanzas": [[1, None], "x"]}, [], 7]
    documents = list(verse.read(put(tmp_path, jsonl(bad[0], BOOK, *bad[1:])), ReadOptions()))
    assert len(documents) == 1
    assert documents[0].warnings == ("Lines left out because they are no books of verse: 5.",)
    with pytest.raises(DocumentError, match="No line of the file is a book of verse"):
        list(verse.read(put(tmp_path, jsonl(*bad)), ReadOptions()))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (json.dumps(BOOK), True),
        ("\ufeff" + json.dumps(BOOK)[:130], True),
        ('{"text": "stanzas"}', False),
        ('"stanzas": [', False),
        ("", False),
        ('{"stanzas": 3}', False),
    ],
)
def test_verse_is_known_by_its_first_line(line: str, answer: bool) -> None:
    assert verse.looks_like(line) is answer
