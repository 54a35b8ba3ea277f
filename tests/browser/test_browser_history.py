"""The tree of what was written: undo, redo, switch, pin, delete, restore."""

from __future__ import annotations

from driving import Desk
from playwright.sync_api import expect


def two_sheets(desk: Desk) -> None:
    desk.write("The first story", drafts=1)
    desk.write("The second story", drafts=1)


def test_undo_and_redo_go_back_and_forward(desk: Desk) -> None:
    two_sheets(desk)
    desk.page.get_by_role("button", name="Undo", exact=True).click()
    expect(desk.current).to_have_text("The first story")
    expect(desk.page.locator(".seedtext")).to_have_text("The first story")
    desk.page.get_by_role("button", name="Redo", exact=True).click()
    expect(desk.current).to_have_text("The second story")


def test_undo_by_keyboard_but_not_while_typing(desk: Desk) -> None:
    two_sheets(desk)
    desk.seed.press("Control+z")
    expect(desk.current).to_have_text("The second story")
    desk.page.locator(".history .sheet.current .open").focus()
    desk.page.keyboard.press("Control+z")
    expect(desk.current).to_have_text("The first story")
    desk.page.keyboard.press("Control+Shift+Z")
    expect(desk.current).to_have_text("The second story")


def test_undo_and_redo_can_be_pressed_only_where_they_lead_somewhere(desk: Desk) -> None:
    two_sheets(desk)
    undo, redo = (desk.page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(undo).to_be_enabled()
    expect(redo).to_be_disabled()
    undo.click()
    expect(desk.current).to_have_text("The first story")
    expect(undo).to_be_disabled()
    expect(redo).to_be_enabled()


def test_a_click_switches_to_another_sheet(desk: Desk) -> None:
    two_sheets(desk)
    desk.page.get_by_role("button", name="The first story").first.click()
    expect(desk.current).to_have_text("The first story")
    expect(desk.page.locator(".seedtext")).to_have_text("The first story")


def test_a_pinned_sheet_stands_on_top(desk: Desk) -> None:
    two_sheets(desk)
    expect(desk.sheets.first).to_contain_text("The second story")
    desk.sheets.nth(1).hover()
    desk.page.get_by_role("button", name="Pin “The first story”", exact=True).click()
    expect(desk.sheets.first).to_contain_text("The first story")
    desk.page.get_by_role("button", name="Unpin “The first story”").click()
    expect(desk.sheets.first).to_contain_text("The second story")


def test_a_deleted_sheet_can_be_brought_back(desk: Desk) -> None:
    two_sheets(desk)
    desk.sheets.first.hover()
    desk.page.get_by_role("button", name="Delete “The second story”").click()
    expect(desk.sheets).to_have_count(1)
    expect(desk.page.locator(".seedtext")).to_have_text("The first story")
    desk.page.get_by_role("button", name="Undo delete").click()
    expect(desk.sheets).to_have_count(2)
