"""BertViz's pages as Narrative makes them against plain bertviz: bytes, seconds until the lines stand there, and what capturing costs.

    python -m tests.benchmarks.attention [--rounds 5] [--tokens 64 128 256]

Pages hold 12 layers of 12 heads, with random attention (softmax of normal logits) and peaked (of logits eight times as large).
A page is opened from a file in Chromium; it is drawn when the frame after its last line has been painted. Plain bertviz asks
a server for require.js, jQuery and D3: here the installed jQuery and D3 answer, else it would draw nothing. Its pages grow
with the square of the tokens (257 MB at 256), so they are made up to 128 tokens and drawn at 64. Capture is compared with one forward
pass of a model of GPT-2's shape, with logits and its own attention.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from bertviz import head_view, model_view
from playwright.sync_api import Browser, Route, sync_playwright

from explain.attention import capture
from explain.bertviz_page import _LIBRARIES, VIEWS, _installed, bertviz_page
from explain.passage import Passage, read_text
from explain.results import AttentionMaps
from narrative.models import LanguageModel, default_model, load_model
from tests.benchmarks.generation import gpt2_shaped
from tests.made_attention import made_maps, made_neurons

KINDS = {"random": 1.0, "peaked": 8.0}
PEERS = {"head": head_view, "model": model_view}
MOST_OF_PEER, MOST_DRAWN_OF_PEER = 128, 64  # tokens; at 128 plain bertviz needs a minute a picture
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.querySelectorAll('line').length))))"


def ours(maps: AttentionMaps, view: str) -> str:
    given = {"neurons": made_neurons(maps.map(), width=64)} if view == "neuron" else {}
    return bertviz_page(maps, view=view, **given).html


def theirs(maps: AttentionMaps, view: str) -> str:
    one = maps.map()
    attention = [torch.from_numpy(layer)[None] for layer in one.weights]
    with contextlib.redirect_stdout(io.StringIO()):
        return str(PEERS[view](attention, one.labels()[0], html_action="return").data)


def answer(route: Route) -> None:
    """The installed libraries in place of the servers that plain bertviz asks; require.js is what its scripts need of it."""
    if route.request.url.endswith("require.min.js"):
        libraries = ";\n".join(_installed(package, path) for package, path in _LIBRARIES)
        loader = "window.require = {config() {}}; window.requirejs = (_, run) => run(jQuery, d3);"
        route.fulfill(body=f"{libraries};\n{loader}", content_type="text/javascript")
    else:
        route.continue_()


def drawing(browser: Browser, file: Path) -> tuple[float, int]:
    """Seconds from opening the file until its lines are painted; how many there are."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.route(re.compile("^https?:"), answer)
    page = context.new_page()
    began = time.perf_counter()
    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_selector("line", state="attached", timeout=120_000)
    lines = int(page.evaluate(PAINTED))
    seconds = time.perf_counter() - began
    context.close()
    return seconds, lines


def compare(browser: Browser, folder: Path, *, tokens: int, kind: str, rounds: int) -> Iterator[str]:
    """A line a view: bytes and seconds of ours, and of plain bertviz where it is made; rounds alternate between the two."""
    maps = made_maps(tokens=tokens, layers=12, heads=12, sharpness=KINDS[kind])
    for view in VIEWS:
        sides: dict[str, Callable[[AttentionMaps, str], str]] = {"ours": ours}
        if view in PEERS and tokens <= MOST_OF_PEER:
            sides["bertviz"] = theirs
        files = {name: folder / f"{name}.html" for name in sides}
        for name, make in sides.items():
            files[name].write_text(make(maps, view), encoding="utf-8")
        timed = [name for name in sides if name == "ours" or tokens <= MOST_DRAWN_OF_PEER]
        drawn = [{name: drawing(browser, files[name]) for name in timed} for _ in range(rounds)]
        size = {name: file.stat().st_size for name, file in files.items()}
        seconds = {name: statistics.median(one[name][0] for one in drawn) for name in timed}
        line = f"{tokens:4} {kind:7} {view:7} {size['ours'] / 1e6:6.2f} MB {seconds['ours']:6.2f} s {drawn[0]['ours'][1]:7,} lines"
        if "bertviz" in sides:
            line += f"   bertviz {size['bertviz'] / 1e6:6.1f} MB: 1/{size['bertviz'] / size['ours']:.0f} of the size"
        if "bertviz" in timed:
            ratio = statistics.median(one["ours"][0] / one["bertviz"][0] for one in drawn)
            line += f"; {seconds['bertviz']:.2f} s: {ratio:.2f} x the time"
        yield line


def plain(model: LanguageModel, passage: Passage) -> object:
    ids = torch.tensor([[piece.id for piece in passage.sequence]])
    with torch.inference_mode():
        return model.model(ids, use_cache=False)


def capturing(model: LanguageModel, *, tokens: int, rounds: int) -> str:
    passage = read_text(model, "Once upon a time there was a little girl who lived near the sea. " * tokens, limit=tokens)

    def measured(run: Callable[[LanguageModel, Passage], object]) -> float:
        began = time.perf_counter()
        run(model, passage)
        return time.perf_counter() - began

    measured(capture), measured(plain)  # warm
    pairs = [(measured(capture), measured(plain)) for _ in range(rounds)]
    ratio = statistics.median(mine / peer for mine, peer in pairs)
    mine, peer = (statistics.median(side) for side in zip(*pairs, strict=True))
    return f"{tokens:4} tokens captured: {ratio:5.2f} x a plain forward pass   ({mine:.3f} s, forward {peer:.3f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, nargs="+", default=[64, 128, 256])
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    model = gpt2_shaped(load_model(default_model(), device="cpu").tokenizer)
    for tokens in options.tokens:
        print(capturing(model, tokens=tokens, rounds=2 * options.rounds + 1), flush=True)
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for tokens in options.tokens:
            for kind in KINDS:
                for line in compare(browser, Path(folder), tokens=tokens, kind=kind, rounds=options.rounds):
                    print(line, flush=True)
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
