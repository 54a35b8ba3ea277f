"""A real Chromium against the running app. Every test gets a fresh browser context, that is a new editor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from driving import App, Desk, new_context
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tiny_models import gpt2, write_tiny
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with what ships, beginning with a tiny model that never ends its text by itself: else Stop could come too late."""
    running = App(tmp_path_factory.mktemp("studio"))
    write_tiny(running.home / "models" / "tiny", _endless)
    running.start()
    yield running
    running.kill()
    assert "Traceback" not in running.log(), running.log()


def _endless(words: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A tiny model whose end-of-text token has a logit of -100 less than it had."""
    model = gpt2(words)
    with torch.no_grad():
        embeddings = model.transformer.wte.weight
        embeddings[:, 0] = 0
        embeddings[words.eos_token_id, 0] = -10
        model.transformer.ln_f.weight[0] = 0
        model.transformer.ln_f.bias[0] = 10
    return model


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = [os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium"), shutil.which("chromium-browser")]
    program = next((path for path in found if path and Path(path).exists()), None)
    if program is None:
        pytest.fail("The browser tests need Chromium: install Debian's package 'chromium', or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def trouble() -> Iterator[list[str]]:
    """What must not happen on any page: script errors, dialogs, requests to other hosts."""
    seen: list[str] = []
    yield seen
    assert seen == []


@pytest.fixture
def context(browser: Browser, trouble: list[str]) -> Iterator[BrowserContext]:
    context = new_context(browser, trouble)
    yield context
    context.close()


@pytest.fixture(scope="module")
def same_desk(browser: Browser, app: App) -> Iterator[Desk]:
    """A newcomer's page for all tests of a module that write nothing."""
    seen: list[str] = []
    context = new_context(browser, seen)
    yield Desk(context.new_page(), app).open()
    context.close()
    assert seen == []


@pytest.fixture
def desk(context: BrowserContext, app: App) -> Desk:
    """A newcomer's page, opened."""
    return Desk(context.new_page(), app).open()
