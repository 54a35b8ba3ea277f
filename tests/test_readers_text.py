"""Plain text, Markdown and tagged stories: paragraphs, chapters and verse as the file has them, in any encoding, at any length."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from narrative.corpus import encoding, layout, parts
from narrative.corpus.document import Document, Paragraph
from narrative.corpus.encoding import detect
from narrative.corpus.inline import plain
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import markdown, stories, text
from narrative.errors import DocumentError

Reader = Callable[[Path, ReadOptions], Iterator[Document]]

PROSE = """The old fox sat by the river and thought about the winter that
was coming, and about the long road to his brother's house in the
hills.

“Well,” he said at last, “I shall go,” and he went out into the
snow without his coat.
"""
VERSE = (
    "The king sits in Dumferling town,\n  Drinking the blude-red wine:\nO where will I get a guid sailor,\n  To sail this ship of mine?\n"
)


def put(tmp_path: Path, content: str | bytes, name: str = "file.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def one(reader: Reader, path: Path, **options: str) -> Document:
    found = list(reader(path, ReadOptions(**options)))  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


def titles(document: Document) -> list[str]:
    return [section.title for section in document.sections]


def kinds(document: Document) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in document.paragraphs]


# --- plain text ---------------------------------------------------------------------------------------------------


def test_empty_lines_part_paragraphs_and_hard_line_breaks_stay(tmp_path: Path) -> None:
    paragraphs = one(text.read, put(tmp_path, PROSE)).paragraphs
    assert [paragraph.kind for paragraph in paragraphs] == ["text", "text"]
    assert paragraphs[0].text.count("\n") == 2
    assert "\n\n".join(paragraph.text for paragraph in paragraphs) == PROSE.strip()


def test_a_file_with_one_paragraph_a_line_has_each_line_as_a_paragraph(tmp_path: Path) -> None:
    lines = [
        "One day a fox went to the river, and " + "he walked on and on, " * 9 + "until night.",
        '"No."',
        '"Yes," said the fish. ' * 9,
        "End.",
    ]
    assert kinds(one(text.read, put(tmp_path, "\n".join(lines)))) == [("text", line.strip()) for line in lines]


def test_indented_first_lines_begin_paragraphs(tmp_path: Path) -> None:
    line = "and so it went on through the long winter of that year, until\n"
    body = "".join(
        f"    The fox came home on day {number}.\n    Then he slept, and dreamt of fish and of rivers full of them,\n{line * 4}the end.\n"
        for number in range(9)
    )
    paragraphs = one(text.read, put(tmp_path, body)).paragraphs
    assert len(paragraphs) == 18
    assert paragraphs[0].text == "The fox came home on day 0."
    assert paragraphs[1].text.startswith("Then he slept")
    assert paragraphs[1].text.endswith("the end.")


def test_stanzas_are_verse_and_prose_around_them_is_not(tmp_path: Path) -> None:
    found = kinds(one(text.read, put(tmp_path, f"{PROSE}\n{VERSE}\n{PROSE}")))
    assert [kind for kind, _ in found] == ["text", "text", "verse", "text", "text"]
    assert found[2][1].splitlines() == [line.strip() for line in VERSE.splitlines()]


def test_spoken_lines_one_a_paragraph_are_no_verse(tmp_path: Path) -> None:
    spoken = '"Where is the fox?" asked Tom.\n"In the wood," said Ann.\n"Then let us go."\nThey went.'
    assert [kind for kind, _ in kinds(one(text.read, put(tmp_path, spoken)))] == ["text"] * 4


@pytest.mark.parametrize(
    "heading",
    [
        "CHAPTER IV",
        "Chapter 3. The Sea",
        "Kapitel 2",
        "Chapter the First",
        "XIV",
        "IV. THE SEA",
        "PROLOGUE",
        "Erstes Kapitel",
        "BOOK TWENTY-ONE",
        "第三章 海",
        "Глава первая",
        "Capítulo 7: El mar",
        "_CHAPTER V_",
        "CHAPTER I.\nDown the Rabbit-Hole",
        "Act I, Scene II",
    ],
)
def test_chapter_headings_cut_sections(tmp_path: Path, heading: str) -> None:
    document = one(text.read, put(tmp_path, f"{PROSE}\n\n{heading}\n\n{PROSE}"))
    assert titles(document) == ["", " ".join(heading.strip("_").split())]
    assert document.sections[1].paragraphs[0] == Paragraph(heading.strip("_"), "heading")


@pytest.mark.parametrize(
    "line",
    [
        "THE FOX AND THE SEA",
        "Chapter 3 was the hardest of all.",
        "Part I of it was lost.",
        "I saw him.",
        "12",
        "Letter to my mother",
        "IN THE WOOD.",
        "Civil",
    ],
)
def test_other_short_lines_are_no_headings(tmp_path: Path, line: str) -> None:
    assert titles(one(text.read, put(tmp_path, f"{PROSE}\n{line}\n\n{PROSE}"))) == [""]


def test_book_chapter_and_its_title_are_one_heading_and_a_list_of_contents_is_not_many_chapters(tmp_path: Path) -> None:
    contents = "".join(f"CHAPTER {number}. The Road\n\n" for number in range(1, 9))
    document = one(
        text.read, put(tmp_path, f"CONTENTS\n\n{contents}BOOK I\n\nCHAPTER 1\n\nTHE ROAD\n\n{PROSE}\nCHAPTER 2. The Road\n\n{PROSE}")
    )
    assert [section.role for section in document.sections] == ["contents", "body", "body"]
    assert titles(document)[2] == "CHAPTER 2. The Road"
    shorter = one(text.read, put(tmp_path, f"{PROSE}\nBOOK I\n\nCHAPTER 1\n\nTHE ROAD\n\n{PROSE}"))
    assert titles(shorter) == ["", "BOOK I – CHAPTER 1 – THE ROAD"]  # noqa: RUF001


def test_nothing_is_lost_or_doubled_or_moved(tmp_path: Path) -> None:
    source = f"CONTENTS\n\nCHAPTER I. One\nCHAPTER II. Two\n\nCHAPTER I. One\n\n{PROSE}\n{VERSE}\nII\n\n    {PROSE}\n\n\n* * *\n\nEND"
    document = one(text.read, put(tmp_path, source))
    assert " ".join(paragraph.text for paragraph in document.paragraphs).split() == source.split()


def test_a_gutenberg_header_gives_title_author_and_language_and_stays_in_the_text(tmp_path: Path) -> None:
    head = "The Project Gutenberg eBook of Moby Dick\n\nTitle: Moby Dick;\n       Or, The Whale\n\n"
    head += "Author: Herman Melville\n\nLanguage: English\n\n"
    document = one(text.read, put(tmp_path, f"{head}{PROSE}"))
    assert (document.title, document.author, document.language) == ("Moby Dick; Or, The Whale", "Herman Melville", "en")
    assert document.paragraphs[0].text.startswith("The Project Gutenberg")
    assert one(text.read, put(tmp_path, f"Title: A Note\n\n{PROSE}")).title == ""


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_all_line_ends_are_one(tmp_path: Path, end: str) -> None:
    assert kinds(one(text.read, put(tmp_path, PROSE.replace("\n", end)))) == kinds(one(text.read, put(tmp_path, PROSE)))


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_known_by_its_mark_or_its_zeros_and_nothing_is_guessed(tmp_path: Path, name: str) -> None:
    document = one(text.read, put(tmp_path, (PROSE * 3).encode(name)))
    assert document.warnings == ()
    assert document.paragraphs[1].text.startswith("“Well,” he said")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cp1252", "Il était une fois, près de la forêt, un garçon nommé François. « Où vas-tu ? » — l’été était fini."),  # noqa: RUF001
        ("mac_roman", "“Well,” said the fox — it’s café time — “naïve as ever…” and he went away to the wood."),  # noqa: RUF001
        ("cp1250", "Był sobie król i miał trzy córki. Najmłodsza była tak piękna, że słońce dziwiło się, ilekroć świeciło jej w twarz."),
        ("cp1251", "Жил-был царь, и было у него три сына. Младший был самый умный, а старший — самый сильный."),  # noqa: RUF001
        ("shift_jis", "昔々、あるところにおじいさんとおばあさんがいました。おじいさんは山へ柴刈りに行きました。"),
        ("cp1256", "كان يا ما كان في قديم الزمان ملك له ثلاث بنات وكانت الصغرى أجملهن جميعا."),
    ],
)
def test_other_encodings_are_guessed_and_the_guess_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    document = one(text.read, put(tmp_path, (sentence + "\n\n").encode(name) * 20))
    assert document.paragraphs[0].text == sentence
    assert "guess" in document.warnings[0]


def test_utf_8_with_a_damaged_byte_stays_utf_8(tmp_path: Path) -> None:
    content = ("“Größe” — déjà vu.\n\n" * 400).encode()
    damaged = content[:500] + b"\xff" + content[500:]
    document = one(text.read, put(tmp_path, damaged))
    assert "each stands as \ufffd" in document.warnings[0]
    assert document.paragraphs[-1].text == "“Größe” — déjà vu."


def test_a_damaged_byte_far_behind_the_sample_is_found(tmp_path: Path) -> None:
    content = b"The fox went to the river.\n\n" * 50_000
    assert encoding.detect_file(put(tmp_path, content)).name == "utf-8"
    assert "guess" in encoding.detect_file(put(tmp_path, content + b"It cost \x80 5 \x96 and a caf\xe9.\n")).warning


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (random.Random(1).randbytes(5_000), "not text"),
        (b"%PDF-1.7\n" + b"x" * 99, "it is a PDF"),
        (b"PK\x03\x04" + b"x" * 99, "it is a zip package"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old Office"),
        (bytes(5_000), "not text"),
        (b"", "no text in the file"),
        (b"\n \n\t\n\f\n", "no text in the file"),
        (b"\xef\xbb\xbf", "no text in the file"),
    ],
    ids=["junk", "pdf", "zip", "doc", "zeros", "empty", "blank", "only a mark"],
)
def test_what_is_no_text_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        list(text.read(put(tmp_path, content), ReadOptions()))


def test_a_long_file_comes_as_several_documents_cut_at_chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 3_000)
    book = "".join(f"CHAPTER {number}\n\n{PROSE * 3}\n" for number in range(1, 13))
    documents = list(text.read(put(tmp_path, book, "the_fox.txt"), ReadOptions()))
    assert [document.title for document in documents] == ["", *(f"the fox (part {number})" for number in range(2, len(documents) + 1))]
    assert len(documents) > 2
    assert all(document.sections[0].title.startswith("CHAPTER") for document in documents)
    assert " ".join(paragraph.text for document in documents for paragraph in document.paragraphs).split() == book.split()


def test_a_chapter_too_long_for_one_document_is_cut_between_paragraphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 3_000)
    documents = list(text.read(put(tmp_path, PROSE * 60), ReadOptions()))
    assert len(documents) > 3
    assert max(sum(len(paragraph.text) for paragraph in document.paragraphs) for document in documents) < 3_300
    assert " ".join(paragraph.text for document in documents for paragraph in document.paragraphs).split() == (PROSE * 60).split()


def test_memory_is_flat_over_a_long_file_and_over_one_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((parts, "PART"), (encoding, "MAX_LINE"), (encoding, "MB"), (encoding, "SAMPLE"), (text, "SAMPLE_CHARACTERS")):
        monkeypatch.setattr(module, name, 20_000)
    monkeypatch.setattr(layout, "MAX_CHARACTERS", 20_000)
    for unit in (PROSE, "fox and goose " * 20):
        peaks = []
        for size in (200_000, 800_000):
            path = put(tmp_path, unit * (size // len(unit)))
            tracemalloc.start()
            words = sum(document.words for document in text.read(path, ReadOptions()))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert words == len(unit.split()) * (size // len(unit))
        assert peaks[1] < 1.2 * peaks[0]


# --- Markdown -----------------------------------------------------------------------------------------------------


def test_markdown_headings_cut_sections_and_markup_goes(tmp_path: Path) -> None:
    source = "# The Fox\n\n## Book I ##\n### Chapter 1\n\n"
    source += "A *quick* <!-- no --> __brown__ [fox](http://a.b/c_(d) 'x') <!-- not\nthis --> ran&mdash;far.\n\nNext\n----\n\nEnd\\*."
    document = one(markdown.read, put(tmp_path, source, "a.md"))
    assert titles(document) == ["The Fox", "Book I – Chapter 1", "Next"]  # noqa: RUF001
    assert [paragraph.text for paragraph in document.sections[1].paragraphs] == ["Book I", "Chapter 1", "A quick brown fox\nran—far."]
    assert document.paragraphs[-1].text == "End*."


def test_front_matter_is_metadata_and_not_text(tmp_path: Path) -> None:
    source = '---\ntitle: "The: Sea"\nauthor: [A. Nony, B. Mouse]\nlang: en-GB\ntags:\n  - sea\n  - fish\n---\n\nText.'
    document = one(markdown.read, put(tmp_path, source, "a.md"))
    assert (document.title, document.author, document.language) == ("The: Sea", "A. Nony, B. Mouse", "en-GB")
    assert document.metadata == {"tags": "sea, fish"}
    assert kinds(document) == [("text", "Text.")]


def test_prose_between_two_rules_is_no_front_matter(tmp_path: Path) -> None:
    assert "It was night." in [body for _, body in kinds(one(markdown.read, put(tmp_path, "---\nIt was night.\n---\n\nText.", "a.md")))]


def test_markdown_kinds_are_told_apart(tmp_path: Path) -> None:
    source = "> Dear sir\n> and madam\n\n- one\n- two\n\n3) three\n\n| a | *b* |\n|---|:-:|\n| 1 | 2 |\n\n***\n\n"
    source += f"{VERSE}\nDear Tom,  \nI am  \nhere\n"
    assert kinds(one(markdown.read, put(tmp_path, source, "a.md"))) == [
        ("quote", "Dear sir\nand madam"),
        ("list", "one"),
        ("list", "two"),
        ("list", "3) three"),
        ("table", "a\tb\n1\t2"),
        ("text", "* * *"),
        ("verse", "\n".join(line.strip() for line in VERSE.splitlines())),
        ("verse", "Dear Tom,\nI am\nhere"),
    ]


def test_markdown_notes_stand_after_the_paragraph_that_refers_to_them_or_are_left_out(tmp_path: Path) -> None:
    path = put(tmp_path, "One.[^a] Two.\n\nThree.\n\n[^a]: The *note*.\n    More of it.\n\nFour. [x][ref]\n\n[ref]: http://a.b\n", "a.md")
    assert kinds(one(markdown.read, path)) == [
        ("text", "One. Two."),
        ("note", "The note.\nMore of it."),
        ("text", "Three."),
        ("text", "Four. x"),
    ]
    assert [kind for kind, _ in kinds(one(markdown.read, path, notes="drop"))] == ["text"] * 3


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a _real_ life, *so*, **bold** and ***both***", "a real life, so, bold and both"),
        ("a native of _____, in 18__, with Mr. B__ and __", "a native of _____, in 18__, with Mr. B__ and __"),
        ("snake_case_name, 5 * 4 * 3, thieves,* you*", "snake_case_name, 5 * 4 * 3, thieves,* you*"),
        ("they `collide' with `rams' of war", "they `collide' with `rams' of war"),
        ("run `code_a` in 1812\\. \\*x\\*", "run code_a in 1812. *x*"),
        ("![a cat](cat.png) [![alt](b)](c) <b>so</b> 3 < 4 > 2 <http://a.b>", "a cat  so 3 < 4 > 2 http://a.b"),
        ("[Book III] and [a][b] and [*Footnote", "[Book III] and [a][b] and [*Footnote"),
        ('*a **b** c* _I_\'m --_"Hi"_--', 'a b c I\'m --"Hi"--'),
    ],
)
def test_only_markup_is_taken_out_of_a_line(source: str, text: str) -> None:
    assert plain(source) == text


@pytest.mark.parametrize(
    "unit", ["*", "*a ", "_a", "[", "![", "[![a", "<a ", "[](", "[x](a(", "`a``b```", "&a", "\\", "[\\a", "**a *", "<!--"]
)
def test_time_grows_with_hostile_markup_no_faster_than_with_prose(unit: str) -> None:
    taken = []
    gc.disable()  # whatever else is in memory is not the question
    try:
        for size in (20_000, 100_000):
            started = time.process_time()
            plain(unit * (size // len(unit)))
            taken.append(time.process_time() - started)
    finally:
        gc.enable()
    assert taken[1] < 15 * max(taken[0], 0.02)  # five times for five times as much; 25 would be the square


HOSTILE = {
    "quotes": ">" * 200_000,
    "comments": "-->" + "<!--" * 50_000,
    "a heading of spaces": "# a" + " " * 200_000 + "b",
    "a heading of signs": "# a " + "#" * 200_000 + "b",
    "a table's rule": "|" + "-" * 200_000 + "x|",
    "pipes": "| " * 100_000 + "x",
    "a rule": "- " * 100_000 + "x",
    "a reference": "[a]:" + " x" * 100_000,
    "a list": "1" * 200_000 + ". x",
    "full stops": "." * 200_000 + "x\nA",
    "numerals": "I" * 200_000,
    "equals": "= " * 100_000,
    "a fence": "`" * 200_000 + "x",
    "lines": "a\n" * 50_000,
    "headings": "# a\n" * 20_000,
    "notes": "[^a]" * 2_000 + "\n\n[^a]: b\n",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("reader", [text.read, markdown.read, stories.read])
def test_no_line_takes_a_time_that_grows_with_its_square(tmp_path: Path, reader: Reader, name: str) -> None:
    started = time.process_time()
    try:
        assert list(reader(put(tmp_path, HOSTILE[name]), ReadOptions()))
    except DocumentError as error:
        assert "no text" in str(error)  # noqa: PT017
    assert time.process_time() - started < 3


def test_a_comment_that_never_ends_hides_nothing(tmp_path: Path) -> None:
    source = "One.\n\n<!-- two\n\nthree\n"
    assert "three" in [body for _, body in kinds(one(markdown.read, put(tmp_path, source, "a.md")))]


# --- tagged stories -----------------------------------------------------------------------------------------------

TAGGED = """Features: Dialogue, Twist
Words: quit, oak, gloomy
Summary: Sara and Ben find an oak.
Story:

Sara and Ben were in the park.
"Look!" said Ben. "An oak."
<|endoftext|>
Random sentence: He was sad.
Summary: A dog is
sad.
Features: BadEnding
Story: Once there was a dog. It was sad.
<|endoftext|>
A story without a header.
<|endoftext|>
Words: only, a, header
<|endoftext|>
"""


def test_tagged_stories_are_documents_with_their_header_as_metadata(tmp_path: Path) -> None:
    first, second, third = stories.read(put(tmp_path, TAGGED), ReadOptions())
    assert first.metadata == {"tags": "Dialogue, Twist", "words": "quit, oak, gloomy", "summary": "Sara and Ben find an oak."}
    assert [paragraph.text for paragraph in first.paragraphs] == ["Sara and Ben were in the park.", '"Look!" said Ben. "An oak."']
    assert second.metadata == {"tags": "BadEnding", "summary": "A dog is sad.", "sentence": "He was sad."}
    assert [paragraph.text for paragraph in second.paragraphs] == ["Once there was a dog. It was sad."]
    assert (third.metadata, third.paragraphs[0].text) == ({}, "A story without a header.")
    assert third.warnings == ("Records left out because they have no story: 1.",)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("Features: Dialogue\n", True),
        ("Words: a, b", True),
        ("\ufeffSummary: x", True),
        ("<|endoftext|>", True),
        ("Random sentence: x", True),
        ("", False),
        ("Once upon a time", False),
        ("Words", False),
        ('{"Features": 1}', False),
        ("Story of a fox", False),
    ],
)
def test_tagged_stories_are_known_by_their_first_line(line: str, answer: bool) -> None:
    assert stories.looks_like(line) is answer


def test_a_text_that_only_begins_like_tagged_stories_is_read_as_text(tmp_path: Path) -> None:
    assert one(stories.read, put(tmp_path, f"Summary: nothing happens.\n\n{PROSE}")).paragraphs[0].text == "Summary: nothing happens."


def test_records_without_any_story_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No record of the file has a story"):
        list(stories.read(put(tmp_path, "Words: a\n<|endoftext|>\nWords: b\n<|endoftext|>\n"), ReadOptions()))


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [text.read, markdown.read, stories.read])
def test_whatever_is_cut_or_flipped_only_documents_or_document_errors_come_out(tmp_path: Path, reader: Reader) -> None:
    good = f"---\ntitle: x\n---\n# A\n\n{PROSE}\n> {VERSE}\n```\nx\n```\n| a |\n[^1]: n\n{TAGGED}é".encode()
    draw = random.Random(7)
    seen = 0
    for _ in range(200):
        spoiled = bytearray(good[: draw.randrange(1, len(good))] if draw.random() < 0.5 else good)
        for _ in range(draw.choice([1, 5, 50])):
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
        try:
            seen += len(list(reader(put(tmp_path, bytes(spoiled)), ReadOptions())))
        except DocumentError as error:
            assert str(error).endswith(".")  # noqa: PT017
    assert seen > 50


def test_detect_does_not_take_a_cut_character_for_damage() -> None:
    assert detect("Größe".encode()[:3], whole=False).name == "utf-8"
    assert detect("Größe".encode()[:3] * 1, whole=True).name != "utf-8"


def test_a_file_that_is_gone_is_a_document_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="can't be opened"):
        list(text.read(tmp_path / "gone.txt", ReadOptions()))
