"""What a run does when something goes wrong, or goes on too long."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_tales import stories
from safetensors import SafetensorError
from safetensors.torch import load_file
from tiny_models import SENTENCES
from transformers import Trainer, TrainerCallback

from narrative.corpus import Corpus, write_corpus
from narrative.errors import TrainingError
from narrative.formats import Record
from narrative.training import Architecture, TrainingSettings, stopping
from narrative.training import run as running
from narrative.training.curve import Curve
from narrative.training.job import Job
from narrative.training.keeping import BestWeights
from narrative.training.memory import is_exhausted
from narrative.training.run import train
from narrative.training.stopping import RESERVE


@pytest.fixture
def settings(tales: Corpus, tiny_gpt2_folder: Path) -> TrainingSettings:
    return TrainingSettings(
        corpora=((str(tales.folder), 0.0),), base=str(tiny_gpt2_folder), max_steps=8, learning_rate=1e-3, batch_size=4, evaluate_every=2,
        log_every=1, precision="float32", threads=1, sample_tokens=0, warmup=0.0,
    )  # fmt: skip


def losses_on_test(job: Job) -> dict[int, float]:
    return {line["step"]: line["test_loss"] for line in job.metrics() if "corpus" in line}


def notes(job: Job, kind: str) -> list[str]:
    return [note["text"] for note in job.notes() if note["kind"] == kind]


# ---- the best weights, and learning no more


def test_the_finished_model_is_that_of_the_lowest_test_loss(settings: TrainingSettings, tmp_path: Path) -> None:
    wild = replace(settings, learning_rate=1.0, schedule="linear", max_grad_norm=1e6)
    job = Job.create(tmp_path / "job", wild)
    assert train(job)
    losses = losses_on_test(job)
    best = min(losses, key=losses.__getitem__)
    assert best != 8, "the rate is too high on purpose"
    state = job.state()
    assert (state["kept"], state["test_loss"]) == (best, pytest.approx(losses[best]))
    again = Job.create(tmp_path / "again", replace(settings, base=str(job.model), max_steps=1, learning_rate=1e-12, evaluate_every=1))
    assert train(again)
    assert losses_on_test(again)[0] == pytest.approx(losses[best], rel=1e-5)
    assert f"{losses[best]:.3f}" in notes(job, "kept")[0]
    last = Job.create(tmp_path / "last", replace(wild, keep="last"))
    assert train(last)
    assert last.state()["test_loss"] == pytest.approx(losses[8])
    assert not last.best.exists()


def test_a_run_that_learns_no_more_stops_early_and_says_so(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, learning_rate=0.3, max_grad_norm=1e6, patience=2, max_steps=40))
    assert train(job)
    losses = losses_on_test(job)
    best = min(losses, key=losses.__getitem__)
    assert max(losses) == best + 2 * 2
    assert job.state()["state"] == "finished"
    assert notes(job, "early stop") == [
        f"Stopped early: 2 evaluations in a row brought no better test loss than {losses[best]:.3f} at step {best:,}."
    ]


def curve(tests: list[float], training: list[float]) -> Curve:
    made = Curve({"tales": 1.0}, {"tales": 1.0})
    for number, (test, loss) in enumerate(zip(tests, training, strict=True)):
        made.training.append((10 * number, loss))
        made.add_test(10 * number, "tales", test)
    return made


@pytest.mark.parametrize(
    ("tests", "training", "warned"),
    [
        ([3.0, 2.5, 2.6, 2.7], [3.0, 2.4, 2.0, 1.6], True),
        ([3.0, 2.5, 2.6, 2.59], [3.0, 2.4, 2.0, 1.6], False),  # a bend, not a turn
        ([3.0, 2.5, 2.6, 2.7], [3.0, 2.4, 3.4, 6.6], False),  # both rise: it diverges
        ([2.5, 2.6], [2.4, 2.0], False),  # too early to tell
    ],
)
def test_memorising_is_a_test_loss_that_rises_twice_while_the_training_loss_falls(
    tests: list[float], training: list[float], warned: bool
) -> None:
    assert bool(curve(tests, training).memorising()) == warned


def test_the_warning_names_the_step_and_both_losses() -> None:
    sentence = curve([3.0, 2.5, 2.6, 2.7], [3.0, 2.4, 2.0, 1.6]).memorising()
    assert sentence.startswith("It has begun to memorise: since step 10 the test loss rises (2.500 to 2.700) while the training loss falls")


def test_the_mean_over_corpora_is_by_weight_and_a_half_measured_step_does_not_count() -> None:
    both = Curve({"a": 3.0, "b": 1.0}, {"a": 1.0, "b": 2.0})
    assert not both.add_test(0, "a", 2.0)
    assert both.steps() == []
    assert both.add_test(0, "b", 4.0)
    assert both.figures(0) == pytest.approx({"test_loss": 2.5, "perplexity": math.exp(2.5), "bits_per_byte": 0.75 * 2 + 0.25 * 8})


def test_a_corpus_learned_by_heart_brings_the_warning_into_the_job(settings: TrainingSettings, tmp_path: Path) -> None:
    others = [Record(f"other-{number}", "other", "", "", sentence) for number, sentence in enumerate(SENTENCES)]
    few = write_corpus("few", train=stories("few", count=4, seed=1), test=others, origin="", licence="", folder=tmp_path / "few")
    new = Architecture(layers=2, heads=2, width=32, vocabulary=300, context=32)
    wanted = {"base": None, "method": "scratch", "architecture": new, "learning_rate": 2e-2, "max_steps": 30, "evaluate_every": 5}
    job = Job.create(tmp_path / "job", replace(settings, corpora=((str(few.folder), 0.0),), **wanted))
    assert train(job)
    assert len(notes(job, "memorising")) == 1
    losses = losses_on_test(job)
    assert job.state()["kept"] == min(losses, key=losses.__getitem__) < 30


def test_the_last_evaluation_of_a_whole_run_is_no_early_stop(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, learning_rate=1.0, max_grad_norm=1e6, patience=2, max_steps=4))
    assert train(job)
    losses = losses_on_test(job)
    assert (min(losses, key=losses.__getitem__), max(losses)) == (0, 4), "the rate is too high on purpose"
    assert notes(job, "early stop") == []


# ---- checkpoints


def test_a_clock_that_is_set_back_costs_no_checkpoint(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, save_every=2, max_steps=4))
    assert train(job)
    ahead = time.time() + 1e6
    for path in job.folder.glob("checkpoint-*"):
        os.utime(path, (ahead, ahead))  # as if written before the clock was set
    shutil.rmtree(job.model)
    (job.folder / "job.json").unlink()
    longer = Job.create(job.folder, replace(settings, save_every=2, max_steps=8))
    assert train(longer)
    assert sorted(path.name for path in job.folder.glob("checkpoint-*")) == ["checkpoint-6", "checkpoint-8"]


def test_the_best_weights_are_always_those_of_a_checkpoint_too(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, save_every=100, evaluate_every=2, max_steps=4, learning_rate=1e-3))
    assert train(job)
    assert (job.folder / "checkpoint-4").exists()
    assert json.loads((job.best / "best.json").read_text())["step"] == 4


def test_a_run_whose_best_weights_are_lost_ends_with_its_last_ones(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BestWeights, "_write", lambda *_: None)
    job = Job.create(tmp_path / "job", replace(settings, learning_rate=1.0, max_grad_norm=1e6, max_steps=4))
    assert train(job)
    assert job.state()["kept"] == 4


# ---- a loss that is no number


class Poison(TrainerCallback):
    """Makes a weight infinite before step 6, as a diverging run would."""

    def on_step_begin(self, *given: Any, **kwargs: Any) -> None:
        if given[1].global_step == 5:
            with torch.no_grad():
                next(kwargs["model"].parameters()).fill_(math.inf)


@pytest.mark.parametrize("log_every", [1, 100])
def test_a_run_whose_loss_is_no_number_keeps_its_last_good_checkpoint(
    log_every: int, settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Trainer.__init__

    def poisoned(self: Trainer, *given: Any, **named: Any) -> None:
        plain(self, *given, **named)
        self.add_callback(Poison())

    monkeypatch.setattr(Trainer, "__init__", poisoned)
    job = Job.create(tmp_path / "job", replace(settings, save_every=2, log_every=log_every, evaluate_every=100))
    with pytest.raises(TrainingError, match=r"no longer a number at step 6\. A lower learning rate than 0\.001"):
        train(job)
    state = job.state()
    assert (state["state"], state["step"] <= 6) == ("failed", True)
    kept = job.last_checkpoint()
    assert kept is not None
    assert kept.name == "checkpoint-4"
    assert all(bool(torch.isfinite(weight).all()) for weight in load_file(kept / "model.safetensors").values())
    assert not job.model.exists()
    monkeypatch.undo()
    assert train(job)  # the poison gone, it goes on from there


# ---- memory


def short_of_memory(monkeypatch: pytest.MonkeyPatch, error: Exception, *, most: int) -> list[int]:
    """Every training step with more than `most` rows runs out of memory; the batches that were tried."""
    plain, seen = Trainer.training_step, []

    def step(self: Trainer, model: Any, inputs: dict[str, torch.Tensor], *more: Any, **named: Any) -> Any:
        seen.append(len(inputs["input_ids"]))
        if seen[-1] > most and self.state.global_step >= 3:
            raise error
        return plain(self, model, inputs, *more, **named)

    monkeypatch.setattr(Trainer, "training_step", step)
    return seen


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried"), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_when_memory_runs_out_half_the_batch_learns_the_same(
    error: Exception, settings: TrainingSettings, tiny_llama_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, base=str(tiny_llama_folder), save_every=2, max_steps=6)  # one without dropout, which would draw anew
    straight = Job.create(tmp_path / "straight", settings)
    assert train(straight)
    seen = short_of_memory(monkeypatch, error, most=1)
    job = Job.create(tmp_path / "job", settings)
    assert train(job)
    assert sorted(set(seen)) == [1, 2, 4]
    assert losses_on_test(job) == pytest.approx(losses_on_test(straight), rel=1e-5)
    assert job.batch(settings) == (1, 4)
    assert notes(job, "memory")[-1].startswith("Memory ran out with 2 texts at a time. It goes on with 1 at a time")


def test_when_memory_suffices_for_nothing_the_run_fails_with_advice(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, MemoryError(), most=0)
    job = Job.create(tmp_path / "job", settings)
    with pytest.raises(TrainingError, match="doesn't suffice even for one text at a time"):
        train(job)
    assert "LoRA" in job.state()["reason"]


def test_processes_that_run_out_at_once_halve_the_batch_once_and_ask_to_begin_anew(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")

    def exhausted(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(running, "_train", exhausted)
    job = Job.create(tmp_path / "job", settings)
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setattr(Job, "batch", lambda *_: (4, 1))  # both began with this
        with pytest.raises(TrainingError, match="It goes on with 2 at a time"):
            train(job)
    monkeypatch.undo()
    assert job.batch(settings) == (2, 2)
    assert job.asked_again().startswith("Memory ran out with 4 texts at a time")


def test_other_errors_are_no_lack_of_memory() -> None:
    assert not is_exhausted(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert is_exhausted(RuntimeError("[enforce fail] . DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"))


def test_a_batch_that_does_not_fit_the_settings_is_not_believed(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", settings)
    for text in ("", "{", "[]", '{"batch_size": 3, "accumulation": 5}', '{"batch_size": 0, "accumulation": 0}', '{"batch_size": "x"}'):
        (job.folder / "batch.json").write_text(text)
        assert job.batch(settings) == (4, 1)
    job.set_batch(2, 2)
    assert job.batch(settings) == (2, 2)


# ---- the disk

Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_is_nearly_full_ends_the_run_with_a_checkpoint(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "LOOK_EVERY", 3)
    free = iter([10**12] + [RESERVE // 2] * 9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, next(free)))
    job = Job.create(tmp_path / "job", settings)
    assert not train(job)
    state = job.state()
    assert (state["state"], state["step"]) == ("stopped", 3)
    assert state["reason"] == "The disk is nearly full (0.1 GB left). Make room, then resume."
    assert job.last_checkpoint() == job.folder / "checkpoint-3"
    monkeypatch.undo()
    assert train(job)


def test_a_run_does_not_begin_on_a_full_disk(settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 1000))
    job = Job.create(tmp_path / "job", settings)
    with pytest.raises(TrainingError, match=r"The disk has 0\.0 GB left; this run needs about 0\.2 GB"):
        train(job)
    assert job.state()["state"] == "failed"


def test_a_library_that_hides_a_full_disk_in_an_error_of_its_own_is_understood(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(running, "gather", refuse)
    job = Job.create(tmp_path / "job", settings)
    with pytest.raises(TrainingError, match="The disk is full: what the run had to write did not fit"):
        train(job)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_nothing_is_a_plain_sentence(
    number: int, settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, "the reason of the system")

    monkeypatch.setattr(running, "gather", refuse)
    job = Job.create(tmp_path / "job", settings)
    with pytest.raises(TrainingError, match=r"The disk did not take what the run had to write: the reason of the system\."):
        train(job)


# ---- a stop before the first step


def test_a_stop_while_texts_are_turned_into_tokens_ends_the_run_at_once(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job.create(tmp_path / "job", settings)
    plain = running.gather

    def asked(*given: Any, tell: Any, **named: Any) -> Any:
        def heard(sentence: str) -> None:
            if sentence.endswith("(100%)"):
                assert job.state()["stage"].startswith("Turning the texts of “tales” into tokens")
                job.ask_stop()
            tell(sentence)

        return plain(*given, tell=heard, **named)

    monkeypatch.setattr(running, "gather", asked)
    assert not train(job)
    assert job.state()["state"] == "stopped"
    assert job.state()["reason"] == "It was stopped before its first step."
    assert list(job.metrics()) == []
    monkeypatch.undo()
    job.clear_stop()
    assert train(job)


# ---- samples


def test_a_sample_is_written_at_each_evaluation_and_changes_nothing_that_is_learned(
    settings: TrainingSettings, tales: Corpus, tmp_path: Path
) -> None:
    quiet, talking = (
        Job.create(tmp_path / str(length), replace(settings, sample_tokens=length, dropout=0.2, max_steps=4)) for length in (0, 12)
    )
    assert train(quiet)
    assert train(talking)
    assert losses_on_test(talking) == losses_on_test(quiet)
    samples = list(talking.samples())
    assert [sample["step"] for sample in samples] == [0, 2, 4]
    assert {sample["prompt"] for sample in samples} == {" ".join(next(iter(tales.records("test"))).text.split()[:8])}
    assert all(sample["text"] for sample in samples)
    assert list(quiet.samples()) == []


def test_the_keepers_own_beginning_is_taken(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, sample_tokens=3, sample_prompt="The king", max_steps=1, evaluate_every=1))
    assert train(job)
    assert {sample["prompt"] for sample in job.samples()} == {"The king"}


# ---- what a job says


def test_the_state_says_how_far_it_is_and_what_it_took(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", settings)
    assert train(job)
    state = job.state()
    assert (state["state"], state["step"], state["steps"]) == ("finished", 8, 8)
    assert state["seconds"] > 0
    assert 50e6 < state["memory"] < 100e9
    assert state["test_loss"] == pytest.approx(min(losses_on_test(job).values()))
    assert state["perplexity"] == pytest.approx(math.exp(state["test_loss"]))


def test_a_note_is_kept_once_and_lines_with_odd_characters_come_back_whole(tmp_path: Path) -> None:
    job = Job(tmp_path)
    for _ in range(2):
        job.append_note("memory", "half\u2028a “batch”\n", step=3)
    assert notes(job, "memory") == ["half\u2028a “batch”\n"]
    (tmp_path / "samples.jsonl").write_bytes(b'{"step": 1}\n[1]\n\xff\xfe\n{"step"')
    assert list(job.samples()) == [{"step": 1}]
    job.append_sample(step=7, prompt="a", text="b")
    job.forget_after(3)
    assert [json.loads(line)["step"] for line in (tmp_path / "samples.jsonl").read_text().splitlines()] == [1]
    assert len(notes(job, "memory")) == 1
