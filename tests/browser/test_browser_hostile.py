"""Bad input: a clear sentence, the app goes on, no draft is lost, nothing is executed."""

from __future__ import annotations

import pytest
from driving import Desk
from playwright.sync_api import expect

SCRIPT = "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>${window.hit = 3}{{value}}"


def assert_refused(desk: Desk, sentence: str) -> None:
    expect(desk.page.locator(".notice.wrong .words")).to_contain_text(sentence)
    expect(desk.page.locator("#write")).to_be_enabled()


def test_markup_in_a_prompt_is_text_and_nothing_else(desk: Desk) -> None:
    desk.write(SCRIPT, drafts=2)
    expect(desk.page.locator(".seedtext").first).to_have_text(SCRIPT)
    expect(desk.current).to_have_attribute("dir", "auto")
    desk.words(0).nth(1).click()
    expect(desk.words(0).nth(1)).to_have_class("t sel")
    desk.reload()
    expect(desk.page.locator(".seedtext").first).to_have_text(SCRIPT)
    assert desk.page.evaluate("window.hit") is None
    assert desk.page.locator("#shell script").count() == 0


def test_other_scripts_and_emoji_are_written_on(desk: Desk) -> None:
    prompt = "كان يا ما كان 🦊👩‍👩‍👧 في قديم الزمان"
    desk.write(prompt, drafts=1)
    expect(desk.page.locator(".seedtext")).to_have_text(prompt)
    expect(desk.page.locator(".draft .text")).to_have_attribute("dir", "auto")
    expect(desk.seed).to_have_attribute("dir", "rtl")
    desk.reload()
    expect(desk.seed).to_have_attribute("dir", "rtl")


def test_prompts_that_cannot_be_continued_are_explained_and_the_drafts_stay(desk: Desk) -> None:
    desk.write("A draft to keep", drafts=1)
    kept = desk.draft_texts()
    for prompt, sentence in (
        ("   \n ", "seed text is empty"),
        ("a\0b", "invisible character U+0000"),
        ("word " * 220_000, "at most 200,000"),
    ):
        desk.press_write(prompt, drafts=1)
        assert_refused(desk, sentence)
        assert desk.draft_texts() == kept
    expect(desk.sheets).to_have_count(1)
    desk.write("And on it goes", drafts=1)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("temperature", 0, "Boldness (temperature) is 0"),
        ("top-p", 0, "share of likely words (top-p) is 0"),
        ("seed-number", -1, "Seed is -1"),
    ],
)
def test_settings_out_of_bounds_are_explained(desk: Desk, name: str, value: object, sentence: str) -> None:
    desk.page.locator(f"#{name} input[type=number]").fill(str(value))
    desk.page.click("#write")
    assert_refused(desk, sentence)


def test_half_typed_numbers_disturb_nobody(desk: Desk) -> None:
    desk.page.get_by_text("Top-k", exact=True).click()
    expect(desk.page.locator("#top-k")).to_be_visible()
    box = desk.page.locator("#max-new-tokens input[type=number]")
    box.fill("")
    box.press_sequentially("30")
    box.press("Tab")
    desk.seed.fill("Numbers")
    desk.page.click("#write")
    expect(desk.current).to_have_text("Numbers")
    desk.rest()
    expect(desk.page.locator(".toast-body")).to_have_count(0)


def test_an_unknown_model_is_explained_and_the_drafts_stay(desk: Desk) -> None:
    kept = desk.draft_texts()
    picker = desk.page.locator("#model input")
    before = picker.input_value()
    picker.fill("no-such-folder/of-a/model")
    picker.press("Enter")
    assert_refused(desk, "no-such-folder")
    desk.page.click("#write")
    assert_refused(desk, "no-such-folder")
    assert desk.draft_texts() == kept
    picker.fill(before)
    picker.press("Enter")
    desk.write("It works again", drafts=1)
