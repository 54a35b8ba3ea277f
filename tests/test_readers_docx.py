"""Word files: what stands on the page is read once and in order, and nothing else is."""

from __future__ import annotations

import contextlib
import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.docx import read
from narrative.errors import DocumentError

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

STYLES = """
<w:style w:type="paragraph" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="Kapitel"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="House"><w:name w:val="House chapter"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="NoHead"><w:name w:val="Plain"/><w:basedOn w:val="Heading2"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Quote"><w:name w:val="Quote"/></w:style>
<w:style w:type="paragraph" w:styleId="Caption"><w:name w:val="caption"/></w:style>
<w:style w:type="paragraph" w:styleId="Bullet"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="TOCHeading"><w:name w:val="TOC Heading"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="character" w:styleId="Secret"><w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Pool"/></w:style>
<w:style w:type="paragraph" w:styleId="Pool"><w:name w:val="y"/><w:basedOn w:val="Loop"/></w:style>
"""
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:creator> Ada  Byron </dc:creator>'
    "<dc:language>en-GB</dc:language></cp:coreProperties>"
)


def t(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(*runs: str, style: str = "", properties: str = "") -> str:
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{styled}{properties}</w:pPr>{''.join(runs)}</w:p>"


def part(root: str, content: str, namespace: str = W) -> str:
    return f'<w:{root} xmlns:w="{namespace}" xmlns:mc="{MC}" xmlns:m="{RELATIONS[:-13]}math">{content}</w:{root}>'


def word(
    folder: Path, body: str, *, main: str = "word/document.xml", namespace: str = W, parts: dict[str, str | bytes] | None = None
) -> Path:
    kinds = {"officeDocument": main} | ({"core-properties": "docProps/core.xml"} if parts and "docProps/core.xml" in parts else {})
    relations = "".join(f'<Relationship Id="{kind}" Type="{RELATIONS}/{kind}" Target="/{target}"/>' for kind, target in kinds.items())
    contents: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE_RELATIONS}">{relations}</Relationships>',
        main: part("document", f"<w:body>{body}<w:sectPr/></w:body>", namespace),
        "word/styles.xml": part("styles", STYLES, namespace),
        **(parts or {}),
    }
    path = folder / "book.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in contents.items():
            package.writestr(name, content)
    return path


def only(path: Path, options: ReadOptions | None = None) -> Document:
    (document,) = read(path, options or ReadOptions())
    return document


def told(folder: Path, *body: str) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in only(word(folder, "".join(body))).paragraphs]


def texts(folder: Path, *body: str) -> list[str]:
    return [text for _, text in told(folder, *body)]


def test_insertions_are_kept_and_deletions_are_not(tmp_path: Path) -> None:
    body = p(
        t("a "),
        f"<w:ins>{t('new ')}</w:ins>",
        "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>",
        f"<w:moveFrom>{t('gone')}</w:moveFrom><w:moveTo>{t('come')}</w:moveTo>",
        "<w:r><w:delText>stray</w:delText></w:r>",
    )
    assert texts(tmp_path, body) == ["a new come"]


def test_a_deleted_paragraph_end_joins_two_paragraphs(tmp_path: Path) -> None:
    deleted = "<w:rPr><w:del/></w:rPr>"
    stops = '<w:tabs><w:tab w:val="left" w:pos="7"/></w:tabs>'
    assert texts(tmp_path, p(t("fire"), properties=deleted), p(t("fly"), properties=stops), p(t("next"))) == ["firefly", "next"]
    assert texts(tmp_path, p(properties=deleted), p(t("b")), p(t("last"), properties=deleted)) == ["b", "last"]


def test_a_large_first_letter_stands_in_its_word(tmp_path: Path) -> None:
    letter = p(t("O"), properties='<w:framePr w:dropCap="drop" w:lines="3"/>')
    assert texts(tmp_path, letter, p(t("nce upon")), p(t("framed"), properties='<w:framePr w:w="9"/>'), p(t("a"))) == [
        "Once upon",
        "framed",
        "a",
    ]


def test_deleted_rows_and_cells_of_tables_are_left_out(tmp_path: Path) -> None:
    rows = [f"<w:tr><w:trPr>{mark}</w:trPr><w:tc>{p(t(text))}</w:tc></w:tr>" for mark, text in (("<w:del/>", "old"), ("<w:ins/>", "new"))]
    cells = f"<w:tr><w:tc><w:tcPr><w:cellDel/></w:tcPr>{p(t('x'))}</w:tc><w:tc>{p(t('y'))}</w:tc></w:tr>"
    assert texts(tmp_path, f"<w:tbl>{''.join(rows)}{cells}</w:tbl>") == ["new", "y"]


def field(instruction: str, result: str) -> str:
    step = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    return f"{step('begin')}<w:r><w:instrText>{instruction}</w:instrText></w:r>{step('separate')}{t(result)}{step('end')}"


def test_of_a_field_the_result_is_read_and_not_the_instruction(tmp_path: Path) -> None:
    nested = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>'
        + field("PAGE", "7")
        + '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        + t("odd")
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    assert texts(tmp_path, p(t("see "), field("HYPERLINK x", "there"), t(" and "), nested, t("."))) == ["see there and odd."]
    assert texts(tmp_path, p(f'<w:fldSimple w:instr="X">{t("simple")}</w:fldSimple>')) == ["simple"]


def test_a_field_that_never_ends_hides_no_other_paragraph(tmp_path: Path) -> None:
    assert texts(tmp_path, p(t("a"), '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'), p(t("b"))) == ["a", "b"]
    open_ones = '<w:r><w:fldChar w:fldCharType="begin"/><w:fldChar w:fldCharType="separate"/><w:t>a</w:t></w:r>' * 5_000
    assert [len(text) for text in texts(tmp_path, p(open_ones))] == [5_000]


def test_links_controls_and_tags_are_walked_through(tmp_path: Path) -> None:
    body = p(
        f"<w:hyperlink>{t('a')}</w:hyperlink><w:smartTag>{t('b')}</w:smartTag><w:sdt><w:sdtPr/><w:sdtContent>{t('c')}</w:sdtContent></w:sdt>"
    )
    block = f"<w:sdt><w:sdtContent>{p(t('d'))}</w:sdtContent></w:sdt><w:customXml>{p(t('e'))}</w:customXml>"
    prompt = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{p(t('Click here'))}</w:sdtContent></w:sdt>"
    assert texts(tmp_path, body, block, prompt) == ["abc", "d", "e"]


def test_signs_stand_for_their_characters(tmp_path: Path) -> None:
    signs = (
        '<w:r><w:tab/><w:t>x</w:t><w:noBreakHyphen/><w:t>y</w:t><w:softHyphen/><w:t>z</w:t><w:ptab/><w:sym w:font="Symbol" w:char="F061"/>'
        '<w:sym w:font="Wingdings" w:char="F0E0"/><w:sym w:font="Symbol" w:char="zz"/></w:r>'
    )
    assert texts(tmp_path, p(t("a"), signs)) == ["a\tx\u2011y\u00adz\t\u03b1\uf0e0"]


def test_a_line_break_makes_verse_and_a_page_break_a_paragraph(tmp_path: Path) -> None:
    assert told(tmp_path, p(t("one"), "<w:r><w:br/></w:r>", t("two"), "<w:r><w:cr/></w:r>", t(" three "))) == [
        ("verse", "one\ntwo\n three")
    ]
    page = '<w:r><w:br w:type="page"/></w:r>'
    assert told(tmp_path, p(page, t("Top"), style="House"), p(t("a"), page, t("b"))) == [("heading", "Top"), ("text", "a"), ("text", "b")]


def test_a_line_break_in_a_heading_is_a_space(tmp_path: Path) -> None:
    document = only(word(tmp_path, p(t("One"), "<w:r><w:br/></w:r>", t("The Sea"), style="House") + p(t("x"))))
    assert document.sections[0].title == document.paragraphs[0].text == "One The Sea"


def test_hidden_text_is_left_out_and_text_made_visible_again_is_not(tmp_path: Path) -> None:
    hidden, shown = "<w:rPr><w:vanish/></w:rPr>", '<w:rPr><w:rStyle w:val="Secret"/><w:vanish w:val="0"/></w:rPr>'
    by_style = '<w:rPr><w:rStyle w:val="Secret"/></w:rPr>'
    runs = [f"<w:r>{properties}<w:t>{text}</w:t></w:r>" for properties, text in ((hidden, "a"), (by_style, "b"), (shown, "c"))]
    assert texts(tmp_path, p(*runs, t("d"))) == ["cd"]


def test_former_properties_do_not_count(tmp_path: Path) -> None:
    change = '<w:pPrChange><w:pPr><w:pStyle w:val="House"/><w:outlineLvl w:val="0"/></w:pPr></w:pPrChange>'
    assert told(tmp_path, p(t("text"), properties=change)) == [("text", "text")]


_SEPARATOR = f'<w:footnote w:type="separator" w:id="0">{p(t("____"))}</w:footnote>'
_FOOTNOTE = f'<w:footnote w:id="2">{p(t(" First."))}{p(t("More."))}</w:footnote>'
NOTES = {
    "word/footnotes.xml": part("footnotes", _SEPARATOR + _FOOTNOTE),
    "word/endnotes.xml": part("endnotes", f'<w:endnote w:id="2">{p(t("Last."))}</w:endnote>'),
}
REFERRING = p(t("a"), '<w:r><w:footnoteReference w:id="2"/></w:r>', t("b"), '<w:r><w:endnoteReference w:id="2"/></w:r>') + p(t("c"))


def test_notes_stand_after_the_paragraph_that_refers_to_them(tmp_path: Path) -> None:
    document = only(word(tmp_path, REFERRING + REFERRING, parts=NOTES))
    told = [(paragraph.kind, paragraph.text) for paragraph in document.paragraphs]
    once = [("text", "ab"), ("note", "First."), ("note", "More."), ("note", "Last."), ("text", "c")]
    assert told == [*once, ("text", "ab"), ("text", "c")]  # a note stands once


def test_notes_can_be_left_out(tmp_path: Path) -> None:
    document = only(word(tmp_path, REFERRING, parts=NOTES), ReadOptions(notes="drop"))
    assert [paragraph.text for paragraph in document.paragraphs] == ["ab", "c"]


def test_a_notes_own_mark_is_no_text_and_a_deleted_reference_places_nothing(tmp_path: Path) -> None:
    marked = p(t("a"), '<w:r><w:footnoteReference w:customMarkFollows="1" w:id="2"/><w:t>*</w:t></w:r>', t("b"))
    assert [each.text for each in only(word(tmp_path, marked, parts=NOTES)).paragraphs] == ["ab", "First.", "More."]
    deleted = p(t("a"), '<w:del><w:r><w:footnoteReference w:id="2"/></w:r></w:del>')
    assert [each.text for each in only(word(tmp_path, deleted, parts=NOTES)).paragraphs] == ["a"]


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def either(choice: str, fallback: str) -> str:
    branches = f"<mc:Choice>{choice}</mc:Choice><mc:Fallback>{fallback}</mc:Fallback>"
    return f"<w:r><mc:AlternateContent>{branches}</mc:AlternateContent></w:r>"


def box(*paragraphs: str) -> str:
    return f"<w:txbxContent>{''.join(paragraphs)}</w:txbxContent>"


def test_a_text_box_is_read_once_and_after_its_paragraph(tmp_path: Path) -> None:
    twice = either(box(p(t("boxed")), p(t("again"))), box(p(t("boxed"))))
    assert texts(tmp_path, p(t("before "), twice, t("after"))) == ["before after", "boxed", "again"]
    assert texts(tmp_path, p(t("x"), either("", box(p(t("old")))))) == ["x", "old"]


def test_a_row_of_a_table_is_one_paragraph(tmp_path: Path) -> None:
    inner = table((p(t("n1")), p(t("n2"))))
    rows = table((p(t("a")), p(t("b")) + p(t("c"))), (inner + p(), p(t("d"))), (p(), p()))
    expected = [("text", "x"), ("table", "a\tb\nc"), ("table", "n1\tn2\td"), ("text", "y")]
    assert told(tmp_path, p(t("x")), rows, p(t("y"))) == expected


def test_a_note_in_a_table_stands_after_its_row(tmp_path: Path) -> None:
    row = table((p(t("a"), '<w:r><w:footnoteReference w:id="2"/></w:r>'), p(t("b"))))
    document = only(word(tmp_path, row, parts=NOTES))
    assert [each.text for each in document.paragraphs] == ["a\tb", "First.", "More."]


def test_styles_say_what_a_paragraph_is(tmp_path: Path) -> None:
    styles = ["berschrift1", "Heading2", "House", "Quote", "Caption", "Bullet", "NoHead", "Loop", "Nowhere"]
    kinds = [kind for kind, _ in told(tmp_path, *(p(t(style), style=style) for style in styles))]
    assert kinds == ["heading", "heading", "heading", "quote", "caption", "list", "text", "text", "text"]


def test_a_paragraphs_own_level_and_numbering_outweigh_its_style(tmp_path: Path) -> None:
    none = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    some = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="5"/></w:numPr>'
    body = [
        p(t("a"), style="Bullet", properties=none),
        p(t("b"), properties=some),
        p(t("c"), properties='<w:outlineLvl w:val="1"/>'),
        p(t("d"), style="Heading2", properties='<w:outlineLvl w:val="9"/>'),
    ]
    assert [kind for kind, _ in told(tmp_path, *body)] == ["text", "list", "heading", "text"]


def test_headings_are_known_without_a_part_for_styles(tmp_path: Path) -> None:
    path = word(tmp_path, p(t("One"), style="Heading1") + p(t("x")), parts={"word/styles.xml": part("styles", "")})
    assert only(path).sections[0].title == "One"


def test_chapters_are_cut_at_the_top_headings(tmp_path: Path) -> None:
    headed = [
        ("Title", "My Book"),
        ("", "by me"),
        ("House", "One"),
        ("", "a"),
        ("Heading2", "Part"),
        ("", "b"),
        ("House", "Two"),
        ("", "c"),
    ]
    document = only(word(tmp_path, "".join(p(t(text), style=style) for style, text in headed)))
    assert [section.title for section in document.sections] == ["My Book", "One", "Two"]
    assert [each.text for each in document.sections[1].paragraphs] == ["One", "a", "Part", "b"]
    assert document.title == "My Book"


def test_a_number_and_a_name_below_it_are_one_heading(tmp_path: Path) -> None:
    headed = [("House", "I"), ("House", "The Sea"), ("", "a"), ("House", "II"), ("House", "The Sky"), ("", "b")]
    document = only(word(tmp_path, "".join(p(t(text), style=style) for style, text in headed)))
    assert [len(section.paragraphs) for section in document.sections] == [3, 3]


def test_a_table_of_contents_is_a_section_of_that_role(tmp_path: Path) -> None:
    toc = p(t("Contents"), style="TOCHeading") + p(t("One"), "<w:r><w:tab/></w:r>", t("5"), style="TOC1") + p(t("Two"), style="TOC1")
    document = only(word(tmp_path, p(t("front")) + toc + p(t("One"), style="House") + p(t("x"))))
    assert [(section.role, section.title) for section in document.sections] == [("body", ""), ("contents", "Contents"), ("body", "One")]
    declared = '<w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
    control = f"<w:sdt>{declared}<w:sdtContent>{p(t('Here'), style='House')}{p(t('One 5'))}</w:sdtContent></w:sdt>"
    assert [section.role for section in only(word(tmp_path, control + p(t("x")))).sections] == ["contents", "body"]
    alone = only(word(tmp_path, p(t("a")) + p(t("b"), style="TOC1") + p(t("c"))))
    assert [section.role for section in alone.sections] == ["body"]  # one line in that style is no table


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("The Sea", "The Sea"),
        (" The\n Sea ", "The Sea"),
        ("Untitled", ""),
        ("Microsoft Word - x.doc", ""),
        ("novel_final.docx", ""),
        ("", ""),
    ],
)
def test_the_title_is_the_files_own_unless_it_is_junk(tmp_path: Path, said: str, title: str) -> None:
    document = only(word(tmp_path, p(t("x")), parts={"docProps/core.xml": CORE.format(title=said)}))
    assert (document.title, document.author, document.language) == (title, "Ada Byron", "en-GB")


def test_headers_footers_and_comments_are_not_read(tmp_path: Path) -> None:
    others = {
        f"word/{name}.xml": part(root, p(t("running"))) for name, root in (("header1", "hdr"), ("footer1", "ftr"), ("comments", "comments"))
    }
    body = p(t("a"), '<w:commentRangeStart w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>', t("b"))
    assert [each.text for each in only(word(tmp_path, body, parts=others)).paragraphs] == ["ab"]


def test_the_main_part_is_where_the_package_says_and_strict_files_are_read(tmp_path: Path) -> None:
    body = p(t("One"), style="House") + p(t("x"))
    document = only(
        word(tmp_path, body, main="elsewhere/main.xml", namespace=STRICT, parts={"elsewhere/styles.xml": part("styles", STYLES, STRICT)})
    )
    assert [each.kind for each in document.paragraphs] == ["heading", "text"]


def test_text_without_words_around_it_is_kept_as_typed(tmp_path: Path) -> None:
    assert texts(tmp_path, p(t("two  spaces &amp; “quotes” — 🦊"), t("\nnext"))) == ["two  spaces & “quotes” — 🦊 next"]
    assert texts(tmp_path, "\n  ", p(t("a"), "\n   "), "<w:p/>", p(t("  "))) == ["a"]


def test_a_damaged_part_that_the_text_can_do_without_is_a_warning(tmp_path: Path) -> None:
    document = only(word(tmp_path, REFERRING, parts={"word/styles.xml": b"<w:styles", **NOTES}))
    assert document.paragraphs[0].text == "ab"
    assert len(document.warnings) == 1
    assert "word/styles.xml" in document.warnings[0]


def test_a_file_inside_the_file_is_a_warning(tmp_path: Path) -> None:
    document = only(word(tmp_path, p(t("a")) + '<w:altChunk r="x"/><w:altChunk/>'))
    assert len(document.warnings) == 1
    assert "not read" in document.warnings[0]


def test_a_document_without_text_has_no_sections(tmp_path: Path) -> None:
    assert only(word(tmp_path, "<w:p/>")).sections == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no whole zip"),
        (b"just some text", "no whole zip"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (OLE + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "binary Word file"),
        (OLE + b"\0" * 504 + b"\xec\xa5" + b"\0" * 9 + b"\x01" + "WordDocument".encode("utf-16-le"), "protected by a password"),
        (OLE + b"\0" * 600, "no Word document"),
    ],
    ids=["empty", "text", "locked", "renamed .doc", "renamed and locked .doc", "another container"],
)
def test_what_is_no_docx_is_refused_by_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.docx"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=reason):
        only(path)


def test_a_cut_file_another_package_and_a_broken_main_part_are_refused(tmp_path: Path) -> None:
    path = word(tmp_path, p(t("x")))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DocumentError, match="cut short"):
        only(path)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/epub+zip")
    with pytest.raises(DocumentError, match="no Word document"):
        only(path)
    with pytest.raises(DocumentError, match="no Word document"):
        only(word(tmp_path, "", parts={"word/document.xml": "<workbook/>"}))
    with pytest.raises(DocumentError, match="no valid XML"):
        only(word(tmp_path, "", parts={"word/document.xml": part("document", "<w:body>")[:-9]}))


ENTITIES = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 9))


@pytest.mark.parametrize(
    "entities", ['<!ENTITY e8 SYSTEM "file:///etc/passwd">', '<!ENTITY e0 "ha">' + ENTITIES], ids=["external", "laughs"]
)
def test_entities_are_refused_unexpanded(tmp_path: Path, entities: str) -> None:
    attack = f"<!DOCTYPE d [{entities}]>" + part("document", f"<w:body>{p(t('&e8;'))}</w:body>")
    with pytest.raises(DocumentError, match="entities"):
        only(word(tmp_path, "", parts={"word/document.xml": attack}))


def test_bombs_are_refused(tmp_path: Path) -> None:
    deep = part("document", "<w:sdt>" * 5000 + "</w:sdt>" * 5000)
    with pytest.raises(DocumentError, match=r"deep|depth"):
        only(word(tmp_path, "", parts={"word/document.xml": deep}))
    with pytest.raises(DocumentError, match="unpacks to more"):
        only(word(tmp_path, "", parts={"word/document.xml": b" " * 5_000_000}))


def rich(folder: Path) -> Path:
    row = table((p(t("a")), p(t("b"))))
    boxed = either(box(p(t("boxed"))), box(p(t("boxed"))))
    body = (
        p(t("One"), style="House")
        + REFERRING
        + row
        + p(boxed, field("X", "r"), f"<w:ins>{t('i')}</w:ins>", '<w:r><w:sym w:char="F061"/></w:r>')
    )
    return word(folder, body * 3, parts={**NOTES, "docProps/core.xml": CORE.format(title="T")})


def test_junk_gives_a_document_or_a_reason_and_nothing_else(tmp_path: Path) -> None:
    draw, good = random.Random(3), rich(tmp_path).read_bytes()
    with zipfile.ZipFile(BytesIO(good)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    read_ones = 0
    for turn in range(200):
        path = tmp_path / "fuzz.docx"
        if turn % 2:  # the package
            path.write_bytes(spoilt(good, draw))
        else:  # one part of it
            name = draw.choice(list(parts))
            path = word(tmp_path, "", parts={**parts, name: spoilt(parts[name], draw)})
        with contextlib.suppress(DocumentError):
            read_ones += isinstance(only(path), Document)
    assert 0 < read_ones < 200


def spoilt(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed[: draw.randrange(len(changed))] if draw.random() < 0.3 else changed)
