"""Exported files hold exactly the draft's text, as text, and what wrote it; checked with readers of their own."""

from __future__ import annotations

import random
import re
import unicodedata
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import docx
import pytest
import yaml
from made_drafts import PROMPT, made_draft, told_draft
from markdown_it import MarkdownIt

from narrative.errors import SettingsError
from narrative.export import WRITERS, Exported, export, file_name
from narrative.generation.draft import Draft
from narrative.generation.settings import GenerationSettings

WRITTEN = 1_763_683_200.0  # 2025-11-21T00:00:00Z
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HOSTILE = {
    "front matter": "---\ntitle: stolen\n---\n\nand\n...\n---",
    "headings": "# one\n## two\n#\nthree\n===\nfour\n---\n",
    "html": "<script>alert(1)</script> <b>&amp; &lt;</b>\n<!-- hidden\n<div>\n\n</div> -->",
    "stars": "*stars* **bold** _under_ __more__ `code` ``` ~~gone~~ ***",
    "lists": "- a\n+ b\n* c\n1. d\n2) e\n   - f\n\n10. g\n\n> quote\n>> deeper",
    "links": "[a](http://b) ![c](d) [e]: f <http://g> [^1] {.class} {{x}} $y$ www.a.b a@b.c",
    "tables": "a | b\n--- | ---\n1 | 2",
    "code": "    four spaces\n\ttab\n```python\nx\n```\n~~~\ny",
    "backslashes": "\\ \\\\ \\* \\\nend \\",
    "entities": "&#10; &nbsp; &copy; &",
    "breaks": "\n\nlead\n\n\nthree\n\n\n\nfour  \ntwo spaces \n \n\t\nend\n\n\n",
    "line ends": "a\r\nb\rc\u2028d\u2029e\u3000\n\u00a0f\u00a0",
    "right to left": "שלום עולם\nمرحبا بالعالم (a) ב",  # noqa: RUF001
    "emoji": "🦊👩‍👩‍👧 e\u0301 \ufeff\u200b\u202e",
    "control": "NUL \x00 escape \x1b[31m bell \x07 \x7f \x85 \x9b \ufffe \uffff",
    "half characters": "\ud83d alone, whole \ud83e\udd8a, \udc00",
    "yaml": "yes: no\n'\"\n!!python/object:os.system [x]\n%TAG\n? key\n\t- &a *a",
    "only blanks": " \n \n",
}
BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def expected(text: str) -> str:
    """Half characters side by side are one character; alone, and with control characters, they are U+FFFD."""
    joined = text.replace("\ud83e\udd8a", "🦊")
    return re.sub("[\ud800-\udfff]", "\ufffd", BROKEN.sub("\ufffd", joined))


def hostile_draft(name: str) -> Draft:
    """Half of the text is the editor's, half the model's; so is the model's name."""
    text = HOSTILE[name]
    return told_draft(text[len(text) // 2 :], prompt=text[: len(text) // 2], model=text, fingerprint=text)


def read_markdown(data: bytes) -> tuple[dict[str, Any], str]:
    """Front matter by PyYAML, and what a CommonMark reader (with tables and strikethrough) shows: only paragraphs."""
    _, front, body = data.decode("utf-8").split("---\n", 2)
    shown = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        assert token.type in ("paragraph_open", "inline", "paragraph_close")
        if token.type == "inline":
            assert {child.type for child in token.children or []} <= {"text", "hardbreak"}
            shown.append("".join("\n" if child.type == "hardbreak" else child.content for child in token.children or []))
    return yaml.safe_load(front), "\n\n".join(shown)


def body_of(data: bytes) -> ET.Element:
    """The document's bare XML, read without python-docx."""
    with zipfile.ZipFile(BytesIO(data)) as parts:
        assert parts.testzip() is None
        return ET.fromstring(parts.read("word/document.xml"))  # noqa: S314  this program wrote it a moment ago


def read_docx(data: bytes) -> list[str]:
    """The paragraphs' text, tabs included."""
    paragraphs = []
    for paragraph in body_of(data).iter(f"{WORD}p"):
        pieces = {f"{WORD}t": lambda piece: piece.text or "", f"{WORD}tab": lambda _: "\t"}
        paragraphs.append("".join(pieces[piece.tag](piece) for piece in paragraph.iter() if piece.tag in pieces))
    return paragraphs


def properties(exported: Exported) -> Any:
    return docx.Document(BytesIO(exported.data)).core_properties


# --- the text


@pytest.mark.parametrize("name", HOSTILE)
def test_txt_holds_the_text_and_one_closing_line(name: str) -> None:
    draft = hostile_draft(name)
    text, closing = export(draft, "txt").data.decode("utf-8").rsplit("\n\n", 1)
    assert text == expected(HOSTILE[name])
    assert closing.startswith("— Narrative: model ")
    assert closing.endswith(".\n")
    assert len(closing.splitlines()) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_shows_the_text_as_it_is(name: str) -> None:
    front, text = read_markdown(export(hostile_draft(name), "md").data)
    assert text == expected(HOSTILE[name])
    assert " ".join(front) == (
        "title model fingerprint strategy temperature top_p repetition_penalty longest seed draft tokens perplexity stopped date"
    )
    assert front["model"] == " ".join(expected(HOSTILE[name]).split())


@pytest.mark.parametrize("name", HOSTILE)
def test_docx_holds_the_text(name: str) -> None:
    exported = export(hostile_draft(name), "docx")
    lines = re.split("\r\n|\r|\n", expected(HOSTILE[name]))
    paragraphs = read_docx(exported.data)
    assert [paragraph for paragraph in paragraphs if paragraph] == [line for line in lines if line.strip()]
    assert [paragraph.text for paragraph in docx.Document(BytesIO(exported.data)).paragraphs] == paragraphs
    found = properties(exported)
    assert max(map(len, (found.title, found.subject, found.keywords, found.comments))) <= 255


def test_docx_keeps_one_empty_paragraph_where_lines_are_blank() -> None:
    draft = told_draft(" went in.\n\n\n \nThen out.\nAnd in.\n\n", prompt="\n\nShe")
    assert read_docx(export(draft, "docx").data) == ["She went in.", "", "Then out.", "And in."]


def test_prompt_and_continuation_flow_into_one_paragraph() -> None:
    draft = told_draft(" Behind it stood a fox.", prompt=PROMPT)
    assert read_docx(export(draft, "docx").data) == ["There is a blue curtain. Behind it stood a fox."]


def test_random_text_comes_back_from_markdown() -> None:
    draw = random.Random(1)
    for _ in range(300):
        text = "".join(draw.choice("\n\n\n  \t\r\\`*_{}[]()#+-.!<>&|~$=:\"'ab1é🦊") for _ in range(draw.randrange(1, 60)))
        assert read_markdown(export(told_draft(text, prompt=""), "md").data)[1] == text


# --- the look of the Word file


def test_docx_is_set_in_a_serif_face() -> None:
    document = docx.Document(BytesIO(export(told_draft("x"), "docx").data))
    style = document.styles["Normal"]
    assert style.font.name == "Georgia"
    assert document.paragraphs[0].style.name == "Normal"
    assert document.paragraphs[0].runs[0].font.name is None


def test_docx_sets_hebrew_and_arabic_from_right_to_left() -> None:
    data = export(told_draft("שלום\nplain (ש)\n«مرحبا»\n123", prompt=""), "docx").data
    turned = [paragraph.find(f"{WORD}pPr/{WORD}bidi") is not None for paragraph in body_of(data).iter(f"{WORD}p")]
    assert turned == [True, False, True, False]


# --- the settings


def test_docx_properties_say_what_wrote_it() -> None:
    settings = GenerationSettings(temperature=0.7, top_p=0.9, repetition_penalty=1.2, max_new_tokens=80, drafts=3, seed=42)
    draft = told_draft(" It moved.", settings=settings, number=1)
    found = properties(export(draft, "docx", created=WRITTEN))
    assert found.title == PROMPT
    assert found.author == found.last_modified_by == "Narrative"
    assert found.subject == "Draft 2 of 3, written by little-fables"
    assert found.keywords == "fingerprint=0123456789abcdef; strategy=nucleus; seed=42; perplexity=4.48; model=little-fables"
    assert found.comments == (
        "model little-fables, strategy nucleus, temperature 0.7, top-p 0.9, repetition penalty 1.2, "
        "longest 80, seed 42, draft 2 of 3, perplexity 4.48."
    )
    assert found.created == found.modified == datetime(2025, 11, 21, tzinfo=UTC)


def test_docx_comments_hold_all_settings_at_their_longest() -> None:
    settings = GenerationSettings(
        temperature=0.1234567890123456, top_p=0.1234567890123456, repetition_penalty=1.1234567890123456, max_new_tokens=4096, drafts=16,
        seed=2**63 - 1,
    )  # fmt: skip
    draft = told_draft("x", settings=settings, number=15, model="m" * 300, parent="p", at=4095, forced=True)
    comments = properties(export(draft, "docx")).comments
    assert len(comments) <= 255
    for setting in (
        "temperature 0.1234567890123456",
        "top-p 0.12",
        f"seed {2**63 - 1}",
        "branched at token 4096",
        "chosen by hand yes",
        "perplexity",
    ):
        assert setting in comments


def test_markdown_front_matter_holds_typed_values() -> None:
    settings = GenerationSettings(strategy="top-k", temperature=1e-05, top_k=7, seed=2**63 - 1)
    front, _ = read_markdown(export(told_draft("x", settings=settings), "md", created=WRITTEN).data)
    assert front == {
        "title": PROMPT,
        "model": "little-fables",
        "fingerprint": "0123456789abcdef",
        "strategy": "top-k",
        "temperature": 1e-05,
        "top_k": 7,
        "repetition_penalty": 1.0,
        "longest": 100,
        "seed": 2**63 - 1,
        "draft": "1 of 3",
        "tokens": 1,
        "perplexity": 4.48,
        "stopped": "the length asked for was reached",
        "date": "2025-11-21T00:00:00Z",
    }


def test_the_closing_line_of_txt_holds_the_settings() -> None:
    data = export(told_draft(" It moved."), "txt", created=WRITTEN).data
    assert data.decode() == (
        "There is a blue curtain. It moved.\n\n"
        "— Narrative: model little-fables, fingerprint 0123456789abcdef, strategy nucleus, temperature 0.9, top-p 0.95, "
        "repetition penalty 1.0, longest 100, seed 1, draft 1 of 3, tokens 1, perplexity 4.48, "
        "stopped the length asked for was reached, date 2025-11-21T00:00:00Z.\n"
    )


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    ("strategy", "named", "silent"),
    [
        ("greedy", (), ("temperature", "top-p", "top-k")),
        ("top-k", ("temperature", "top-k"), ("top-p",)),
        ("nucleus", ("temperature", "top-p"), ("top-k",)),
    ],
)
def test_only_settings_that_the_strategy_reads_are_told(kind: str, strategy: str, named: tuple[str, ...], silent: tuple[str, ...]) -> None:
    exported = export(told_draft("x", settings=GenerationSettings(strategy=strategy)), kind)
    told = properties(exported).comments if kind == "docx" else exported.data.decode().replace("top_", "top-").replace(": ", " ")
    settings = told.replace(f"strategy {strategy}", "").replace(f'strategy "{strategy}"', "")
    assert all(name in settings for name in named)
    assert not any(name in settings for name in silent)


@pytest.mark.parametrize("kind", WRITERS)
def test_an_empty_and_a_partial_draft_can_be_exported(kind: str) -> None:
    for draft in (
        made_draft("a", tokens=0, prompt=""),
        made_draft("a", tokens=0),
        made_draft("a", tokens=3),
        made_draft("a", stopped="asked"),
    ):
        assert export(draft, kind).data
    front, _ = read_markdown(export(made_draft("a", tokens=0), "md").data)
    assert front["perplexity"] is None
    assert front["stopped"] == "not finished"


def test_without_a_time_the_file_says_now() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    created = properties(export(told_draft("x"), "docx")).created
    assert before <= created <= datetime.now(UTC)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"Unknown kind of file 'pdf'\. Choose one of: txt, md, docx\."):
        export(told_draft("x"), "pdf")


def test_media_types_are_those_registered() -> None:
    assert {kind: writer.media_type.split(";")[0] for kind, writer in WRITERS.items()} == {
        "txt": "text/plain",
        "md": "text/markdown",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }


# --- file names


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        (PROMPT, "There-is-a-blue-curtain.txt"),
        ("", "draft.txt"),
        ("...", "draft.txt"),
        ("\x00\ud83d🦊", "draft.txt"),
        ("../../etc/passwd", "etc-passwd.txt"),
        ("C:\\Windows\\con", "C-Windows-con.txt"),
        ("CON", "draft-CON.txt"),
        ("nul.", "draft-nul.txt"),
        ("Lpt1: paper", "Lpt1-paper.txt"),
        ("com¹", "draft-com¹.txt"),
        (".hidden. ", "hidden.txt"),
        ("don’t “stop”—now?", "dont-stop-now.txt"),  # noqa: RUF001
        ("Der Käfer – für Åse", "Der-Käfer-für-Åse.txt"),  # noqa: RUF001
        ("Cafe\u0301", "Café.txt"),
        ("有一道蓝色的窗帘。", "有一道蓝色的窗帘.txt"),
        ("हिन्दी में", "हिन्दी-में.txt"),
        ("\u202etxt.exe", "txt-exe.txt"),
        ("line one\nline two\t\r\n", "line-one-line-two.txt"),
    ],
)
def test_file_names_are_the_first_words(prompt: str, name: str) -> None:
    assert file_name(prompt, "txt") == name


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "prompt", [*HOSTILE.values(), "word " * 100_000, "x" * 100_000, "𠀀" * 500, "e\u0301\u0302" * 500, "a" * 55 + " b"]
)
def test_file_names_are_safe_everywhere(kind: str, prompt: str) -> None:
    name = export(told_draft("x", prompt=prompt), kind).name
    stem, ending = name.rsplit(".", 1)
    assert ending == kind
    assert stem
    assert len(name) <= 60
    assert len(name.encode("utf-8")) <= 255
    assert all(sign == "-" or unicodedata.category(sign)[0] in "LMN" for sign in stem)
    assert stem.strip("-") == stem
