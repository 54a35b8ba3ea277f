"""The Attention tab in a real Chromium: lines that are really drawn, words and cells that lead somewhere, files that open offline."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import PATIENCE, App, Desk, new_context
from playwright.sync_api import Browser, Download, FrameLocator, Locator, expect

HOSTILE = 'The fox </script><img src=x onerror="window.broken=1"> said ${alert(1)} {{7*7}} 🦊 你好 مرحبا\n\nand and and'


class Attention:
    """A reader at the tab."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page
        self.root = self.page.locator(".attn")
        self.words = self.root.locator(".strip .w")
        self.frame: FrameLocator = self.page.frame_locator("#attention iframe")
        self.lines = self.frame.locator("line")
        self.trouble = self.root.locator(".trouble")

    def open(self) -> Attention:
        self.page.click("#nav button[data-tab-id=attention]")
        return self.rest()

    def rest(self) -> Attention:
        expect(self.words.first).to_be_visible()
        return self.settled()

    def settled(self) -> Attention:
        expect(self.root).to_have_attribute("aria-busy", "false")
        expect(self.root.locator(".window")).to_have_attribute("aria-busy", "false")
        return self

    def view(self, name: str) -> Attention:
        self.root.locator(f"[data-view={name}]").click()
        return self.settled()

    def read(self, text: str, more: str = "") -> Attention:
        self.root.locator("[data-source=own]").click()
        self.root.locator("[name=prompt]").fill(text)
        self.root.locator("[name=completion]").fill(more)
        self.root.locator(".own button").click()
        return self.settled()

    def select(self, name: str, value: str) -> Attention:
        change = "(node, value) => { node.value = value; node.dispatchEvent(new Event('change', {bubbles: true})); }"
        self.root.locator(f"select[name={name}]").evaluate(change, value)  # Playwright's own would take a label for a value
        return self.settled()

    def save(self, name: str) -> Download:
        with self.page.expect_download(timeout=PATIENCE) as told:
            self.root.locator(name).click()
        return told.value

    def cell(self, plot: str, layer: int, head: int) -> None:
        """Click a cell of a plot of layers and heads; layer and head from 1."""
        self.root.locator(plot).scroll_into_view_if_needed()
        at = self.root.locator(plot).evaluate(
            "(node, [layer, head]) => { const f = node._fullLayout, x = f.xaxis, y = f.yaxis, box = node.getBoundingClientRect();"
            " const place = (axis, value) => axis._offset + axis.c2p(value);"
            " return [box.x + place(x, head), box.y + place(y, layer)]; }", [layer, head],
        )  # fmt: skip
        self.page.mouse.click(*at)
        self.settled()


@pytest.fixture(scope="module")
def reader(browser: Browser, app: App) -> Iterator[Attention]:
    """One page for all tests that don't mind what was looked at before."""
    seen: list[str] = []
    context = new_context(browser, seen)
    reader = Attention(Desk(context.new_page(), app).open()).open()
    yield reader.select("model", "fable-5m")  # the example is the tiny model's; this one has more layers and heads to choose from
    context.close()
    assert seen == []


def text(place: Locator) -> str:
    return str(place.text_content())


def test_the_tab_opens_with_the_example_and_lines_are_drawn(reader: Attention) -> None:
    assert reader.lines.count() > 100
    expect(reader.root.locator(".overview .heatmaplayer").first).to_be_attached()
    expect(reader.root.locator(".strip .w.mine").first).to_be_visible()
    expect(reader.root.locator(".wall")).to_have_count(1)
    assert "not proof" in text(reader.root.locator(".standing"))


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_every_view_of_bertviz_is_drawn(reader: Attention, view: str) -> None:
    reader.view(view)
    assert reader.lines.count() > 100
    assert text(reader.root.locator(".sentence"))


def test_the_heat_map_is_drawn_for_the_chosen_head(reader: Attention) -> None:
    reader.view("heatmap").select("layer", "1").select("head", "2")
    expect(reader.root.locator(".plot.main .heatmaplayer").first).to_be_attached()
    assert "Layer 2, head 3" in str(reader.root.locator(".plot.main").get_attribute("aria-label"))
    reader.view("neuron")
    expect(reader.root.locator("select[name=layer]")).to_have_value("1")
    expect(reader.root.locator("select[name=head]")).to_have_value("2")
    reader.view("head").select("head", "")


def test_a_word_tells_which_heads_look_from_it_and_what_would_have_been_said(reader: Attention) -> None:
    word = reader.words.nth(14)
    word.click()
    reader.settled()
    assert text(word) in text(reader.root.locator(".word .chosen"))
    assert reader.root.locator(".glances li").count() > 3
    layers = reader.root.locator(".layers li")
    expect(layers).to_have_count(6)  # the shipped model's five, and the embedding
    expect(layers.last).to_contain_text("end")
    assert "first choice" in text(reader.root.locator(".told"))


def test_a_glance_opens_its_head(reader: Attention) -> None:
    reader.words.nth(14).click()
    reader.settled()
    glance = reader.root.locator(".glance").first
    layer, head = text(glance.locator(".at")).split("·")
    glance.click()
    reader.settled()
    expect(reader.root.locator("select[name=layer]")).to_have_value(str(int(layer) - 1))
    expect(reader.root.locator("select[name=head]")).to_have_value(str(int(head) - 1))


def test_a_cell_of_the_overview_opens_its_head(reader: Attention) -> None:
    reader.cell(".overview", 4, 3)
    expect(reader.root.locator("select[name=layer]")).to_have_value("3")
    expect(reader.root.locator("select[name=head]")).to_have_value("2")
    expect(reader.root.locator(".chosen-head")).to_contain_text("Layer 4, head 3")


def test_words_pieces_and_the_sink_can_be_switched(reader: Attention) -> None:
    reader.read("The lighthouse-keeper's grandmother remembered")
    words = reader.words.count()
    reader.root.locator("[data-unit=pieces]").click()
    reader.settled()
    assert reader.words.count() > words
    reader.root.locator("[name=sink]").check()
    reader.settled()
    assert "is left out" in text(reader.root.locator(".sentence"))
    reader.root.locator("[name=sink]").uncheck()
    reader.root.locator("[data-unit=words]").click()
    reader.settled()
    expect(reader.words).to_have_count(words)


def test_a_head_is_taken_out_and_then_all_of_them(reader: Attention) -> None:
    reader.read("Once upon a time there was a little", " fox who lived in the forest.")
    reader.words.nth(8).click()
    reader.settled()
    reader.cell(".overview", 2, 5)
    reader.root.locator(".matter .one").click()
    reader.settled()
    assert re.search(r"Without head 5 of layer 2, “fox” is .*nats", text(reader.root.locator(".effect")))
    reader.root.locator("[data-watched=written]").click()
    expect(reader.root.locator(".effect")).to_be_hidden()
    reader.root.locator(".matter .all").click()
    expect(reader.root.locator("[data-save=survey]")).to_be_visible()
    expect(reader.root.locator(".survey .heatmaplayer").first).to_be_attached()
    table = list(csv.DictReader(io.StringIO(Path(reader.save("[data-save=survey]").path()).read_text(encoding="utf-8"))))
    assert len(table) == 40
    reader.cell(".survey", 1, 2)
    expect(reader.root.locator("select[name=head]")).to_have_value("1")


def test_hostile_text_is_shown_as_it_is_and_never_run(reader: Attention) -> None:
    reader.read(HOSTILE)
    shown = text(reader.root.locator(".strip"))
    assert '</script><img src=x onerror="window.broken=1">' in shown
    assert "🦊" in shown
    assert "{{7*7}}" in shown
    for view in ("head", "model", "neuron", "heatmap"):
        reader.view(view)
        assert reader.page.evaluate("window.broken") is None
        assert all(frame.evaluate("window.broken") is None for frame in reader.page.frames)
    reader.view("head")
    assert reader.lines.count() > 20


@pytest.mark.parametrize(("typed", "told"), [(" ", "empty"), ("a\u0000b", "invisible")])
def test_what_cannot_be_read_is_told_and_nothing_is_lost(reader: Attention, typed: str, told: str) -> None:
    reader.read("The fox laughed")
    before = reader.words.all_text_contents()
    reader.read(typed)
    expect(reader.trouble).to_contain_text(told)
    assert reader.words.all_text_contents() == before


def test_one_token_has_a_picture_too(reader: Attention) -> None:
    reader.read("a")
    expect(reader.words).to_have_count(1)
    assert reader.lines.count() >= 1
    reader.words.first.click()
    reader.settled()
    assert "nothing before it" in text(reader.root.locator(".told"))


def test_models_that_cannot_be_compared_say_why_and_all_else_stays(reader: Attention) -> None:
    reader.read("The fox laughed")
    reader.select("compare", "tiny")
    expect(reader.trouble).to_contain_text("layers")
    reader.words.nth(1).click()
    reader.settled()
    expect(reader.root.locator(".word .none")).to_contain_text("nothing to look back at")
    reader.words.nth(2).click()
    reader.settled()
    assert reader.root.locator(".glances li").count() > 0
    reader.select("compare", "")
    reader.view("difference")
    expect(reader.root.locator(".hollow")).to_contain_text("Compare with")
    reader.view("head")


def test_pages_tables_and_pictures_can_be_saved(reader: Attention, browser: Browser, tmp_path: Path) -> None:
    reader.read("Once upon a time there was a little", " fox.").view("head")
    page = tmp_path / "page.html"
    reader.save("[data-save=html]").save_as(page)
    alone = browser.new_context(offline=True).new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(page.as_uri())
    expect(alone.locator("line").first).to_be_attached()
    assert asked == [page.as_uri()]
    alone.context.close()
    svg = Path(reader.save("[data-picture=svg]").path()).read_text(encoding="utf-8")
    assert svg.lstrip().startswith("<svg")
    assert svg.count("<line") > 20
    assert Path(reader.save("[data-picture=png]").path()).read_bytes().startswith(b"\x89PNG")
    reader.view("heatmap")
    assert Path(reader.save("[data-picture=png]").path()).read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(Path(reader.save("[data-save=csv]").path()).read_text(encoding="utf-8"))))
    drawn = reader.root.locator(".plot.main").evaluate("node => { const z = node.data[0].z; return [...z.at(-1)].map(Number); }")
    last = [row for row in rows if row["query"] == rows[-1]["query"]]
    assert [100 * float(row["drawn"]) for row in last] == pytest.approx([value for value in drawn if value is not None], abs=0.006)
    reader.view("head")


def test_the_draft_and_the_word_that_are_chosen_here_are_chosen_there(desk: Desk) -> None:
    desk.drafts.nth(1).locator("[data-act=attention]").click()
    reader = Attention(desk).rest()
    expect(reader.root.locator(".which")).to_contain_text("Draft 2")
    mine = reader.root.locator(".strip .w.mine")
    word = mine.nth(6)
    word.click()
    reader.settled()
    chosen = text(word)
    desk.page.click("#nav button[data-tab-id=generate]")
    expect(desk.drafts.nth(1).locator(".t.sel")).to_have_text(chosen)
    desk.page.click("#nav button[data-tab-id=attention]")
    reader.rest()
    expect(reader.root.locator(".strip .w.sel")).to_have_text(chosen)


def test_a_draft_that_is_too_long_keeps_its_stretch_while_words_are_chosen(desk: Desk) -> None:
    desk.write("There is a blue curtain.", length=100, drafts=1)  # the tiny model reads 64 tokens at once
    desk.drafts.first.locator("[data-act=attention]").click()
    reader = Attention(desk).rest()
    expect(reader.root.locator(".notes")).to_contain_text("left out")
    before = reader.words.all_text_contents()
    word = reader.words.nth(len(before) - 4)
    word.click()
    reader.settled()
    chosen, place = text(word), word.get_attribute("data-place")
    reader.view("heatmap")
    assert reader.words.all_text_contents() == before
    expect(reader.root.locator(".strip .w.sel")).to_have_attribute("data-place", str(place))
    assert chosen in text(reader.root.locator(".word .chosen"))
    assert before[0] in str(reader.root.locator(".plot.main").evaluate("node => node._fullLayout.yaxis.ticktext[0]"))


def test_what_is_asked_for_while_the_text_is_on_its_way_comes_too(desk: Desk) -> None:
    desk.page.click("#nav button[data-tab-id=attention]")
    desk.page.locator(".attn [data-view=heatmap]").click()
    reader = Attention(desk).rest()
    expect(reader.root.locator(".plot.main .heatmaplayer").first).to_be_attached()
    expect(reader.root.locator(".overview .heatmaplayer").first).to_be_attached()
    reader.root.locator("[data-unit=pieces]").click()
    reader.root.locator(".matter [data-watched=written]").click()
    reader.root.locator(".matter .all").click()
    expect(reader.root.locator("[data-save=survey]")).to_be_visible()
    reader.settled()
    expect(reader.root.locator("[data-unit=pieces]")).to_have_attribute("aria-pressed", "true")


def test_a_narrow_page_puts_the_text_first_and_nothing_sticks_out(browser: Browser, app: App, trouble: list[str]) -> None:
    context = new_context(browser, trouble, viewport={"width": 390, "height": 844})
    reader = Attention(Desk(context.new_page(), app).open()).open()
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (reader.root.locator(name).bounding_box() for name in (".attn-text", ".attn-ask"))
    assert first is not None
    assert second is not None
    assert first["y"] < second["y"]
    context.close()
