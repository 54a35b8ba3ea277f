"""ePub: reading order, chapters, roles, notes and verse come out as the book has them, and no file can do harm."""

from __future__ import annotations

import random
import time
import zipfile
from pathlib import Path

import pytest

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.epub import read
from narrative.errors import DocumentError

CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
HEAD = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>t</title></head>'
METADATA = "<dc:title>The Fox</dc:title><dc:creator>A. Writer</dc:creator><dc:language>en-GB</dc:language>"


def page(body: str, *, attributes: str = "") -> str:
    return f"{HEAD}<body {attributes}>{body}</body></html>"


def nav(*lines: tuple[str, str], more: str = "") -> str:
    listed = "".join(f'<li><a href="{href}">{title}</a></li>' for href, title in lines)
    return page(f'<nav epub:type="toc"><h1>Contents</h1><ol>{listed}</ol></nav>{more}')


def book(
    path: Path,
    pages: dict[str, str | bytes],
    *,
    metadata: str = METADATA,
    contents: str | None = None,
    spine: str | None = None,
    guide: str = "",
    parts: dict[str, str | bytes] | None = None,
    missing: tuple[str, ...] = (),
) -> Path:
    """An ePub with these pages in this order, and a nav document when there are `contents`."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in pages)
    items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>' if contents else ""
    order = spine if spine is not None else "".join(f'<itemref idref="{name}"/>' for name in pages)
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:opf="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata>{metadata}</metadata><manifest>{items}</manifest><spine>{order}</spine><guide>{guide}</guide></package>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/epub+zip")
        for name, content in {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": opf, **(parts or {})}.items():
            package.writestr(name, content)
        if contents:
            package.writestr("OEBPS/nav.xhtml", contents)
        for name, content in pages.items():
            if name not in missing:
                package.writestr(f"OEBPS/{name}.xhtml", content)
    return path


def only(path: Path, notes: str = "place") -> Document:
    (document,) = read(path, ReadOptions(notes=notes))
    return document


def of(tmp_path: Path, body: str, notes: str = "place") -> list[tuple[str, str]]:
    """Kind and text of each paragraph of a book with one page."""
    return [(paragraph.kind, paragraph.text) for paragraph in only(book(tmp_path / "b.epub", {"one": page(body)}), notes).paragraphs]


def shape(document: Document) -> list[tuple[str, str, list[str]]]:
    return [(section.role, section.title, [paragraph.text for paragraph in section.paragraphs]) for section in document.sections]


def test_pages_come_in_the_order_of_the_spine_with_titles_from_the_contents(tmp_path: Path) -> None:
    pages: dict[str, str | bytes] = {
        "b": page("<h1>Second</h1><p>Two.</p>"),
        "a": page("<h1>First</h1><p>One.</p>"),
        "plan": page("<p>A map.</p>"),
    }
    contents = nav(("a.xhtml", "I. First"), ("b.xhtml", "II. Second"))
    spine = '<itemref idref="plan" linear="no"/><itemref idref="a"/><itemref idref="b"/>'
    document = only(book(tmp_path / "x.epub", pages, contents=contents, spine=spine))
    assert shape(document) == [
        ("body", "I. First", ["First", "One."]),
        ("body", "II. Second", ["Second", "Two."]),
        ("body", "", ["A map."]),
    ]
    assert (document.title, document.author, document.language) == ("The Fox", "A. Writer", "en-GB")
    assert document.warnings == ()


def test_the_main_title_and_the_authors_are_those_of_the_metadata(tmp_path: Path) -> None:
    metadata = (
        '<dc:title id="s">A Subtitle</dc:title><meta refines="#s" property="title-type">subtitle</meta>'
        '<dc:title id="m"> The  Main </dc:title><meta refines="#m" property="title-type">main</meta>'
        '<dc:creator id="t">T. Lator</dc:creator><meta refines="#t" property="role">trl</meta>'
        '<dc:creator id="a">Ann</dc:creator><meta refines="#a" property="role">aut</meta>'
        '<dc:creator opf:role="aut">Ben</dc:creator><dc:creator>Cy</dc:creator>'
    )
    document = only(book(tmp_path / "x.epub", {"a": page("<p>x</p>")}, metadata=metadata))
    assert (document.title, document.author) == ("The Main", "Ann, Ben and Cy")


@pytest.mark.parametrize("title", ["", "Untitled", " unknown "])
def test_what_programs_put_for_a_title_is_none(tmp_path: Path, title: str) -> None:
    metadata = f"<dc:title>{title}</dc:title><dc:creator>Unknown</dc:creator><dc:language>und</dc:language>"
    document = only(book(tmp_path / "x.epub", {"a": page("<p>x</p>")}, metadata=metadata))
    assert (document.title, document.author, document.language) == ("", "", "")


def test_the_old_table_of_contents_gives_titles_too(tmp_path: Path) -> None:
    point = "<navPoint><navLabel><text>{}</text></navLabel><content src='{}'/></navPoint>"
    ncx = f"<ncx xmlns='x'><navMap>{point.format('Uno', 'a%20b.xhtml#x')}{point.format('Due', 'a%20b.xhtml#y')}</navMap></ncx>"
    opf = (
        "<package><metadata/><manifest><item id='a' href='a%20b.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/></manifest>"
        "<spine toc='n'><itemref idref='a'/></spine></package>"
    )
    body = page("<p id='x'>1.</p><div><a id='y'/><p>2.</p></div>")
    path = book(tmp_path / "x.epub", {}, parts={"OEBPS/toc.ncx": ncx, "OEBPS/a b.xhtml": body})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "y.epub", "w") as new:
        for name in old.namelist():
            new.writestr(name, opf if name == "OEBPS/book.opf" else old.read(name))
    assert shape(only(tmp_path / "y.epub")) == [("body", "Uno", ["1."]), ("body", "Due", ["2."])]


def test_a_page_with_several_chapters_is_cut_where_the_contents_point(tmp_path: Path) -> None:
    pages: dict[str, str | bytes] = {
        "a": page('<section id="one"><h2>One</h2><p>1</p></section><p>2</p><h2 id="two">Two</h2><p>3</p>'),
        "b": page('<p>4</p><h2 id="three">Three</h2><p>5</p>'),
    }
    contents = nav(("a.xhtml#one", "One"), ("a.xhtml#two", "Two"), ("b.xhtml#three", "Three"))
    sections = shape(only(book(tmp_path / "x.epub", pages, contents=contents)))
    assert sections == [("body", "One", ["One", "1", "2"]), ("body", "Two", ["Two", "3", "4"]), ("body", "Three", ["Three", "5"])]


def test_a_page_with_several_top_headings_is_cut_there_and_subheadings_stay(tmp_path: Path) -> None:
    body = "<h1>I</h1><h2>of foxes</h2><p>1</p><h2>of hens</h2><p>2</p><h1>II</h1><p>3</p>"
    pages: dict[str, str | bytes] = {
        "a": page(body),
        "b": page("<h1>III</h1><p>4</p><h2>x</h2><p>5</p><h2>y</h2><p>6</p>"),
        "c": page("<p>7</p>"),
    }
    titles = [section.title for section in only(book(tmp_path / "x.epub", pages)).sections]
    assert titles == ["I", "II", "III", ""]


def test_split_files_without_a_line_in_the_contents_continue_their_chapter(tmp_path: Path) -> None:
    pages: dict[str, str | bytes] = {
        "a": page("<h1>One</h1><p>1</p>"),
        "a2": page("<p>2</p>"),
        "b": page('<div><img src="x.png" alt="Chapter Two"/></div>'),
        "b2": page("<p>3</p>"),
        "c": page("<h1>Unlisted</h1><p>4</p>"),
    }
    contents = nav(("a.xhtml", "One"), ("b.xhtml", "Two"))
    sections = shape(only(book(tmp_path / "x.epub", pages, contents=contents)))
    assert sections == [("body", "One", ["One", "1", "2"]), ("body", "Two", ["3"]), ("body", "Unlisted", ["Unlisted", "4"])]


def test_pages_say_what_they_are_and_none_is_dropped(tmp_path: Path) -> None:
    pages: dict[str, str | bytes] = {
        "cover": page("<p>The Fox</p>"),
        "p1": page("<p>© 2020</p>", attributes='epub:type="frontmatter copyright-page"'),
        "p2": page("<p>For Ann</p>"),
        "p3": page("<p>Once.</p>"),
        "p4": page(
            '<section epub:type="chapter"><h1>1</h1><p>x</p></section><section epub:type="index"><h1>Index</h1><p>fox, 3</p></section>'
        ),
        "p5": page("<h1>Books</h1>", attributes='role="doc-bibliography"'),
    }
    landmarks = '<nav epub:type="landmarks"><ol><li><a epub:type="preface" href="p3.xhtml">Preface</a></li></ol></nav>'
    guide = '<reference type="dedication" href="p2.xhtml"/>'
    spine = "".join(f'<itemref idref="{name}"/>' for name in [*pages, "nav"])
    document = only(book(tmp_path / "x.epub", pages, contents=nav(("p4.xhtml", "1"), more=landmarks), guide=guide, spine=spine))
    assert [(section.role, section.paragraphs[0].text) for section in document.sections] == [
        ("cover", "The Fox"),
        ("copyright", "© 2020"),
        ("dedication", "For Ann"),
        ("preface", "Once."),
        ("body", "1"),
        ("index", "Index"),
        ("bibliography", "Books"),
        ("contents", "Contents"),
    ]


@pytest.mark.parametrize("name", ["cover", "titlepage", "01_Cover-Page"])
def test_a_whole_book_in_a_file_called_cover_is_no_cover(tmp_path: Path, name: str) -> None:
    short, long = (book(tmp_path / f"{words}.epub", {name: page(f"<p>{'word ' * words}</p>")}) for words in (5, 5_000))
    assert only(short).sections[0].role in {"cover", "title page"}
    assert only(long).sections[0].role == "body"


NOTED = (
    '<p>The fox<a epub:type="noteref" href="#n1">1</a> ran<sup>[<a href="notes.xhtml#n2">2</a>]</sup>.</p><p>It was gone.</p>'
    '<aside epub:type="footnote" id="n1" hidden="hidden"><p>A vixen.</p></aside>'
)
ENDNOTES = (
    '<section epub:type="endnotes"><h2>Notes</h2>'
    '<div role="doc-endnote" id="n2">2. Fast. <a role="doc-backlink" href="a.xhtml">back</a></div></section>'
)


def test_notes_stand_after_the_paragraph_that_refers_to_them(tmp_path: Path) -> None:
    path = book(tmp_path / "x.epub", {"a": page(NOTED), "notes": page(ENDNOTES)})
    placed = [(paragraph.kind, paragraph.text) for paragraph in only(path).paragraphs]
    assert placed == [("text", "The fox1 ran[2]."), ("note", "A vixen."), ("note", "2. Fast."), ("text", "It was gone.")]
    dropped = [(paragraph.kind, paragraph.text) for paragraph in only(path, "drop").paragraphs]
    assert dropped == [("text", "The fox ran."), ("text", "It was gone.")]


def test_links_that_lead_to_each_other_make_a_note_where_nothing_declares_one(tmp_path: Path) -> None:
    body = (
        '<p>He left.<a id="r1" href="#n1">*</a></p><p>She stayed.</p>'
        '<p><a id="n1" href="#r1">*</a> In May.</p><p>See <a id="r9" href="#c2">the next</a>.</p>'
    )
    assert of(tmp_path, body)[:3] == [("text", "He left.*"), ("note", "* In May."), ("text", "She stayed.")]
    assert ("text", "He left.") in of(tmp_path, body, "drop")
    assert "In May" not in str(of(tmp_path, body, "drop"))


def test_a_list_of_chapters_and_headings_that_lead_back_to_it_are_no_notes(tmp_path: Path) -> None:
    body = '<p><a id="t1" href="#c1">1</a></p><h2 id="c1"><a href="#t1">1</a></h2><p>Text.</p>'
    assert of(tmp_path, body) == [("text", "1"), ("heading", "1"), ("text", "Text.")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>one<br/>two<br/></p>", [("verse", "one\ntwo")]),
        ("<p>one<br/><br/>two</p>", [("text", "one"), ("text", "two")]),
        ("<pre>  a\n    b\n\nc</pre>", [("verse", "  a\n    b"), ("verse", "c")]),
        ('<div class="stanza"><div>one</div> <p>two</p></div>', [("verse", "one\ntwo")]),
        ("<h1>One<br/>Two</h1>", [("heading", "One Two")]),
        ("<blockquote><p>q</p></blockquote>", [("quote", "q")]),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", [("list", "a"), ("list", "b"), ("list", "c")]),
        ("<table><tr><th>a</th><td><p>b<br/>c</p></td></tr><tr><td/><td>d</td></tr></table>", [("table", "a\tb c"), ("table", "\td")]),
        ("<table><tr><td><p>one</p><p>two</p></td></tr></table>", [("text", "one"), ("text", "two")]),
        ('<figure><img src="x" alt="A fox"/><figcaption>Fig. 1</figcaption></figure>', [("caption", "Fig. 1")]),
        ("<p>a <b>b</b>\n\t c</p>", [("text", "a b c")]),
        ("<p>a<!-- no -->b<?no no?>c</p>", [("text", "abc")]),
        ("<p>&nbsp;</p><p>a&nbsp;b&mdash;c&amp;d</p>", [("text", "a\xa0b—c&d")]),
        ("one<p>two</p>three", [("text", "one"), ("text", "two"), ("text", "three")]),
        ('<p>a<span epub:type="pagebreak">12</span>b<span class="pagenum">[13]</span></p>', [("text", "ab")]),
        ('<p>a</p><script>x</script><style>y</style><svg><text>z</text></svg><p hidden="">h</p>', [("text", "a")]),
        ('<p style="display: none">x</p><p>b</p>', [("text", "b")]),
        ("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字</p>", [("text", "漢字")]),
        ('<p dir="rtl">ما هو السرطان؟</p>', [("text", "ما هو السرطان؟")]),
        ('<p class="chapter-title">One</p><p>x</p>', [("heading", "One"), ("text", "x")]),
    ],
)
def test_markup_becomes_kinds_of_paragraphs(tmp_path: Path, body: str, expected: list[tuple[str, str]]) -> None:
    assert of(tmp_path, body) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "shift_jis"])
def test_the_declared_encoding_counts(tmp_path: Path, encoding: str) -> None:
    text = "漢字" if encoding == "shift_jis" else "Käse"
    content = f'<?xml version="1.0" encoding="{encoding}"?>{page(f"<p>{text}&nbsp;x</p>")}'.encode(encoding)
    document = only(book(tmp_path / "x.epub", {"a": content}))
    assert (document.paragraphs[0].text, document.warnings) == (f"{text}\xa0x", ())


def test_broken_pages_are_read_as_browsers_do_and_missing_ones_are_named(tmp_path: Path) -> None:
    pages: dict[str, str | bytes] = {"a": page("<p>One <b>two</p><p>three &bogus; four"), "gone": "", "c": page("<p>five</p>")}
    document = only(book(tmp_path / "x.epub", pages, missing=("gone",)))
    assert [paragraph.text for paragraph in document.paragraphs] == ["One two", "three &bogus; four", "five"]
    assert len(document.warnings) == 2
    assert "a.xhtml" in document.warnings[0]
    assert "gone.xhtml" in document.warnings[1]


@pytest.mark.parametrize("method", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_obfuscated_fonts_are_no_hindrance_and_encrypted_text_is_refused(tmp_path: Path, method: str) -> None:
    def listing(part: str) -> dict[str, str | bytes]:
        data = f'<EncryptionMethod Algorithm="{method}"/><CipherData><CipherReference URI="{part}"/></CipherData>'
        return {"META-INF/encryption.xml": f"<encryption><EncryptedData>{data}</EncryptedData></encryption>"}

    pages: dict[str, str | bytes] = {"a b": page("<p>x</p>")}
    assert only(book(tmp_path / "x.epub", pages, parts=listing("OEBPS/font.otf"))).words == 1
    with pytest.raises(DocumentError, match="encrypted"):
        only(book(tmp_path / "y.epub", pages, parts=listing("OEBPS/a%20b.xhtml")))


def test_entities_of_a_dtd_stay_shut(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    bomb = "".join(f'<!ENTITY l{level + 1} "{f"&l{level};" * 10}">' for level in range(9))
    dtd = f'<!DOCTYPE html [<!ENTITY l0 "lol">{bomb}<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    document = only(book(tmp_path / "x.epub", {"a": dtd + page("<p>before &l9; &x; after</p>")}))
    assert "SECRET" not in document.paragraphs[0].text
    assert len(document.paragraphs[0].text) < 100
    assert document.paragraphs[0].text.startswith("before")


def test_deep_nesting_costs_one_page_and_no_crash(tmp_path: Path) -> None:
    deep = "<div>" * 100_000 + "deep" + "</div>" * 100_000
    document = only(book(tmp_path / "x.epub", {"a": page(deep), "b": page("<p>fine</p>")}))
    assert [paragraph.text for paragraph in document.paragraphs] == ["fine"]
    assert "OEBPS/a.xhtml" in document.warnings[0]


def test_a_page_that_unpacks_to_far_too_much_is_left_out(tmp_path: Path) -> None:
    document = only(book(tmp_path / "x.epub", {"a": page("<p>" + " " * 3_000_000 + "</p>"), "b": page("<p>fine</p>")}))
    assert [paragraph.text for paragraph in document.paragraphs] == ["fine"]
    assert "unpacks to more" in document.warnings[0]


def test_a_package_without_an_order_is_read_in_the_order_of_its_list(tmp_path: Path) -> None:
    document = only(book(tmp_path / "x.epub", {"a": page("<p>1</p>"), "b": page("<p>2</p>")}, spine=""))
    assert [paragraph.text for paragraph in document.paragraphs] == ["1", "2"]
    assert "no reading order" in document.warnings[0]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"%PDF-1.7 junk", bytes(range(256)) * 40])
def test_what_is_no_zip_is_refused_with_the_reason(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.epub").write_bytes(content)
    with pytest.raises(DocumentError, match=r"damaged|zip"):
        only(tmp_path / "x.epub")


def test_another_kind_of_package_and_a_book_of_pictures_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.epub", "w") as package:
        package.writestr("word/document.xml", "<x/>")
    with pytest.raises(DocumentError, match="no ePub"):
        only(tmp_path / "x.epub")
    with pytest.raises(DocumentError, match="no text"):
        only(book(tmp_path / "y.epub", {"a": page('<img src="1.png" alt="One"/>')}))


def test_damage_of_any_kind_gives_a_document_or_a_reason(tmp_path: Path) -> None:
    contents = nav(("a.xhtml#c", "One"), ("notes.xhtml", "Notes"))
    body = NOTED + '<h1 id="c">One</h1><table><tr><td>1</td><td>2</td></tr></table><pre> x</pre>'
    good = book(tmp_path / "x.epub", {"a": page(body), "notes": page(ENDNOTES)}, contents=contents)
    packed = good.read_bytes()
    with zipfile.ZipFile(good) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    draw = random.Random(3)
    outcomes = set()
    for turn in range(200):
        path = tmp_path / "fuzz.epub"
        if turn % 4 == 0:
            path.write_bytes(damaged(packed, draw))
        else:
            with zipfile.ZipFile(path, "w") as package:
                hit = draw.choice(sorted(parts))
                for name, content in parts.items():
                    package.writestr(name, damaged(content, draw) if name == hit else content)
        try:
            document = only(path)
            str(document).encode()
            outcomes.add("document")
        except DocumentError as error:
            outcomes.add("reason" if str(error).endswith(".") else str(error))
    assert outcomes == {"document", "reason"}


def damaged(content: bytes, draw: random.Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(draw.randint(1, 12)):
        if spoiled:
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
    return bytes(spoiled[: draw.randint(0, len(spoiled))] if draw.random() < 0.3 else spoiled)


def test_pages_made_to_be_slow_are_read_quickly(tmp_path: Path) -> None:
    """Nested elements that all look like notes, headings or page numbers, and thousands of marks and headings."""
    nested = '<div class="footnote chapter pagenum" id="x">' * 150 + "<i>a</i>" * 5_000 + "</div>" * 150
    marks = "".join(f'<p id="p{n}"><a id="r{n}" href="#n">1</a></p>' for n in range(2_000)) + "<h1>x</h1>" * 5_000
    started = time.process_time()
    only(book(tmp_path / "x.epub", {"a": page(nested), "b": page(marks)}))
    assert time.process_time() - started < 5
