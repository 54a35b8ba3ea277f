"""HTML: the text of a page without its furniture, whatever its encoding and however it is broken."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from narrative.corpus import limits
from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import html
from narrative.errors import DocumentError

GOOD = (
    '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>The Fox</title><meta name="author" content="A. Writer">'
    "<style>p {}</style></head><body><header>Site</header><nav><a href='/'>Home</a></nav>"
    "<h1>The Fox</h1><p>By night.<h2>One</h2><p>She ran&nbsp;&amp; <i>ran</i>.</p><script>x()</script>"
    "<h2>Two</h2><p>She <del>sat</del> slept.<aside>Ad</aside><footer>Legal</footer></body></html>"
)


def only(path: Path, content: str | bytes, notes: str = "place") -> Document:
    file = path / "page.html"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = html.read(file, ReadOptions(notes=notes))
    return document


def texts(document: Document) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def test_a_page_becomes_chapters_without_its_furniture(tmp_path: Path) -> None:
    document = only(tmp_path, GOOD)
    assert (document.title, document.author, document.language, document.warnings) == ("The Fox", "A. Writer", "en-GB", ())
    assert [(section.title, [(paragraph.kind, paragraph.text) for paragraph in section.paragraphs]) for section in document.sections] == [
        ("The Fox", [("heading", "The Fox"), ("text", "By night.")]),
        ("One", [("heading", "One"), ("text", "She ran\xa0& ran.")]),
        ("Two", [("heading", "Two"), ("text", "She sat slept.")]),
    ]


def test_a_header_inside_an_article_and_one_with_the_title_are_text(tmp_path: Path) -> None:
    inner = "<header>By Ann</header><p>x</p><aside>Also</aside><footer>End</footer><nav>n</nav>"
    body = f"<header><h1>Title</h1></header><article>{inner}</article>"
    assert texts(only(tmp_path, body)) == ["Title", "By Ann", "x", "Also", "End"]


def test_a_page_of_nothing_but_furniture_is_read(tmp_path: Path) -> None:
    assert texts(only(tmp_path, "<body><header><p>All there is.</p></header></body>")) == ["All there is."]


def test_a_page_without_headings_is_one_section(tmp_path: Path) -> None:
    document = only(tmp_path, "<p>one<p>two")
    assert [(section.title, section.role, len(section.paragraphs)) for section in document.sections] == [("", "body", 2)]
    assert document.title == document.author == document.language == ""


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ('<meta name="DC.title" content="Meta"><title>Tag</title>', "Meta"),
        ('<title> The\n Tag </title><meta property="og:title" content="Open">', "The Tag"),
        ('<title>Untitled</title><meta property="og:title" content="Open">', "Open"),
        ("<title></title>", "Heading"),
    ],
)
def test_the_title_is_the_first_that_means_something(tmp_path: Path, head: str, title: str) -> None:
    assert only(tmp_path, f"<html><head>{head}</head><body><h1>Heading</h1><p>x</p></body></html>").title == title


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16-le", ""),
        ("utf-8", "<meta charset=iso-8859-1>"),  # a frequent lie
        ("cp1252", '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1">'),
        ("iso-8859-2", "<meta charset='iso-8859-2'>"),
        ("cp1252", '<?xml version="1.0" encoding="windows-1252"?>'),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, declaration: str) -> None:
    text = "Žluťoučký kůň" if encoding == "iso-8859-2" else "“Käse” — naïve"
    document = only(tmp_path, f"<html>{declaration}<p>{text}</p></html>".encode(encoding))
    assert (texts(document), document.warnings) == ([text], ())


def test_an_encoding_that_nothing_declares_is_guessed_and_said(tmp_path: Path) -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 20
    document = only(tmp_path, f"<p>{text}</p>".encode("cp1251"))
    assert texts(document) == [text.strip()]
    assert "cp1251" in document.warnings[0]


@pytest.mark.parametrize("name", ["punycode", "idna", "unicode_escape", "base64", "rot13", "nonsense", "utf-7"])
def test_a_charset_that_is_no_encoding_of_pages_is_ignored(tmp_path: Path, name: str) -> None:
    assert texts(only(tmp_path, f"<meta charset={name}><p>\\u0041 +AEE-</p>")) == ["\\u0041 +AEE-"]


def test_xhtml_is_read_as_xml_and_mended_when_it_is_not(tmp_path: Path) -> None:
    html_tag = '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">'
    page = f'<?xml version="1.0"?>{html_tag}<head><title/></head><body><p>a&nbsp;<b/>b{{}}</p></body></html>'
    document = only(tmp_path, page.format(""))
    assert (texts(document), document.language, document.title) == (["a\xa0b"], "fr", "")
    assert texts(only(tmp_path, page.format("<i>c</b>"))) == ["a\xa0bc"]


def test_notes_are_placed_or_dropped(tmp_path: Path) -> None:
    body = (
        '<p>One.<a id="FNanchor_1" href="#Footnote_1" class="fnanchor">[1]</a></p><p>Two.</p>'
        '<div class="footnote"><p><a id="Footnote_1" href="#FNanchor_1"><span>[1]</span></a> A note.</p><p>More of it.</p></div>'
    )
    assert texts(only(tmp_path, body)) == ["One.[1]", "[1] A note.", "More of it.", "Two."]
    assert texts(only(tmp_path, body, "drop")) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "binary"),
        (b"PK\x03\x04rest", "binary"),
        (bytes(range(256)) * 20, "binary"),
        (b"<html><body><script>x</script></body></html>", "no text"),
        (b"<!-- only a comment -->", "no"),
        (b"<p>" + b"<div>" * 100_000 + b"x", "nests"),
        (b"<p>" + b"<b><div>" * 300 + b"x", "nests"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        only(tmp_path, content)


def test_a_page_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    with (tmp_path / "big.html").open("wb") as file:
        file.truncate(limits.MAX_PART + 1)
    with pytest.raises(DocumentError, match="at most 100 MB"):
        next(html.read(tmp_path / "big.html", ReadOptions()))


def test_a_missing_file_is_a_document_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="can't be opened"):
        next(html.read(tmp_path / "none.html", ReadOptions()))


def test_entities_of_a_dtd_stay_shut(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    bomb = "".join(f'<!ENTITY l{level + 1} "{f"&l{level};" * 10}">' for level in range(9))
    dtd = f'<!DOCTYPE html [<!ENTITY l0 "lol">{bomb}<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    for namespace in ("", ' xmlns="http://www.w3.org/1999/xhtml"'):
        document = only(tmp_path, f"{dtd}<html{namespace}><body><p>before &l9; &x; after</p></body></html>")
        assert texts(document)[0].startswith("before")
        assert "SECRET" not in str(document)
        assert len(str(document)) < 500


def test_damage_of_any_kind_gives_a_document_or_a_reason(tmp_path: Path) -> None:
    draw = random.Random(7)
    outcomes = set()
    for _ in range(200):
        spoiled = bytearray(GOOD.encode(draw.choice(["utf-8", "utf-16"])))
        for _ in range(draw.randint(1, 20)):
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
        try:
            str(only(tmp_path, bytes(spoiled[: draw.randint(0, 2 * len(spoiled))]))).encode()
            outcomes.add("document")
        except DocumentError as error:
            outcomes.add("reason" if str(error).endswith(".") else str(error))
    assert outcomes == {"document", "reason"}


def test_pages_made_to_be_slow_are_read_quickly(tmp_path: Path) -> None:
    pages = [
        "<header>" * 150 + "<i>a</i>" * 5_000,
        "<!DOCTYPE [" * 5_000 + "<p>x",
        "<meta charset" * 5_000 + "<p>x",
        "<table><tr><td>" * 60 + "<i>a</i>" * 5_000,
        "<a href='#x' id='y'>1" * 5_000,
        "<p>" + "\v <br> " * 20_000 + "x",
    ]
    started = time.process_time()
    for page in pages:
        try:
            only(tmp_path, page)
        except DocumentError:
            continue
    assert time.process_time() - started < 8
