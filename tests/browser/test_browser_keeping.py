"""Nothing an editor wrote is lost: by reload, in a second tab, by a closed tab, by a server that was killed."""

from __future__ import annotations

from driving import App, Desk, new_context
from playwright.sync_api import Browser, expect


def kept_desk(desk: Desk) -> None:
    """Type something and wait until the server has it."""
    with desk.page.expect_response(lambda answer: "run/predict" in answer.url and "Not sent yet" in (answer.request.post_data or "")):
        desk.seed.fill("Not sent yet")


def test_reload_brings_back_the_sheet_the_typed_text_and_the_settings(desk: Desk) -> None:
    desk.write("A story to keep", drafts=2)
    texts = desk.draft_texts()
    kept_desk(desk)
    desk.reload()
    expect(desk.seed).to_have_value("Not sent yet")
    expect(desk.page.locator("#max-new-tokens input[type=number]")).to_have_value("20")
    assert desk.draft_texts() == texts
    expect(desk.current).to_have_text("A story to keep")


def test_a_second_tab_of_the_same_browser_has_everything_and_a_stranger_nothing(desk: Desk, browser: Browser, trouble: list[str]) -> None:
    desk.write("A story to share", drafts=1)
    second = Desk(desk.page.context.new_page(), desk.app).open()
    expect(second.current).to_have_text("A story to share")
    context = new_context(browser, trouble)
    stranger = Desk(context.new_page(), desk.app).open()
    expect(stranger.sheets).to_have_count(0)
    context.close()


def test_a_tab_closed_while_writing_leaves_its_drafts(desk: Desk) -> None:
    context, app = desk.page.context, desk.app
    desk.press_write("A story cut short", length=1000, drafts=1)
    desk.words_come()
    desk.page.close()
    again = Desk(context.new_page(), app).open()
    expect(again.current).to_have_text("A story cut short")
    assert again.words().count() >= 1
    again.write("The model is free again", drafts=1)


def test_a_killed_server_gives_everything_back(desk: Desk, app: App) -> None:
    desk.write("A story that survives", drafts=2)
    texts = desk.draft_texts()
    kept_desk(desk)
    app.kill()
    app.start()
    desk.reload()
    assert desk.draft_texts() == texts
    expect(desk.seed).to_have_value("Not sent yet")
    desk.words().nth(1).click()
    expect(desk.words().nth(1)).to_have_class("t sel")
    desk.panel.locator(".alt:not(.here)").first.click()
    expect(desk.sheets).to_have_count(2)
    desk.rest()


def test_a_link_opens_prompt_settings_and_drafts_elsewhere(desk: Desk, browser: Browser, trouble: list[str]) -> None:
    desk.set("temperature", 0.7)
    desk.write("A story to send", drafts=2)
    texts = desk.draft_texts()
    desk.page.get_by_role("button", name="Copy link").click()
    expect(desk.notice).to_contain_text("link is in your clipboard")
    link = desk.page.evaluate("navigator.clipboard.readText()")
    assert "?open=" in link
    context = new_context(browser, trouble)
    other = Desk(context.new_page(), desk.app).open("?open=" + link.split("?open=")[1])
    assert other.draft_texts() == texts
    expect(other.seed).to_have_value("A story to send")
    expect(other.page.locator("#temperature input[type=number]")).to_have_value("0.7")
    expect(other.current).to_contain_text("From a link")
    other.reload()
    expect(other.sheets).to_have_count(1)
    context.close()


def test_an_unknown_link_is_explained(desk: Desk) -> None:
    desk.open("?open=nothing-of-the-kind")
    expect(desk.page.locator(".notice.wrong")).to_be_visible()
    expect(desk.drafts.first).to_be_visible()
