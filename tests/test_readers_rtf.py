"""RTF, and the binary Word files that LibreOffice makes readable: the text of the page in its own letters, and nothing else."""

from __future__ import annotations

import contextlib
import os
import random
import time
import zipfile
from pathlib import Path

import pytest

from narrative.corpus import limits
from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import doc, rtf
from narrative.errors import DocumentError

FONTS = (
    r"{\fonttbl{\f0\froman\fcharset0 Times;}{\f1\fnil\fcharset128 MS Mincho{\*\falt \'82\'6c};}{\f2\fcharset204 Times Cyr;}"
    r"{\f3\fcharset2 Symbol;}{\f4\fcharset2 Wingdings;}{\f5\fcharset1 Any;}{\f6\fcharset0\cpg1253 Greek;}}"
)
STYLES = (
    r"{\stylesheet{\ql Normal;}{\s1\sbasedon0\outlinelevel0 Kapitel;}{\s2 heading 2;}{\s3\sbasedon1 House chapter;}{\s4 Quote;}"
    r"{\s5 caption;}{\s6 Title;}{\s7 toc 1;}{\*\cs10 Default Font;}{\s8\sbasedon8 Loop;}{\s9\sbasedon1\outlinelevel9 Plain;}}"
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BINARY_WORD = OLE + b"\0" * 600 + "WordDocument".encode("utf-16-le")


def only(path: Path, options: ReadOptions | None = None) -> Document:
    (document,) = rtf.read(path, options or ReadOptions())
    return document


def rich(folder: Path, body: str | bytes, head: str = r"\ansi\ansicpg1252\deff0" + FONTS + STYLES) -> Path:
    path = folder / "book.rtf"
    text = body if isinstance(body, bytes) else body.encode("latin-1")
    path.write_bytes(b"{\\rtf1" + head.encode("latin-1") + b"\n" + text + b"}")
    return path


def told(folder: Path, body: str | bytes) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in only(rich(folder, body)).paragraphs]


def texts(folder: Path, body: str | bytes) -> list[str]:
    return [text for _, text in told(folder, body)]


def test_paragraphs_end_where_the_page_shows_it(tmp_path: Path) -> None:
    assert texts(tmp_path, "\\pard a\r\nb\\par c\\\nd\\page e\\sect f\\column g") == ["ab", "c", "d", "e", "f", "g"]
    assert texts(tmp_path, r"\par\par  \par a") == ["a"]


def test_a_line_break_makes_verse(tmp_path: Path) -> None:
    assert told(tmp_path, r"one\line two\par {\s1 One\line Two\par}") == [("verse", "one\ntwo"), ("heading", "One Two")]


def test_signs_stand_for_their_characters(tmp_path: Path) -> None:
    body = r"\ldblquote a\rdblquote\emdash b\endash c\rquote\~d\_e\-f\tab g\bullet\{\\\}"
    assert texts(tmp_path, body) == ["\u201ca\u201d\u2014b\u2013c\u2019\u00a0d\u2011e\u00adf\tg\u2022{\\}"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"caf\'e9 \'93x\'94", "café “x”"),
        (b"caf\xe9", "café"),
        (rb"{\f1 \'82\'a0\'83e\'95\'5c\'95\\}", "あテ表表"),
        (rb"{\f1 \'82" + b"\r\n" + rb"\'a0}\'e9", "あé"),
        (rb"{\f2 \'cf\'f0\'e8}\'e9", "При\u00e9"),
        (rb"{\f3 abg\'a3 \'a3}{\f4 \'e0 }", "\u03b1\u03b2\u03b3\u2264 \u2264\uf0e0"),
        (rb"{\f5 \'e9}{\f6 \'e1}{\f99 \'e9}", "é\u03b1é"),
        (rb"\f2 \'cf{\plain \'e9}\'f0", "\u041féр"),  # noqa: RUF001
    ],
    ids=["hexadecimal", "raw", "two bytes", "two bytes on two lines", "Cyrillic", "symbols", "unnamed fonts", "plain"],
)
def test_bytes_mean_what_their_font_says(tmp_path: Path, body: bytes, text: str) -> None:
    assert texts(tmp_path, body) == [text]


@pytest.mark.parametrize(
    ("head", "text"),
    [(r"\ansi\ansicpg1251", "Й"), (r"\mac", "È"), (r"\pc", "Θ"), (r"\ansi\ansicpg65001", "\ufffd"), (r"\ansi\ansicpg12", "É"), ("", "É")],
)
def test_without_fonts_the_document_says_what_bytes_mean(tmp_path: Path, head: str, text: str) -> None:
    assert only(rich(tmp_path, r"\'" + ("e9" if head in {r"\mac", r"\pc"} else "c9"), head)).paragraphs[0].text == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"\u8217?s", "’s"),  # noqa: RUF001
        (r"\u8217\'92s", "’s"),  # noqa: RUF001
        (r"{\uc2 \u12354\'82\'a0x}", "あx"),
        (r"{\uc0 \u8217 s}", "’s"),  # noqa: RUF001
        (r"\uc3\u8217 abcd{\uc1\u8217 e}", "’d’"),  # noqa: RUF001
        (r"\u-10179?\u-8694?!", "😊!"),
        (r"\u-10179?x\u-8694?y", "xy"),
        (r"\u1055\u1088?.", "Пр."),
        (r"\u8211\endash x\u8217\par", "–x’"),  # noqa: RUF001
        (r"{\f3\u-3999?}", "α"),  # noqa: RUF001
        (r"\uc99999999 a\u8217b", "a’"),  # noqa: RUF001
        (r"\u9999999999?a\u?b", "\ue3ffab"),
    ],
)
def test_unicode_is_read_and_what_stands_for_it_is_not(tmp_path: Path, body: str, text: str) -> None:
    assert texts(tmp_path, body) == [text]


def test_a_file_that_names_things_twice_is_read_in_unicode(tmp_path: Path) -> None:
    assert texts(tmp_path, r"{\upr{ascii}{\*\ud{\uc0 \u1071}}}b") == ["Яb"]


def test_destinations_that_are_not_on_the_page_are_left_out(tmp_path: Path) -> None:
    body = (
        r"{\header running\par}{\footerr 7}{\*\unknown what {deeper} it is}{\pict\wmetafile8 0102abcd}{\*\bkmkstart here}a"
        r"{\field{\*\fldinst HYPERLINK x}{\fldrslt {\ul there}}}{\xe entry}{\*\annotation hm}{\object{\*\objdata 01}{\result b}}"
    )
    assert texts(tmp_path, body) == ["athereb"]


def test_raw_bytes_are_passed_over(tmp_path: Path) -> None:
    assert texts(tmp_path, b"a{\\pict\\bin7 }}{{\\xx}b") == ["ab"]
    assert texts(tmp_path, b"a{\\pict\\bin-7 00}b") == ["ab"]


def test_a_large_first_letter_stands_in_its_word(tmp_path: Path) -> None:
    assert texts(tmp_path, r"{\pard\dropcapli3\dropcapt1 O\par}\pard nce upon\par a") == ["Once upon", "a"]


def test_hidden_and_deleted_text_is_left_out_and_insertions_are_kept(tmp_path: Path) -> None:
    assert texts(tmp_path, r"a{\v hidden}b\v hidden\v0 c{\deleted old\par}{\revised new}{\mvf from}\v x\plain d\par e") == ["abcnewd", "e"]


NOTE = r"{\super\chftn {\footnote\pard\plain \s9{\super\chftn } First.\par More.}}"


def test_notes_stand_after_their_paragraph_or_are_left_out(tmp_path: Path) -> None:
    path = rich(tmp_path, rf"\s1 a{NOTE}b\par\pard c\par")
    noted = [("heading", "ab"), ("note", "First."), ("note", "More."), ("text", "c")]
    assert [(each.kind, each.text) for each in only(path).paragraphs] == noted
    assert [each.text for each in only(path, ReadOptions(notes="drop")).paragraphs] == ["ab", "c"]
    assert texts(tmp_path, rf"a{{\deleted {NOTE}}}{{\*\footnote\ftnalt End.}}") == ["a", "End."]


def test_a_text_box_is_read_once_and_after_its_paragraph(tmp_path: Path) -> None:
    shape = r"{\shp{\*\shpinst{\sp{\sn shape}{\sv 202}}{\shptxt\pard boxed\par again\par}}{\shprslt{\*\do{\dptxbxtext boxed\par}}}}"
    assert texts(tmp_path, rf"before {shape}after\par next") == ["before after", "boxed", "again", "next"]
    assert texts(tmp_path, r"x{\*\do{\dptxbxtext\pard old\par}}") == ["x", "old"]


def test_a_row_of_a_table_is_one_paragraph(tmp_path: Path) -> None:
    rows = rf"\trowd\pard\intbl a{NOTE}\cell b\par c\cell\row\trowd\pard\intbl d\cell e\cell\pard\intbl\row\pard"
    expected = [("text", "x"), ("table", "a\tb\nc"), ("note", "First."), ("note", "More."), ("table", "d\te"), ("text", "y")]
    assert told(tmp_path, rf"x\par{rows} y\par") == expected
    inner = r"\pard\intbl\itap2 n1\nestcell n2\nestcell{\*\nesttableprops\nestrow}{\nonesttables\par}\pard\intbl\itap1 z\cell d\cell\row"
    assert texts(tmp_path, rf"\trowd{inner}\pard y") == ["n1\tn2\nz\td", "y"]
    assert texts(tmp_path, r"\trowd\pard\intbl a\cell b\par\pard y\par") == ["a\tb", "y"]  # a row that never ends


def test_lists_are_lists_without_bullets(tmp_path: Path) -> None:
    bullets = r"{\pntext\f3\'b7\tab}a\par{\listtext 1.\tab}b\par\pard\ls2 c\par\pard\ls0 d\par\s1{\listtext 1}One\par"
    assert told(tmp_path, bullets) == [("list", "a"), ("list", "b"), ("list", "c"), ("text", "d"), ("heading", "One")]


def test_styles_and_levels_say_what_a_paragraph_is(tmp_path: Path) -> None:
    kinds = [kind for kind, _ in told(tmp_path, "".join(rf"\pard\s{style} {style}\par" for style in (1, 2, 3, 4, 5, 6, 8, 9, 99, 0)))]
    assert kinds == ["heading", "heading", "heading", "quote", "caption", "heading", "text", "text", "text", "text"]
    assert told(tmp_path, r"\pard\outlinelevel1 a\par\pard b") == [("heading", "a"), ("text", "b")]


def test_chapters_are_cut_and_contents_marked(tmp_path: Path) -> None:
    body = r"\s6 My Book\par\pard\s7 One\tab 5\par Two\tab 9\par\pard\s1 One\par\pard a\par\s1 Two\par\pard b"
    document = only(rich(tmp_path, body))
    assert [(section.role, section.title) for section in document.sections] == [
        *(("body", "My Book"), ("contents", ""), ("body", "One"), ("body", "Two"))
    ]
    assert document.title == "My Book"


def test_title_and_author_are_the_files_own(tmp_path: Path) -> None:
    info = r"{\info{\upr{\title ???}{\*\ud{\title \u1071?\'e9}}}{\author Ada  Byron}{\author Ada}{\operator x}{\creatim\yr2004}}"
    document = only(rich(tmp_path, info + "a"))
    assert (document.title, document.author) == ("Яé", "Ada Byron")
    assert only(rich(tmp_path, r"{\info{\title Microsoft Word - x.doc}{\author }}a")).title == ""


def test_a_title_without_end_costs_nothing(tmp_path: Path) -> None:
    document = only(rich(tmp_path, r"{\info{\title " + r"ab\~" * 20_000 + "}}a"))
    assert len(document.title) < 2000


def test_a_cut_file_is_read_to_its_end_with_a_warning(tmp_path: Path) -> None:
    path = rich(tmp_path, r"a\par {\b b{\footnote c")
    path.write_bytes(path.read_bytes()[:-1])
    document = only(path)
    assert [each.text for each in document.paragraphs] == ["a", "b", "c"]
    assert "cut short" in document.warnings[0]
    assert only(rich(tmp_path, "a")).warnings == ()


def test_what_follows_the_end_is_not_read(tmp_path: Path) -> None:
    assert texts(tmp_path, "a} and {more}}}") == ["a"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no RTF"),
        (b"Dear reader", "no RTF"),
        (b"PK\x03\x04", "no RTF"),
        (b"{\\rtf1" + FONTS.encode("latin-1")[:40], "cut short"),
        (b"{\\rtf1" + b"{" * 1_000_000, "deep"),
    ],
    ids=["empty", "text", "zip", "cut in its head", "nested"],
)
def test_what_can_not_be_read_is_refused_by_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.rtf"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=reason):
        only(path)


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.rtf"
    with path.open("wb") as file:
        file.truncate(limits.MAX_PART + 1)
    with pytest.raises(DocumentError, match="100 MB"):
        only(path)


def test_junk_gives_a_document_or_a_reason_and_nothing_else(tmp_path: Path) -> None:
    draw = random.Random(7)
    rows = r"\trowd\pard\intbl\itap2 n\nestcell\nestrow\itap1 a\cell\row\pard "
    good = rich(
        tmp_path, (rf"\s1 One{NOTE}\par\pard {rows}{{\f1 \'82\'a0}}\u-10179?\u-8694?{{\shptxt b\par}}{{\v h}}\par") * 5
    ).read_bytes()
    alphabet = b"{}\\'0123456789abcdefu\x00\xff\n "
    for _ in range(200):
        changed = bytearray(good)
        for _ in range(draw.randint(1, 30)):
            changed[draw.randrange(5, len(changed))] = draw.choice(alphabet)
        path = tmp_path / "fuzz.rtf"
        path.write_bytes(changed[: draw.randrange(len(changed))] if draw.random() < 0.3 else changed)
        with contextlib.suppress(DocumentError):
            assert isinstance(only(path), Document)
    assert only(rich(tmp_path, "a")).words == 1


# binary Word files

CONVERTER = """#!/bin/sh
printf '%s\\n' "$@" > "{log}"
for last; do :; done
{work}
"""


def converter(folder: Path, monkeypatch: pytest.MonkeyPatch, work: str) -> Path:
    """Puts a soffice on the path that notes its arguments and then does `work`; returns where it notes them."""
    programs = folder / "bin"
    programs.mkdir()
    log = folder / "arguments"
    (programs / "soffice").write_text(CONVERTER.format(log=log, work=work))
    (programs / "soffice").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.defpath}")
    return log


def binary(folder: Path, content: bytes = BINARY_WORD) -> Path:
    path = folder / "-odd name.tmp"
    path.write_bytes(content)
    return path


def test_without_libreoffice_the_keeper_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DocumentError, match=r"Save it as \.docx"):
        list(doc.read(binary(tmp_path), ReadOptions()))


def test_with_libreoffice_what_it_made_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "made.docx", "w") as package:
        body = "<w:body><w:p><w:r><w:t>Once</w:t></w:r></w:p></w:body>"
        namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        package.writestr("word/document.xml", f'<w:document xmlns:w="{namespace}">{body}</w:document>')
    log = converter(
        tmp_path, monkeypatch, f'mkdir -p "$(dirname "$last")/out"; cp "{tmp_path}/made.docx" "$(dirname "$last")/out/book.docx"'
    )
    (document,) = doc.read(binary(tmp_path), ReadOptions())
    assert [each.text for each in document.paragraphs] == ["Once"]
    arguments = log.read_text().splitlines()
    assert arguments[0].startswith("-env:UserInstallation=file:///")
    assert "--headless" in arguments
    assert not Path(arguments[-1]).parent.exists()  # nothing is left behind


def test_a_file_that_libreoffice_can_not_convert_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(DocumentError, match="can't convert"):
        list(doc.read(binary(tmp_path), ReadOptions()))


def test_a_conversion_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, monkeypatch, f'sleep 600 & echo $! > "{tmp_path}/child"; wait')
    monkeypatch.setattr(doc, "CONVERT_SECONDS", 0.5)
    with pytest.raises(DocumentError, match="took more than"):
        list(doc.read(binary(tmp_path), ReadOptions()))
    assert gone(int((tmp_path / "child").read_text()))


def gone(process: int) -> bool:
    """Whether the process ends within a second: a killed one may wait a moment for whoever takes note of it."""
    for _ in range(50):
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no binary Word file"),
        (b"just text", "no binary Word file"),
        (OLE + b"\0" * 600, "no Word document"),
        (OLE + b"\0" * 504 + b"\xec\xa5" + b"\0" * 9 + b"\x01" + "WordDocument".encode("utf-16-le"), "password"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
    ids=["empty", "text", "another container", "locked", "locked new"],
)
def test_libreoffice_is_not_asked_about_what_is_no_word_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    log = converter(tmp_path, monkeypatch, "exit 0")
    with pytest.raises(DocumentError, match=reason):
        list(doc.read(binary(tmp_path, content), ReadOptions()))
    assert not log.exists()
