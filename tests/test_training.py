"""Training: real runs of a tiny model, in processes of their own where that matters."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from made_tales import stories, write_tales
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, TrainerControl, TrainerState, TrainingArguments

from narrative.corpus import Corpus, write_corpus
from narrative.errors import CorpusError, SettingsError, TrainingError
from narrative.formats import FORMATS
from narrative.models import load_model
from narrative.training import Architecture, TrainingSettings
from narrative.training.__main__ import main
from narrative.training.beginning import set_dropout
from narrative.training.blocks import EvenBlocks, MixedBlocks, tokenize
from narrative.training.curve import Curve
from narrative.training.fresh import new_model
from narrative.training.job import Job
from narrative.training.measuring import exact_loss, sums_per_row
from narrative.training.reporting import Reporter
from narrative.training.run import train
from narrative.training.settings import SCHEDULES
from narrative.training.tokenizer import END_OF_TEXT, sample_texts, train_tokenizer

STEPS, KILLED_AT = 30, 17

# The real entry, with a power cut at one step.
POWER_CUT = f"""
import os, signal, sys
from narrative.training import stopping
from narrative.training.__main__ import main

def cut(self, args, state, control, **_):
    if state.global_step == {KILLED_AT}:
        os.kill(os.getpid(), signal.SIGKILL)

stopping.StopOnRequest.on_step_end = cut
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def corpora(place: Path) -> list[Corpus]:
    return [write_tales(place, "tales"), write_tales(place, "letters", count=60)]


@pytest.fixture(scope="module")
def settings(corpora: list[Corpus]) -> TrainingSettings:
    tales, letters = corpora
    return TrainingSettings(
        corpora=((str(tales.folder), 0.7), (str(letters.folder), 0.3)), method="scratch", max_steps=STEPS, learning_rate=3e-3,
        architecture=Architecture(layers=2, heads=2, width=32, vocabulary=320, context=32), batch_size=4, dropout=0.1,
        log_every=3, evaluate_every=10, save_every=10, precision="float32", threads=1,
    )  # fmt: skip


def process(job: Job, *start: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(start or ("-m", "narrative.training")), str(job.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"})


@pytest.fixture(scope="module")
def straight(place: Path, settings: TrainingSettings) -> Job:
    """A run that nothing disturbs."""
    job = Job.create(place / "straight", settings)
    ended = process(job)
    assert ended.returncode == 0, ended.stderr
    return job


@pytest.fixture(scope="module")
def disturbed(place: Path, settings: TrainingSettings) -> SimpleNamespace:
    """The same run stopped at its first step, then killed, then spoilt by half a checkpoint and half a line, then resumed."""
    job = Job.create(place / "disturbed", settings)
    job.ask_stop()
    status = main([str(job.folder)])
    seen = SimpleNamespace(job=job, stopped=status, stop_state=job.state(), stop_checkpoint=job.last_checkpoint())
    job.clear_stop()
    seen.killed = process(job, "-c", POWER_CUT)
    (job.folder / "checkpoint-16").mkdir()
    (job.folder / "checkpoint-16" / "model.safetensors").write_bytes(b"half")
    with (job.folder / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"time": 1.5, "step": 1')
    seen.resumed = main([str(job.folder)])
    return seen


def points_in(job: Job) -> list[tuple[int, str | None]]:
    return [(line["step"], line.get("corpus")) for line in job.metrics()]


def measured(job: Job) -> dict[tuple[int, str], float]:
    return {(line["step"], line["corpus"]): line["test_loss"] for line in job.metrics() if "corpus" in line}


def test_the_loss_falls_and_the_model_loads_with_transformers_alone(straight: Job) -> None:
    losses = [line["loss"] for line in straight.metrics() if "loss" in line]
    assert losses[-1] < losses[0] - 1
    model = AutoModelForCausalLM.from_pretrained(straight.model)
    assert (model.config.n_layer, model.config.n_embd, model.config.model_type) == (2, 32, "gpt2")
    assert sorted(path.suffix for path in straight.model.iterdir() if path.stat().st_size > 100_000) in ([], [".safetensors"])
    assert straight.state()["state"] == "finished"


def test_the_measured_test_loss_is_that_of_plain_torch_over_the_same_blocks(straight: Job, corpora: list[Corpus]) -> None:
    model = AutoModelForCausalLM.from_pretrained(straight.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(straight.model)
    for corpus in corpora:
        texts = [record.text for record in corpus.records("test")]
        ids = [token for text in texts for token in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
        blocks = [torch.tensor(ids[start : start + 32]) for start in range(0, len(ids) - 31, 32)]
        assert len(blocks) % 4, "a last batch that is not full is part of the claim"
        nats = 0.0
        with torch.no_grad():
            for block in blocks:
                nats += float(torch.nn.functional.cross_entropy(model(block[None]).logits[0, :-1], block[1:], reduction="sum"))
        expected = nats / (31 * len(blocks))
        last = [line for line in straight.metrics() if line.get("corpus") == corpus.name][-1]
        assert last["step"] == STEPS
        assert last["test_loss"] == pytest.approx(expected, rel=1e-5)
        assert last["perplexity"] == pytest.approx(math.exp(expected), rel=1e-5)
        bits = expected / math.log(2) * len(ids) / sum(len(text.encode()) for text in texts)
        assert last["bits_per_byte"] == pytest.approx(bits, rel=1e-5)


def test_the_curve_has_every_point_once(straight: Job) -> None:
    points = points_in(straight)
    assert len(points) == len(set(points))
    assert [step for step, corpus in points if corpus is None] == list(range(3, STEPS + 1, 3))
    assert {point for point in points if point[1]} == {(step, name) for step in (0, 10, 20, 30) for name in ("tales", "letters")}


def test_a_stop_request_ends_with_3_and_a_whole_checkpoint(disturbed: SimpleNamespace) -> None:
    assert disturbed.stopped == 3
    assert disturbed.stop_state["state"] == "stopped"
    assert disturbed.stop_checkpoint.name == "checkpoint-1"


def test_a_resumed_run_ends_where_an_undisturbed_one_does(straight: Job, disturbed: SimpleNamespace) -> None:
    assert disturbed.killed.returncode == -signal.SIGKILL
    assert disturbed.resumed == 0
    assert measured(disturbed.job) == pytest.approx(measured(straight), rel=1e-5)
    ours, theirs = (load_model(str(job.model), device="cpu").model for job in (disturbed.job, straight))
    for (name, weight), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(weight, other, atol=1e-5), name


def test_a_resumed_curve_has_no_folds_and_no_doubles(straight: Job, disturbed: SimpleNamespace) -> None:
    assert points_in(disturbed.job) == points_in(straight)


def test_half_a_checkpoint_is_never_trusted(disturbed: SimpleNamespace, tmp_path: Path) -> None:
    assert not (disturbed.job.folder / "checkpoint-16").exists()
    for step, whole in ((5, True), (10, True), (100, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            Job(tmp_path).mark_complete(tmp_path / f"checkpoint-{step}")
    assert Job(tmp_path).last_checkpoint() == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-100").exists()


def test_the_same_settings_give_the_same_model_and_another_seed_another(straight: Job, settings: TrainingSettings, tmp_path: Path) -> None:
    again, other = Job.create(tmp_path / "again", settings), Job.create(tmp_path / "other", replace(settings, seed=1, max_steps=10))
    assert train(again)
    assert train(other)
    assert measured(again) == pytest.approx(measured(straight), rel=1e-5)
    assert measured(other)[10, "tales"] != pytest.approx(measured(straight)[10, "tales"], rel=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_rises_and_falls_as_it_says(schedule: str, settings: TrainingSettings, tmp_path: Path) -> None:
    wanted = replace(settings, schedule=schedule, max_steps=20, log_every=1, evaluate_every=20, evaluate_blocks=2, warmup=0.2, decay=0.3)
    job = Job.create(tmp_path / "job", wanted)
    assert train(job)
    rates = {line["step"]: line["learning_rate"] for line in job.metrics() if "learning_rate" in line}
    peak = settings.learning_rate
    assert rates[1] < rates[2] < rates[3] <= peak
    assert max(rates.values()) == pytest.approx(peak)
    assert rates[20] < peak / 4
    middle = {"cosine": 0.69, "linear": 0.625, "warmup-stable-decay": 1.0}[schedule]
    assert rates[11] == pytest.approx(peak * middle, rel=0.1)


def test_a_decay_can_end_above_zero_for_another_stage_to_follow(settings: TrainingSettings, tmp_path: Path) -> None:
    flat = {"schedule": "warmup-stable-decay", "warmup": 0.0, "decay": 0.5, "decay_to": 0.4}
    short = {"max_steps": 10, "log_every": 1, "evaluate_every": 10, "evaluate_blocks": 2}
    job = Job.create(tmp_path / "job", replace(settings, **flat, **short))
    train(job)
    rates = [line["learning_rate"] / settings.learning_rate for line in job.metrics() if "learning_rate" in line]
    assert rates == pytest.approx([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.88, 0.76, 0.64, 0.52], abs=1e-6)  # as used: the next would be 0.4


def test_dropout_is_for_training_only_and_spares_attention(tiny_gpt2_folder: Path, corpora: list[Corpus], tmp_path: Path) -> None:
    base = str(tiny_gpt2_folder)
    wanted = TrainingSettings(corpora=((str(corpora[0].folder), 0.0),), base=base, dropout=0.5, max_steps=1, learning_rate=1e-9, threads=1)
    job = Job.create(tmp_path / "job", wanted)
    train(job)
    trained, before = (GPT2LMHeadModel.from_pretrained(folder) for folder in (job.model, base))
    assert trained.config.resid_pdrop == before.config.resid_pdrop
    losses = [line["test_loss"] for line in job.metrics() if "corpus" in line]
    assert losses[0] == pytest.approx(losses[-1], abs=1e-3)  # measured without dropout
    set_dropout(trained, 0.5)
    shares = {name.rsplit(".", 1)[-1]: layer.p for name, layer in trained.named_modules() if isinstance(layer, torch.nn.Dropout)}
    assert shares == {"drop": 0.5, "attn_dropout": before.config.attn_pdrop, "resid_dropout": 0.5, "dropout": 0.5}


def test_what_a_run_measured_that_died_before_its_first_checkpoint_is_forgotten(
    straight: Job, settings: TrainingSettings, tmp_path: Path
) -> None:
    job = Job.create(tmp_path / "job", replace(settings, max_steps=6))
    for step in (0, 3):
        job.append_metrics(step=step, corpus="tales", test_loss=99.0)
        job.append_metrics(step=step, loss=99.0)
    assert train(job)
    assert [point for point in points_in(job) if point[0] < 6] == [point for point in points_in(straight) if point[0] < 6]


def test_a_finished_job_is_not_trained_again(straight: Job) -> None:
    before = (straight.model / "model.safetensors").stat().st_mtime_ns
    assert train(straight)
    assert (straight.model / "model.safetensors").stat().st_mtime_ns == before


def test_every_weight_of_a_base_model_learns(tiny_gpt2_folder: Path, corpora: list[Corpus], tmp_path: Path) -> None:
    wanted = TrainingSettings(
        corpora=((str(corpora[0].folder), 0),), base=str(tiny_gpt2_folder), max_steps=12, learning_rate=1e-2, batch_size=4,
        evaluate_every=12, log_every=4, precision="float32", threads=1,
    )  # fmt: skip
    job = Job.create(tmp_path / "job", wanted)
    assert train(job)
    before, after = load_model(str(tiny_gpt2_folder), device="cpu"), load_model(str(job.model), device="cpu")
    assert measured(job)[12, "tales"] < measured(job)[0, "tales"]
    for (name, old), new in zip(before.model.named_parameters(), after.model.parameters(), strict=True):
        assert not torch.equal(old, new), name
    assert after.encode("Once upon a time") == before.encode("Once upon a time")


def test_a_run_leaves_the_global_randomness_of_new_weights_alone(settings: TrainingSettings) -> None:
    assert settings.architecture
    tokenizer = train_tokenizer(["once upon a time"], vocabulary=300, context=32)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    new_model(settings.architecture, tokenizer, 0)
    assert torch.equal(torch.rand(3), expected)


def test_a_second_process_can_not_spoil_a_running_job(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", settings)
    job.write_state("running", step=3)
    assert not job.running
    with job.held():
        assert job.running
        with pytest.raises(TrainingError, match="'job' is running already"):
            train(job)
    assert job.state()["state"] == "running"
    assert not job.running


def test_texts_too_short_for_one_block_are_refused_with_the_numbers(settings: TrainingSettings, tmp_path: Path) -> None:
    few = write_corpus("few", train=stories("few", count=50, seed=1), test=iter(()), origin="", licence="", folder=tmp_path / "few")
    job = Job.create(tmp_path / "job", replace(settings, corpora=((str(few.folder), 1.0),)))
    with pytest.raises(CorpusError, match=r"'few' has 0 tokens to test on, fewer than one block of 32"):
        train(job)
    assert "fewer than one block" in job.state()["reason"]


def test_a_context_longer_than_the_model_reads_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", replace(settings, context=64))
    with pytest.raises(SettingsError, match="Context is 64, but this model reads at most 32"):
        train(job)


def test_a_corpus_named_twice_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    name = settings.corpora[0][0]
    with pytest.raises(SettingsError, match="is named twice"):
        replace(settings, corpora=((name, 1.0), (name, 2.0)))
    twin = shutil.copytree(name, tmp_path / "elsewhere")  # another folder, the same corpus
    job = Job.create(tmp_path / "job", replace(settings, corpora=((name, 0.5), (str(twin), 0.5))))
    with pytest.raises(CorpusError, match="'tales' is named twice"):
        train(job)


def test_the_process_answers_a_folder_without_a_job_with_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nosuch"):
        assert main([str(folder)]) == 2
        assert capsys.readouterr().err == f"There is no job in {folder.name}: job.json is missing.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"corpora": []}', '{"corpora": [["a", 1]], "nosuch": 1}', '{"corpora": 7}'])
def test_a_damaged_job_is_a_training_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(TrainingError, match=r"job\.json of"):
        Job(tmp_path).settings()


def test_a_job_never_overwrites_another(settings: TrainingSettings, tmp_path: Path) -> None:
    Job.create(tmp_path / "job", settings)
    with pytest.raises(TrainingError, match="There is a job in job already"):
        Job.create(tmp_path / "job", settings)
    assert Job(tmp_path / "job").settings() == settings


def reporter(job: Job) -> Reporter:
    return Reporter(job, Curve({"tales": 1.0}, {"tales": 1.0}), tokens_after=lambda step: step)


@pytest.mark.parametrize("logs", [{"loss": float("nan"), "grad_norm": 1.0}, {"loss": 2.0, "grad_norm": float("inf")}])
def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path: Path, logs: dict[str, float]) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), learning_rate=0.5)
    state = TrainerState(global_step=7, max_steps=9)
    with pytest.raises(TrainingError, match=r"no longer a number at step 7\. A lower learning rate than 0\.5"):
        reporter(Job(tmp_path)).on_log(arguments, state, TrainerControl(), logs=logs | {"learning_rate": 0.5})


def test_a_point_that_was_measured_before_a_crash_is_not_written_again(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.append_metrics(step=7, corpus="tales", test_loss=1.0)
    again = reporter(job)
    again.curve.read(job.metrics())
    again.on_evaluate(
        TrainingArguments(output_dir=str(tmp_path)), TrainerState(global_step=7), TrainerControl(), metrics={"eval_tales_nats": 1.0}
    )
    assert len(list(job.metrics())) == 1


def test_half_a_line_of_metrics_is_left_out_and_then_dropped(tmp_path: Path) -> None:
    job = Job(tmp_path)
    for step in (1, 2, 3):
        job.append_metrics(step=step)
    with (tmp_path / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"step": 4')
    assert [line["step"] for line in job.metrics()] == [1, 2, 3]
    job.forget_after(2)
    job.append_metrics(step=3)
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_the_loss_counts_tokens_and_not_blocks_or_batches() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(3, 9, 11, generator=draw), torch.randint(0, 11, (3, 9), generator=draw)
    labels[1, 4:] = labels[2, 2:] = -100
    kept = [
        torch.nn.functional.cross_entropy(logits[row, : n - 1], labels[row, 1:n], reduction="none") for row, n in ((0, 9), (1, 4), (2, 2))
    ]
    expected = float(torch.cat(kept).mean())
    whole = sums_per_row(logits, labels).numpy()
    in_parts = np.concatenate([sums_per_row((logits[:2], None), labels[:2]).numpy(), sums_per_row(logits[2:], labels[2:]).numpy()])
    for predictions in (whole, in_parts):
        assert exact_loss(SimpleNamespace(predictions=predictions))["nats"] == pytest.approx(expected, rel=1e-6)


CONTEXT = 4
SIDES = [np.arange(40), np.arange(100, 228), np.arange(300, 312)]


def mix(*weights: float, length: int, seed: int) -> MixedBlocks:
    return MixedBlocks(list(zip(SIDES, weights, strict=True)), context=CONTEXT, length=length, seed=seed)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.55, 0.3, 0.15), (0.98, 0.01, 0.01), (1, 2, 30)])
def test_after_any_number_of_blocks_each_corpus_has_its_share_within_one(weights: tuple[float, ...]) -> None:
    mixed = mix(*weights, length=500, seed=3)
    for side, weight in enumerate(weights):
        had = np.cumsum(mixed.plan[:, 0] == side)
        owed = np.arange(1, 501) * weight / sum(weights)
        assert np.abs(had - owed).max() <= 1


def test_many_small_corpora_beside_a_big_one_come_one_by_one() -> None:
    weights = [0.9] + [0.01] * 10
    mixed = MixedBlocks([(SIDES[0], weight) for weight in weights], context=CONTEXT, length=400, seed=0)
    had = np.cumsum(mixed.plan[:, 0] == 0)
    assert np.abs(had - np.arange(1, 401) * 0.9).max() <= 1


def test_no_block_comes_twice_before_every_block_came_once() -> None:
    plan = mix(1.0, 1.0, 1.0, length=3 * 32, seed=1).plan
    for side, ids in enumerate(SIDES):
        starts = plan[plan[:, 0] == side, 1].tolist()
        assert sorted(starts[: len(ids) // CONTEXT]) == list(range(0, len(ids) - CONTEXT + 1, CONTEXT))


def test_each_pass_has_its_own_order_and_cuts_at_other_places() -> None:
    plan = MixedBlocks([(SIDES[0], 1.0)], context=CONTEXT, length=400, seed=1).plan[:, 1]
    passes, start = [], 0
    while start < 380:
        cut = plan[start] % CONTEXT
        size = (len(SIDES[0]) - cut) // CONTEXT
        passes.append((cut, plan[start : start + size].tolist()))
        start += size
    for cut, starts in passes:
        assert sorted(starts) == list(range(cut, len(SIDES[0]) - CONTEXT + 1, CONTEXT)), "every block of its cut once"
    assert len({cut for cut, _ in passes}) > CONTEXT // 2
    assert len({tuple(starts) for _, starts in passes}) == len(passes)


def test_a_corpus_of_one_block_is_read_again_and_again() -> None:
    mixed = MixedBlocks([(np.arange(CONTEXT), 1.0)], context=CONTEXT, length=5, seed=0)
    assert [mixed[n]["input_ids"].tolist() for n in range(5)] == [list(range(CONTEXT))] * 5


def test_a_longer_run_begins_like_a_shorter_one_and_the_seed_decides() -> None:
    long, short, other = (mix(0.5, 0.3, 0.2, length=length, seed=seed) for length, seed in ((400, 7), (90, 7), (90, 8)))
    assert (long.plan[:90] == short.plan).all()
    assert (other.plan != short.plan).any()


def test_without_weights_a_corpus_counts_by_its_size() -> None:
    mixed = mix(0, 0, 0, length=45, seed=0)
    assert [int((mixed.plan[:, 0] == side).sum()) for side in range(3)] == [10, 32, 3]
    assert len({tuple(entry) for entry in mixed.plan}) == 45  # one pass over all of them


def test_a_block_is_what_the_corpus_has_there() -> None:
    mixed = mix(1, 1, 1, length=60, seed=0)
    for position, (side, start) in enumerate(mixed.plan):
        entry = mixed[position]
        assert entry["input_ids"].tolist() == entry["labels"].tolist() == SIDES[side][start : start + CONTEXT].tolist()


@pytest.mark.parametrize(
    ("most", "expected"), [(1, [0]), (2, [0, 31]), (5, [0, 7, 15, 23, 31]), (32, list(range(32))), (99, list(range(32)))]
)
def test_test_blocks_are_taken_evenly_and_are_always_the_same(most: int, expected: list[int]) -> None:
    chosen = EvenBlocks(SIDES[1].reshape(-1, CONTEXT), most=most)
    assert [int(chosen[position]["input_ids"][0]) for position in range(len(chosen))] == [
        int(SIDES[1][block * CONTEXT]) for block in expected
    ]


def test_token_files_hold_every_text_and_its_end_and_are_taken_up_again(corpora: list[Corpus], tmp_path: Path) -> None:
    tokenizer = train_tokenizer((record.text for record in corpora[0].records("train")), vocabulary=300, context=32)
    expected = [token for record in corpora[0].records("test") for token in [*tokenizer(record.text)["input_ids"], tokenizer.eos_token_id]]
    arguments: dict[str, Any] = {"tokenizer": tokenizer, "form": FORMATS["stream"], "path": tmp_path / "test.bin"}
    (tmp_path / "test.bin").write_bytes(b"half of a file, without its card")
    made = tokenize(corpora[0], "test", **arguments)
    assert made.blocks(8).flatten().tolist() == expected[: len(expected) // 8 * 8]
    assert (made.tokens, made.bytes) == (len(expected), corpora[0].test.bytes)
    before = made.path.stat().st_mtime_ns
    assert tokenize(corpora[0], "test", **arguments) == made
    assert made.path.stat().st_mtime_ns == before


def test_any_unicode_comes_back_from_the_tokenizer_unchanged() -> None:
    tokenizer = train_tokenizer(["Once upon a time there was a fox."] * 3, vocabulary=300, context=32)
    draw = random.Random(0)
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    texts = ["", " ", "\n\n \t ", "a  b", "שלום עולם", "مرحبا", "👩‍👩‍👧‍👦 é e\u0301", "\0\x1b[31m", f"a {END_OF_TEXT} b", "don't  'll"]
    texts += ["".join(draw.choices(letters, k=40)) for _ in range(200)]
    for text in texts:
        assert tokenizer.decode(tokenizer(text)["input_ids"], clean_up_tokenization_spaces=False) == text


def test_a_vocabulary_keeps_its_limit_and_end_of_text_is_one_token() -> None:
    tokenizer = train_tokenizer(["Once upon a time there was a fox. " * 9], vocabulary=280, context=32)
    assert 257 < len(tokenizer) <= 280
    assert tokenizer(END_OF_TEXT)["input_ids"] == [tokenizer.eos_token_id] == [tokenizer.pad_token_id]


def test_a_tokenizer_learns_from_each_corpus_by_its_share(corpora: list[Corpus]) -> None:
    texts = list(sample_texts([(corpora[0], 3.0), (corpora[1], 1.0)], FORMATS["stream"], limit=12_000))
    own = {record.text for record in corpora[0].records("train")}
    first = sum(len(text.encode()) for text in texts if text in own)
    rest = sum(len(text.encode()) for text in texts if text not in own)
    assert 6_000 < first < 13_000
    assert 2_000 < rest < 4_500


BAD: list[tuple[dict[str, Any], str]] = [
    ({"method": "lora2"}, "Unknown method 'lora2'. Choose one of: full, lora, scratch"),
    ({"format": "verse"}, "Unknown format 'verse'. Choose one of: stream, prefix, tags, label"),
    ({"schedule": "flat"}, "Unknown schedule 'flat'. Choose one of: cosine, linear, warmup-stable-decay"),
    ({"precision": "int8"}, "Unknown precision 'int8'. Choose one of: auto, float32, bfloat16"),
    ({"corpora": ()}, "at least one corpus"),
    ({"corpora": (("a", 1.0), ("b", 0.0))}, "Give every corpus a weight above 0, or none"),
    ({"corpora": (("a", float("nan")),)}, "The weight of corpus 'a' is nan"),
    ({"method": "scratch"}, "Training from scratch needs an architecture"),
    ({"base": None}, "Method 'full' needs a base model"),
    ({"learning_rate": 0}, "Learning rate is 0; it must be a number more than 0"),
    ({"learning_rate": float("nan")}, "Learning rate is nan"),
    ({"learning_rate": "fast"}, "Learning rate is 'fast'"),
    ({"epochs": 0}, "Epochs is 0"),
    ({"max_steps": 0}, "Max steps is 0; it must be a whole number from 1"),
    ({"batch_size": 2.5}, "Batch size is 2.5; it must be a whole number from 1"),
    ({"context": 1}, "Context is 1; it must be a whole number from 8"),
    ({"warmup": 1.5}, "Warm-up is 1.5"),
    ({"schedule": "warmup-stable-decay", "warmup": 0.8, "decay": 0.3}, "Warm-up 0.8 and decay 0.3 together"),
    ({"seed": -1}, "Seed is -1"),
]


@pytest.mark.parametrize(("values", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_settings_refuse_what_makes_no_sense_and_name_what_does(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TrainingSettings(**{"corpora": (("a", 1.0),), "base": "gpt2"} | values)
    assert message.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    ("values", "message"),
    [({"heads": 3}, "Width 256 can't be shared out among 3 heads"), ({"vocabulary": 100}, "256 bytes"), ({"layers": 0}, "Layers is 0")],
)
def test_an_architecture_that_can_not_be_built_is_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Architecture(**values)  # type: ignore[arg-type]


def test_a_cosine_run_does_not_care_about_the_decay_of_another_schedule() -> None:
    assert TrainingSettings(corpora=(("a", 1.0),), base="gpt2", warmup=0.8).warmup == 0.8


def test_settings_go_to_json_and_back(settings: TrainingSettings) -> None:
    assert TrainingSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    with pytest.raises(SettingsError, match="nosuch"):
        TrainingSettings.from_json(settings.to_json() | {"nosuch": 1})
