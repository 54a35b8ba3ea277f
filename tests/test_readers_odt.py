"""OpenDocument texts: what stands in the document now is read once and in order."""

from __future__ import annotations

import contextlib
import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.odt import PREFIXES, read
from narrative.errors import DocumentError

NAMESPACES = " ".join(f'xmlns:{prefix}="{namespace}"' for namespace, prefix in PREFIXES.items())
STYLES = """
<office:styles>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph"/>
<style:style style:name="Title" style:family="paragraph"/>
<style:style style:name="Quotations" style:family="paragraph"/>
<style:style style:name="Caption" style:family="paragraph"/>
<style:style style:name="Figure" style:family="paragraph" style:parent-style-name="Caption"/>
<style:style style:name="Hidden" style:family="paragraph"><style:text-properties text:display="none"/></style:style>
</office:styles>
<office:automatic-styles>
<style:style style:name="MP1" style:family="paragraph" style:parent-style-name="Caption"/></office:automatic-styles>
<office:master-styles><style:master-page><style:header>
<text:p>running head</text:p></style:header></style:master-page></office:master-styles>
"""
AUTOMATIC = """
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Quotations"/>
<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Heading_20_1"/>
<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>
<style:style style:name="T2" style:family="text"><style:text-properties style:font-name="x"/></style:style>
"""


def p(content: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


def h(content: str, level: int = 1) -> str:
    return f'<text:h text:outline-level="{level}">{content}</text:h>'


def office(root: str, content: str) -> str:
    return f"<office:{root} {NAMESPACES}>{content}</office:{root}>"


def text(folder: Path, body: str, *, kind: str = "text", parts: dict[str, str | bytes] | None = None) -> Path:
    automatic = f"<office:automatic-styles>{AUTOMATIC}</office:automatic-styles>"
    contents: dict[str, str | bytes] = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": office("document-content", f"{automatic}<office:body><office:{kind}>{body}</office:{kind}></office:body>"),
        "styles.xml": office("document-styles", STYLES),
        **(parts or {}),
    }
    path = folder / "book.odt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in contents.items():
            package.writestr(name, content)
    return path


def only(path: Path, options: ReadOptions | None = None) -> Document:
    (document,) = read(path, options or ReadOptions())
    return document


def told(folder: Path, *body: str) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in only(text(folder, "".join(body))).paragraphs]


def texts(folder: Path, *body: str) -> list[str]:
    return [text for _, text in told(folder, *body)]


def test_white_space_of_the_xml_is_one_space_and_meant_white_space_stays(tmp_path: Path) -> None:
    body = p('\n  one \n <text:span text:style-name="T2"> two</text:span><text:s text:c="2"/>three<text:s/><text:tab/>four\n')
    assert texts(tmp_path, "\n  ", body, "\n  ") == ["one two  three \tfour"]
    assert texts(tmp_path, p('a<text:s text:c="99999999"/>b'), p('c<text:s text:c="x"/>d')) == ["a" + " " * 40 + "b", "c d"]


def test_a_line_break_makes_verse(tmp_path: Path) -> None:
    assert told(tmp_path, p("one<text:line-break/>two", "Quotations")) == [("verse", "one\ntwo")]
    assert told(tmp_path, h("one<text:line-break/>two")) == [("heading", "one two")]


def test_links_spans_fields_and_bookmarks_are_walked_through(tmp_path: Path) -> None:
    inside = '<text:a>a</text:a><text:span>b<text:span>c</text:span></text:span><text:bookmark text:name="x"/><text:date>d</text:date>'
    ruby = "<text:ruby><text:ruby-base>e</text:ruby-base><text:ruby-text>rt</text:ruby-text></text:ruby>"
    section = f"<text:section>{p('f')}</text:section>"
    assert texts(tmp_path, p(inside + ruby), section) == ["abcde", "f"]


def test_insertions_are_kept_and_deletions_are_not(tmp_path: Path) -> None:
    deletion = f"<text:changed-region><text:deletion>{p('old')}</text:deletion></text:changed-region>"
    body = p('a <text:change text:change-id="1"/><text:change-start text:change-id="2"/>new<text:change-end text:change-id="2"/>')
    assert texts(tmp_path, f"<text:tracked-changes>{deletion}</text:tracked-changes>", body) == ["a new"]


def test_what_is_hidden_or_said_in_the_margin_is_left_out(tmp_path: Path) -> None:
    body = [
        p('a<text:span text:style-name="T1">hidden</text:span>b'),
        p("hidden", "Hidden"),
        p(f'<text:hidden-paragraph text:is-hidden="true"/>hidden<draw:frame><draw:text-box>{p("hidden")}</draw:text-box></draw:frame>'),
        f'<text:section text:display="none">{p("hidden")}</text:section>',
        p('c<text:hidden-text text:is-hidden="true">hidden</text:hidden-text><text:hidden-text>shown</text:hidden-text>'),
        p(f"d<office:annotation><dc:creator>me</dc:creator>{p('hm')}</office:annotation>e"),
        p("<draw:frame><draw:image/><svg:title>alt</svg:title><svg:desc>more</svg:desc></draw:frame>f"),
    ]
    assert texts(tmp_path, *body) == ["ab", "cshown", "de", "f"]


NOTE = f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{p('First.')}{p('More.')}</text:note-body></text:note>"


def test_notes_stand_after_their_paragraph_or_are_left_out(tmp_path: Path) -> None:
    path = text(tmp_path, p(f"a{NOTE}b") + p("c"))
    assert [(each.kind, each.text) for each in only(path).paragraphs] == [
        ("text", "ab"),
        ("note", "First."),
        ("note", "More."),
        ("text", "c"),
    ]
    assert [each.text for each in only(path, ReadOptions(notes="drop")).paragraphs] == ["ab", "c"]


def test_text_boxes_and_shapes_stand_after_their_paragraph(tmp_path: Path) -> None:
    box = f"<draw:frame><draw:text-box>{p('boxed')}{p('again')}</draw:text-box></draw:frame>"
    shape = f"<draw:custom-shape>{p('shaped')}</draw:custom-shape>"
    assert texts(tmp_path, p(f"before {box}{shape}after"), p("next")) == ["before after", "boxed", "again", "shaped", "next"]
    assert texts(tmp_path, box, p("a")) == ["boxed", "again", "a"]


def test_lists_are_lists_without_bullets_and_numbered_headings_are_headings(tmp_path: Path) -> None:
    item = "<text:list-item>{}</text:list-item>".format
    inner = f"<text:list>{item(p('b'))}</text:list>"
    body = f"<text:list>{item('<text:number>1.</text:number>' + p('a') + inner)}{item(h('One'))}</text:list>"
    assert told(tmp_path, body, p("c")) == [("list", "a"), ("list", "b"), ("heading", "One"), ("text", "c")]


def test_a_row_of_a_table_is_one_paragraph(tmp_path: Path) -> None:
    cell, row = "<table:table-cell>{}</table:table-cell>".format, "<table:table-row>{}</table:table-row>".format
    inner = f"<table:table>{row(cell(p('n1')) + cell(p('n2')))}</table:table>"
    covered = f"<table:covered-table-cell>{p('under')}</table:covered-table-cell>"
    rows = row(cell(p(f"a{NOTE}")) + covered + cell(p("b") + p("c"))) + row(cell(inner) + cell(p("d"))) + row(cell(p("")))
    header = f"<table:table-header-rows>{row(cell(p('x')) + cell(p('y')))}</table:table-header-rows>"
    expected = [("table", "x\ty"), ("table", "a\tb\nc"), ("note", "First."), ("note", "More."), ("table", "n1\tn2\td")]
    assert told(tmp_path, f"<table:table>{header}{rows}</table:table>") == expected


def test_styles_say_what_a_paragraph_is(tmp_path: Path) -> None:
    styles = ["Quotations", "P1", "Figure", "P2", "Title", "MP1"]
    assert [kind for kind, _ in told(tmp_path, *(p("x", style) for style in styles))] == [
        *("quote", "quote", "caption", "heading", "heading", "text")  # MP1 is a caption only in headers and footers
    ]


def test_chapters_are_cut_at_the_top_headings(tmp_path: Path) -> None:
    document = only(text(tmp_path, p("My Book", "Title") + h("One") + p("a") + h("Part", 2) + p("b") + h("Two") + p("c")))
    assert [section.title for section in document.sections] == ["My Book", "One", "Two"]
    assert [len(section.paragraphs) for section in document.sections] == [1, 4, 2]
    assert document.title == "My Book"


@pytest.mark.parametrize(
    ("element", "role"), [("table-of-content", "contents"), ("alphabetical-index", "index"), ("bibliography", "bibliography")]
)
def test_an_index_is_a_section_of_its_role(tmp_path: Path, element: str, role: str) -> None:
    source = f"<text:{element}-source><text:index-title-template>Template</text:index-title-template></text:{element}-source>"
    entries = f"<text:index-body><text:index-title>{p('Heading', 'P2')}</text:index-title>{p('One 5')}{p('Two 9')}</text:index-body>"
    document = only(text(tmp_path, p("a") + f"<text:{element}>{source}{entries}</text:{element}>" + p("b")))
    assert [(section.role, section.title) for section in document.sections] == [("body", ""), (role, "Heading"), ("body", "")]
    assert [each.text for each in document.sections[1].paragraphs] == ["Heading", "One 5", "Two 9"]


META = "<office:meta><dc:title>{title}</dc:title><meta:initial-creator> Ada  Byron</meta:initial-creator><dc:creator>An Editor</dc:creator>"


def test_title_and_author_are_the_files_own(tmp_path: Path) -> None:
    meta = office("document-meta", META.format(title="The Sea") + "<dc:language>ar</dc:language></office:meta>")
    document = only(text(tmp_path, p("a"), parts={"meta.xml": meta}))
    assert (document.title, document.author, document.language) == ("The Sea", "Ada Byron", "ar")
    junk = office("document-meta", META.format(title="Untitled 1") + "</office:meta>")
    assert only(text(tmp_path, p("a"), parts={"meta.xml": junk})).title == ""


def test_headers_and_footers_are_not_read(tmp_path: Path) -> None:
    assert texts(tmp_path, p("a")) == ["a"]


def test_a_damaged_part_that_the_text_can_do_without_is_a_warning(tmp_path: Path) -> None:
    document = only(text(tmp_path, p("a"), parts={"styles.xml": b"<broken", "meta.xml": b""}))
    assert [each.text for each in document.paragraphs] == ["a"]
    assert len(document.warnings) == 2


LOCKED = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'


@pytest.mark.parametrize(
    "parts",
    [{"META-INF/manifest.xml": f"<manifest:manifest {NAMESPACES}>{LOCKED}</manifest:manifest>"}, {"encrypted-package": b"\x01\x02"}],
    ids=["part by part", "whole"],
)
def test_a_file_with_a_password_is_refused(tmp_path: Path, parts: dict[str, str | bytes]) -> None:
    with pytest.raises(DocumentError, match="password"):
        only(text(tmp_path, "", parts={"content.xml": b"\x93\x17\xfe", **parts}))


def test_what_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="spreadsheet"):
        only(text(tmp_path, p("a"), kind="spreadsheet"))
    with pytest.raises(DocumentError, match="no valid XML"):
        only(text(tmp_path, "", parts={"content.xml": "<office"}))
    path = tmp_path / "x.odt"
    for content in (b"", b"not a package", text(tmp_path, p("a")).read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(DocumentError, match="no whole zip"):
            only(path)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("word/document.xml", "<x/>")
    with pytest.raises(DocumentError, match="no OpenDocument"):
        only(path)


ENTITIES = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 9))


@pytest.mark.parametrize(
    "entities", ['<!ENTITY e8 SYSTEM "file:///etc/passwd">', '<!ENTITY e0 "ha">' + ENTITIES], ids=["external", "laughs"]
)
def test_entities_are_refused_unexpanded(tmp_path: Path, entities: str) -> None:
    body = office("document-content", f"<office:body><office:text>{p('&e8;')}</office:text></office:body>")
    with pytest.raises(DocumentError, match="entities"):
        only(text(tmp_path, "", parts={"content.xml": f"<!DOCTYPE d [{entities}]>{body}"}))


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"deep|depth"):
        only(text(tmp_path, "<text:section>" * 5000 + "</text:section>" * 5000))


def test_junk_gives_a_document_or_a_reason_and_nothing_else(tmp_path: Path) -> None:
    draw = random.Random(5)
    row = f"<table:table-row><table:table-cell>{p('a')}</table:table-cell></table:table-row>"
    body = h("One") + p(f"a<text:s/>{NOTE}") + f"<table:table>{row}</table:table>" + p(f"<draw:custom-shape>{p('s')}</draw:custom-shape>")
    good = text(tmp_path, body * 4).read_bytes()
    with zipfile.ZipFile(BytesIO(good)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    read_ones = 0
    for turn in range(200):
        path = tmp_path / "fuzz.odt"
        if turn % 2:  # the package
            path.write_bytes(spoilt(good, draw))
        else:  # one part of it
            name = draw.choice(list(parts))
            path = text(tmp_path, "", parts={**parts, name: spoilt(parts[name], draw)})
        with contextlib.suppress(DocumentError):
            read_ones += isinstance(only(path), Document)
    assert 0 < read_ones < 200


def spoilt(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed[: draw.randrange(len(changed))] if draw.random() < 0.3 else changed)
