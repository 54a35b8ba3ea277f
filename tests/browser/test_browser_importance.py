"""The Word importance tab in a real Chromium with the network cut: words that are shaded, clicked and dragged over, checked and swapped."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import PATIENCE, App, Desk, new_context
from playwright.sync_api import Browser, BrowserContext, Download, Locator, expect

STORY, GOES_ON = (
    "Once upon a time there was a little fox who lived in the forest.",
    " He was very tired, and he wanted to sleep in his bed.",
)
HOSTILE = 'The fox </script><img src=x onerror="window.broken=1"> said ${alert(1)} {{7*7}} 🦊 你好 مرحبا and and'


class Importance:
    """A reader at the tab."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page
        self.root = self.page.locator(".words.explain")
        self.title = self.root.locator("#words-title")
        self.words = self.root.locator(".answer .strip .w")
        self.sentence = self.root.locator(".answer .sentence")
        self.trouble = self.root.locator(".answer .trouble")

    def open(self) -> Importance:
        self.page.click("#nav button[data-tab-id=words]")
        expect(self.words.first).to_be_visible()
        return self.settled()

    def settled(self) -> Importance:
        expect(self.root).to_have_attribute("aria-busy", "false")
        return self

    def choose(self, number: int) -> Importance:
        self.words.nth(number).click()
        return self.settled()

    def method(self, name: str) -> Importance:
        self.root.locator(f'[data-method="{name}"]').click()
        return self.settled()

    def read(self, text: str, more: str = "") -> Importance:
        self.root.locator("[data-source=own]").click()
        self.root.locator("[name=prompt]").fill(text)
        self.root.locator("[name=completion]").fill(more)
        self.root.locator(".own [type=submit]").click()
        return self.settled()

    def select(self, name: str, value: str) -> Importance:
        change = "(node, value) => { node.value = value; node.dispatchEvent(new Event('change', {bubbles: true})); }"
        self.root.locator(f"select[name={name}]").evaluate(change, value)  # Playwright's own would take a label for a value
        return self.settled()

    def shaded(self) -> int:
        return self.root.locator(".answer .strip .w.shaded").count()

    def save(self, name: str) -> Download:
        with self.page.expect_download(timeout=PATIENCE) as told:
            self.root.locator(name).click()
        return told.value


@pytest.fixture(scope="module")
def reader(browser: Browser, app: App) -> Iterator[Importance]:
    """One page for all tests that don't mind what was asked before: a story read by the shipped model."""
    seen: list[str] = []
    context = new_context(browser, seen)
    reader = Importance(Desk(context.new_page(), app).open()).open()
    yield reader.method("input x gradient").select("model", "fable-5m").read(STORY, GOES_ON)
    context.close()
    assert seen == []


def text(place: Locator) -> str:
    return str(place.text_content())


def test_the_tab_opens_with_a_shaded_text_and_a_sentence(reader: Importance) -> None:
    assert reader.shaded() > 3
    expect(reader.sentence).not_to_be_empty()
    expect(reader.root.locator(".by-word .bars path").first).to_be_attached()
    expect(reader.root.locator(".answer .wall")).to_have_count(1)
    assert "No method tells the whole truth" in text(reader.root.locator(".standing"))


def test_a_clicked_word_is_what_is_explained(reader: Importance) -> None:
    word = text(reader.words.nth(14))
    reader.choose(14)
    expect(reader.title).to_contain_text(f"Why “{word}”?")
    expect(reader.words.nth(14)).to_have_class(re.compile(r"\bsel\b"))
    after = reader.words.nth(18)
    assert "so it can't have brought it about" in str(after.get_attribute("title"))


def test_dragging_marks_several_words(reader: Importance) -> None:
    first, last = (reader.words.nth(number).bounding_box() for number in (12, 14))
    assert first
    assert last
    reader.page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 8)
    reader.page.mouse.down()
    reader.page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 8, steps=6)
    reader.page.mouse.up()
    reader.settled()
    assert reader.root.locator(".answer .w.sel").count() == 3


def test_the_keyboard_chooses_a_word_and_marks_on_from_there(reader: Importance) -> None:
    reader.choose(10)
    reader.words.nth(10).focus()
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("Enter")
    reader.settled()
    expect(reader.title).to_contain_text(f"Why “{text(reader.words.nth(11))}”?")
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("Shift+Enter")
    reader.settled()
    assert reader.root.locator(".answer .w.sel").count() == 2


def test_every_quick_method_shades_the_text_and_shows_its_price(reader: Importance) -> None:
    reader.choose(12)
    for name in ("saliency", "ablation", "occlusion", "integrated gradients"):
        reader.method(name)
        assert reader.shaded() > 3, name
        expect(reader.root.locator(f'[data-method="{name}"]')).to_have_attribute("aria-pressed", "true")
    assert "instant" in text(reader.root.locator('[data-method="input x gradient"] .cost'))
    reader.method("input x gradient")


def test_learned_noise_draws_its_layers(reader: Importance) -> None:
    reader.choose(8).method("noise")
    expect(reader.root.locator(".by-layer .heatmaplayer").first).to_be_attached()
    assert "low = important" in text(reader.root.locator(".key-line .high"))
    reader.method("input x gradient")
    expect(reader.root.locator(".layers-card")).to_be_hidden()


def test_a_contrast_asks_why_the_one_and_not_the_other(reader: Importance) -> None:
    reader.choose(12)
    reader.root.locator("[name=instead]").fill("dragon")
    reader.root.locator(".contrast [type=submit]").click()
    reader.settled()
    expect(reader.title).to_contain_text("rather than “dragon”")
    reader.root.locator(".contrast .drop").click()
    reader.settled()
    expect(reader.title).not_to_contain_text("rather than")


def test_the_next_word_and_the_whole_passage(reader: Importance) -> None:
    count = reader.words.count()
    reader.root.locator("[data-aim=next]").click()
    reader.settled()
    assert reader.words.count() >= count + 1
    reader.root.locator("[data-aim=whole]").click()
    reader.settled()
    assert reader.root.locator(".answer .w.asked").count() > 5


def test_two_methods_stand_beside_each_other_with_their_agreement(reader: Importance) -> None:
    reader.choose(12).select("compare", "method:ablation")
    expect(reader.root.locator(".other .second .w.shaded").first).to_be_visible()
    assert "rank correlation" in text(reader.root.locator(".other .sentence"))
    expect(reader.root.locator(".of-both .scatterlayer").first).to_be_attached()
    reader.select("compare", "")
    expect(reader.root.locator(".other")).to_be_hidden()


def test_a_map_is_checked_beside_chance_and_the_best_possible(reader: Importance) -> None:
    reader.choose(12)
    check = reader.root.locator(".check")
    check.locator(".go").click()
    expect(check.locator("tbody tr").first).to_be_visible()
    cells = [cell for cell in check.locator("tbody tr").first.locator("td").all_text_contents() if cell]
    assert len(cells) == 3
    expect(check.locator(".verdict")).not_to_be_empty()
    expect(reader.root.locator(".plot.fall .scatterlayer").first).to_be_attached()
    reader.choose(14)
    expect(check.locator("table")).to_be_hidden()  # it belonged to another map


def test_a_check_can_be_stopped(reader: Importance) -> None:
    check = reader.root.locator(".check")
    check.locator(".go").click()
    check.locator(".halt-check").click()
    expect(check.locator(".go")).to_be_visible()
    expect(check.locator("table")).to_be_hidden()


def test_a_swapped_word_changes_the_probability_and_the_text_is_written_again(reader: Importance) -> None:
    swap = reader.root.locator(".swap")
    swap.locator(".mini .w").nth(3).click()
    swap.locator("[name=with]").fill("dragon")
    swap.locator("[type=submit]").click()
    expect(swap.locator(".halt-swap")).to_be_hidden()
    assert re.search(r"(likelier|less likely|as likely)", text(swap.locator(".told")))
    assert "dragon" in text(swap.locator(".rewritten mark"))
    swap.locator(".delete").click()
    expect(swap.locator(".told")).to_contain_text("Without")


def test_files_hold_what_is_shown(reader: Importance, browser: Browser, tmp_path: Path) -> None:
    reader.choose(12)
    rows = list(csv.DictReader(io.StringIO(Path(reader.save("[data-save=csv]").path()).read_text(encoding="utf-8"))))
    assert len(rows) == reader.words.count()
    page = reader.save("[data-save=html]")
    html = Path(page.path()).read_text(encoding="utf-8")
    assert text(reader.sentence).split("”")[0] in html.replace("&ldquo;", "“")
    drawn = reader.save("[data-picture=svg]")
    assert Path(drawn.path()).read_text(encoding="utf-8").startswith("<svg")
    assert Path(reader.save("[data-picture=png]").path()).read_bytes().startswith(b"\x89PNG")
    saved = tmp_path / "map.html"
    saved.write_text(html, encoding="utf-8")
    alone = browser.new_context(offline=True).new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(saved.as_uri())
    expect(alone.locator("body")).to_contain_text("Why")
    assert asked == [saved.as_uri()]
    alone.context.close()


def test_settings_outside_their_bounds_are_refused_and_no_older_map_stays(reader: Importance) -> None:
    reader.method("integrated gradients")
    if not reader.root.locator("details.advanced").evaluate("node => node.open"):
        reader.root.locator(".advanced summary").click()
    reader.root.locator(".dial [name=steps]").fill("0")
    reader.root.locator(".apply").click()
    reader.settled()
    expect(reader.trouble).to_contain_text("number of steps is 0")
    assert reader.shaded() == 0
    expect(reader.sentence).to_be_empty()
    reader.root.locator(".usual").click()
    reader.settled()
    expect(reader.trouble).to_be_hidden()
    assert reader.shaded() > 3
    reader.method("input x gradient")


def test_a_long_answer_can_be_stopped_and_is_not_shown_as_one(reader: Importance) -> None:
    reader.root.locator("[data-aim=whole]").click()
    reader.settled()
    reader.root.locator('[data-method="shapley"]').click()
    reader.root.locator(".answer .halt").click()
    expect(reader.trouble).to_contain_text("Stopped")
    assert reader.shaded() == 0
    reader.method("input x gradient")
    assert reader.shaded() > 3


def test_a_text_of_ones_own_is_shown_as_text_whatever_it_is(reader: Importance) -> None:
    reader.read(HOSTILE, " He was tired.")
    assert "</script><img" in text(reader.root.locator(".answer .strip"))
    assert reader.page.evaluate("window.broken") is None
    reader.read("   ")
    expect(reader.trouble).to_be_visible()
    assert reader.shaded() == 0
    reader.read("There was a fox")
    expect(reader.trouble).to_be_hidden()
    assert reader.shaded() > 0
    reader.select("model", "fable-5m").read(STORY, GOES_ON)


def test_a_word_chosen_in_one_tab_is_chosen_in_the_others(context: BrowserContext, app: App) -> None:
    desk = Desk(context.new_page(), app).open()
    desk.words(1).nth(9).click()
    expect(desk.panel).to_contain_text("Instead of")
    chosen = text(desk.words(1).nth(9)).strip()
    reader = Importance(desk).open()
    sel = reader.root.locator(".answer .w.sel")
    assert chosen in text(sel) or text(sel) in chosen
    reader.choose(int(sel.evaluate("node => [...document.querySelectorAll('.answer .strip .w')].indexOf(node)")) + 2)
    swap = reader.root.locator(".swap")
    swap.locator(".mini .w").nth(2).click()
    swap.locator(".delete").click()
    expect(swap.locator(".rewritten .fresh")).to_have_text(re.compile(r"\S.{15}", re.DOTALL))  # its own model writes it again
    moved = text(reader.root.locator(".answer .w.sel"))
    desk.page.click("#nav button[data-tab-id=generate]")
    expect(desk.page.locator(".drafts .t.sel")).to_contain_text(moved[:2])


@pytest.mark.parametrize("width", [390, 1024])
def test_narrow_pages_do_not_scroll_sideways(context: BrowserContext, app: App, width: int) -> None:
    desk = Desk(context.new_page(), app)
    desk.page.set_viewport_size({"width": width, "height": 900})
    Importance(desk.open()).open()
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
