"""The queue with the real trainer: what is killed goes on, and ends where an undisturbed run ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_jobs import ROOT, Desk
from tiny_models import SENTENCES

from narrative import home
from narrative.corpus import write_corpus
from narrative.formats import Record
from narrative.jobs import processes
from narrative.jobs.states import FINISHED, INTERRUPTED
from narrative.store.database import Database
from narrative.training import TrainingSettings
from narrative.training.job import Job
from narrative.training.run import train

STEPS, HALT = 20, 13


@pytest.fixture
def desk(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    desk = Desk(Database(narrative_home / "studio.db"), true=True)
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
