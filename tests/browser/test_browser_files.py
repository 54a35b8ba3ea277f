"""What an editor takes away: the clipboard, text, Markdown and Word."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from driving import Desk
from playwright.sync_api import Download, expect

PROMPT = "A story for the printer"


def download(desk: Desk, name: str, folder: Path) -> Path:
    with desk.page.expect_download() as waiting:
        desk.page.get_by_role("button", name=f"Download draft 1 as {name}").click()
    taken: Download = waiting.value
    path = folder / taken.suggested_filename
    taken.save_as(path)
    return path


@pytest.fixture
def written(desk: Desk) -> Desk:
    desk.write(PROMPT, drafts=1)
    return desk


def test_a_draft_can_be_downloaded_in_each_format_and_copied(written: Desk, tmp_path: Path) -> None:
    whole = written.text().replace("¶", "").replace("∎", "")
    text = download(written, ".txt", tmp_path)
    assert text.suffix == ".txt"
    assert text.read_text(encoding="utf-8").startswith(PROMPT)
    markdown = download(written, ".md", tmp_path)
    assert markdown.read_text(encoding="utf-8").startswith("---\n")
    word = download(written, "Word", tmp_path)
    document = docx.Document(str(word))
    assert document.paragraphs[0].text.startswith(PROMPT)
    kept = f"{document.core_properties.comments} {document.core_properties.keywords}"
    assert "seed" in kept
    assert "perplexity" in kept
    written.page.get_by_role("button", name="Copy draft 1").click()
    expect(written.page.get_by_role("button", name="Copy draft 1")).to_have_text("Copied")
    copied = written.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(PROMPT)
    assert "".join(copied.split()) == "".join(whole.split())
