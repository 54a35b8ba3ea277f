"""Trainings from the command line: submitted to the queue, watched, stopped and taken up again, published."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_cli import CAPTURE, answer, call, patient_environment, published, tales

from narrative import home
from narrative.cli import main
from narrative.commands.queue import open_queue
from narrative.jobs import JobRow, Queue, processes, table, workforce
from narrative.training import Architecture, TrainingSettings
from narrative.training import estimate as estimate_module
from narrative.training.estimate import Estimate
from narrative.training.job import Job

__all__ = ["patient_environment", "published"]  # fixtures, used by their names

ROOT = Path(__file__).resolve().parent.parent
PACE = {"look": 0.05, "copy": 0.1, "idle": 0.3, "grace": 30, "last_grace": 5, "patience": 10}
PATIENCE = 60  # seconds, on a machine that is busy with other things
SMALL = [
    "--method=scratch", "--layers=1", "--heads=2", "--width=16", "--vocabulary=270", "--context=16",
    "--batch-size=2", "--threads=1", "--precision=float32", "--sample-tokens=4",
]  # fmt: skip


@pytest.fixture
def workers(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """workers(...): how the workers work from now on; without a model unless `true` is asked for. None is left behind."""

    def employ(**options: Any) -> None:
        command = (sys.executable, str(ROOT / "tests" / "job_worker.py"), json.dumps(PACE | options))
        monkeypatch.setattr(workforce, "COMMAND", command)

    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    employ()
    yield employ
    log = narrative_home / "workers.log"
    ours = {int(line.split()[0]) for line in log.read_text().splitlines()} if log.exists() else set()
    with open_queue().database.reading() as connection:
        ours |= {pid for entry in table.busy(connection) for pid in processes.marked(entry.launch)}
    for pid in ours:
        if processes.born(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """play(...): what the trainer without a model does in the jobs that are submitted from now on."""
    submit = Queue.submit

    def told(**how: Any) -> None:
        def submitted(self: Queue, settings: TrainingSettings, *, name: str = "") -> JobRow:
            row = submit(self, settings, name=name)
            (row.folder / "play.json").write_text(json.dumps(how))
            return row

        monkeypatch.setattr(Queue, "submit", submitted)

    return told


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def interrupt_when(true: Callable[[], Any], *, times: int = 1) -> None:
    """Ctrl-C for this process, as the terminal sends it; a second one when the job has been asked to stop."""

    def press() -> None:
        until(true)
        os.kill(os.getpid(), signal.SIGINT)
        if times > 1:
            until(lambda: open_queue().row("first").state == "stopping")
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()  # a test that fails must not keep pytest from ending


def train(*arguments: str) -> int:
    tales("tales")
    return main(["train", "--corpus", "tales", "--name", "first", *SMALL, *arguments])


def test_a_finished_training_tells_its_figures_is_published_and_can_then_write(workers: Callable[..., None], capsys: CAPTURE) -> None:
    workers(true=True, idle=1.0)
    tales("letters")
    tales("tales")
    mix = ["--corpus", "tales:0.7", "--corpus", "letters:0.3", "--name", "first"]
    assert main(["train", *mix, *SMALL, "--max-steps", "6", "--log-every", "2", "--evaluate-every", "3", "--json"]) == 0
    printed = capsys.readouterr()
    outcome = json.loads(printed.out)
    assert (outcome["job"], outcome["state"], outcome["step"], outcome["steps"]) == ("first", "finished", 6, 6)
    assert set(outcome["metrics"]) == {"tales", "letters"}
    assert outcome["metrics"]["tales"]["step"] == 6
    assert outcome["loss"] > 1
    assert "step 6 of 6: on tales's test texts, perplexity" in printed.err
    settings = Job(home.jobs() / "first").settings()
    assert (settings.corpora, settings.context) == ((("tales", 0.7), ("letters", 0.3)), None)
    assert settings.architecture == Architecture(layers=1, heads=2, width=16, vocabulary=270, context=16)

    told = answer(capsys, "publish", "first", "--name", "tiny-tales")
    assert (told["model"], told["hub"], told["card"]["licence"]) == ("tiny-tales", None, "texts: CC0-1.0")
    assert set(told["card"]["metrics"]) == {"tales", "letters"}
    for model in ("tiny-tales", outcome["model"]):
        assert len(answer(capsys, "generate", "fox", "--model", model, "--max-new-tokens", "3")["drafts"]) == 3
    assert answer(capsys, "jobs", "show", "first")["published"] == "tiny-tales"


@pytest.mark.usefixtures("workers")
def test_an_interrupt_stops_a_training_with_a_checkpoint_and_a_resume_goes_on(play: Callable[..., None], capsys: CAPTURE) -> None:
    play(steps=4, wait_at=2)
    job = Job(home.jobs() / "first")
    interrupt_when(lambda: job.state().get("step") == 2)
    assert train() == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Stopping, with a checkpoint." in printed.err
    assert "It goes on from step 2. Go on with: narrative train --resume first" in printed.err
    assert job.last_checkpoint() == job.folder / "checkpoint-2"
    job.append_metrics(step=1, tokens=9, loss=3.0, tokens_per_second=5.0)
    assert main(["train", "--resume", "first", "--json"]) == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out)["state"], json.loads(printed.out)["step"]) == ("finished", 4)
    assert "loss 3.000" not in printed.err  # what the run before has said is not said again


@pytest.mark.usefixtures("workers")
def test_what_the_training_process_refuses_is_one_line_and_exit_2(play: Callable[..., None], capsys: CAPTURE) -> None:
    play(steps=0, exit=2, reason="Corpus 'tales' has 2 tokens to learn from.")
    assert train("--json") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "narrative: Corpus 'tales' has 2 tokens to learn from."


@pytest.mark.usefixtures("workers")
def test_a_second_interrupt_leaves_the_job_to_stop_by_itself(play: Callable[..., None], capsys: CAPTURE) -> None:
    play(steps=3, wait_at=2, deaf=True)
    interrupt_when((home.jobs() / "first" / "state.json").exists, times=2)
    before = signal.getsignal(signal.SIGINT)
    assert train() == 130
    assert "Left alone; 'first' stops by itself." in capsys.readouterr().err
    assert open_queue().row("first").state == "stopping"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("workers")
def test_a_detached_job_is_listed_shown_stopped_resumed_read_and_deleted(play: Callable[..., None], capsys: CAPTURE) -> None:
    play(steps=4, wait_at=3)
    assert train("--detach") == 0
    assert capsys.readouterr().out == "first\n"
    waiting = answer(capsys, "train", "--corpus", "tales", *SMALL, "--detach")
    assert (waiting["job"], waiting["state"]) == ("tales-scratch-1", "queued")
    until(lambda: answer(capsys, "jobs", "list")["jobs"][0]["step"] == 3)
    assert [(row["job"], row["state"], row["place"]) for row in answer(capsys, "jobs", "list")["jobs"]] == [
        ("first", "running", 0), ("tales-scratch-1", "queued", 1),
    ]  # fmt: skip
    assert main(["jobs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["first", "running"], ["tales-scratch-1", "queued"]]
    assert "a new model on tales (scratch); step 3 of 4" in lines[0]

    assert main(["train", "--resume", "first"]) == 2
    assert "Job 'first' is running and can't be resumed" in capsys.readouterr().err
    assert main(["jobs", "delete", "first"]) == 2
    assert "is running. Stop it first" in capsys.readouterr().err
    assert answer(capsys, "jobs", "stop", "tales-scratch-1")["state"] == "stopped"  # it only waited
    assert main(["jobs", "stop", "first"]) == 0
    assert "'first' stops after this step, with a checkpoint" in capsys.readouterr().err
    until(lambda: answer(capsys, "jobs", "show", "first")["state"] == "stopped")
    shown = answer(capsys, "jobs", "show", "first")
    assert shown["reason"].endswith("It goes on from step 3.")
    assert (shown["settings"]["method"], shown["model"], shown["notes"]) == ("scratch", None, [])

    (home.jobs() / "first" / "go").touch()
    assert main(["jobs", "resume", "first"]) == 0
    assert main(["jobs", "log", "first", "--follow"]) == 0
    assert open_queue().row("first").state == "finished"
    assert main(["jobs", "show", "first"]) == 0
    assert "state      finished, step 4 of 4, test loss 4.500" in capsys.readouterr().out
    assert main(["publish", "first"]) == 2  # this trainer leaves an empty model
    assert "first" not in capsys.readouterr().out
    assert main(["jobs", "delete", "first"]) == 0
    assert [row["job"] for row in answer(capsys, "jobs", "list")["jobs"]] == ["tales-scratch-1"]
    assert not (home.jobs() / "first").exists()


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ({"steps": 4, "kill_at": 3}, 1, "(signal 9) after step 3. It goes on from step 2. Go on with: narrative train --resume first"),
        ({"steps": 2, "exit": 2, "reason": "The loss is no longer a number."}, 1, "The loss is no longer a number. Go on with: "),
        ({"steps": 2}, 0, "narrative publish first"),
    ],
    ids=["killed", "failed", "finished"],
)  # fmt: skip
@pytest.mark.usefixtures("workers")
def test_how_a_job_ended_is_the_exit_status_and_a_sentence(
    how: dict[str, Any], status: int, said: str, play: Callable[..., None], capsys: CAPTURE
) -> None:
    play(**how)
    assert train() == status
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == (f"{home.jobs() / 'first' / 'model'}\n" if status == 0 else "")


def test_the_log_is_printed_without_what_would_steer_a_terminal(capsys: CAPTURE) -> None:
    tales("tales")
    settings = TrainingSettings(corpora=(("tales", 0.0),), method="scratch", architecture=Architecture())
    row = Queue(open_queue().database, worker_command=("false",)).submit(settings, name="first")
    assert main(["jobs", "log", "first"]) == 0
    assert capsys.readouterr().out == ""  # it has said nothing yet
    row.job.log.write_bytes("“Straße”\x1b[31m\r\x00\xff".encode("latin-1", "replace") + "…\n".encode() * 50_000)
    assert main(["jobs", "log", "first"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("…") == 50_000  # a letter on the edge of two pieces stays one
    assert not [letter for letter in printed if ord(letter) < 32 and letter != "\n"]


@pytest.mark.usefixtures("published", "workers")
def test_a_preset_is_changed_by_what_is_given_and_every_new_kind_of_field_arrives(play: Callable[..., None], capsys: CAPTURE) -> None:
    tales("tales")
    play(steps=1)
    arguments = [
        "--preset",
        "lora",
        "--base",
        "tiny",
        "--corpus",
        "tales",
        "--lora-rank",
        "4",
        "--gradient-checkpointing",
        "--keep",
        "last",
    ]
    assert main(["train", *arguments, "--name", "tuned", "--detach"]) == 0
    stored = Job(home.jobs() / "tuned").settings()
    assert (stored.method, stored.base, stored.lora_rank, stored.gradient_checkpointing, stored.keep) == ("lora", "tiny", 4, True, "last")
    assert (stored.lora_dropout, stored.epochs) == (0.05, 3.0)  # the preset's own
    new = ["--preset", "scratch", "--corpus", "tales", "--size", "30m", "--width", "64", "--context", "32", "--no-gradient-checkpointing"]
    assert main(["train", *new, "--name", "new", "--detach"]) == 0
    stored = Job(home.jobs() / "new").settings()
    assert stored.architecture == Architecture(layers=8, heads=8, width=64, vocabulary=8192, context=32)
    assert (stored.context, stored.gradient_checkpointing, stored.base) == (None, False, None)
    capsys.readouterr()


def test_an_estimate_is_all_that_is_printed_and_nothing_is_queued(monkeypatch: pytest.MonkeyPatch, capsys: CAPTURE) -> None:
    tales("tales")
    foreseen = Estimate(9_000, 1_000, 1942, 5_000_000, 250_000, 1860.0, 9_800_000_000, 16_000_000_000, 5000.0, "2 cores", ("Close.",))
    monkeypatch.setattr(estimate_module, "estimate", lambda *_, **__: foreseen)
    assert main(["train", "--corpus", "tales", *SMALL, "--estimate"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "1,942 steps, about 31 minutes, 9.8 GB of memory.",
        "9,000 tokens to learn from and 1,000 to test on; 250,000 of 5,000,000 weights learn (5.00%).",
        "5,000 tokens a second on 2 cores.",
    ]
    assert printed.err == "Close.\n"
    assert answer(capsys, "train", "--corpus", "tales", *SMALL, "--estimate")["steps"] == 1942
    assert answer(capsys, "jobs", "list") == {"jobs": []}


def test_looking_at_jobs_needs_none_of_the_heavy_libraries() -> None:
    tales("tales")
    settings = TrainingSettings(corpora=(("tales", 0.0),), method="scratch", architecture=Architecture())
    queue = Queue(open_queue().database, worker_command=("false",))
    queue.submit(settings, name="first")
    queue.stop("first")
    heavy = "'torch', 'transformers', 'peft', 'gradio', 'numpy'"
    actions = [["jobs", "list"], ["jobs", "show", "first"], ["jobs", "log", "first"], ["jobs", "delete", "first"]]
    run = f"import sys; from narrative.cli import main\nprint([main(given) for given in {actions}])"
    code = run + f"\nprint([m for m in ({heavy}) if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.endswith("[0, 0, 0, 0]\n[]\n")


def test_the_last_words_of_a_name_are_never_a_path(capsys: CAPTURE) -> None:
    for name in ("../studio.db", "/etc", "first/../first", "\x1b[31m"):
        for action in ("show", "log", "stop", "resume", "delete"):
            assert call("jobs", action, name) == 2
        assert call("publish", name) == 2
    assert "\x1b" not in capsys.readouterr().err
