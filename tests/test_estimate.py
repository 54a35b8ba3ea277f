"""What is foreseen of a run before it starts."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from made_tales import stories, write_labelled

from narrative import home
from narrative.corpus import Corpus, write_corpus
from narrative.errors import CorpusError, ModelError, SettingsError, TrainingError
from narrative.training import Architecture, TrainingSettings
from narrative.training import estimate as foreseeing
from narrative.training import probe as probing
from narrative.training.estimate import Estimate, duration, estimate
from narrative.training.job import Job
from narrative.training.presets import PRESETS, rate_for, settings_for
from narrative.training.probe import Trial, extrapolated, probe
from narrative.training.run import train


@pytest.fixture
def settings(tales: Corpus, tiny_gpt2_folder: Path) -> TrainingSettings:
    return TrainingSettings(
        corpora=((str(tales.folder), 0.0),),
        base=str(tiny_gpt2_folder),
        batch_size=3,
        epochs=2.0,
        threads=1,
        sample_tokens=8,
        evaluate_every=8,
    )


def test_an_estimate_tells_what_the_run_then_is(settings: TrainingSettings, tmp_path: Path) -> None:
    foreseen = estimate(settings)
    job = Job.create(tmp_path / "job", settings)
    assert train(job)
    state = job.state()
    assert foreseen.steps == state["steps"]
    assert foreseen.tokens == (job.tokens / "0-train.bin").stat().st_size // 4
    assert foreseen.test_tokens == (job.tokens / "0-test.bin").stat().st_size // 4
    assert foreseen.parameters == foreseen.trainable
    assert 0 < foreseen.seconds < 120
    assert 100e6 < foreseen.memory < foreseen.memory_here
    assert foreseen.tokens_per_second > 0
    assert Estimate.from_json(foreseen.to_json()) == foreseen
    assert list((home.home() / "estimates").iterdir()) == []


def probed(settings: TrainingSettings, folder: Path) -> Estimate:
    return probe(Job.create(folder / "job", settings), folder)


def test_of_lora_it_tells_the_share_that_learns(
    settings: TrainingSettings, tiny_gpt2_folder: Path, publish: Callable[..., Path], tmp_path: Path
) -> None:
    publish(tiny_gpt2_folder, "house-base")
    foreseen = probed(replace(settings, base="house-base", method="lora", lora_rank=2), tmp_path)
    assert foreseen.trainable == 2 * (2 * 32 + 2 * 96)  # two layers, rank 2, from 32 to 96
    assert foreseen.share == foreseen.trainable / foreseen.parameters


def test_of_rows_it_counts_rows(settings: TrainingSettings, tmp_path: Path) -> None:
    moods = write_labelled(tmp_path, "moods", count=30)
    foreseen = probed(replace(settings, corpora=((str(moods.folder), 0.0),), format="label", epochs=1.0), tmp_path)
    assert foreseen.steps == 10


def test_of_a_new_model_for_little_text_it_warns(settings: TrainingSettings, tmp_path: Path) -> None:
    new = Architecture(layers=1, heads=2, width=64, vocabulary=300, context=32)
    foreseen = probed(replace(settings, method="scratch", base=None, architecture=new, epochs=0.5), tmp_path)
    assert "learn by heart" in " ".join(foreseen.warnings)


def test_what_would_keep_the_run_from_starting_is_told_before(settings: TrainingSettings, tmp_path: Path) -> None:
    few = write_corpus("few", train=stories("few", count=9, seed=1), test=(), origin="", licence="", folder=tmp_path / "few")
    cases: list[tuple[TrainingSettings, type[Exception], str]] = [
        (replace(settings, corpora=((str(few.folder), 0.0),)), CorpusError, "0 tokens to test on, fewer than one block of 64"),
        (replace(settings, context=65), SettingsError, "Context is 65"),
        (replace(settings, base="no-such-model"), ModelError, "no model 'no-such-model'"),
        (replace(settings, corpora=(("no-such-corpus", 0.0),)), CorpusError, "No corpus 'no-such-corpus'"),
    ]
    for number, (wanted, kind, message) in enumerate(cases):
        with pytest.raises(kind, match=message):
            probed(wanted, tmp_path / str(number))


def instead(monkeypatch: pytest.MonkeyPatch, act: Callable[[list[str]], subprocess.Popen[bytes]]) -> None:
    monkeypatch.setattr(foreseeing.subprocess, "Popen", lambda command, **_: act(command))


def test_a_sentence_from_the_trial_run_reaches_whoever_asked(settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = subprocess.Popen

    def here(command: list[str]) -> subprocess.Popen[bytes]:
        monkeypatch.setattr(sys, "argv", command[2:])
        assert probing.main() == 0
        return plain(["true"])

    instead(monkeypatch, here)
    with pytest.raises(TrainingError, match="No corpus 'no-such-corpus'"):
        estimate(replace(settings, corpora=(("no-such-corpus", 0.0),)))


def test_a_cancelled_estimate_leaves_no_process_and_no_folder(settings: TrainingSettings) -> None:
    with pytest.raises(TrainingError, match="cancelled"):
        estimate(settings, cancelled=lambda: True)
    assert [child for child in psutil.Process().children() if "narrative.training.probe" in " ".join(child.cmdline())] == []
    assert list((home.home() / "estimates").iterdir()) == []


def test_a_trial_run_that_the_system_kills_is_told_as_lack_of_memory(settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = subprocess.Popen

    def killed(_: list[str]) -> subprocess.Popen[bytes]:
        child = plain(["sleep", "60"])
        child.send_signal(signal.SIGKILL)
        return child

    instead(monkeypatch, killed)
    with pytest.raises(TrainingError, match="does not fit into the memory of this machine"):
        estimate(settings)


def test_time_and_memory_lie_on_the_line_through_what_was_tried() -> None:
    tried = {2: Trial(1.0, 100), 4: Trial(1.5, 140)}
    assert extrapolated(tried, 4) == Trial(1.5, 140)
    assert extrapolated(tried, 16) == Trial(4.5, 380)
    assert extrapolated({1: Trial(1.0, 100)}, 1) == Trial(1.0, 100)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "less than a minute"), (65, "about a minute"), (1860, "about 31 minutes"), (7200, "about 2.0 hours"), (400_000, "about 4.6 days")],
)
def test_durations_are_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_sentence_has_steps_time_and_memory() -> None:
    made = Estimate(10, 2, 1942, 124_000_000, 124_000_000, 1860.0, 9_800_000_000, 80_000_000_000, 3180.0, "H200")
    assert made.sentence == "1,942 steps, about 31 minutes, 9.8 GB of memory."


# ---- presets


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_gives_settings_that_hold(preset: str, tiny_gpt2_folder: Path, publish: Callable[..., Path]) -> None:
    from narrative.models import describe

    publish(tiny_gpt2_folder, "house-base")
    made = settings_for(preset, corpora=(("a", 0.0),), base=describe("house-base"), epochs=7.0)
    assert made.epochs == 7.0
    assert (made.base is None) == (made.method == "scratch")


def test_a_small_model_bears_a_higher_rate_and_a_large_one_needs_a_lower() -> None:
    assert rate_for(5e-5, 124_000_000) == 5e-5
    assert rate_for(5e-5, 5_000_000) > 2e-4
    assert rate_for(5e-5, 1_500_000_000) < 2e-5
    assert rate_for(5e-5, 0) == 5e-5


def test_a_preset_for_tuning_needs_a_base() -> None:
    with pytest.raises(SettingsError, match="needs a base model"):
        settings_for("lora", corpora=(("a", 0.0),))
    with pytest.raises(SettingsError, match="Unknown preset 'poem'"):
        settings_for("poem", corpora=(("a", 0.0),))
