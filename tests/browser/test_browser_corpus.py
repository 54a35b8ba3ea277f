"""Books in: drop, look, mend, build, and what happens when somebody leaves, stops or means harm."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from driving import App, Desk, new_context
from playwright.sync_api import Browser, Locator, Page, expect
from test_browser_page import CONTRAST

SCRIPT = "<img src=x onerror='window.hit = 2'>${window.hit = 3}{{value}}"
PARAGRAPH = "In chapter {0} the keeper of the light counted step {1} of the stair and wrote it down in book {2}."
STOP_AT_ONCE = """() => new MutationObserver((_, watching) => {
    const stop = document.querySelector('.work:not([hidden]) [role=progressbar] ~ [data-act=stop]');
    if (stop) { watching.disconnect(); stop.click(); }
}).observe(document.querySelector('.work'), { attributes: true })"""
Files = dict[str, bytes]


def epub(title: str, chapters: list[tuple[str, list[str]]]) -> bytes:
    made = io.BytesIO()
    names = [f"c{number}" for number in range(len(chapters))]
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("mimetype", "application/epub+zip")
        package.writestr(
            "META-INF/container.xml",
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="p.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        package.writestr(
            "p.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{title}</dc:title><dc:creator>Ada Merrow</dc:creator><dc:language>en</dc:language></metadata>"
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for name, (heading, paragraphs) in zip(names, chapters, strict=True):
            body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
            page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>{heading}</h1>{body}</body></html>'
            package.writestr(f"{name}.xhtml", page)
    return made.getvalue()


def lighthouse() -> bytes:
    odd = ["[Illustration: a lamp]", "The stair\u00adwell was dark."]
    chapters = [(f"Chapter {chapter}", odd + [PARAGRAPH.format(chapter, n, 7 * n) for n in range(40)]) for chapter in (1, 2, 3)]
    return epub("The Lighthouse", chapters)


def story(name: str, lines: int = 60) -> bytes:
    return "\n\n".join(f"{name} went to the market {n} times and came back with {n * 3} apples." for n in range(lines)).encode()


class Shelf:
    """The Train tab, in the words of a keeper."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page
        self.files = self.page.locator(".files .file")
        self.work = self.page.locator(".work")
        self.book = self.page.locator(".book")
        self.report = self.page.locator(".report")
        self.corpora = self.page.locator(".corpora .corpus")
        self.pairs = self.page.locator(".passages .pair")

    def open(self) -> Shelf:
        self.page.get_by_role("tab", name="Train").click()
        self.page.locator(".stock").get_by_role("button", name="Add books…").click()
        expect(self.page.get_by_role("button", name="Build", exact=True)).to_be_visible()
        return self

    def reload(self) -> Shelf:
        self.desk.reload()
        return self.open()

    def drop(self, files: Files) -> None:
        before = self.files.count()
        payload = [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files.items()]
        self.page.locator(".drop input[type=file]").set_input_files(payload)  # type: ignore[arg-type]
        expect(self.files).to_have_count(before + len(files))
        expect(self.work).to_be_hidden()

    def file(self, text: str) -> Locator:
        return self.files.filter(has_text=text)

    def look(self, text: str, chapter: str = "") -> None:
        self.file(text).locator(".open").click()
        expect(self.book).to_be_visible()
        if chapter:
            self.chapter(chapter).click()
            expect(self.page.locator("#leaf-title")).to_have_text(chapter)

    def chapter(self, title: str) -> Locator:
        return self.page.locator(".chapters .open").filter(has_text=title)

    def press_build(self, name: str) -> None:
        self.page.locator(".build").get_by_label("Name", exact=True).fill(name)
        self.page.get_by_role("button", name="Build", exact=True).click()

    def build(self, name: str) -> None:
        self.press_build(name)
        expect(self.report.locator("h2")).to_have_text(name)


@pytest.fixture
def shelf(desk: Desk) -> Shelf:
    return Shelf(desk).open()


def records(app: App, name: str) -> list[dict[str, str]]:
    folder = app.home / "corpora" / name
    return [json.loads(line) for side in ("train", "test") for line in (folder / f"{side}.jsonl").read_text().splitlines()]


def wait_for_text(page: Page, text: str) -> None:
    expect(page.locator(".notice .words")).to_contain_text(text)


def test_an_empty_shelf_says_what_can_be_dropped_and_what_comes_next(shelf: Shelf) -> None:
    page = shelf.page
    for kind in ("ePub", "Word", "InDesign", "PDF", "OpenDocument", "RTF", "HTML", "Markdown", "zip"):
        expect(page.locator(".drop .kinds")).to_contain_text(kind)
    expect(page.locator(".shelf .nothing")).to_contain_text("The shelf is empty")
    expect(page.locator(".corpora")).to_contain_text("everybody in the house sees the same ones")
    shelf.press_build("nothing-here")
    wait_for_text(page, "The shelf is empty")
    assert not (shelf.desk.app.home / "corpora" / "nothing-here").exists()


def test_from_dropped_books_to_a_corpus_that_is_what_the_page_promised(shelf: Shelf) -> None:
    page, app = shelf.page, shelf.desk.app
    shelf.drop({"light.epub": lighthouse(), "market.txt": story("Ann"), "photo.jpg": b"\xff\xd8\xff\xe0" * 9})
    expect(shelf.file("light.epub").locator(".line")).to_contain_text("ePub, English, 3 chapters")
    expect(shelf.file("photo.jpg").locator(".why")).to_contain_text("not read")

    shelf.look("The Lighthouse", "Chapter 2")
    gone, mended = shelf.pairs.filter(has_text="[Illustration: a lamp]"), shelf.pairs.filter(has_text="was dark")
    expect(gone.locator("del.text")).to_have_css("text-decoration-line", "line-through")
    expect(gone.locator(".rules")).to_have_text("page furniture")
    expect(mended.locator(".text").nth(0)).to_contain_text("stair\u00adwell")
    expect(mended.locator(".text").nth(1)).to_contain_text("stairwell")
    expect(shelf.book.locator(".told")).to_have_text("Cleaning mends 1 passage and takes out 1 passage in this chapter.")
    expect(shelf.pairs).to_have_count(20)
    shelf.book.get_by_role("button", name="The next page").last.click()
    expect(shelf.pairs.last).to_contain_text("counted step 36")
    page.get_by_text("Only what cleaning changes").click()
    expect(shelf.pairs).to_have_count(2)

    page.get_by_role("button", name="Leave this chapter out").click()
    expect(page.get_by_role("button", name="Put this chapter back")).to_be_visible()
    expect(shelf.book.locator(".told")).to_contain_text("left out")
    page.locator(".names input[name=title]").fill("The Lamp")
    page.locator(".names").get_by_role("button", name="Keep").click()
    expect(shelf.book.locator("h2")).to_have_text("The Lamp")
    page.keyboard.press("Escape")
    expect(shelf.book).to_be_hidden()
    expect(shelf.file("light.epub").locator(".line")).to_contain_text("1 chapter left out")

    shelf.build("house-list")
    told = shelf.report.locator("p.told").text_content() or ""
    made = records(app, "house-list")
    text = "\n".join(record["text"] for record in made)
    assert {record["title"] for record in made} == {"The Lamp", "market"}
    assert "In chapter 1" in text
    assert "In chapter 3" in text
    assert "In chapter 2" not in text
    assert "Illustration" not in text
    assert told.startswith(f"{sum(len(record['text'].split()) for record in made):,} words")
    assert "1 file could not be read" in told
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as CSV").click()
    assert download.value.suggested_filename == "house-list-report.csv"
    assert "photo.jpg" in download.value.path().read_text(encoding="utf-8-sig")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete “house-list” for good").click()
    expect(shelf.report).to_be_hidden()
    assert not (app.home / "corpora" / "house-list").exists()


def test_the_shelf_and_the_choices_are_there_after_a_reload_and_for_nobody_else(shelf: Shelf, browser: Browser, trouble: list[str]) -> None:
    page = shelf.page
    shelf.drop({"ann.txt": story("Ann"), "bob.txt": story("Bob")})
    shelf.file("bob.txt").get_by_role("button", name="Leave out").click()
    expect(shelf.file("bob.txt")).to_have_class("file read excluded")
    page.locator(".build .fold summary").first.click()
    page.get_by_label("hard wraps").uncheck()
    page.wait_for_timeout(600)
    shelf.reload()
    expect(shelf.files).to_have_count(2)
    expect(shelf.file("bob.txt")).to_have_class("file read excluded")
    expect(page.locator(".build .fold summary").first).to_contain_text("7 of 8 rules")
    shelf.file("bob.txt").get_by_role("button", name="Put back").click()
    expect(shelf.file("bob.txt")).to_have_class("file read")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(shelf.file("bob.txt")).to_have_class("file read excluded")
    other = new_context(browser, trouble)
    stranger = Shelf(Desk(other.new_page(), shelf.desk.app).open()).open()
    expect(stranger.files).to_have_count(0)
    other.close()


def test_a_build_can_be_stopped_and_leaves_no_half_corpus(shelf: Shelf) -> None:
    corpora = shelf.desk.app.home / "corpora"
    shelf.drop({f"book{n}.txt": b"\n\n".join(story(f"Name{n} {m}", 300) for m in range(10)) for n in range(8)})
    shelf.page.evaluate(STOP_AT_ONCE)  # faster than any hand: a quick machine would be done before the click
    shelf.press_build("too-big")
    wait_for_text(shelf.page, "Nothing of the corpus “too-big” was kept")
    expect(shelf.work).to_be_hidden()
    shelf.reload()
    expect(shelf.files).to_have_count(8)
    expect(shelf.page.locator(".corpora .corpus").filter(has_text="too-big")).to_have_count(0)
    assert not (corpora / "too-big").exists()
    assert not list(corpora.glob(".*"))


def test_names_and_titles_that_mean_harm_are_text(shelf: Shelf) -> None:
    page = shelf.page
    shelf.drop({"<img src=x onerror=window.hit=1>.txt": SCRIPT.encode() + b"\n\n" + story("Ann"), "../../up.txt": story("Bob")})
    expect(shelf.file("<img src=x").locator(".title")).to_have_text("<img src=x onerror=window.hit=1>")
    expect(shelf.file("up.txt").locator(".line")).to_contain_text("up.txt · plain text")
    shelf.look("<img src=x")
    expect(shelf.pairs.first).to_contain_text(SCRIPT)
    page.locator(".names input[name=title]").fill(SCRIPT)
    page.locator(".names").get_by_role("button", name="Keep").click()
    expect(shelf.book.locator("h2")).to_have_text(SCRIPT)
    shelf.build("harmless")
    expect(shelf.report.locator("tbody")).to_contain_text(SCRIPT)
    shelf.press_build("<b>no</b>")
    wait_for_text(page, "can't be a corpus name")
    assert page.evaluate("window.hit") is None
    assert not (shelf.desk.app.home.parent / "up.txt").exists()


def test_every_view_can_be_read_and_used_on_a_phone_in_light_and_dark_and_by_name(browser: Browser, trouble: list[str], app: App) -> None:
    context = new_context(browser, trouble, viewport={"width": 390, "height": 844}, has_touch=True)
    shelf = Shelf(Desk(context.new_page(), app).open()).open()
    page = shelf.page

    def check() -> None:
        page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for _ in range(2):
            assert page.evaluate(CONTRAST) == []
            page.click("#theme")
            page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")
        nameless = page.evaluate("""() => [...document.querySelectorAll('#shell :is(button, input, select, summary)')]
            .filter(node => node.checkVisibility() && !(node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim()))
            .map(node => node.outerHTML.slice(0, 120))""")
        assert nameless == []

    check()
    shelf.drop({f"{'a very long name ' * 8}.txt": story("Ann"), "light.epub": lighthouse(), "photo.jpg": b"\xff\xd8\xff\xe0" * 9})
    check()
    shelf.look("The Lighthouse", "Chapter 2")
    check()
    shelf.build("phone")
    page.locator(".notice .tool").click()
    check()
    context.close()
