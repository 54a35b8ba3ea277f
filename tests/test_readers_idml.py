"""InDesign files: each story once, where a reader of the printed page meets it, and nothing that only the layout needs."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.idml import read
from narrative.corpus.readers.idml_layout import Frame, in_reading_order
from narrative.corpus.readers.idml_styles import kind_and_level, language_tag
from narrative.errors import DocumentError

PACKAGING = 'xmlns:idPkg="http://ns.adobe.com/AdobeInDesign/idml/1.0/packaging"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def para(text: str, style: str = "Body", *, attributes: str = "") -> str:
    return (
        f'<ParagraphStyleRange AppliedParagraphStyle="ParagraphStyle/{style}" {attributes}>'
        f'<CharacterStyleRange AppliedCharacterStyle="CharacterStyle/$ID/[No character style]"><Content>{text}</Content><Br/>'
        "</CharacterStyleRange></ParagraphStyleRange>"
    )


def raw(inside: str) -> str:
    """A paragraph with markup in it."""
    range_ = '<ParagraphStyleRange AppliedParagraphStyle="ParagraphStyle/Body"><CharacterStyleRange>'
    return f"{range_}{inside}</CharacterStyleRange></ParagraphStyleRange>"


def frame(story: str, left: float, top: float, *, width: float = 100, height: float = 50, attributes: str = "", thread: str = "n") -> str:
    corners = [(0, 0), (0, height), (width, height), (width, 0)]
    points = "".join(f'<PathPointType Anchor="{x} {y}"/>' for x, y in corners)
    return (
        f'<TextFrame Self="f" ParentStory="{story}" PreviousTextFrame="{thread}" ItemTransform="1 0 0 1 {left} {top}" {attributes}>'
        f"<Properties><PathGeometry><GeometryPathType><PathPointArray>{points}</PathPointArray></GeometryPathType></PathGeometry></Properties>"
        "</TextFrame>"
    )


def page(left: float = 0) -> str:
    return f'<Page Self="p{left}" GeometricBounds="0 0 800 500" ItemTransform="1 0 0 1 {left} -400"/>'


def spread(*items: str, pages: str = "") -> str:
    """Pages are 500 wide and 800 high; the middle of their height is 0, as InDesign has it."""
    return f"<Spread>{pages or page()}{''.join(items)}</Spread>"


def build(
    path: Path,
    stories: dict[str, str],
    *spreads: str,
    master: str = "",
    layers: str = "",
    binding: str = "LeftToRight",
    styles: str = "",
    metadata: str = "",
    story_attributes: str = "",
) -> Path:
    """An .idml file of these stories (by id) on these spreads; without spreads, all frames stand one below the other."""
    spreads = spreads or (spread(*(frame(story, 10, 60 * place - 390) for place, story in enumerate(stories))),)
    parts = {f"Stories/Story_{story}.xml": f'<Story Self="{story}" {story_attributes}>{text}</Story>' for story, text in stories.items()}
    parts |= {f"Spreads/Spread_{place}.xml": text for place, text in enumerate(spreads)}
    parts |= {
        "Resources/Styles.xml": f"<Styles>{styles}</Styles>",
        "MasterSpreads/MasterSpread_m.xml": f"<MasterSpread>{master}</MasterSpread>",
    }
    parts |= {"Resources/Preferences.xml": f'<Preferences><DocumentPreference PageBinding="{binding}"/></Preferences>'}
    tags = {"Stories": "Story", "Spreads": "Spread", "MasterSpreads": "MasterSpread"}
    named = "".join(f'<idPkg:{tags.get(part.split("/")[0], part.split("/")[1][:-4])} src="{part}"/>' for part in parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.adobe.indesign-idml-package")
        package.writestr("designmap.xml", f'{HEAD}<Document {PACKAGING} Self="d" Name="x.indd">{layers}{named}</Document>')
        for part, text in parts.items():
            package.writestr(part, f"{HEAD}<idPkg:Part {PACKAGING}>{text}</idPkg:Part>")
        if metadata:
            package.writestr("META-INF/metadata.xml", metadata)
    return path


def only(path: Path, options: ReadOptions | None = None) -> Document:
    [document] = read(path, options or ReadOptions())
    return document


def texts(document: Document) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def kinds(document: Document) -> list[tuple[str, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in document.paragraphs]


def test_stories_come_in_the_order_of_the_pages_and_not_of_the_file(tmp_path: Path) -> None:
    stories = {name: para(name) for name in ("last", "title", "right", "left", "next")}
    first = spread(frame("right", 300, -200, height=500), frame("left", 10, -200, height=500), frame("title", 10, -390, width=480))
    second = spread(frame("last", 10, 100), frame("next", 10, -300))
    assert texts(only(build(tmp_path / "x.idml", stories, first, second))) == ["title", "left", "right", "next", "last"]


def test_a_right_bound_book_reads_its_columns_and_pages_from_the_right(tmp_path: Path) -> None:
    stories = {name: para(name) for name in ("left", "right", "verso")}
    both = spread(frame("left", 10, -200), frame("right", 300, -200), frame("verso", -400, -200), pages=page() + page(-500))
    assert texts(only(build(tmp_path / "x.idml", stories, both, binding="RightToLeft"))) == ["right", "left", "verso"]


def test_the_two_pages_of_a_spread_are_read_one_after_the_other(tmp_path: Path) -> None:
    stories = {name: para(name) for name in ("recto top", "verso bottom", "verso top")}
    both = spread(frame("recto top", 10, -390), frame("verso bottom", -490, 200), frame("verso top", -490, -300), pages=page(-500) + page())
    assert texts(only(build(tmp_path / "x.idml", stories, both))) == ["verso top", "verso bottom", "recto top"]


def test_a_heading_over_both_pages_belongs_to_the_first(tmp_path: Path) -> None:
    stories = {name: para(name) for name in ("verso", "recto", "over both")}
    both = spread(*(frame("verso", -490, 0), frame("recto", 10, 0), frame("over both", -450, -390, width=800)), pages=page(-500) + page())
    assert texts(only(build(tmp_path / "x.idml", stories, both))) == ["over both", "verso", "recto"]


def test_a_threaded_story_is_read_once_where_its_thread_starts(tmp_path: Path) -> None:
    stories = {"body": para("One.") + para("Two."), "box": para("Box.")}
    first = spread(frame("body", 10, -300, height=200), frame("box", 10, 0))
    second = spread(frame("body", 10, -300, thread="f"))
    assert texts(only(build(tmp_path / "x.idml", stories, first, second))) == ["One.", "Two.", "Box."]
    assert texts(only(build(tmp_path / "y.idml", stories, second, first))) == ["One.", "Two.", "Box."]


def test_a_group_moves_the_frames_in_it(tmp_path: Path) -> None:
    stories = {"moved": para("moved"), "still": para("still")}
    group = f'<Group ItemTransform="1 0 0 1 0 500"><Group ItemTransform="1 0 0 1 0 100">{frame("moved", 10, -390)}</Group></Group>'
    assert texts(only(build(tmp_path / "x.idml", stories, spread(group, frame("still", 10, 0))))) == ["still", "moved"]


def test_text_on_a_path_is_read(tmp_path: Path) -> None:
    line = frame("none", 10, -300).replace("TextFrame", "Polygon").replace('ParentStory="none"', "")
    path = line.replace("</Polygon>", '<TextPath ParentStory="curve" PreviousTextFrame="n"/></Polygon>')
    assert texts(only(build(tmp_path / "x.idml", {"curve": para("Round and round.")}, spread(path)))) == ["Round and round."]


def test_what_nobody_sees_is_left_out_and_counted(tmp_path: Path) -> None:
    stories = {
        name: para(words(count)) for count, name in enumerate(["seen", "layer", "frame", "print", "paper", "away", "head", "none"], 1)
    }
    items = spread(
        frame("seen", 10, -300),
        frame("layer", 10, -200, attributes='ItemLayer="secret"'),
        f'<Group Visible="false">{frame("frame", 10, -100)}</Group>',
        frame("print", 10, 0, attributes='Nonprinting="true"'),
        frame("paper", 10, 100, attributes='ItemLayer="paper"'),
        frame("away", -300, 0),
    )
    layers = '<Layer Self="secret" Visible="false"/><Layer Self="paper" Visible="true" Printable="false"/>'
    document = only(build(tmp_path / "x.idml", stories, items, layers=layers, master=frame("head", 10, -390)))
    assert texts(document) == ["word"]
    [warning] = document.warnings
    assert "5 words in hidden frames or on hidden layers" in warning
    assert "9 words in frames that are not printed" in warning
    assert "6 words on the pasteboard, outside every page" in warning
    assert "7 words on parent pages" in warning
    assert "8 words in stories that no frame shows" in warning


def test_a_file_whose_text_is_all_unseen_says_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no text in it: all of it stands 3 words on the pasteboard"):
        only(build(tmp_path / "x.idml", {"a": para(words(3))}, spread(frame("a", 900, 0))))


def test_stories_without_any_frame_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    document = only(build(tmp_path / "x.idml", {"a": para("A."), "b": para("B.")}, spread()))
    assert texts(document) == ["A.", "B."]
    assert "order of the file" in document.warnings[0]


def test_an_anchored_frame_stands_after_the_paragraph_that_it_is_anchored_in(tmp_path: Path) -> None:
    anchor = '<Group ItemTransform="1 0 0 1 0 0"><TextFrame ParentStory="b" PreviousTextFrame="n" ItemTransform="1 0 0 1 0 0"/></Group>'
    story = raw(f"<Content>Before</Content>{anchor}<Content> and after.</Content><Br/><Content>Next.</Content>")
    document = only(build(tmp_path / "x.idml", {"a": story, "b": para("Inside.")}, spread(frame("a", 10, 0))))
    assert texts(document) == ["Before and after.", "Inside.", "Next."]
    assert document.warnings == ()


def test_stories_anchored_in_each_other_are_read_once(tmp_path: Path) -> None:
    def anchored(story: str) -> str:
        return raw(f'<Content>{story}</Content><TextFrame ParentStory="{"ba"[story == "b"]}" ItemTransform="1 0 0 1 0 0"/>')

    assert texts(only(build(tmp_path / "x.idml", {"a": anchored("a"), "b": anchored("b")}, spread(frame("a", 10, 0))))) == ["a", "b"]


def test_only_a_return_ends_a_paragraph(tmp_path: Path) -> None:
    story = (
        '<XMLElement MarkupTag="XMLTag/article">'
        + raw("<Content>Once </Content>")
        + '<XMLElement MarkupTag="XMLTag/bold">'
        + raw("<Content>upon</Content>")
        + "</XMLElement>"
        + raw("<HyperlinkTextSource><Content> a time</Content></HyperlinkTextSource><Br/><Br/><Content>The end.</Content>")
        + "</XMLElement>"
    )
    assert texts(only(build(tmp_path / "x.idml", {"a": story}))) == ["Once upon a time", "The end."]


def test_marks_of_the_layout_are_left_out_and_letters_are_not(tmp_path: Path) -> None:
    text = "dis\u00adcretion\u200cary <?ACE 18?>page<?ACE 7?>\u200b tab<?ACE 8?>end\ufeff ني\u200cني so-so a\u00a0b"
    assert texts(only(build(tmp_path / "x.idml", {"a": para(text)}))) == ["discretionary page tab\tend ني\u200cني so-so a\u00a0b"]


def test_forced_line_breaks_are_verse_when_the_lines_are_short(tmp_path: Path) -> None:
    long = f"{words(40)}\u2028{words(40)}"
    document = only(build(tmp_path / "x.idml", {"a": para("Tyger Tyger,\u2028burning bright") + para(long)}))
    assert kinds(document) == [("verse", "Tyger Tyger,\nburning bright"), ("text", long.replace("\u2028", "\n"))]


def test_deletions_and_editors_notes_are_left_out_and_insertions_kept(tmp_path: Path) -> None:
    story = raw(
        '<Content>The </Content><Change ChangeType="DeletedText"><Content>bad </Content></Change>'
        '<Change ChangeType="InsertedText"><Content>good </Content></Change>'
        "<Note><ParagraphStyleRange><CharacterStyleRange><Content>check!</Content></CharacterStyleRange></ParagraphStyleRange></Note>"
        '<Content>book </Content><TextVariableInstance ResultText="One"/><HiddenText><Content>not here</Content></HiddenText>'
    )
    document = only(build(tmp_path / "x.idml", {"a": story}))
    assert texts(document) == ["The good book One"]
    assert "2 words in hidden conditional text" in document.warnings[0]


@pytest.mark.parametrize(("notes", "expected"), [("place", ["text", "note", "note", "text"]), ("drop", ["text", "text"])])
def test_notes_stand_after_their_paragraph_or_are_dropped(tmp_path: Path, notes: str, expected: list[str]) -> None:
    story = raw(
        f"<Content>See</Content><Footnote>{para('<?ACE 4?> First note.', 'Footnote')}</Footnote><Content> and</Content>"
        '<Endnote Self="e1" EndnoteTextRange="r1"/><Content> here.</Content><Br/><Content>Next.</Content>'
    )
    ends = raw('<EndnoteRange Self="r1" SourceEndnote="e1"><Content>\ufeff<?ACE 4?> Last note.\ufeff</Content></EndnoteRange>')
    path = build(tmp_path / "x.idml", {"a": story, "e": ends}, story_attributes='IsEndnoteStory="true"')
    document = only(path, ReadOptions(notes=notes))
    assert [kind for kind, _ in kinds(document)] == expected
    assert texts(document) == ["See and here.", *(["First note.", "Last note."] if notes == "place" else []), "Next."]


def test_a_table_is_one_paragraph_a_row(tmp_path: Path) -> None:
    cells = [("1:0", "B"), ("0:0", "A"), ("0:1", "1"), ("1:1", "2")]
    table = "".join(f'<Cell Name="{name}">{para(text)}{para("more") if text == "2" else ""}</Cell>' for name, text in cells)
    story = raw(f"<Content>Before</Content><Table>{table}</Table><Content>After</Content>")
    assert kinds(only(build(tmp_path / "x.idml", {"a": story}))) == [
        *(("text", "Before"), ("table", "A\tB"), ("table", "1\t2 more"), ("text", "After"))
    ]


def test_a_table_of_one_cell_is_a_box_around_its_paragraphs(tmp_path: Path) -> None:
    story = raw(f'<Table><Cell Name="0:0">{para("One.")}{para("Two.")}</Cell></Table>')
    assert kinds(only(build(tmp_path / "x.idml", {"a": story}))) == [("text", "One."), ("text", "Two.")]


@pytest.mark.parametrize(
    ("style", "kind"),
    [
        ("ParagraphStyle/Heading 2", ("heading", 2)),
        ("ParagraphStyle/Book%3aChapterTitle", ("heading", 1)),
        ("ParagraphStyle/Überschrift", ("heading", 1)),
        ("ParagraphStyle/Zwischenüberschrift", ("heading", 2)),
        ("ParagraphStyle/titre_article", ("heading", 1)),
        ("ParagraphStyle/Sous-titre", ("heading", 2)),
        ("ParagraphStyle/H3", ("heading", 3)),
        ("ParagraphStyle/Kop 1", ("heading", 1)),
        ("ParagraphStyle/Chapter body first", ("", 0)),
        ("ParagraphStyle/Titles%3aBody", ("", 0)),
        ("ParagraphStyle/$ID/NormalParagraphStyle", ("", 0)),
        ("ParagraphStyle/légende photo", ("caption", 0)),
        ("ParagraphStyle/Bildunterschrift", ("caption", 0)),
        ("ParagraphStyle/Pull quote", ("quote", 0)),
        ("ParagraphStyle/Bullet list", ("list", 0)),
        ("", ("", 0)),
    ],
)
def test_the_names_of_styles_tell_the_kind(style: str, kind: tuple[str, int]) -> None:
    assert kind_and_level(style) == kind


def test_chapters_are_cut_at_top_headings_and_a_books_title_is_none(tmp_path: Path) -> None:
    story = para("My Book", "Book title") + "".join(
        para(f"Chapter {number}", "Heading 2") + para("A part", "Heading 3") + para("Text.") for number in "12"
    )
    sections = only(build(tmp_path / "x.idml", {"a": story})).sections
    assert [(section.title, len(section.paragraphs)) for section in sections] == [("My Book", 4), ("Chapter 2", 3)]


def test_sizes_tell_headings_when_no_name_does(tmp_path: Path) -> None:
    styles = '<ParagraphStyle Self="ParagraphStyle/Body" PointSize="10"/>'
    based = "<Properties><BasedOn>ParagraphStyle/Body</BasedOn></Properties>"
    large = f'<ParagraphStyle Self="ParagraphStyle/Large" PointSize="18">{based}</ParagraphStyle>'
    story = para("One", "Large") + para(words(50)) + para("Two", "Large") + para(words(50)) + para(words(30), "Large")
    document = only(build(tmp_path / "x.idml", {"a": story}, styles=styles + large))
    assert [kind for kind, _ in kinds(document)] == ["heading", "text", "heading", "text", "text"]
    assert [section.title for section in document.sections] == ["One", "Two"]


def test_the_xml_tags_of_the_house_tell_headings_too(tmp_path: Path) -> None:
    story = f'<XMLElement MarkupTag="XMLTag/title">{raw("<Content>Hello</Content>")}</XMLElement>{raw("<Br/>")}{para("Text.")}'
    assert kinds(only(build(tmp_path / "x.idml", {"a": story}))) == [("heading", "Hello"), ("text", "Text.")]


def test_long_stories_without_headings_are_sections_and_a_contents_story_says_so(tmp_path: Path) -> None:
    stories = {"a": para(words(150)), "caption": para("A fox.", "Caption"), "b": para(words(150))}
    assert [len(section.paragraphs) for section in only(build(tmp_path / "x.idml", stories)).sections] == [2, 1]
    listed = build(tmp_path / "y.idml", {"a": para("One 1")}, story_attributes='AppliedTOCStyle="TOCStyle/T"')
    assert [section.role for section in only(listed).sections] == ["contents"]


def test_title_author_and_language_come_from_the_files_metadata(tmp_path: Path) -> None:
    metadata = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description>'
        '<dc:title><rdf:Alt><rdf:li xml:lang="x-default"> The\n Fox </rdf:li></rdf:Alt></dc:title>'
        "<dc:creator><rdf:Seq><rdf:li>A. Writer</rdf:li><rdf:li>B. Writer</rdf:li></rdf:Seq></dc:creator>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    styles = '<ParagraphStyle Self="ParagraphStyle/Body" AppliedLanguage="$ID/French: Canadian"/>'
    document = only(build(tmp_path / "x.idml", {"a": para("Text.")}, metadata=metadata, styles=styles))
    assert (document.title, document.author, document.language) == ("The Fox", "A. Writer, B. Writer", "fr-CA")
    junk = only(build(tmp_path / "y.idml", {"a": para("Text.")}, metadata=metadata.replace(" The\n Fox ", "Untitled-1.indd")))
    assert (junk.title, junk.language) == ("", "")


@pytest.mark.parametrize(
    ("name", "tag"),
    [("$ID/English: UK", "en-GB"), ("$ID/German: Swiss", "de-CH"), ("$ID/Dutch: 2005 Reform", "nl"), ("$ID/[No Language]", ""), ("", "")],
)
def test_languages_have_their_tags(name: str, tag: str) -> None:
    assert language_tag(name) == tag


def test_frames_that_overlap_or_have_no_place_still_come_out_once() -> None:
    nan = float("nan")
    frames = [
        Frame(str(number), True, (number % 3 * 50.0, number * 7.0, number % 3 * 50.0 + 120, number * 7.0 + 90)) for number in range(40)
    ]
    frames.append(Frame("lost", True, (nan, nan, nan, nan)))
    ordered = in_reading_order(frames)
    assert sorted(frame.story for frame in ordered) == sorted(frame.story for frame in frames)


def test_an_indd_file_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.indd"
    path.write_bytes(bytes.fromhex("0606EDF5D81D46E5") + b"\0" * 5000)
    with pytest.raises(DocumentError, match=r"choose File > Export > InDesign Markup \(IDML\)"):
        only(path)


def test_other_packages_junk_and_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.idml"
    for content in (b"", b"junk" * 100, b"PK\x03\x04", b"%PDF-1.4"):
        path.write_bytes(content)
        with pytest.raises(DocumentError, match="no whole zip package"):
            only(path)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("word/document.xml", "<w/>")
    with pytest.raises(DocumentError, match=r"no InDesign file: the package has no designmap\.xml"):
        only(path)
    with pytest.raises(DocumentError, match="can't be opened"):
        only(tmp_path / "nosuch.idml")


def test_entities_bombs_and_endless_nesting_are_no_way_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = build(tmp_path / "x.idml", {"a": para("A.")})
    attack = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    for name, content, reason in [
        ("Stories/Story_a.xml", HEAD + attack + f"<Story>{para('Safe. &x;')}</Story>", ""),
        ("Stories/Story_a.xml", "<Story>" + "<XMLElement>" * 5000 + "</XMLElement>" * 5000 + "</Story>", "."),
        ("Stories/Story_a.xml", "<Story>" + "<Footnote>" * 240 + "</Footnote>" * 240 + "</Story>", "."),
        ("Stories/Story_a.xml", f"<Story><!--{' ' * 30_000_000}--></Story>", "unpacks to more than"),
        ("Stories/Story_a.xml", "<Story><Content>cut", "no valid XML"),
        ("designmap.xml", f'<Document {PACKAGING}><idPkg:Story src="../../etc/passwd"/></Document>', "missing from the package"),
    ]:
        other = tmp_path / "other.idml"
        with zipfile.ZipFile(path) as good, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as bad:
            for part in good.namelist():
                bad.writestr(part, content if part == name else good.read(part))
        if reason:
            with pytest.raises(DocumentError, match=reason):
                only(other)
        else:
            assert texts(only(other)) == ["Safe."]


def test_a_part_whose_name_is_spoilt_is_damaged(tmp_path: Path) -> None:
    path = build(tmp_path / "x.idml", {"a": para("A.")})
    content = bytearray(path.read_bytes())
    name = content.index(b"Stories/Story_a.xml")
    content[name + 2] = 0xB2
    content[name - 30 + 7] |= 0x08  # the flag for names in UTF-8
    path.write_bytes(bytes(content))
    with pytest.raises(DocumentError, match="damaged"):
        only(path)


def test_numbers_that_are_none_and_styles_that_go_in_circles_do_no_harm(tmp_path: Path) -> None:
    circle = "".join(
        f'<ParagraphStyle Self="ParagraphStyle/{a}"><Properties><BasedOn>ParagraphStyle/{b}</BasedOn></Properties></ParagraphStyle>'
        for a, b in [("Body", "Other"), ("Other", "Body")]
    )
    story = raw('<Table><Cell Name="x:nan"><Content>A</Content></Cell><Cell Name="1e999:"><Content>B</Content></Cell></Table>')
    items = spread(frame("a", 10, 0).replace('Anchor="', 'Anchor="nan '), frame("b", 1e300, 1e308), frame("c", 10, 0))
    path = build(tmp_path / "x.idml", {"a": story, "b": story, "c": story.replace("Table", "Table ")}, items, styles=circle)
    assert texts(only(path)) == ["A\tB"]


def test_a_damaged_file_gives_a_document_or_a_reason(tmp_path: Path) -> None:
    good = build(tmp_path / "x.idml", {"a": para(words(30)) + raw("<Br/><Table><Cell/></Table>"), "b": para("B.")}).read_bytes()
    draw, path, outcomes = random.Random(7), tmp_path / "y.idml", set()
    for _ in range(200):
        content = bytearray(good)
        for _ in range(draw.choice([1, 3, 10])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(bytes(content[: draw.choice([len(good), len(good), draw.randrange(len(good))])]))
        try:
            outcomes.add(type(only(path)))
        except DocumentError as error:
            assert str(error).endswith(".")  # noqa: PT017
            outcomes.add(DocumentError)
    assert outcomes == {Document, DocumentError}
