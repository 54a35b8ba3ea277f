"""How long an editor waits: from the start of the app to a page, from the page to the first word.

    python -m tests.benchmarks.start [--rounds 5]

Each round starts `app.py` in a process of its own with an empty NARRATIVE_HOME and opens it in a fresh Chromium
context. Medians over the rounds; imports are timed apart, since they depend on the disk more than on Narrative.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# What app.py's own imports take, in a process of its own. torch comes after them, before the page: it counts as start.
IMPORTS = "import time; began = time.perf_counter(); import app; print(time.perf_counter() - began)"
LIMITS = {
    "start after imports": 5.0,
    "page interactive, just started": 2.0,
    "page interactive": 2.0,
    "first word, first write": 0.3,
    "first word": 0.3,
}


@contextmanager
def running_app(port: int, *, prepare: Callable[[Path], None] = lambda _: None) -> Iterator[float]:
    """The app as a process, in a home that `prepare` may furnish; yields the seconds until its page was served."""
    with tempfile.TemporaryDirectory() as home:
        prepare(Path(home))
        began = time.perf_counter()
        app = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port)], env={**os.environ, "NARRATIVE_HOME": home}, stdout=subprocess.DEVNULL
        )
        try:
            while not _answers(port):
                if app.poll() is not None:
                    raise SystemExit("The app ended by itself.")
                time.sleep(0.02)
            yield time.perf_counter() - began
        finally:
            app.terminate()
            app.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def first_word(page: Page) -> float:
    """Seconds from the press of Write to the first word of the continuation, as the page itself sees it."""
    seconds = page.evaluate(
        """() => new Promise(resolve => {
            const began = performance.now(), drafts = document.querySelector('#drafts .drafts');
            const old = new Set(drafts.querySelectorAll('.t'));
            const look = (_, observer) => {
                if (![...drafts.querySelectorAll('.t')].some(token => !old.has(token))) return;
                observer.disconnect();
                resolve((performance.now() - began) / 1000);
            };
            new MutationObserver(look).observe(drafts, {childList: true, subtree: true});
            document.querySelector('#write').click();
        })"""
    )
    page.wait_for_selector("#drafts .drafts[aria-busy=false]")
    page.wait_for_selector("#write:not([disabled])")
    return float(seconds)


def opened(browser: Browser, port: int) -> tuple[Page, float]:
    """A page in a fresh context, and the seconds until the example is there and Write can be pressed."""
    page = browser.new_context().new_page()
    began = time.perf_counter()
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector("#drafts .t")
    page.wait_for_selector("#write:not([disabled])")
    return page, time.perf_counter() - began


def one_round(browser: Browser, imports: float) -> dict[str, float]:
    port = _free_port()
    with running_app(port) as served:
        page, cold = opened(browser, port)
        time.sleep(3)  # an editor reads the example; the model gets ready behind the page
        firsts = [first_word(page) for _ in range(4)]
        page.context.close()
        page, warm = opened(browser, port)
        page.context.close()
        values = (served - imports, cold, warm, firsts[0], statistics.median(firsts[1:]))
        return dict(zip(LIMITS, values, strict=True))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    measure = [sys.executable, "-c", IMPORTS]
    imports = statistics.median(float(subprocess.check_output(measure, text=True).split()[-1]) for _ in range(rounds))
    print(f"imports: {imports:.2f} s")
    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        measured = [one_round(browser, imports) for _ in range(rounds)]
        browser.close()
    for what, limit in LIMITS.items():
        print(f"{what:30} {statistics.median(one[what] for one in measured):5.2f} s   (at most {limit:g} s wanted)")


if __name__ == "__main__":
    main()
