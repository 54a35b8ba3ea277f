"""The jobs half of the Train tab without a page: what a look costs, what is said, what the form asks for."""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_jobs import tiny_settings

from narrative.cli import NARRATIVE
from narrative.commands.options import given_fields
from narrative.corpus import write_corpus
from narrative.errors import NarrativeError, SettingsError, TrainingError
from narrative.formats import Record
from narrative.jobs import JobRow, Queue, table
from narrative.jobs.states import FAILED, FINISHED, INTERRUPTED, QUEUED, RUNNING, STATES, STOPPED, STOPPING
from narrative.plots import QUANTITIES, TEST, TRAINING
from narrative.store.database import Database
from narrative.studio.curves import POINTS, TESTED, Lines, lines_compared, lines_of
from narrative.studio.foreseeing import Foreseen, Foresight
from narrative.studio.measurements import Measured, Measurements, thin
from narrative.studio.numbers import COLUMNS
from narrative.studio.telling import duration, ordinal, state_in_words, told, trend
from narrative.studio.wording import WORDINGS, command_line, in_words
from narrative.studio.workbench import LOG_TAIL, Workbench
from narrative.tabs.serving import PREFIX, Serving, script_address
from narrative.tabs.train import LONG
from narrative.tabs.train.curve_view import MOST_DRAWN
from narrative.tabs.train.job_form import BY_NAME, settings_of, values_of, wish_for, wish_of
from narrative.tabs.train.watching import A_PAGE, Wish, draw_jobs
from narrative.tabs.train.working import draw_foreseen
from narrative.training.architectures import SIZES, Architecture
from narrative.training.curve import Curve
from narrative.training.estimate import Estimate
from narrative.training.presets import PRESETS, Preset
from narrative.training.settings import TrainingSettings

HARM = "<img src=x onerror=alert(1)>${1}{{value}}"
A_POLL = 20_000  # bytes
Get = Callable[..., dict[str, Any]]


def never(*_: Any, **__: Any) -> Estimate:
    raise TrainingError("There is no estimate in this test.")


@pytest.fixture
def bench(narrative_home: Path) -> Workbench:
    return Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("false",)), Foresight(never))


@pytest.fixture
def job(bench: Workbench) -> JobRow:
    return bench.queue.submit(tiny_settings(), name="house")


def put(bench: Workbench, name: str, **values: Any) -> None:
    with bench.queue.database.writing() as connection:
        table.change(connection, name, **values)


def train_line(step: int, **more: Any) -> dict[str, Any]:
    return {
        "time": 1e9 + step,
        "step": step,
        "tokens": step * 512,
        "loss": 5 - step / 1e6,
        "learning_rate": 1e-4,
        "tokens_per_second": 900.0,
        **more,
    }


def unseen(step: int, loss: float, corpus: str = "tales") -> dict[str, Any]:
    return {
        "time": 1e9 + step + 0.5,
        "step": step,
        "corpus": corpus,
        "test_loss": loss,
        "perplexity": float(np.exp(loss)),
        "bits_per_byte": loss / 3,
    }


def write(path: Path, lines: list[dict[str, Any]], *, mode: str = "a") -> None:
    with path.open(mode) as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def over_the_wire(answer: Any) -> bytes:
    """As Gradio sends it."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def looker(bench: Workbench, **wish: Any) -> Get:
    """A page: it keeps what it was given, and says so at its next look."""
    have: dict[str, Any] = {"rows": {}}

    def look(**more: Any) -> dict[str, Any]:
        answer = draw_jobs(bench, Wish.of({**wish, **more, "have": json.loads(json.dumps(have))}), token=False)
        answer = json.loads(json.dumps(answer))
        for line in answer.get("rows", ()):
            have["rows"][line["name"]] = line["tag"]
        if "order" in answer:
            have["rows"] = {name: have["rows"].get(name) for name in answer["order"]}
        for part in ("panel", "detail"):
            if part in answer:
                have[part] = answer[part]["tag"]
        if "curve" in answer:
            have["curve"] = {key: answer["curve"].get(key) for key in ("tag", "at", "drawn", "time")}
        return answer

    return look


# ---- measurements


def test_measurements_are_read_on_and_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    read = Measurements(path)
    assert read.refresh().cursor == [0, 0.0]
    write(path, [unseen(0, 4.0), train_line(10)])
    first = read.refresh()
    with path.open("a") as out:
        out.write('{"time": 5, "step": 2')
    assert read.refresh().cursor == first.cursor == [2, 1e9 + 10]
    with path.open("a") as out:
        out.write('0, "loss": 4.5}\n')
    after = read.refresh()
    assert after.training["step"].tolist() == [10, 20]
    assert after.follows(first.cursor) == 2


def test_a_cursor_survives_a_resume_that_dropped_folded_points(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    read = Measurements(path)
    write(path, [train_line(step) for step in (10, 20, 30, 40)])
    at_20, at_40 = [2, 1e9 + 20], read.refresh().cursor
    part = path.with_suffix(".part")
    write(part, [train_line(step) for step in (10, 20)])
    part.replace(path)
    write(path, [train_line(step, time=2e9 + step) for step in (30, 40, 50)])
    after = read.refresh()
    assert after.training["step"].tolist() == [10, 20, 30, 40, 50]
    assert after.follows(at_20) == 2
    assert after.follows(at_40) is None


@pytest.mark.parametrize("cursor", [None, [], "x", [1], [1, 2, 3], [-1, 0], [99, 0.0], [1.5, 0.0], ["1", "2"], [None, None]])
def test_no_cursor_that_a_page_may_send_breaks_a_look(cursor: Any) -> None:
    assert Measured().follows(cursor) is None


def test_a_thinned_curve_keeps_its_ends_and_its_single_spikes() -> None:
    values = np.sin(np.arange(100_000) / 9_000)
    values[33_333], values[77_777], values[50_000] = 9.0, -9.0, np.nan
    kept = thin(values, 400)
    assert len(kept) <= 400
    assert {0, 33_333, 77_777, 99_999} <= set(kept.tolist())
    assert thin(values[:300], 400).tolist() == list(range(300))


# ---- curves


def test_a_job_of_a_hundred_thousand_points_opens_quickly_and_in_few_bytes(bench: Workbench, job: JobRow) -> None:
    tests = [unseen(step, 4 - step / 1e6) for step in range(0, 1_000_000, 2_000)]
    write(job.folder / "metrics.jsonl", [train_line(step) for step in range(10, 1_000_010, 10)] + tests)
    look = looker(bench, job="house")
    look()
    began = time.perf_counter()
    answer = looker(bench, job="house")()
    assert time.perf_counter() - began < 1
    assert len(json.dumps(answer)) < A_POLL
    training, testing = answer["curve"]["figure"]["data"]
    assert (training["x"][0], training["x"][-1], testing["x"][-1]) == (10, 1_000_000, 998_000)
    assert len(training["x"]) + len(testing["x"]) <= POINTS
    write(job.folder / "metrics.jsonl", [train_line(1_000_010)])
    more = look()
    assert more["curve"]["extend"][0] == [[1_000_010], [more["curve"]["extend"][0][1][0]]]
    assert len(json.dumps(more)) < 2_000


def test_a_look_at_nothing_new_costs_a_few_bytes(bench: Workbench, job: JobRow) -> None:
    write(job.folder / "metrics.jsonl", [unseen(0, 4.0), train_line(10)])
    look = looker(bench, job="house", open="samples")
    assert {"order", "rows", "panel", "curve", "more"} <= look().keys()
    assert "detail" in look()
    again = look()
    assert not {"order", "rows", "panel", "curve", "detail"} & again.keys()
    assert len(json.dumps(again)) < 250


def test_the_fullest_look_stays_under_its_bytes(bench: Workbench) -> None:
    longest = "a" * 80
    for number in range(3 * A_PAGE):
        bench.queue.submit(replace(tiny_settings(), sample_prompt="p" * 400), name=f"{number:03}{longest}"[:80])
    name = bench.rows()[0].name
    row = bench.queue.row(name)
    write(
        row.folder / "metrics.jsonl",
        [train_line(step) for step in range(1, 9_000)] + [unseen(step, 3.14159, c) for step in range(900) for c in "abcd"],
    )
    write(row.folder / "notes.jsonl", [{"step": n, "kind": "memory", "text": "The batch was halved. " * 9} for n in range(200)])
    (row.folder / "train.log").write_bytes(b"\xff" + b"x" * 150 + b"\n" + b"a line of the log, \xc3\xa9\n" * 100_000)
    assert len(bench.log_tail(row).encode()) <= LOG_TAIL
    write(row.folder / "samples.jsonl", [{"step": n, "prompt": "p" * 900, "text": "word " * 400} for n in range(90)])
    for kind in ("", "samples", "log", "settings"):
        look = looker(bench, job=name, open=kind)
        answers = [look(), look()]
        assert max(len(json.dumps(answer)) for answer in answers) < A_POLL, kind
        assert any("detail" in answer for answer in answers) is bool(kind)


def test_eight_jobs_over_each_other_stay_under_its_bytes_while_every_line_is_new(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number:02}{'a' * 78}" for number in range(A_PAGE)]
    settings, steps = replace(tiny_settings(), sample_prompt="p" * 400), range(1_000_003, 1_400_003, 1_000)
    measured = [train_line(step, loss=2 + step % 977 / 1234) for step in steps] + [unseen(step, 2 + step % 977 / 1234) for step in steps]
    for name in names:
        row = bench.queue.submit(settings, name=name)
        write(row.folder / "metrics.jsonl", measured)
        write(row.folder / "notes.jsonl", [{"step": n, "kind": "memory", "text": "The batch was halved. " * 9} for n in range(20)])
    for kind in ("", "samples"):
        look = looker(bench, job=names[0], compare=names[1:8], open=kind)
        answers = [look()]
        while answers[-1].get("more"):
            answers.append(look())
        (curve,) = (answer["curve"]["figure"]["data"] for answer in answers if "curve" in answer)
        assert len(curve) == 16
        assert min(len(line["x"]) for line in curve) >= 12
        assert ("detail" in answers[-1]) == bool(kind)
        assert [size for answer in answers if (size := len(over_the_wire(answer))) > A_POLL - 1_000] == []
        for name in names[:8]:  # all that are drawn change at once, and the curve comes anew
            put(bench, name, published="a" * 80, perplexity=21.4 + len(kind))
            write(bench.queue.row(name).folder / "metrics.jsonl", [train_line(2_000_000)])
        monkeypatch.setattr("narrative.tabs.train.curve_view.OVERLAY_EVERY", 0)
        answer = look()
        assert "figure" in answer["curve"]
        assert len(answer["rows"]) == 8
        assert len(over_the_wire(answer)) < A_POLL


@pytest.mark.parametrize("letter", ["w", "ж", "語", "🦊", '"', "\n", "\x01"])
def test_samples_of_any_script_stay_under_their_bytes(bench: Workbench, job: JobRow, letter: str) -> None:
    write(job.folder / "samples.jsonl", [{"step": n, "prompt": letter * 900, "text": letter * 4000} for n in range(90)])
    write(job.folder / "samples.jsonl", [{"step": 90, "prompt": "Once", "text": letter * 100}])
    write(job.folder / "metrics.jsonl", [unseen(0, 4.0)] + [train_line(step) for step in range(1, 900)])
    (job.folder / "train.log").write_bytes(b"\xff" * 90_000 + b"\nend\n")
    look = looker(bench, job="house", open="samples")
    first, second = look(), look()
    shown = second["detail"]["value"]["samples"]
    assert (shown[0]["text"], shown[1]["text"][:9]) == (letter * 100, letter * 9)
    assert max(len(over_the_wire(answer)) for answer in (first, second)) < A_POLL
    assert len(over_the_wire(second["detail"])) < 10_500
    assert len(bench.log_tail(job).encode()) <= LOG_TAIL


def test_settings_with_a_beginning_of_many_pages_stay_under_their_bytes(bench: Workbench) -> None:
    bench.queue.submit(replace(tiny_settings(), sample_prompt="ж" * 60_000), name="house")
    look = looker(bench, job="house", open="settings")
    look()
    answer = look()
    assert (answer["detail"]["value"]["command"], len(over_the_wire(answer)) < A_POLL) == ("", True)


def test_one_changed_job_sends_one_line(bench: Workbench) -> None:
    for number in range(8):
        bench.queue.submit(tiny_settings(), name=f"job-{number}")
    look = looker(bench)
    assert len(look()["order"]) == 8
    put(bench, "job-3", published="house-style")
    changed = look()
    assert [line["name"] for line in changed["rows"]] == ["job-3"]
    assert "order" not in changed


def test_a_page_that_has_collected_many_points_gets_a_thinned_curve_again(bench: Workbench, job: JobRow) -> None:
    write(job.folder / "metrics.jsonl", [train_line(10)])
    look = looker(bench, job="house")
    look()
    step = 10
    kinds = []
    for _ in range(MOST_DRAWN // 500 + 2):
        write(job.folder / "metrics.jsonl", [train_line(step + n) for n in range(1, 501)])
        step += 500
        kinds.append("figure" if "figure" in look()["curve"] else "extend")
    assert kinds[0] == "extend"
    assert "figure" in kinds


def test_a_resume_sends_the_curve_whole(bench: Workbench, job: JobRow) -> None:
    path = job.folder / "metrics.jsonl"
    write(path, [train_line(step) for step in (10, 20, 30)])
    look = looker(bench, job="house")
    look()
    job.job.forget_after(20)
    write(path, [train_line(30, time=3e9)])
    assert look()["curve"]["figure"]["data"][0]["x"] == [10, 20, 30]


def test_several_corpora_have_a_line_each_and_one_mean_by_weight() -> None:
    column = {
        name: np.array(values)
        for name, values in {
            "step": [0.0, 10],
            "line": [0.0, 1],
            "test_loss": [4.0, 3.0],
            "perplexity": [54.6, 20.1],
            "bits_per_byte": [1.0, 1],
        }.items()
    }
    other = column | {"test_loss": np.array([2.0, 1.0])}
    lines = Lines("x", Measured(tests={"b": other, "a": column}), {"a": 3.0, "b": 1.0})
    assert [one.name for one in lines_of(lines, "loss")] == ["training", "test, a", "test, b"]
    assert lines.tests()[1].tolist() == [3.5, 2.5]
    assert lines.tests("perplexity")[1].tolist() == pytest.approx([np.exp(3.5), np.exp(2.5)])
    assert not len(Lines("x", Measured(tests={"a": column}), {"a": 3.0, "b": 1.0}).tests()[1])


@pytest.mark.parametrize(
    ("shares", "mean"), [({"tales": 9000.0, "verse": 1000.0}, 3.1), (None, 3.5), ("x", 3.5), ({"tales": "9"}, 3.5), ({}, 3.5)]
)
def test_the_mean_over_corpora_is_the_one_that_the_job_tells(bench: Workbench, shares: Any, mean: float) -> None:
    both = replace(tiny_settings("verse"), corpora=((tiny_settings("tales").corpora[0][0], 0.0), ("verse", 0.0)))
    row = bench.queue.submit(both, name="house")
    write(row.folder / "metrics.jsonl", [unseen(step, 3.0 + step, corpus) for step, corpus in ((0, "tales"), (1, "verse"))])
    write(row.folder / "metrics.jsonl", [unseen(5, loss, corpus) for loss, corpus in ((3.0, "tales"), (4.0, "verse"))])
    (row.folder / "state.json").write_text(json.dumps({"state": "running", "shares": shares}))
    steps, losses = bench.lines(row).tests()
    assert (steps.tolist(), losses.tolist()) == ([5], pytest.approx([mean]))
    assert bench.lines(row).tests("perplexity")[1].tolist() == pytest.approx([np.exp(mean)])


def test_the_curve_and_the_job_agree_on_every_figure() -> None:
    shares = {"a": 730.0, "b": 270.0}
    job = Curve(shares, dict.fromkeys(shares, 1.0))
    told = {"a": [4.0, 2.5], "b": [3.1, 2.9]}
    for corpus, losses in told.items():
        for step, loss in enumerate(losses):
            job.add_test(step, corpus, loss)
    columns = {name: {"step": np.array([0.0, 1]), "line": np.array([0.0, 1]), "test_loss": np.array(told[name])} for name in told}
    lines = Lines("x", Measured(tests=columns), shares)
    for figure in ("test_loss", "perplexity"):
        assert lines.tests(figure)[1].tolist() == pytest.approx([job.figures(step)[figure] for step in (0, 1)])


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_jobs_of_other_batches_are_compared_by_the_tokens_they_read(tmp_path: Path, quantity: str) -> None:
    made = []
    for name, factor in (("small", 1), ("large", 4)):
        path = tmp_path / name
        write(path, [train_line(step, tokens=step * 100 * factor) for step in (10, 20)] + [unseen(20, 3.0)])
        made.append(Lines(name, Measurements(path).refresh(), {"tales": 0.0}))
    series, across = lines_compared(made, quantity)
    assert across == "tokens read"
    ends = {(one.name, one.side): one.x[-1] for one in series}
    assert (ends["small", TRAINING], ends["large", TRAINING]) == (2000, 8000)
    assert ends.get(("large", TEST)) == (8000 if quantity in TESTED else None)


def test_numbers_that_are_none_are_holes_and_no_error(bench: Workbench, job: JobRow) -> None:
    write(
        job.folder / "metrics.jsonl",
        [train_line(10, loss=float("nan")), train_line(20, loss=float("inf")), {"step": "x", "loss": None}, train_line(30)],
    )
    answer = looker(bench, job="house", quantity="perplexity")()
    assert answer["curve"]["figure"]["data"][0]["y"][:3] == [None, None, None]


# ---- words


def row_of(state: str, **values: Any) -> JobRow:
    usual: dict[str, Any] = {
        "name": "house", "reason": "", "place": 0, "method": "full", "base": "fable-5m", "corpora": "tales", "step": 840, "steps": 1942,
        "seconds_left": None, "seconds": 360.0, "test_loss": 3.06, "perplexity": 21.4, "bits_per_byte": 0.912, "stage": "", "queued": 1.0,
        "started": None, "ended": None, "device": "cpu", "published": "",
    }  # fmt: skip
    return JobRow(state=state, **usual | values)


def test_every_state_has_a_few_words_and_one_plain_sentence() -> None:
    for state in STATES:
        assert state_in_words(row_of(state))
        sentence = told(row_of(state), tests=[4.0, 3.5, 3.2], notes=[], checkpoint=800)
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_the_words_of_a_line() -> None:
    assert state_in_words(row_of(RUNNING, step=1204, seconds_left=720.0)) == "running, 61 %, 12 min left"
    assert state_in_words(row_of(RUNNING, step=0)) == "getting ready"
    assert state_in_words(row_of(QUEUED, place=2)) == "waiting, 2nd"
    assert state_in_words(row_of(INTERRUPTED)) == "interrupted at step 840"
    assert state_in_words(row_of(FINISHED, published="x")) == "finished, published"


def test_the_sentence_says_what_the_curves_do() -> None:
    def said(tests: list[float], *notes: str) -> str:
        return told(row_of(RUNNING), tests=tests, notes=[{"kind": kind} for kind in notes], checkpoint=0)

    assert (
        said([4.0, 3.5, 3.2]) == "Still learning: the test curve falls with the training curve. You can close this page; the job goes on."
    )
    assert "memorising" in said([4.0, 3.5, 3.6, 3.8], "memorising")
    assert "has begun" in said([4.0])
    assert "by heart" in said([4.0, 3.0, 3.2, 3.3])
    assert "level" in said([4.0, 3.0, 3.0, 3.001])


def test_what_a_resume_goes_on_from_is_said() -> None:
    assert "checkpoint of step 800" in told(row_of(STOPPED), tests=[], notes=[], checkpoint=800)
    assert "begins it again" in told(row_of(INTERRUPTED, reason="the machine was switched off"), tests=[], notes=[], checkpoint=0)
    assert told(row_of(INTERRUPTED, reason="the machine was switched off"), tests=[], notes=[], checkpoint=0).startswith(
        "The machine was switched off. "
    )
    assert "The loss is no number" in told(row_of(FAILED, reason="The loss is no number."), tests=[], notes=[], checkpoint=10)
    assert "Stopping" in told(row_of(STOPPING), tests=[], notes=[], checkpoint=10)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (740, "12 min"), (12_000, "3 h 20 min"), (86_400 * 3, "3 days"), (None, "")]
)
def test_times_are_said_as_people_do(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_ordinals() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 112)] == ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"]


def test_a_trend_needs_three_measurements() -> None:
    assert [trend(values) for values in ([], [4], [4, 3], [4, 3, 2])] == ["few", "few", "few", "falling"]


# ---- the form


@pytest.fixture
def here(publish: Callable[..., Path], tiny_gpt2_folder: Path) -> str:
    publish(tiny_gpt2_folder, "tiny", title="Tiny")
    return "tiny"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_form_that_can_be_sent_as_it_is(preset: str, here: str) -> None:
    wish = wish_of({"preset": preset, "base": here, "corpora": [["tales", ""]]})
    settings = settings_of(wish)
    assert settings.method == PRESETS[preset].values["method"]
    values = values_of(wish)
    assert values["learning_rate"] == settings.learning_rate
    assert {one.name for one in WORDINGS} <= values.keys()


def test_every_field_of_the_form_is_a_setting_that_exists() -> None:
    for one in WORDINGS:
        kind: Any = Architecture if one.seeds else TrainingSettings
        assert ("context" if one.name == "reach" else one.name) in kind.__dataclass_fields__
        assert one.label


@pytest.mark.parametrize("name", [one.name for one in WORDINGS if one.kind == "number"])
def test_a_figure_that_can_not_be_is_refused_in_a_sentence_and_stays_as_it_was_typed(name: str, here: str) -> None:
    preset = "scratch" if BY_NAME[name].method == "scratch" else "lora"
    wish = wish_of({"preset": preset, "base": here, "corpora": [["tales", ""]], "changes": {name: HARM}})
    with pytest.raises(SettingsError, match=r"must be|can't be"):
        settings_of(wish)
    assert wish["changes"][name] == HARM
    assert values_of(wish)["epochs"] == PRESETS[preset].values["epochs"]


def test_figures_are_read_as_they_are_written(here: str) -> None:
    changes = {
        "learning_rate": " 2e-4 ",
        "batch_size": "4",
        "patience": "",
        "gradient_checkpointing": "yes",
        "lora_targets": "c_attn, c_proj",
    }
    made = settings_of(wish_of({"preset": "lora", "base": here, "corpora": [["a", "0.7"], ["b", "0.3"]], "changes": changes}))
    assert (made.learning_rate, made.batch_size, made.patience, made.gradient_checkpointing) == (2e-4, 4, None, True)
    assert (made.targets, made.corpora) == (["c_attn", "c_proj"], (("a", 0.7), ("b", 0.3)))


def test_from_scratch_takes_a_named_size_or_numbers_of_ones_own(here: str) -> None:
    wish = {"preset": "scratch", "base": here, "corpora": [["tales", ""]], "size": "30m"}
    assert settings_of(wish_of(wish)).architecture == SIZES["30m"]
    own = settings_of(wish_of(wish | {"changes": {"layers": "3", "family": "llama", "reach": "128"}}))
    assert own.architecture == replace(SIZES["30m"], layers=3, family="llama", context=128)
    with pytest.raises(SettingsError, match="Width 100 can't be shared out among 8 heads"):
        settings_of(wish_of(wish | {"changes": {"width": "100"}}))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "settings",
    [
        TrainingSettings(corpora=(("a", 0.7), ("b", 0.3)), base="tiny", learning_rate=3.3e-4, patience=None, format="tags", field="themes"),
        TrainingSettings(
            corpora=(("a", 0.0),), method="lora", base="tiny", lora_rank=4, max_steps=9, gradient_checkpointing=True, keep="last"
        ),
        TrainingSettings(
            corpora=(("a", 0.0),), method="scratch", architecture=Architecture("llama", 3, 4, 64, 300, 32), sample_prompt="Once"
        ),
        TrainingSettings(
            corpora=(("a", 1 / 3), ("b", 2e5 + 1 / 3)), base="tiny", learning_rate=1 / 30_000, adam_beta2=0.95, decay=0.5, decay_to=0.1,
            evaluate_blocks=7, log_every=1, sample_prompt="A long beginning.\n" * 90,
        ),
    ],
)  # fmt: skip
def test_duplicating_fills_the_form_so_that_it_asks_for_the_same(settings: TrainingSettings) -> None:
    sent = json.loads(json.dumps(wish_of(wish_for(settings))))  # to the page, and back
    assert settings_of(wish_of(sent)) == settings


@pytest.mark.parametrize(
    "given", [{}, {"corpora": "x"}, {"corpora": [[1, 2], "x", None]}, {"changes": []}, {"preset": "none"}, {"changes": {"rm": "1"}}]
)
def test_whatever_was_kept_of_a_form_it_opens(given: dict[str, Any], here: str) -> None:
    assert values_of(wish_of(given, model=here))["learning_rate"]


def test_what_no_form_sends_is_refused() -> None:
    with pytest.raises(SettingsError, match="Reload"):
        wish_of({"name": ["a"]})
    with pytest.raises(SettingsError, match="Choose a corpus"):
        settings_of(wish_of({}))


def test_settings_are_told_in_words_and_as_a_command_that_the_command_line_takes() -> None:
    settings = TrainingSettings(corpora=(("house list", 0.7), ("b", 0.3)), method="lora", base="tiny", lora_rank=4, seed=5)
    words = dict(in_words(settings))
    assert words["Corpora"] == "house list (0.7), b (0.3)"
    assert (words["Rank"], words["Stop early after"], words["Lot"]) == ("4", "never", "5")
    assert (
        command_line(settings)
        == "narrative train --corpus 'house list:0.7' --corpus b:0.3 --method lora --base tiny --lora-rank 4 --seed 5 --detach"
    )


@pytest.mark.parametrize(
    "settings",
    [
        TrainingSettings(
            corpora=(("a b", 123456.7), ("c", 1 / 3)),
            base="tiny",
            learning_rate=1 / 30_000,
            sample_prompt="- $(x) 'y'",
            gradient_checkpointing=True,
        ),
        TrainingSettings(
            corpora=(("a", 0.0),), method="scratch", architecture=Architecture("llama", 3, 4, 64, 300, 32), warmup=0.0, dropout=0.1
        ),
    ],
)
def test_the_command_line_reads_back_what_the_page_shows(settings: TrainingSettings) -> None:
    options = NARRATIVE.parser("train").parse_args(shlex.split(command_line(settings))[1:])
    read = given_fields(options, TrainingSettings) | {"corpora": settings.corpora}
    if settings.architecture:
        assert read.pop("context") == settings.architecture.context
        read["architecture"] = Architecture(**given_fields(options, Architecture) | {"context": settings.architecture.context})
    assert TrainingSettings(**read) == settings
    pairs = [text.partition(":") for text in options.corpus]
    assert tuple((corpus, float(weight or 0)) for corpus, _, weight in pairs) == settings.corpora
    assert (options.name, options.detach) == ("", True)


# ---- estimates


ESTIMATE = Estimate(1000, 100, 50, 5_000_000, 5_000_000, 60.0, 10**9, 8 * 10**9, 900.0, "cpu")


class Slow:
    """An estimate that takes until it is let go, and says whether it was called off."""

    def __init__(self) -> None:
        self.let_go, self.begun = threading.Event(), threading.Semaphore(0)
        self.called_off: list[float] = []
        self.done: list[float] = []

    def __call__(self, settings: TrainingSettings, *, cancelled: Callable[[], bool]) -> Estimate:
        self.begun.release()
        while not self.let_go.wait(0.01):
            if cancelled():
                self.called_off.append(settings.learning_rate)
                raise TrainingError("Called off.")
        self.done.append(settings.learning_rate)
        return ESTIMATE


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr("narrative.studio.foreseeing.PAUSE", 0.01)
    made = Slow()
    yield made
    made.let_go.set()


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def rate(value: float) -> TrainingSettings:
    return replace(tiny_settings(), learning_rate=value)


def test_a_new_question_calls_the_old_one_off_and_answers_are_remembered(slow: Slow) -> None:
    foresight = Foresight(slow)
    foresight.ask("ann", rate(1e-3))
    slow.begun.acquire()
    foresight.ask("ann", rate(2e-3))
    slow.begun.acquire()
    assert slow.called_off == [1e-3]
    answer = foresight.answer("ann")
    assert answer
    assert answer.working
    slow.let_go.set()
    until(lambda: not foresight.answer("ann").working)  # type: ignore[union-attr]
    answer = foresight.answer("ann")
    assert answer
    assert answer.estimate
    assert answer.settings.learning_rate == 2e-3
    foresight.ask("bob", rate(2e-3))
    assert not foresight.answer("bob").working  # type: ignore[union-attr]
    assert slow.done == [2e-3]


def test_nobody_waits_for_what_was_called_off(slow: Slow) -> None:
    foresight = Foresight(slow)
    foresight.ask("ann", rate(1e-3))
    slow.begun.acquire()
    foresight.forget("ann")
    until(lambda: slow.called_off)
    assert foresight.answer("ann") is None


def test_an_estimate_that_fails_says_why(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narrative.studio.foreseeing.PAUSE", 0.01)
    bench.foresee("ann", tiny_settings())
    until(lambda: bench.foreseen("ann").wrong)  # type: ignore[union-attr]
    assert bench.foreseen("ann").wrong == "There is no estimate in this test."  # type: ignore[union-attr]


def test_what_went_wrong_once_is_tried_again_and_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narrative.studio.foreseeing.PAUSE", 0.01)
    full = iter((True, False))

    def work(*_: Any, **__: Any) -> Estimate:
        if next(full):
            raise TrainingError("The disk is full.")
        return ESTIMATE

    foresight = Foresight(work)
    foresight.ask("ann", rate(1e-3))
    until(lambda: foresight.answer("ann").wrong)  # type: ignore[union-attr]
    foresight.ask("bob", rate(1e-3))
    until(lambda: foresight.answer("bob").estimate)  # type: ignore[union-attr]
    assert foresight.answer("ann").wrong  # type: ignore[union-attr]
    foresight.ask("ann", rate(1e-3))
    assert foresight.answer("ann").estimate == ESTIMATE  # type: ignore[union-attr]


def test_an_estimate_that_comes_after_the_start_still_goes_to_its_job(narrative_home: Path, slow: Slow) -> None:
    bench = Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("false",)), Foresight(slow))
    bench.foresee("ann", tiny_settings())
    slow.begun.acquire()
    row = bench.start("ann", tiny_settings(), name="hasty")
    assert (bench.foreseen("ann"), row.job.estimate()) == (None, {})
    bench.foresee("ann", rate(2e-3))  # the next one; it must not call the first off
    changed = bench.start("ann", rate(3e-3), name="changed")  # another figure than was asked for: that one is worked out
    bench.foresee("bob", rate(4e-3))
    bench.foresight.forget("bob")
    never_minded = bench.start("bob", rate(4e-3), name="never-minded")
    slow.let_go.set()
    until(lambda: row.job.estimate() and changed.job.estimate())
    assert (row.job.estimate()["steps"], slow.done, slow.called_off) == (50, [tiny_settings().learning_rate, 3e-3], [])
    assert never_minded.job.estimate() == {}


def test_an_estimate_for_a_job_that_was_deleted_leaves_nothing(narrative_home: Path, slow: Slow) -> None:
    bench = Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("false",)), Foresight(slow))
    bench.foresee("ann", rate(1e-3))
    slow.begun.acquire()
    row = bench.start("ann", rate(1e-3), name="hasty")
    bench.stop("hasty")
    bench.delete("hasty")
    slow.let_go.set()
    bench.foresee("bob", rate(1e-3))  # waits for the first, then has its answer
    until(lambda: not bench.foreseen("bob").working)  # type: ignore[union-attr]
    until(lambda: not [one for one in threading.enumerate() if one.name == "estimate"])
    assert not row.folder.exists()


def test_what_learns_and_from_how_much_is_told_in_words() -> None:
    told = draw_foreseen(Foreseen(tiny_settings(), ESTIMATE))
    assert told["more"] == "All 5,000,000 weights learn; 1,000 tokens to learn from, 100 held back to test on."
    few = draw_foreseen(Foreseen(tiny_settings(), replace(ESTIMATE, trainable=20_000)))
    assert few["more"].startswith("20,000 of 5,000,000 weights learn (0.4 %); ")


def test_what_was_foreseen_stays_with_the_job(narrative_home: Path, slow: Slow) -> None:
    bench = Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("false",)), Foresight(slow))
    slow.let_go.set()
    bench.foresee("ann", tiny_settings())
    until(lambda: not bench.foreseen("ann").working)  # type: ignore[union-attr]
    assert bench.start("ann", tiny_settings(), name="foreseen").job.estimate()["steps"] == 50
    assert bench.start("bob", tiny_settings(), name="blind").job.estimate() == {}


# ---- doing


def test_the_table_of_numbers_has_every_measurement_and_no_formula(bench: Workbench, job: JobRow) -> None:
    write(job.folder / "metrics.jsonl", [train_line(10), unseen(10, 3.0, corpus="=HYPERLINK()")])
    lines = bench.measurements_table(["house"]).splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1].startswith("house,10,5120,4.99999,0.0001,")
    assert "'=HYPERLINK()" in lines[2]


@pytest.mark.usefixtures("job")
def test_only_a_finished_job_can_be_published_or_sent_away(bench: Workbench) -> None:
    for act in (bench.publish, bench.archive, lambda name: bench.push(name, "me/model")):
        with pytest.raises(NarrativeError, match="no finished model"):
            act("house")


def test_whoever_presses_twice_gets_one_model_and_no_press_is_lost(bench: Workbench, job: JobRow, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LONG["trigger_mode"] == "multiple"
    put(bench, "house", state=FINISHED)
    job.job.model.mkdir()
    made: list[str] = []
    second = threading.Event()

    def publish_job(*_: Any) -> str:
        made.append(f"house-{len(made)}")
        second.wait(0.3)  # were the other press let in, it would come now
        return made[-1]

    monkeypatch.setattr("narrative.publishing.publish_job", publish_job)
    monkeypatch.setattr("narrative.models.describe", lambda name: Preset(name, "", "", {}))
    got: list[str] = []
    presses = [threading.Thread(target=lambda: got.append(bench.publish("house"))) for _ in range(2)]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert (made, got) == (["house-0"], ["house-0", "house-0"])


@pytest.mark.usefixtures("job")
def test_a_name_nobody_has_is_refused_and_the_look_goes_on(bench: Workbench) -> None:
    with pytest.raises(NarrativeError, match="no job"):
        bench.stop(HARM)
    assert looker(bench, job=HARM, compare=[HARM, 3], quantity=HARM, page=-5, open=HARM)()["chosen"] == "house"


def test_a_worker_that_can_not_start_is_told_and_nothing_breaks(narrative_home: Path) -> None:
    bench = Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("/nowhere/at/all",)), Foresight(never))
    bench.queue.submit(tiny_settings(), name="house")
    assert "can't be started" in looker(bench)()["trouble"]


def test_a_job_that_is_in_the_queue_has_not_failed_though_no_worker_comes(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narrative.jobs.queue.TEND_EVERY", 0)
    bench = Workbench(Queue(Database(narrative_home / "studio.db"), worker_command=("/nowhere/at/all",)), Foresight(never))
    row = bench.start("ann", tiny_settings(), name="house")
    assert (row.state, [one.name for one in bench.rows()]) == (QUEUED, ["house"])
    assert "can't be started" in bench.trouble
    put(bench, "house", state=STOPPED)
    bench.trouble = ""
    assert bench.resume("house").state == QUEUED
    assert "can't be started" in bench.trouble


def test_corpora_are_listed_again_when_one_changes(bench: Workbench) -> None:
    tiny_settings("tales")
    assert [one.name for one in bench.corpora()] == ["tales"]
    assert bench.corpora() is bench.corpora()
    write_corpus("verse", train=[Record("a", "b", "", "", "x y")], test=[Record("c", "d", "", "", "z")], origin="", licence="")
    assert [one.name for one in bench.corpora()] == ["tales", "verse"]


def test_the_page_says_what_trains_here(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu")
    assert bench.machine().startswith("There is no GPU here")
    monkeypatch.setenv("NARRATIVE_DEVICES", "tpu")
    assert "tpu" in bench.machine()


# ---- what the page fetches by itself


def fetched(serving: Serving, path: str) -> tuple[int, bytes, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asked = serving({"type": "http", "path": path, "root_path": PREFIX}, send, send)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as thread:  # of its own: where browser tests ran before, this one has a loop already
        thread.submit(asyncio.run, asked).result()
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:]), dict(sent[0]["headers"])


def test_plotly_comes_from_its_own_package_and_nothing_else_lies_there() -> None:
    status, script, headers = fetched(Serving(), script_address())
    assert (status, headers[b"content-type"]) == (200, b"text/javascript")
    assert int(headers[b"content-length"]) == len(script) > 1_000_000
    for path in ("", "/", "/../../etc/passwd", "/plotly-0.js", f"/{HARM}"):
        assert fetched(Serving(), f"{PREFIX}{path}")[0] == 404


def test_a_download_is_there_for_whoever_was_told_its_word_and_shows_no_path(tmp_path: Path) -> None:
    serving = Serving()
    made = tmp_path / "house style.zip"
    made.write_bytes(b"PK" + b"x" * 3_000_000)
    address = serving.offer(made)
    assert str(tmp_path) not in address
    assert len(address.split("/")[2]) >= 32
    status, body, headers = fetched(serving, address)
    assert (status, body) == (200, made.read_bytes())
    assert headers[b"content-disposition"] == b"attachment; filename*=utf-8''house%20style.zip"
    assert fetched(serving, address)[0] == 404
    again = serving.offer(made)
    made.unlink()
    assert fetched(serving, again)[0] == 404


def test_a_download_that_nobody_fetched_is_gone_after_ten_minutes(tmp_path: Path) -> None:
    now = [1000.0]
    serving = Serving(clock=lambda: now[0])
    made = tmp_path / "house.zip"
    made.write_bytes(b"PK")
    early, late = serving.offer(made), serving.offer(made)
    now[0] += 599
    assert fetched(serving, early)[0] == 200
    now[0] += 2
    assert fetched(serving, late)[0] == 404
