"""Jobs on the page: started, watched, left, stopped, resumed, used; with the real app, its real worker and its real child."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from driving import App, Desk, new_context
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from test_browser_page import CONTRAST
from tiny_models import SENTENCES, gpt2, write_tiny

from narrative.corpus import write_corpus
from narrative.formats import Record
from narrative.tabs.theme import asset

SCRIPT = "<img src=x onerror='window.hit = 2'>${window.hit = 3}{{value}}<b>bold</b>"
HOSTILE = "<img src=x onerror='window.hit = 4'>${window.hit = 5}{{value}}"  # no slash: it is a folder's name
LONG = {"max_steps": 4000, "evaluate_every": 40, "save_every": 20, "context": 32, "batch_size": 2, "sample_tokens": 8, "patience": ""}
A_POLL = 20_000  # bytes
POLLS = """() => performance.getEntriesByType('resource').filter(one => /gradio_api\\/(run|queue)/.test(one.name))
    .map(one => [one.startTime, one.encodedBodySize])"""
STILL = "() => document.getAnimations().every(one => one.playState !== 'running')"
SOON = 9_000  # milliseconds: looks, and not the fifteen seconds after which one counts as lost
PATIENCE = 240  # seconds: a job runs at the lowest priority, and other tests may be running beside it


def tales() -> Iterator[Record]:
    draw = random.Random(3)
    for number in range(60):
        text = " ".join(draw.choice(SENTENCES) for _ in range(12))
        yield Record(f"t{number}", f"book {number}", SCRIPT, "", text)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app of its own, for here it gets killed: a tiny model, and a corpus whose name means harm beside a decent one."""
    app = App(tmp_path_factory.mktemp("house"))
    write_tiny(app.home / "models" / "tiny", gpt2)
    records = list(tales())
    for name in ("tales", HOSTILE):
        write_corpus(name, train=records[:50], test=records[50:], origin="made up", licence="CC0-1.0", folder=app.home / "corpora" / name)
    app.start()
    over = threading.Event()
    threading.Thread(target=hurry, args=(app.home, over), daemon=True).start()
    yield app
    over.set()
    app.kill()
    for process in of(app.home):
        process.kill()
    assert "Traceback" not in app.log(), app.log()


def of(home: Path) -> Iterator[psutil.Process]:
    """Workers and jobs of this app, which outlive it."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("NARRATIVE_HOME") == str(home) and "narrative." in " ".join(process.cmdline()):
                yield process


def hurry(home: Path, over: threading.Event) -> None:
    """Jobs let everything else go first; where other tests run beside this one they would never get a turn. (Root may; others wait.)"""
    while not over.wait(1):
        for process in of(home):
            with suppress(psutil.Error, OSError):
                process.nice(0)
                Path(f"/proc/{process.pid}/autogroup").write_text("0")


PLOTLY = """window.Plotly = {
    react: async (chart, data) => { chart._fullLayout = {}; chart.data = data; },
    extendTraces: async (chart, { x }, which) => which.forEach((n, k) => { chart.data[n].x = chart.data[n].x.concat(x[k]); }),
    relayout: async () => {},
};"""
CHART = """<div class="bench" data-script="/plotly.js"><div class="job"><h2 id="job-title"></h2><div class="curve"></div>
    <p class="hollow"></p><span class="quantities"></span><span class="exports"></span></div></div>"""
DRAW = """script => {
    window.narrative = { paint: figure => JSON.parse(JSON.stringify(figure)), plotly: path => new Promise(done => {
        const script = document.createElement('script');
        script.src = 'http://127.0.0.1:1' + path;
        script.onload = () => done(window.Plotly);
        document.head.append(script);
    }) };
    const root = document.querySelector('.bench'), make = tag => document.createElement(tag), nothing = () => {};
    return Function('root', 'have', 'wish', 'make', 'choose', 'ask', `${script};
        const plain = () => ({ margin: {}, yaxis: { title: {} } }), first = x => ({ data: [{ x: [x], y: [x] }], layout: plain() });
        const more = (from, x) => ({ from: [from, 0], at: [from + 1, 0], extend: [[[x], [x]]], layout: plain() });
        drawCurve({ tag: 'one', at: [1, 0], figure: first(1) });
        drawCurve({ tag: 'one', ...more(1, 2) });
        drawCurve({ tag: 'other', at: [1, 0], figure: first(70) });
        drawCurve({ tag: 'other', ...more(1, 80) });
        return busy.then(() => [chart.data[0].x, shown.figure.data[0].x]);`
    )(root, {}, { quantity: 'loss', compare: [] }, make, nothing, nothing);
}"""


class Bench:
    """The Train tab's jobs, in the words of a keeper."""

    def __init__(self, page: Page, app: App) -> None:
        self.page, self.app = page, app
        self.rows = page.locator(".jobs tbody tr")
        self.form = page.locator(".newjob form")
        self.panel = page.locator(".bench .job")
        self.curve = page.locator(".curve")
        self.sentence = page.locator(".job .sentence")
        self.wrong = page.locator(".newjob .wrong")

    def open(self) -> Bench:
        Desk(self.page, self.app).open()
        self.page.get_by_role("tab", name="Train").click()
        expect(self.form).to_be_visible()
        return self

    def row(self, name: str) -> Locator:
        return self.page.locator(f'.jobs tbody tr[data-name="{name}"]')

    def fill(self, **figures: object) -> None:
        if not self.page.locator("#job-epochs").is_visible():
            self.form.locator(".fold summary").click()
        for name, value in figures.items():
            self.page.locator(f"#job-{name.replace('_', '-')}").fill(str(value))

    def start(self, name: str, *, corpus: str = "tales", **figures: object) -> None:
        self.page.locator(f'.offers input[value="{corpus}"]').check()
        self.page.locator("#job-base").select_option("tiny")
        self.fill(**figures)
        self.page.locator("#job-name").fill(name)
        self.page.get_by_role("button", name="Start", exact=True).click()
        expect(self.row(name)).to_be_visible()

    def comes_to(self, name: str, words: str) -> None:
        expect(self.row(name)).to_contain_text(words, timeout=PATIENCE * 1000)

    def act(self, name: str, what: str) -> None:
        self.row(name).get_by_role("button", name=what).click()

    def points(self) -> int:
        return int(self.curve.get_attribute("data-points") or 0)

    def points_come(self, more_than: int) -> int:
        self.page.wait_for_function(
            "most => Number(document.querySelector('.curve').dataset.points || 0) > most", arg=more_than, timeout=PATIENCE * 1000
        )
        return self.points()


def state(app: App, name: str) -> dict[str, object]:
    try:
        return dict(json.loads((app.home / "jobs" / name / "state.json").read_text()))
    except OSError:
        return {}


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def bench(context: BrowserContext, house: App) -> Bench:
    return Bench(context.new_page(), house).open()


def test_nothing_there_leads_to_the_first_step_and_what_can_not_be_is_said_at_the_form(bench: Bench) -> None:
    page = bench.page
    expect(page.locator(".first")).to_contain_text("Teach a model how your house writes")
    expect(bench.form.locator(".machine")).to_contain_text("GPU")
    bench.form.get_by_role("button", name="Start", exact=True).click()
    expect(bench.wrong).to_have_text("Choose a corpus to learn from.")
    page.locator('.offers input[value="tales"]').check()
    bench.fill(learning_rate=SCRIPT)
    expect(bench.wrong).to_contain_text("Learning rate is")
    expect(page.locator("#job-learning-rate")).to_have_value(SCRIPT)
    page.locator("#job-learning-rate").fill("2e-3")
    expect(bench.wrong).to_be_hidden()
    page.locator("#job-name").fill("../<b>up</b>")
    bench.form.get_by_role("button", name="Start", exact=True).click()
    expect(bench.wrong).to_contain_text("name")
    bench.open()
    expect(page.locator("#job-learning-rate")).to_have_value("2e-3")
    expect(page.locator('.offers input[value="tales"]')).to_be_checked()
    expect(page.locator("#job-name")).to_have_value("../<b>up</b>")
    assert page.evaluate("window.hit") is None
    page.get_by_role("button", name="Add books…").last.click()
    expect(page.locator(".drop")).to_be_visible()
    page.get_by_role("button", name="← Jobs").click()
    expect(bench.form).to_be_visible()


def test_a_job_goes_on_without_its_page_and_without_the_app_and_every_browser_sees_its_curve(
    browser: Browser, house: App, trouble: list[str]
) -> None:
    first = new_context(browser, trouble)
    bench = Bench(first.new_page(), house).open()
    bench.start("long", **LONG)
    bench.comes_to("long", "running")
    seen = bench.points_come(4)
    first.close()

    second = new_context(browser, trouble)
    other = Bench(second.new_page(), house).open()
    other.points_come(seen)
    other.page.evaluate("performance.clearResourceTimings()")
    at = other.points_come(other.points_come(other.points()))
    expect(other.sentence).to_contain_text("You can close this page; the job goes on.")
    polls = other.page.evaluate(POLLS)
    assert max(size for _, size in polls) < A_POLL
    assert all(later - earlier > 800 for (earlier, _), (later, _) in pairwise(polls)), polls

    before = state(house, "long")
    trouble_before = len(trouble)
    house.kill()
    step = int(str(before["step"]))
    until(lambda: int(str(state(house, "long").get("step", 0))) > step + 5)
    house.start()
    del trouble[trouble_before:]  # what a page says that lost its app is not the question here
    other.open()
    other.points_come(at)
    other.comes_to("long", "running")
    assert state(house, "long")["pid"] == before["pid"]
    second.close()


def test_stop_keeps_a_checkpoint_and_resume_goes_on_with_the_same_curve(bench: Bench) -> None:
    page = bench.page
    bench.act("long", "Stop")
    bench.comes_to("long", "stopped at step")
    expect(bench.sentence).to_contain_text("Resume goes on from its checkpoint of step")
    stopped = int(str(state(bench.app, "long")["step"]))
    assert (bench.app.home / "jobs" / "long" / f"checkpoint-{stopped}").is_dir()
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.locator(".detail code")).to_contain_text("narrative train --corpus tales")
    page.get_by_role("button", name="Log", exact=True).click()
    expect(page.locator("pre.log")).to_contain_text("step")
    bench.act("long", "Resume")
    bench.comes_to("long", "running")
    page.wait_for_function("step => document.querySelector('.curve').data?.[0].x.at(-1) > step", arg=stopped, timeout=PATIENCE * 1000)
    steps = page.evaluate("document.querySelector('.curve').data[0].x")
    assert steps == sorted(set(steps))
    assert steps[0] < stopped < steps[-1]
    bench.act("long", "Stop")
    bench.comes_to("long", "stopped at step")


def test_a_diverging_job_fails_in_a_sentence_and_a_short_one_writes_in_generate(bench: Bench) -> None:
    page = bench.page
    bench.start(
        "wild", max_steps=200, learning_rate=1, weight_decay=10, warmup=0, context=32, batch_size=2, evaluate_every=100, sample_tokens=0
    )
    page.get_by_role("button", name="Back to the preset").click()
    bench.start(
        "short",
        corpus="tales",
        max_steps=30,
        learning_rate="2e-3",
        context=32,
        batch_size=4,
        evaluate_every=10,
        sample_tokens=8,
        sample_prompt=SCRIPT,
    )
    bench.comes_to("short", "finished")
    bench.comes_to("wild", "failed")
    bench.row("wild").locator(".open").click()
    expect(bench.sentence).to_contain_text("learning rate")
    bench.row("short").locator(".open").click()
    page.get_by_role("button", name="Samples").click()
    expect(page.locator(".samples .seedtext").first).to_have_text(SCRIPT)
    bench.row("wild").locator(".open").click()  # what is open stays open, and is of the chosen job within a look or two
    expect(page.locator(".detail")).to_have_text("The first sample comes with the first measurement.", timeout=SOON)
    bench.row("short").locator(".open").click()
    expect(page.locator(".samples .seedtext").first).to_have_text(SCRIPT, timeout=SOON)
    expect(bench.sentence).to_contain_text("Finished: on unseen text its perplexity is")
    page.get_by_label("Compare long").check()
    expect(page.locator("#job-title")).to_have_text("2 jobs compared")
    expect(page.locator(".curve .legend")).to_contain_text("long")
    with page.expect_download() as numbers:
        page.get_by_role("button", name="Save the numbers as CSV").click()
    assert {line.split(",")[0] for line in numbers.value.path().read_text().splitlines()[1:]} == {"short", "long"}
    page.get_by_label("Compare long").uncheck()
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save the curve as SVG").click()
    assert "test" in picture.value.path().read_text()
    with page.expect_download() as packed:
        bench.panel.get_by_role("button", name="Download model").click()
    assert packed.value.suggested_filename.endswith(".zip")
    assert packed.value.path().read_bytes()[:2] == b"PK"
    bench.panel.get_by_role("button", name="Use in Generate").click()
    expect(page.locator("#write")).to_be_visible()
    expect(page.locator("#model input")).to_have_value("short")
    expect(page.locator(".notice .words")).to_contain_text("ready to write")
    desk = Desk(page, bench.app)
    desk.write("Once upon a time", drafts=1, length=8)
    assert desk.text().startswith("Once upon a time")
    assert page.evaluate("window.hit") is None
    assert (bench.app.home / "models" / "short" / "narrative.json").exists()


def test_points_that_wait_for_the_drawing_stay_with_their_own_curve(context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/plotly.js", lambda route: route.fulfill(content_type="text/javascript", body=PLOTLY))
    page.set_content(CHART)
    assert page.evaluate(DRAW, asset("train_curve.js")) == [[70, 80], [70, 80]]


def test_a_corpus_whose_name_means_harm_is_a_name(bench: Bench) -> None:
    page = bench.page
    expect(page.locator(".stock .title").filter(has_text="<img")).to_have_text(HOSTILE)
    page.locator(".offers .tick").filter(has_text="<img").locator("input").check()
    expect(page.locator(".offers .title").filter(has_text="<img")).to_have_text(HOSTILE)
    assert page.evaluate("window.hit") is None


def test_a_job_is_deleted_only_when_asked_once_more_and_its_settings_come_back_into_the_form(bench: Bench) -> None:
    page = bench.page
    bench.row("wild").locator(".open").click()
    expect(page.locator("#job-title")).to_have_text("wild")
    bench.panel.get_by_role("button", name="Duplicate settings").click()
    expect(page.locator("#job-weight-decay")).to_have_value("10")
    expect(page.locator("#newjob-title")).to_be_focused()
    expect(page.locator(".estimate .more")).to_contain_text("weights learn")
    bench.panel.get_by_role("button", name="Delete", exact=True).click()
    bench.panel.get_by_role("button", name="Keep").click()
    expect(bench.row("wild")).to_be_visible()
    bench.panel.get_by_role("button", name="Delete", exact=True).click()
    bench.panel.get_by_role("button", name="Delete it with all it has learned").click()
    expect(bench.row("wild")).to_have_count(0)
    assert not (bench.app.home / "jobs" / "wild").exists()


def test_everything_can_be_read_and_used_on_a_phone_in_light_and_dark_and_by_name(browser: Browser, trouble: list[str], house: App) -> None:
    context = new_context(browser, trouble, viewport={"width": 390, "height": 844}, has_touch=True)
    bench = Bench(context.new_page(), house).open()
    page = bench.page
    bench.row("short").locator(".open").click()
    bench.points_come(3)
    bench.fill(epochs=2)
    for opened in ("Samples", "Settings"):
        page.get_by_role("button", name=opened, exact=True).click()
        expect(page.locator(".detail")).to_be_visible()
        page.wait_for_function(STILL)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for _ in range(2):
            assert page.evaluate(CONTRAST) == []
            page.click("#theme")
            page.wait_for_function(STILL)
    nameless = page.evaluate("""() => [...document.querySelectorAll('#shell :is(button, input, select, summary)')]
        .filter(node => node.checkVisibility() && !(node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim()))
        .map(node => node.outerHTML.slice(0, 120))""")
    assert nameless == []
    context.close()
