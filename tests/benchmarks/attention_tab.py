"""How long a reader of the Attention tab waits: from a click to drawn lines, with a model of GPT-2 124M's shape (12 x 12 heads).

    python -m tests.benchmarks.attention_tab [--rounds 5] [--tokens 64 256]

The app runs in a process of its own and Chromium beside it, on the same cores. "look" is a new text: capture, page and lines; the others
are clicks on another view of it. Drawn is when the frame after the last line has been painted. Two models of fresh weights: plain ones,
which look nearly evenly everywhere, and with queries and keys eight times as large, which look at few.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

from narrative.models import default_model, load_model
from tests.benchmarks.generation import gpt2_shaped
from tests.benchmarks.start import FLAGS, _free_port, opened, running_app

KINDS = {"peaked": 8.0, "even": 1.0}
VIEWS = ("model", "head", "neuron")
LIMITS = {64: 1.0, 256: 3.0}
STORY = (
    "Once upon a time there was a little girl who lived near the sea. One day she found a small boat and said to her friend: let us go. "
)
# Clicks, and waits until the frame has said that its lines are drawn and one more picture of the page was painted.
TIMED = """([selector]) => new Promise(resolve => {
    const began = performance.now(), pane = document.querySelector('.attn .window'), root = document.querySelector('.attn');
    let busy = false;
    const look = new MutationObserver(() => {
        if (pane.getAttribute('aria-busy') === 'true') busy = true;
        if (!busy || pane.getAttribute('aria-busy') !== 'false') return;
        look.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => resolve((performance.now() - began) / 1000)));
    });
    look.observe(pane, {attributes: true});
    document.querySelector(selector).click();
})"""


def furnish(home: Path) -> None:
    """The two models, published."""
    tokenizer = load_model(default_model(), device="cpu").tokenizer
    for name, scale in KINDS.items():
        model = gpt2_shaped(tokenizer).model
        with torch.no_grad():
            for block in model.transformer.h:
                block.attn.c_attn.weight[:, : 2 * 768] *= scale
        model.save_pretrained(home / "models" / name)
        tokenizer.save_pretrained(home / "models" / name)


def rest(page: Page) -> None:
    page.wait_for_selector(".attn[aria-busy=false]", timeout=120_000)
    page.wait_for_selector(".attn .window[aria-busy=false]", timeout=120_000)


def texts(tokens: int, count: int) -> Iterator[str]:
    """Different texts of about as many tokens."""
    tokenizer = load_model(default_model(), device="cpu").tokenizer
    ids = tokenizer(STORY * tokens)["input_ids"]
    for number in range(count):
        yield tokenizer.decode(ids[number : number + tokens]).strip()


def clicks(page: Page, *, tokens: int, rounds: int) -> Iterator[tuple[str, float]]:
    """Each text is another one, so that nothing is there already."""
    for number, text in enumerate(texts(tokens, rounds + 1)):  # the first is warm-up
        page.fill(".attn [name=prompt]", text)
        taken = [("look", page.evaluate(TIMED, [".attn .own button"]))]
        rest(page)
        for view in VIEWS:
            taken.append((view, page.evaluate(TIMED, [f".attn [data-view={view}]"])))
            rest(page)
        page.click(".attn [data-view=head]")
        rest(page)
        if number:
            yield from taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(LIMITS))
    options = parser.parse_args()
    port = _free_port()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright, running_app(port, prepare=furnish):
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS)
        page, _ = opened(browser, port)
        page.click("#nav button[data-tab-id=attention]")
        page.wait_for_selector(".attn .strip .w")
        rest(page)
        page.click(".attn [data-unit=pieces]")
        page.click(".attn [data-source=own]")
        for kind in KINDS:
            page.fill(".attn [name=prompt]", "Once")
            page.select_option(".attn select[name=model]", kind)
            rest(page)
            for tokens in options.tokens:
                taken: dict[str, list[float]] = {}
                for what, seconds in clicks(page, tokens=tokens, rounds=options.rounds):
                    taken.setdefault(what, []).append(seconds)
                shown = page.locator(".attn .strip .w").count()
                told = ", ".join(f"{what} {statistics.median(seconds):.2f} s" for what, seconds in taken.items())
                print(f"{kind:7} {shown:4} tokens: {told}   (wanted: {LIMITS.get(tokens, 0):g} s)", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
