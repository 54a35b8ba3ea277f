"""The history: everything this browser has had written, as a tree."""

from __future__ import annotations

from typing import Any

import gradio as gr

from narrative.errors import NarrativeError, require_choice
from narrative.store import Sheet, SheetEntry, Store
from narrative.tabs.theme import asset

_TEMPLATE = """
<div class="history">
  <div class="top"><h2>History</h2>
    <button type="button" class="tool" data-act="undo" title="Back to the sheet before (Ctrl + Z)" aria-label="Undo">↶</button>
    <button type="button" class="tool" data-act="redo" title="Forward again (Ctrl + Shift + Z)" aria-label="Redo">↷</button></div>
  <ol></ol>
  <p class="plain">Every write and every branch is kept here, also after you close the page.</p>
  <button type="button" class="link" data-act="restore" hidden>Undo delete</button>
</div>
"""
_MOVES = ("open", "undo", "redo", "pin", "unpin", "delete", "restore")


def build_history() -> gr.HTML:
    with gr.Column(elem_classes=["card", "card-history"]):
        return gr.HTML(None, html_template=_TEMPLATE, js_on_load=asset("history.js"), apply_default_css=False, elem_id="history")


def draw_history(store: Store, owner: str) -> dict[str, Any]:
    entries = store.tree(owner)
    deleted = store.deleted(owner)
    undo, redo = store.ways(owner)
    lines = [_line(entry) for entry in entries]
    return {"entries": lines, "undo": undo, "redo": redo, "deleted": deleted[0].id if deleted else None}


def _line(entry: SheetEntry) -> dict[str, Any]:
    names = ("id", "depth", "label", "created", "pinned", "current")
    return {name: getattr(entry, name) for name in names}


def move(store: Store, owner: str, act: str, sheet: str) -> Sheet | None:
    """Do `act`; the sheet that is to be shown then, or None where the view stays."""
    require_choice("step in the history", act, _MOVES)
    if act == "open":
        return store.open(owner, sheet)
    if act in ("undo", "redo"):
        shown = store.undo(owner) if act == "undo" else store.redo(owner)
        if shown is None:
            raise NarrativeError("There is nothing before this sheet." if act == "undo" else "There is nothing to go forward to.")
        return shown
    if act in ("pin", "unpin"):
        store.pin(owner, sheet, act == "pin")
        return None
    before = store.current(owner)
    (store.delete if act == "delete" else store.restore)(owner, sheet)
    after = store.current(owner)
    return after if before is None or after is None or after.id != before.id else None
