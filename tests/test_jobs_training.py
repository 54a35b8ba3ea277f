"""The queue with the real trainer: what is killed goes on, and ends where an undisturbed run ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_jobs import ROOT, Desk
from tiny_models import SENTENCES

from narrative import home
from narrative.corpus import write_corpus
from narrative.formats import Record
from narrative.jobs import processes, table
from narrative.jobs.states import FINISHED, INTERRUPTED, STOPPED
from narrative.store.database import Database
from narrative.training import Architecture, TrainingSettings
from narrative.training.job import Job
from narrative.training.run import train

STEPS, HALT = 20, 13


@pytest.fixture
def desk(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    desk = Desk(Database(narrative_home / "studio.db"), true=True, grace=30)
    yield desk
    desk.clear()


@pytest.fixture
def settings(tiny_gpt2_folder: Path) -> TrainingSettings:
    def side(split: str) -> list[Record]:
        turned = [SENTENCES[number % 7 :] + SENTENCES[: number % 7] for number in range(40 if split == "train" else 8)]
        return [Record(f"{split}{number}", split, "", "", f"{split} {number}. {' '.join(texts)}") for number, texts in enumerate(turned)]

    write_corpus("tales", train=side("train"), test=side("test"), origin="made up", licence="CC0-1.0")
    return TrainingSettings(
        corpora=(("tales", 0.0),), base=str(tiny_gpt2_folder), max_steps=STEPS, learning_rate=3e-3, batch_size=4, dropout=0.1, threads=1,
        evaluate_every=10, save_every=5, log_every=5, precision="float32", sample_tokens=0,
    )  # fmt: skip


def losses(job: Job) -> dict[int, float]:
    return {line["step"]: line["test_loss"] for line in job.metrics() if "corpus" in line}


def test_a_killed_child_and_a_killed_worker_change_nothing_in_what_is_learned(desk: Desk, settings: TrainingSettings) -> None:
    straight = Job.create(home.home() / "straight", settings)
    assert train(straight)
    desk.submit("killed", settings, kill_at=HALT)
    desk.submit("orphaned", settings, wait_at=HALT)
    row = desk.ended("killed")[0]
    assert (row.state, row.reason) == (INTERRUPTED, "The process was killed (signal 9) after step 10. It goes on from step 10.")
    child = desk.child("orphaned")
    (home.jobs() / "killed" / "play.json").unlink()  # from here on with the product's own command
    assert desk.queue.resume("killed").place == 1
    desk.kill_worker()
    assert processes.born(child)
    desk.go("orphaned")
    killed, orphaned = desk.ended("killed", "orphaned")
    expected = losses(straight)
    for row in (killed, orphaned):
        assert (row.state, row.step, row.steps) == (FINISHED, STEPS, STEPS)
        assert losses(row.job) == pytest.approx(expected, abs=1e-5)
        assert row.test_loss == pytest.approx(min(expected.values()), abs=1e-5)
        assert (row.job.model / "model.safetensors").exists()


def test_one_job_over_two_processes_stops_with_a_checkpoint_leaves_none_behind_and_learns_what_one_process_learns(
    desk: Desk, settings: TrainingSettings
) -> None:
    fresh = {"method": "scratch", "base": None, "architecture": Architecture(layers=2, heads=2, width=32, vocabulary=320, context=32)}
    flat = {"schedule": "warmup-stable-decay", "warmup": 0.0, "dropout": None, "decay": 0.1}
    alone = Job.create(home.home() / "alone", replace(settings, **fresh, **flat))
    assert train(alone)
    desk.submit("wide", replace(settings, **fresh, **flat, processes=2, batch_size=2, max_steps=20_000))
    desk.until(lambda: 10 in losses(desk.queue.row("wide").job))
    desk.queue.stop("wide")
    stopped = desk.ended("wide")[0]
    assert (stopped.state, stopped.reason) == (STOPPED, f"It stopped as asked. It goes on from step {stopped.step}.")
    assert (stopped.job.folder / f"checkpoint-{stopped.step}" / "rng_state_1.pth").exists(), "the other process's part is there too"
    desk.queue.resume("wide")
    desk.until(lambda: desk.queue.row("wide").step > stopped.step)
    launcher, ranks = launcher_and_ranks(desk, "wide")
    assert len({os.getsid(pid) for pid in (launcher, *ranks)}) == 3, "a signal to the launcher's group doesn't reach the others"
    os.kill(launcher, signal.SIGKILL)
    assert desk.ended("wide")[0].state == INTERRUPTED
    desk.until(lambda: not any(processes.born(pid) for pid in ranks))
    learned, expected = losses(desk.queue.row("wide").job), losses(alone)
    assert [learned[step] for step in (0, 10)] == pytest.approx([expected[step] for step in (0, 10)], abs=1e-4)


def launcher_and_ranks(desk: Desk, name: str) -> tuple[int, list[int]]:
    """The numbers of both kinds of processes."""
    with desk.database.reading() as connection:
        entry = table.find(connection, name)
    assert entry
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in processes.marked(entry.launch)}
    ranks = [pid for pid, command in commands.items() if "narrative.training" in command and "accelerate.commands.launch" not in command]
    assert len(ranks) == 2
    return entry.pid, ranks
