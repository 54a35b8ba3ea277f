"""The panel "Why this word?" beside the drafts in a real Chromium: the newest word's answer, never an older one's, and the way to more."""

from __future__ import annotations

import shutil

import pytest
from driving import App, Desk, new_context
from playwright.sync_api import Browser, Locator, expect


class Why:
    """The panel of an editor's page."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page
        self.root = self.page.locator(".why")
        self.title = self.root.locator("h2")
        self.hollow, self.sentence, self.trouble = (self.root.locator(f".{name}") for name in ("hollow", "sentence", "trouble"))
        self.target = self.root.locator(".line mark")

    def rest(self) -> Why:
        expect(self.root).to_have_attribute("aria-busy", "false")
        return self

    def answered(self) -> Why:
        expect(self.rest().root.locator(".answer")).to_be_visible()
        return self

    def about(self, word: Locator) -> Why:
        expect(self.title).to_contain_text(text(word).strip())
        return self.answered()


def text(place: Locator) -> str:
    return str(place.text_content())


@pytest.fixture
def why(desk: Desk) -> Why:
    return Why(desk)


def test_the_word_that_the_example_marks_is_explained_when_the_page_opens(why: Why) -> None:
    why.about(why.page.locator(".draft .t.sel"))
    assert "likely" in text(why.sentence)
    assert why.root.locator(".line [style*=rgba]").count() > 2
    expect(why.hollow).to_be_hidden()


def test_a_click_on_a_word_says_what_brought_it_about(why: Why) -> None:
    why.answered()
    word = why.desk.words(1).nth(9)
    word.click()
    why.about(word)
    assert text(why.target) in text(why.title)
    assert text(word) in text(why.target)
    assert text(why.target) in text(why.sentence)
    assert text(why.root.locator(".line")).endswith(text(why.target))


def test_an_older_answer_is_marked_as_old_at_the_click(why: Why) -> None:
    why.answered()
    marked = why.desk.words(0).nth(7).evaluate("word => { word.click(); return document.querySelector('.why').getAttribute('aria-busy'); }")
    assert marked == "true"
    why.about(why.desk.words(0).nth(7))


def test_of_many_clicks_only_the_newest_is_answered(why: Why) -> None:
    why.answered()
    why.page.evaluate("""() => {
      window.titles = new Set();
      const answer = document.querySelector('.why .answer'), title = document.querySelector('.why h2');
      new MutationObserver(() => answer.hidden || window.titles.add(title.textContent)).observe(title, { childList: true, subtree: true });
      [6, 9, 12, 15].forEach(at => document.querySelectorAll('.draft')[0].querySelectorAll('.t:not(.space):not(.end)')[at].click());
    }""")
    last = why.desk.words(0).nth(15)
    why.about(last)
    why.page.wait_for_timeout(1500)  # an older answer would come late
    why.about(last)
    assert len(why.page.evaluate("[...window.titles]")) == 1


def test_the_same_word_again_leaves_its_answer_alone(why: Why) -> None:
    word = why.desk.words(0).nth(8)
    word.click()
    why.about(word)
    word.click()
    expect(word).to_have_class("t sel")
    why.about(word)


def test_while_drafts_are_written_nothing_is_asked_and_then_the_new_word_is(why: Why) -> None:
    why.answered()
    why.desk.press_write("There is a blue curtain.", length=400, drafts=1)
    why.desk.words_come()
    expect(why.hollow).to_be_visible()
    expect(why.root).to_have_attribute("aria-busy", "false")
    why.desk.stop()
    why.about(why.page.locator(".draft .t.sel"))


def test_more_leads_to_the_whole_tab_with_this_word(why: Why) -> None:
    why.answered()
    word = why.desk.words(1).nth(9)
    word.click()
    target = text(why.about(word).target)
    why.root.locator(".more").focus()
    why.page.keyboard.press("Enter")
    tab = why.page.locator(".words.explain")
    expect(tab.locator(".strip .w.sel").first).to_have_text(target)
    expect(tab.locator(".which")).to_contain_text("Draft 2")
    expect(tab).to_have_attribute("aria-busy", "false")


def test_the_link_under_a_draft_leads_there_too_and_the_panel_follows(why: Why) -> None:
    why.answered()
    why.desk.drafts.nth(1).locator("[data-act=why]").click()
    tab = why.page.locator(".words.explain")
    expect(tab.locator(".which")).to_contain_text("Draft 2")
    expect(tab).to_have_attribute("aria-busy", "false")
    word = tab.locator(".answer .strip .w.mine").nth(6)
    chosen = text(word)
    word.click()
    expect(tab.locator("#words-title")).to_contain_text(chosen)
    expect(tab).to_have_attribute("aria-busy", "false")
    why.page.click("#nav button[data-tab-id=generate]")
    expect(why.desk.drafts.nth(1).locator(".t.sel")).to_have_text(chosen)
    why.about(why.desk.drafts.nth(1).locator(".t.sel"))


def test_a_draft_whose_model_is_gone_says_so_and_shows_no_older_answer(why: Why, app: App) -> None:
    why.answered()
    folder = shutil.copytree(app.home / "models" / "tiny", app.home / "models" / "leaving")
    picker = why.page.locator("#model input")
    picker.fill("leaving")
    picker.press("Enter")
    expect(why.page.locator("#about")).to_contain_text("leaving")
    why.desk.write("There is a blue curtain.", drafts=1)
    why.answered()
    shutil.rmtree(folder)
    why.page.locator(".draft .t:not(.sel)").last.click()
    expect(why.rest().trouble).to_contain_text("leaving")
    expect(why.root.locator(".answer")).to_be_hidden()
    why.desk.reload()
    expect(why.hollow).to_be_visible()  # nobody clicked: no model is asked for


def test_on_a_narrow_page_the_panel_comes_along_in_the_sheet(browser: Browser, app: App, trouble: list[str]) -> None:
    context = new_context(browser, trouble, viewport={"width": 390, "height": 844})
    why = Why(Desk(context.new_page(), app).open())
    word = why.desk.words(0).nth(8)
    word.click()
    why.about(word)
    expect(why.page.locator(".alternatives")).to_be_in_viewport()
    why.root.locator(".more").scroll_into_view_if_needed()
    expect(why.root.locator(".more")).to_be_in_viewport()
    assert why.page.evaluate("document.documentElement.scrollWidth") <= 390
    why.root.locator(".more").click()
    expect(why.page.locator("body")).not_to_have_class("sheet-open")
    context.close()
