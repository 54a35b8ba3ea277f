"""PDF files: what was printed, without what only the page needs, back in paragraphs and chapters."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import pdf
from narrative.corpus.readers.pdf import read
from narrative.corpus.readers.pdf_fonts import in_logical_order
from narrative.corpus.readers.pdf_lines import Line, pieces
from narrative.corpus.readers.pdf_paragraphs import Joiner, Printed
from narrative.corpus.readers.pdf_runs import Budget, Run
from narrative.errors import DocumentError

LEFT, LINE, SIZE = 72.0, 14.0, 10.0
# Courier: every letter is 0.6 of its size wide, so a line's end is known.
FULL = "the quick brown fox jumps over the lazy dog and then it runs far"  # 64 letters, 384 points
Text = tuple[float, float, float, str]  # x, y, size, text


def literal(text: str) -> bytes:
    encoded = text.encode("cp1252")
    return encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def drawn(texts: list[Text], font: str = "F1") -> bytes:
    return b"".join(
        b"BT /%s %g Tf 1 0 0 1 %g %g Tm (%s) Tj ET\n" % (font.encode(), size, x, y, literal(text)) for x, y, size, text in texts
    )


def lines(*texts: str, x: float = LEFT, y: float = 700, size: float = SIZE, step: float = LINE) -> list[Text]:
    """Lines one below the other; a leading tab indents by two letters, an empty one leaves a line out."""
    return [
        (x + (12 if text.startswith("\t") else 0), y - place * step, size, text.lstrip("\t")) for place, text in enumerate(texts) if text
    ]


def build(
    path: Path, *pages: bytes | list[Text], info: str = "", root: str = "", more: dict[int, bytes] | None = None, extra: str = ""
) -> Path:
    """A PDF with these content streams; `more` are further objects by number (from 90 on)."""
    count = len(pages)
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(count))
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {root} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold /Encoding /WinAnsiEncoding >>",
        5: f"<< {info} >>".encode("latin-1"),
    }
    for number, page in enumerate(pages):
        content = page if isinstance(page, bytes) else drawn(page)
        objects[10 + 2 * number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {11 + 2 * number} 0 R {extra}"
            f" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << /X1 90 0 R >> >> >>"
        ).encode()
        objects[11 + 2 * number] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    objects |= more or {}
    body, places = bytearray(b"%PDF-1.4\n"), {}
    for number, content in sorted(objects.items()):
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(
        b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n" for number in range(max(places) + 1)
    )
    start = len(body)
    body += b"xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        max(places) + 1,
        table,
        max(places) + 1,
        start,
    )
    path.write_bytes(bytes(body))
    return path


def only(path: Path, options: ReadOptions | None = None) -> Document:
    [document] = read(path, options or ReadOptions())
    return document


def texts(document: Document) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def kinds(document: Document) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in document.paragraphs]


def body(count: int = 12, *, page: int = 0) -> list[Text]:
    """A page of one long paragraph."""
    return lines(*[FULL[:54] + " page" + "abcdefghij"[page] * 5] * count)


def test_lines_are_joined_into_paragraphs_by_indents(tmp_path: Path) -> None:
    page = lines("\t" + FULL[:60], FULL, "ends here.", "\t" + FULL[:60], FULL, FULL)
    assert texts(only(build(tmp_path / "x.pdf", page))) == [f"{FULL[:60]} {FULL} ends here.", f"{FULL[:60]} {FULL} {FULL}"]


def test_a_gap_or_a_short_line_ends_a_paragraph(tmp_path: Path) -> None:
    page = lines(FULL, FULL, "", FULL, "Short.", FULL, FULL)
    assert texts(only(build(tmp_path / "x.pdf", page))) == [f"{FULL} {FULL}", f"{FULL} Short.", f"{FULL} {FULL}"]


def test_a_paragraph_goes_on_over_the_page(tmp_path: Path) -> None:
    first = lines("\t" + FULL[:60], FULL, FULL)
    second = lines("Then " + FULL[:59], "it ended.", "\t" + FULL[:60], FULL)
    assert texts(only(build(tmp_path / "x.pdf", first, second))) == [
        f"{FULL[:60]} {FULL} {FULL} Then {FULL[:59]} it ended.",
        f"{FULL[:60]} {FULL}",
    ]


def test_columns_are_read_one_after_the_other_even_when_drawn_row_by_row(tmp_path: Path) -> None:
    left = lines(*[f"left column line {number} has words" for number in range(8)], x=60)
    right = lines(*[f"right column line {number} has them" for number in range(8)], x=310)
    over = lines("A line that runs over both of the columns from the left to right end", x=60, y=730)
    rows = [part for pair in zip(left, right, strict=True) for part in pair]
    [first, *rest] = texts(only(build(tmp_path / "x.pdf", over + rows)))
    text = " ".join(rest)
    assert first.startswith("A line that runs")
    assert text.index("left column line 7") < text.index("right column line 0")
    assert text.count("column line") == 16


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    left, right = (lines(*[f"{word} {number}" for number in range(6)], x=x) for word, x in (("Chapter", 60), ("The Sea", 300)))
    text = "\n".join(texts(only(build(tmp_path / "x.pdf", left + right))))
    assert text.split("\n") == [f"Chapter {number}\tThe Sea {number}" for number in range(6)]


def test_running_heads_and_page_numbers_are_removed_and_chapter_numbers_are_not(tmp_path: Path) -> None:
    pages = []
    for number in range(8):
        head = lines("THE FOX" if number % 2 else "A. Writer 2024", y=760, size=8)
        pages.append(head + body(page=number) + lines(str(number + 11), x=300, y=40))
    pages.append(lines("7", x=300, y=740, size=SIZE) + body(page=9) + lines("19", x=300, y=40))
    text = " ".join(texts(only(build(tmp_path / "x.pdf", *pages))))
    assert "FOX" not in text
    assert "Writer" not in text
    assert [word for word in text.split() if word.isdigit()] == ["7"]
    assert text.count(FULL[:54]) == 9 * 12


def test_roman_page_numbers_are_removed(tmp_path: Path) -> None:
    pages = [body(page=page) + lines(f"- {number} -", x=300, y=40) for page, number in enumerate(("ix", "x", "xi", "xii"))]
    assert texts(only(build(tmp_path / "x.pdf", *pages))) == [" ".join(text for page in pages for *_, text in page[:-1])]


def test_lines_inside_the_page_that_repeat_are_kept(tmp_path: Path) -> None:
    pages = [lines(*[FULL] * 6, "Nevermore.", *[FULL] * 6, y=700 - number) for number in range(5)]
    assert " ".join(texts(only(build(tmp_path / "x.pdf", *pages)))).count("Nevermore.") == 5


def test_what_the_file_itself_calls_an_artifact_is_left_out(tmp_path: Path) -> None:
    page = b"/Artifact << /Type /Pagination >> BDC " + drawn(lines("Head", y=760)) + b"EMC " + drawn(lines("Text."))
    assert texts(only(build(tmp_path / "x.pdf", page))) == ["Text."]


@pytest.mark.parametrize(
    ("first", "second", "elsewhere", "joined"),
    [
        ("ele-", "phant", "", "elephant"),
        ("well-", "known", "a well-known fox", "well-known"),
        ("well-", "known", "a wellknown fox", "wellknown"),
        ("Anne-", "Marie", "", "Anne-Marie"),
        ("sea—", "and", "", "sea—and"),
        ("2009-", "10", "", "2009-10"),
        ("a -", "b", "", "a - b"),
        ("hy\u00ad", "phen", "", "hyphen"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_where_the_word_is_whole(
    tmp_path: Path, first: str, second: str, elsewhere: str, joined: str
) -> None:
    start = FULL[: 63 - len(first)].rstrip() + " " * (63 - len(first) - len(FULL[: 63 - len(first)].rstrip())) + " " + first
    page = lines("the " + elsewhere + " and " + FULL[: 55 - len(elsewhere)], start, second + " went on and on")
    assert joined + " went on" in " ".join(texts(only(build(tmp_path / "x.pdf", page))))


def test_where_a_document_never_hyphenates_its_hyphens_stay(tmp_path: Path) -> None:
    page = lines(
        *("the tea-cup and the sea-wall and the fox-hole and more of it all x", FULL[:60] + " tea-", "cup " + FULL[:56] + " sea-"),
        *("wall " + FULL[:50] + " bird-", "cage and so on."),
    )
    assert texts(only(build(tmp_path / "x.pdf", page)))[0].endswith("bird-cage and so on.")


def test_gaps_between_runs_are_spaces_and_kerning_is_not(tmp_path: Path) -> None:
    page = b"BT /F1 10 Tf 14 TL 72 700 Td [(W) 80 (ords) -600 (apart) -20 (ly)] TJ 0 -14 Td (next) Tj ( line) ' ET"
    assert " ".join(texts(only(build(tmp_path / "x.pdf", page)))) == "Words apartly next line"


def test_letters_printed_twice_to_look_bold_are_read_once(tmp_path: Path) -> None:
    assert texts(only(build(tmp_path / "x.pdf", lines("Bold") + lines("Bold", x=LEFT + 0.3)))) == ["Bold"]


def test_a_raised_figure_stays_in_its_line(tmp_path: Path) -> None:
    page = [*lines(FULL[:19]), (LEFT + 114, 704.0, 6.0, "3"), (LEFT + 120, 700.0, SIZE, "and more"), *lines(FULL, y=686)]
    assert texts(only(build(tmp_path / "x.pdf", page)))[0] == f"{FULL[:19]}3 and more"


def test_the_text_that_a_file_gives_instead_of_its_glyphs_is_taken(tmp_path: Path) -> None:
    page = b"BT /F1 10 Tf 72 700 Td (of) Tj /Span << /ActualText (fi) >> BDC (#) Tj EMC (ce) Tj ET"
    assert texts(only(build(tmp_path / "x.pdf", page))) == ["office"]


def test_forms_are_read_where_they_are_drawn_and_a_form_in_itself_ends(tmp_path: Path) -> None:
    inside = drawn(lines("inside", y=0, x=0)) + b"/X1 Do"
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Matrix [1 0 0 1 72 650] /Resources << /Font << /F1 3 0 R >> >>"
    form += b" /Length %d >>\nstream\n%s\nendstream"
    path = build(tmp_path / "x.pdf", drawn(lines("above")) + b"/X1 Do", more={90: form % (len(inside), inside)})
    assert set(texts(only(path))) == {"above", "inside"}


def test_verse_keeps_its_lines_and_short_speeches_are_paragraphs(tmp_path: Path) -> None:
    verse = lines("Tyger Tyger, burning", "In the forests of", "What immortal hand", "Could frame it?", x=LEFT + 24, y=640)
    speech = lines('\t"Yes."', '\t"No."', '\t"Why not?"', '\t"Because."', y=560)
    document = only(build(tmp_path / "x.pdf", lines(FULL, FULL) + verse + lines(FULL, FULL, y=588) + speech))
    assert ("verse", "Tyger Tyger, burning\nIn the forests of\nWhat immortal hand\nCould frame it?") in kinds(document)
    assert [text for text in texts(document) if text.startswith('"')] == ['"Yes."', '"No."', '"Why not?"', '"Because."']


def test_larger_or_bold_lines_are_headings_and_cut_chapters(tmp_path: Path) -> None:
    text = drawn(lines("In the wood", y=710), "F2") + drawn(lines(FULL, FULL, y=690))
    chapters = [drawn(lines(f"Chapter {number}", y=730, size=18)) + text for number in (1, 2)]
    document = only(build(tmp_path / "x.pdf", drawn(lines("The Fox", y=760, size=30)) + chapters[0], chapters[1]))
    assert [section.title for section in document.sections] == ["The Fox", "Chapter 2"]
    headings = [text for kind, text in kinds(document) if kind == "heading"]
    assert headings == ["The Fox", "Chapter 1", "In the wood", "Chapter 2", "In the wood"]


def test_bookmarks_tell_the_chapters(tmp_path: Path) -> None:
    outline = {
        90: b"<< /Type /Outlines /First 91 0 R /Last 92 0 R /Count 2 >>",
        91: b"<< /Title (One: the  sea) /Parent 90 0 R /Next 92 0 R /Dest [10 0 R /Fit] >>",
        92: b"<< /Title (Two) /Parent 90 0 R /Prev 91 0 R /Dest [12 0 R /Fit] >>",
    }
    pages = [lines("One: the sea", "", FULL, FULL), lines("Two", "", FULL, FULL)]
    document = only(build(tmp_path / "x.pdf", *pages, root="/Outlines 90 0 R", more=outline))
    assert [section.title for section in document.sections] == ["One: the sea", "Two"]


@pytest.mark.parametrize(("notes", "found"), [("place", ["1 A note about it."]), ("drop", [])])
def test_footnotes_stand_after_the_paragraph_at_the_foot_of_their_page(tmp_path: Path, notes: str, found: list[str]) -> None:
    first = lines(FULL, FULL, FULL) + lines("1 A note about it.", y=80, size=7)
    document = only(build(tmp_path / "x.pdf", first, lines("goes " + FULL[:59], "on.", "", FULL)), ReadOptions(notes=notes))
    assert [text for kind, text in kinds(document) if kind == "note"] == found
    assert texts(document)[0].endswith("far goes " + FULL[:59].strip() + " on.")


def test_list_items_hang_together(tmp_path: Path) -> None:
    page = lines("\u2022 " + FULL[:60], "\t" + FULL[:60], "\u2022 second")
    assert [kind for kind, _ in kinds(only(build(tmp_path / "x.pdf", page)))] == ["list", "list"]


def test_pages_without_text_are_counted_and_a_scanned_book_is_refused(tmp_path: Path) -> None:
    image = {90: b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /Length 1 >>\nstream\n0\nendstream"}
    document = only(build(tmp_path / "x.pdf", body(), b"/X1 Do", b"/X1 Do", more=image))
    assert document.warnings == ("2 of 3 pages have no text: they are scanned; run OCR first.",)
    with pytest.raises(DocumentError, match="no text in it: it is scanned; run OCR first"):
        only(build(tmp_path / "y.pdf", b"/X1 Do", more=image))


def test_a_page_printed_sideways_is_read_and_a_stamp_on_its_edge_is_not(tmp_path: Path) -> None:
    sideways = b"".join(b"BT /F1 10 Tf 0 1 -1 0 %d 72 Tm (%s) Tj ET\n" % (100 + 14 * place, literal(FULL)) for place in range(3))
    document = only(build(tmp_path / "x.pdf", sideways + drawn(lines("stamp"))))
    assert texts(document) == [" ".join([FULL] * 3)]
    assert document.warnings == ("5 characters that stand sideways on their page were left out.",)


def test_printers_marks_outside_the_trimmed_page_are_left_out(tmp_path: Path) -> None:
    document = only(build(tmp_path / "x.pdf", body() + lines("Fox.indd 12", y=10), extra="/TrimBox [30 30 580 760]"))
    assert texts(document) == [" ".join([body()[0][3]] * 12)]
    assert document.warnings == ("11 characters outside the trimmed page were left out.",)


def test_a_font_that_does_not_say_its_letters_gives_no_gibberish(tmp_path: Path) -> None:
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 >>] >>"
    )
    page = b"BT /F2 10 Tf 72 600 Td <00250026> Tj ET " + drawn(lines("Text."))
    document = only(build(tmp_path / "x.pdf", page, more={4: font}))
    assert texts(document) == ["Text."]
    assert "fonts do not say which letters" in document.warnings[0]


def test_title_author_and_language_come_from_the_files_metadata(tmp_path: Path) -> None:
    document = only(build(tmp_path / "x.pdf", body(), info="/Title ( The  Fox ) /Author (A. Writer)", root="/Lang (en-GB)"))
    assert (document.title, document.author, document.language) == ("The Fox", "A. Writer", "en-GB")


@pytest.mark.parametrize("title", ["Microsoft Word - x.doc", "untitled", "Book_final.indd", "Presentation1", ""])
def test_titles_that_a_program_made_up_are_none(tmp_path: Path, title: str) -> None:
    document = only(build(tmp_path / "x.pdf", body(), info=f"/Title ({title}) /Author (Administrator)"))
    assert (document.title, document.author) == ("", "")


def test_letters_written_from_the_right_are_put_in_reading_order() -> None:
    assert in_logical_order(list("םולש")) == list("שלום")
    assert "".join(in_logical_order(list("12 םולש"))) == "שלום 12"
    assert "".join(in_logical_order(list("abc"))) == "abc"
    assert "".join(in_logical_order(["ב", " ", "5", "2", " ", "א", ".)"], mirrored=True)) == "ב 25 א)."


def test_a_page_in_hebrew_is_read_from_the_right() -> None:
    drawn_from_the_left = [("\u05dd", 10, 16), ("2", 22, 28), ("5", 28, 34), ("\u05d1", 40, 46), ("\u05d0", 46, 52)]
    [line] = pieces([Run(text, left, right, 700, 20) for text, left, right in drawn_from_the_left])
    assert line.text == "\u05d0\u05d1 25 \u05dd"


def test_no_space_is_put_into_japanese() -> None:
    printed = [
        Line(text, 72, 172, 700 - 14 * place, 10, column=(72, 172))
        for place, text in enumerate(["\u592a\u5e73\u6d0b\u3092", "\u524d\u306b"])
    ]
    assert Joiner(printed).text(Printed(printed)) == "\u592a\u5e73\u6d0b\u3092\u524d\u306b"


def encrypted(path: Path, user: str) -> Path:
    writer = PdfWriter(clone_from=PdfReader(build(path, body())))
    writer.encrypt(user, "owner", algorithm="AES-128")
    writer.write(path)
    return path


def test_a_file_with_an_owners_password_is_read_and_one_with_a_readers_is_refused(tmp_path: Path) -> None:
    assert texts(only(encrypted(tmp_path / "x.pdf", ""))) == [" ".join([body()[0][3]] * 12)]
    with pytest.raises(DocumentError, match="protected by a password"):
        only(encrypted(tmp_path / "y.pdf", "secret"))


@pytest.mark.parametrize(
    "content", [b"", b"junk" * 400, b"PK\x03\x04" + b"\0" * 50, b"%PDF-1.4", b"%PDF-1.4\n%%EOF", b"\0" * 2000 + b"%PDF-1.4"]
)
def test_what_is_no_pdf_or_only_the_start_of_one_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=r"no PDF file|damaged"):
        only(path)
    with pytest.raises(DocumentError, match="can't be opened"):
        only(tmp_path / "nosuch.pdf")


def test_page_trees_and_forms_without_end_come_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = build(tmp_path / "x.pdf", body(), more={2: b"<< /Type /Pages /Kids [2 0 R 10 0 R 2 0 R] /Count 3 >>"})
    try:
        assert only(loop).words > 0
    except DocumentError as error:
        assert "damaged" in str(error)  # noqa: PT017
    twice = b"/X1 Do " * 2
    form = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X1 90 0 R >> >> /Length %d >>\nstream\n%s\nendstream"
    )
    monkeypatch.setattr("narrative.corpus.readers.pdf_runs.MAX_FORMS", 40)
    monkeypatch.setattr(pdf, "Budget", lambda: Budget(20_000))
    with pytest.raises(DocumentError, match="far more drawing"):
        only(build(tmp_path / "y.pdf", twice, more={90: form % (len(twice), twice)}))


def test_too_many_pages_or_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(tmp_path / "x.pdf", body(), body(), body())
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(DocumentError, match="has 3 pages; at most 2"):
        only(path)
    monkeypatch.setattr(pdf, "MAX_PART", 100)
    with pytest.raises(DocumentError, match="MB of PDF are read"):
        only(path)


def test_a_stream_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "Budget", lambda: Budget(1_000_000))
    bomb = zlib.compress(b"BT " * 1_000_000, 9)
    packed = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(bomb), bomb)
    with pytest.raises(DocumentError, match="far more drawing"):
        only(build(tmp_path / "x.pdf", body(), more={11: packed}))


def test_a_damaged_file_gives_a_document_or_a_reason_and_no_noise(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = build(tmp_path / "x.pdf", body(2), lines("Two"), info="/Title (T)", root="/Lang (en)").read_bytes()
    draw, path, outcomes = random.Random(7), tmp_path / "y.pdf", set()
    for _ in range(200):
        content = bytearray(good)
        for _ in range(draw.choice([1, 3, 10])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(bytes(content[: draw.choice([len(good), len(good), draw.randrange(len(good))])]))
        try:
            outcomes.add(type(only(path)))
        except DocumentError as error:
            assert str(error).endswith((".", "first."))  # noqa: PT017
            outcomes.add(DocumentError)
    assert outcomes == {Document, DocumentError}
    assert capfd.readouterr() == ("", "")
