"""Driving the app and a page of it, in the words of an editor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60_000  # milliseconds; two busy cores are slow

expect.set_options(timeout=PATIENCE)


class App:
    """`python app.py` as its own process, on a port that it keeps when it is started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {"NARRATIVE_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        with (self.home / "app.log").open("ab") as log:
            command = [sys.executable, "app.py", "--port", str(self.port), "--model", "tiny"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"The app did not start:\n{self.log()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        return (self.home / "app.log").read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address, timeout=5) as answer:  # noqa: S310 - our own http address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Desk:
    """An editor at a page."""

    def __init__(self, page: Page, app: App) -> None:
        self.page, self.app = page, app
        self.drafts = page.locator(".draft")
        self.notice = page.locator(".notice .words")
        self.sheets = page.locator(".history .sheet")
        self.current = page.locator(".history .sheet.current .label")
        self.seed = page.locator("#seed textarea")
        self.panel = page.locator(".alternatives")

    def open(self, query: str = "") -> Desk:
        self.page.goto(self.app.address + query)
        return self.opened()

    def opened(self) -> Desk:
        self.page.wait_for_selector("body[data-opened]", timeout=PATIENCE)
        return self

    def reload(self) -> Desk:
        self.page.reload()
        return self.opened()

    def set(self, name: str, value: Any) -> None:
        box = self.page.locator(f"#{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")

    def press_write(self, text: str | None = None, *, length: int = 20, drafts: int = 2) -> None:
        self.set("max-new-tokens", length)
        self.set("drafts", drafts)
        if text is not None:
            self.seed.fill(text)
        self.page.click("#write")

    def write(self, text: str | None = None, *, length: int = 20, drafts: int = 2) -> None:
        before = self.sheets.count()
        self.press_write(text, length=length, drafts=drafts)
        expect(self.sheets).to_have_count(before + 1)
        self.rest()

    def words_come(self) -> None:
        """Wait until new words stand on the page and more are coming."""
        expect(self.page.locator(".draft.writing .t").nth(2)).to_be_visible()

    def stop(self) -> None:
        """Press Stop, without insisting: the model may have ended the text a moment before."""
        self.page.locator("#stop").evaluate("button => button.click()")
        self.rest()

    def rest(self) -> None:
        """Wait until nothing is being written."""
        expect(self.page.locator(".drafts")).to_have_attribute("aria-busy", "false")
        expect(self.page.locator("#write")).to_be_enabled()

    def words(self, draft: int = 0) -> Locator:
        return self.drafts.nth(draft).locator(".t:not(.space):not(.end)")

    def text(self, draft: int = 0) -> str:
        return str(self.drafts.nth(draft).locator(".text").text_content())

    def draft_texts(self) -> list[str]:
        return self.page.locator(".draft .text").all_text_contents()


def new_context(browser: Browser, trouble: list[str], **options: Any) -> BrowserContext:
    context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}, "accept_downloads": True} | options))
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])

    def only_this_host(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            route.continue_()
        else:
            trouble.append(f"a request to {route.request.url}")
            route.abort()

    context.route("**/*", only_this_host)
    context.on("page", lambda page: _watch(page, trouble))
    return context


def _watch(page: Page, trouble: list[str]) -> None:
    page.on("pageerror", lambda error: trouble.append(f"a script error: {error}"))

    def refuse(dialog: Any) -> None:
        trouble.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
