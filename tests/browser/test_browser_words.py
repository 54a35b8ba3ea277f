"""Clicking a word, its alternatives, and another way from there."""

from __future__ import annotations

from driving import Desk
from playwright.sync_api import expect


def test_a_click_on_a_word_shows_its_alternatives(desk: Desk) -> None:
    desk.write("There is a blue curtain.", drafts=2)
    word = desk.words(1).nth(2)
    word.click()
    expect(desk.panel.locator("h2")).to_have_text(f"Instead of “{word.text_content()}”")
    expect(word).to_have_class("t sel")
    shares = desk.panel.locator(".alt .share").all_text_contents()
    assert 10 <= len(shares) <= 11
    expect(desk.panel.locator(".alt.here")).to_have_count(1)


def test_an_alternative_becomes_a_branch_and_the_old_one_stays(desk: Desk) -> None:
    desk.write("There is a blue curtain.", drafts=2)
    before = desk.draft_texts()
    word = desk.words(1).nth(2)
    word.click()
    expect(word).to_have_class("t sel")
    expect(desk.panel.locator("h2")).to_have_text(f"Instead of “{(word.text_content() or '').strip()}”")  # the panel is this word's by now
    choice = desk.panel.locator(".alt:not(.here):not(:has(.note))").first
    chosen = (choice.locator(".word").text_content() or "").lstrip("…")
    choice.click()
    expect(desk.sheets).to_have_count(2)
    desk.rest()
    after = desk.draft_texts()
    assert after[0] == before[0]
    assert after[1] != before[1]
    expect(desk.drafts.nth(1).locator(".branch")).to_contain_text(chosen)
    expect(desk.page.locator(".t.sel")).to_have_text(chosen)
    expect(desk.current).to_contain_text("instead of")
    desk.sheets.first.locator(".open").click()
    expect(desk.page.locator(".draft .text").nth(1)).to_have_text(before[1])


def test_write_on_from_here_keeps_everything_before_the_word(desk: Desk) -> None:
    desk.write("There is a blue curtain.", drafts=1, length=40)
    number = desk.words().count() - 2
    words = desk.words().all_text_contents()
    desk.words().nth(number).click()
    expect(desk.words().nth(number)).to_have_class("t sel")
    desk.page.click("#from-here")
    expect(desk.current).to_contain_text("once more")
    desk.rest()
    assert desk.words().all_text_contents()[: number - 1] == words[: number - 1]


def test_words_can_be_reached_and_chosen_by_keyboard(desk: Desk) -> None:
    desk.write("There is a blue curtain.", drafts=1)
    desk.page.locator(".draft .t[tabindex='0']").focus()
    desk.page.keyboard.press("Home")
    desk.page.keyboard.press("ArrowRight")
    second = desk.drafts.first.locator(".t").nth(1)
    expect(second).to_be_focused()
    expect(desk.page.locator(".draft .t[tabindex='0']")).to_have_count(1)
    desk.page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(desk.panel.locator(".alt").first).to_be_focused()
    desk.page.keyboard.press("ArrowDown")
    expect(desk.panel.locator(".alt").nth(1)).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(second).to_be_focused()


def test_the_example_can_be_branched_like_a_draft_of_ones_own(desk: Desk) -> None:
    desk.words(0).nth(3).click()
    expect(desk.words(0).nth(3)).to_have_class("t sel")
    desk.panel.locator(".alt:not(.here)").first.click()
    expect(desk.sheets).to_have_count(2)
    desk.rest()
    expect(desk.sheets.locator(".label").first).to_have_text("The example")
