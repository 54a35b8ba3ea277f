"""Writing and stopping."""

from __future__ import annotations

from driving import Desk
from playwright.sync_api import expect

from narrative.models import catalogue


def test_write_streams_the_drafts_asked_for(desk: Desk) -> None:
    desk.write("The old lighthouse", length=20, drafts=3)
    expect(desk.drafts).to_have_count(3)
    for text in desk.draft_texts():
        assert text.startswith("The old lighthouse")
        assert len(text) > len("The old lighthouse")
    for facts in desk.page.locator(".meta").all_text_contents():
        assert "Perplexity" in facts
        assert "tokens/s" in facts
    expect(desk.current).to_have_text("The old lighthouse")
    expect(desk.notice).to_have_text("3 drafts are written.")


def test_the_model_that_ships_can_be_chosen_and_writes(desk: Desk) -> None:
    shipped = [card for card in catalogue() if card.origin == "shipped"]
    assert shipped, "No model lies in checkpoints/."
    picker = desk.page.locator("#model input")
    picker.click()
    desk.page.get_by_role("option", name=shipped[0].title).click()
    expect(desk.notice).to_have_text(f"{shipped[0].title} is ready.")
    desk.write("Once upon a time", length=30, drafts=3)
    for text in desk.draft_texts():
        assert len(text.split()) > 8


def test_ctrl_enter_writes_and_the_seed_text_is_what_was_typed(desk: Desk) -> None:
    desk.set("max-new-tokens", 20)
    desk.seed.fill("Far away in the north")
    desk.seed.press("Control+Enter")
    expect(desk.current).to_have_text("Far away in the north")
    desk.rest()


def test_stop_keeps_what_was_written(desk: Desk) -> None:
    desk.press_write("A long story about the sea", length=1000, drafts=1)
    desk.words_come()
    expect(desk.page.locator("#write")).to_have_text("Writing…")
    desk.stop()
    expect(desk.drafts.locator(".meta")).to_contain_text("it was stopped")
    kept = desk.text()
    desk.reload()
    assert desk.text() == kept


def test_escape_stops_too(desk: Desk) -> None:
    desk.press_write("A long story about the hills", length=1000, drafts=1)
    desk.words_come()
    desk.page.keyboard.press("Escape")
    desk.rest()
    expect(desk.drafts.locator(".meta")).to_contain_text("it was stopped")


def test_the_same_seed_writes_the_same_drafts_and_a_new_one_is_drawn_unless_kept(desk: Desk) -> None:
    desk.page.locator("#keep-seed input").check()
    desk.set("seed-number", 7)
    desk.write("One morning", drafts=2)
    first = desk.draft_texts()
    desk.write("One morning", drafts=2)
    assert desk.draft_texts() == first
    assert first[0] != first[1]
    expect(desk.page.locator("#seed-number input")).to_have_value("7")
    desk.page.locator("#keep-seed input").uncheck()
    desk.write("One morning", drafts=2)
    expect(desk.page.locator("#seed-number input")).not_to_have_value("7")


def test_again_rewrites_one_draft_and_leaves_the_others(desk: Desk) -> None:
    desk.write("One evening", drafts=2)
    before = desk.draft_texts()
    desk.page.get_by_role("button", name="Write draft 2 again").click()
    expect(desk.current).to_have_text("Draft 2 again")
    desk.rest()
    assert desk.text(0) == before[0]
    assert desk.text(1) != before[1]


def test_go_on_lengthens_a_draft_and_changes_nothing_before(desk: Desk) -> None:
    desk.press_write("One night", length=1000, drafts=1)
    desk.words_come()
    desk.stop()
    more = desk.page.get_by_role("button", name="Go on with draft 1")
    before = desk.text()
    desk.set("max-new-tokens", 20)
    more.click()
    expect(desk.current).to_have_text("Draft 1, longer")
    desk.rest()
    assert desk.text().startswith(before)
    assert len(desk.text()) > len(before)
