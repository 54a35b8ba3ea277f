"""Tokens a second in training against transformers' Trainer with its defaults, and the page's answers while a job trains.

    python -m tests.benchmarks.training [--data DIR] [--steps 30] [--rounds 3] [--app]

The peer is a plain `Trainer` script, fed as transformers' causal-language-modelling example feeds it (texts joined, cut
into blocks, the default collator, an attention mask). Ours is `python -m narrative.training JOB_DIR`, started with the
environment in which `narrative.jobs` starts it; the peer has none of that. Both begin with the same fresh weights in
the shipped model's shape, read the same blocks in the same order, 8 at a time, with two threads, and are tested on the
same blocks after the same tokens. Each run is a process of its own, and the two take turns. With DIR the text is
DIR/tinystories.jsonl.xz, without it made-up tales. `--app` asks the page for words with a job in the background.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

BATCH, CONTEXT, THREADS, RATE = 8, 512, 2, 5e-4
FIRST = 3  # steps that are not timed: memory is taken, kernels are chosen
WANTED = {"speed": 1.5, "loss": 1.01, "answer": 2.0}


def records(data: Path | None, split: str) -> Iterator[Any]:
    from narrative.formats import Record

    if data:
        with lzma.open(data / "tinystories.jsonl.xz", "rt", encoding="utf-8") as lines:
            texts = [line["text"] for line in map(json.loads, lines)]
        texts = list(dict.fromkeys(texts))
        texts = texts[200:] if split == "train" else texts[:200]
    else:
        draw = random.Random(split)
        words = ["".join(draw.choices("aeinorst", k=draw.randint(2, 7))) for _ in range(2000)]
        texts = [" ".join(draw.choices(words, k=200)) + "." for _ in range(2000 if split == "train" else 200)]
    for number, text in enumerate(texts):
        yield Record(f"{split}-{number}", f"{split} {number}", "", "", text)


def prepare(folder: Path, data: Path | None) -> None:
    """A corpus, and fresh weights in the shipped model's shape with its tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from narrative.corpus import write_corpus
    from narrative.models import default_model
    from narrative.models.sources import locate

    shipped = locate(default_model()).local()
    write_corpus("texts", train=records(data, "train"), test=records(data, "test"), origin="benchmark", licence="", folder=folder / "texts")
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config.from_pretrained(shipped)).save_pretrained(folder / "fresh")
    PreTrainedTokenizerFast.from_pretrained(shipped).save_pretrained(folder / "fresh")


def settings(folder: Path, **changes: Any) -> Any:
    from narrative.training import TrainingSettings

    values: dict[str, Any] = {
        "corpora": ((str(folder / "texts"), 0.0),), "base": str(folder / "fresh"), "batch_size": BATCH, "context": CONTEXT,
        "learning_rate": RATE, "schedule": "linear", "warmup": 0.0, "threads": THREADS, "log_every": 1, "precision": "auto",
        "evaluate_every": 1_000_000, "evaluate_blocks": 1, "save_every": 1_000_000,
    }  # fmt: skip
    return TrainingSettings(**values | changes)


def ours(folder: Path, number: int, steps: int) -> tuple[float, Path]:
    """Seconds a step, and the model."""
    from narrative.jobs.devices import TrainingDevice, devices
    from narrative.jobs.launch import plan
    from narrative.training.job import Job

    asked = settings(folder, max_steps=steps)
    job = Job.create(folder / f"ours-{number}", asked)
    device: TrainingDevice = devices()[0]
    launch = plan(job, asked, device)
    with job.log.open("w") as log:
        subprocess.run(launch.command, env=launch.environment, check=True, stdout=log, stderr=log)
    return seconds_a_step([line["time"] for line in job.metrics() if "loss" in line]), job.model


def peer(folder: Path, number: int, steps: int) -> tuple[float, Path]:
    out = folder / f"peer-{number}"
    command = [sys.executable, "-m", "tests.benchmarks.training", "--peer", str(out), "--steps", str(steps)]
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": str(THREADS)}, check=True, stderr=subprocess.DEVNULL)
    return seconds_a_step(json.loads((out / "times.json").read_text())), out


def seconds_a_step(times: list[float]) -> float:
    """The median, so that what else the machine does for a moment counts for neither side."""
    return statistics.median(after - before for before, after in pairwise(times[FIRST:]))


def run_peer(out: Path, steps: int) -> None:
    """The peer's process. Its blocks are those of our first job, in the order in which that reads them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments, default_data_collator

    from narrative.corpus import load_corpus
    from narrative.formats import format_named
    from narrative.training.blocks import MixedBlocks, tokenize

    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.time())

    folder = out.parent
    out.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(folder / "fresh")
    written = tokenize(load_corpus(str(folder / "texts")), "train", tokenizer=tokenizer, form=format_named("stream"), path=out / "ids.bin")
    blocks = MixedBlocks([(written.ids(), 0.0)], context=CONTEXT, length=steps * BATCH, seed=0)
    rows = [
        {"input_ids": ids, "attention_mask": [1] * CONTEXT, "labels": list(ids)}
        for ids in (block["input_ids"].tolist() for block in blocks)
    ]
    arguments = TrainingArguments(
        output_dir=str(out), per_device_train_batch_size=BATCH, max_steps=steps, learning_rate=RATE, use_cpu=True,
        train_sampling_strategy="sequential", save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(folder / "fresh")
    given = {"processing_class": tokenizer, "data_collator": default_data_collator, "callbacks": [Clock()]}
    Trainer(model=model, args=arguments, train_dataset=rows, **given).train()  # type: ignore[arg-type]
    model.save_pretrained(out)
    (out / "times.json").write_text(json.dumps(times))


def loss_on_test(model: Path, ids: Any) -> float:
    """Nats a token over the first blocks of the test side."""
    import torch
    from transformers import AutoModelForCausalLM

    learned = AutoModelForCausalLM.from_pretrained(model).eval()
    with torch.no_grad():
        return statistics.fmean(learned(input_ids=block[None], labels=block[None]).loss.item() for block in ids)


def compare(folder: Path, *, steps: int, rounds: int) -> None:
    import numpy as np
    import torch

    measured = [(peer(folder, number, steps), ours(folder, number, steps)) for number in range(rounds)]
    ids = np.fromfile(folder / "ours-0" / "tokens" / "0-test.bin", dtype=np.uint32).astype(np.int64)
    ids = torch.from_numpy(ids[: len(ids) // CONTEXT * CONTEXT].reshape(-1, CONTEXT)[:32])
    (theirs, their_model), (mine, my_model) = measured[-1]
    for (theirs, _), (mine, _) in measured:
        print(
            f"a round: Trainer {BATCH * CONTEXT / theirs:,.0f} tokens/s, Narrative {BATCH * CONTEXT / mine:,.0f}, ratio {theirs / mine:.2f}"
        )
    theirs, mine = (statistics.median(side) for side in zip(*((a, b) for (a, _), (b, _) in measured), strict=True))
    speeds = f"Trainer {BATCH * CONTEXT / theirs:,.0f} tokens/s, Narrative {BATCH * CONTEXT / mine:,.0f} (with the jobs' own environment)"
    print(f"medians: {speeds}, ratio {theirs / mine:.2f} (wanted: {WANTED['speed']:g})")
    losses = loss_on_test(their_model, ids), loss_on_test(my_model, ids)
    tokens = steps * BATCH * CONTEXT
    print(
        f"test loss after {tokens:,} tokens: Trainer {losses[0]:.4f}, Narrative {losses[1]:.4f} (wanted: at most {WANTED['loss']:g} times)"
    )


@contextmanager
def training_in_background(folder: Path) -> Iterator[Any]:
    """A job of the queue, run by its worker as the page would have it run; yields when it has learned for some steps."""
    from narrative.jobs.queue import Queue
    from narrative.store.database import Database

    queue = Queue(Database(folder / "studio.db"))
    row = queue.submit(settings(folder, max_steps=100_000, threads=None), name="background")
    try:
        while sum("loss" in line for line in row.job.metrics()) < 5:
            queue.tend()
            time.sleep(0.2)
            if queue.row("background").state == "failed":
                raise SystemExit(queue.row("background").reason)
        yield row.job
    finally:
        queue.stop("background")
        deadline = time.monotonic() + 120
        while queue.row("background").state in ("running", "stopping") and time.monotonic() < deadline:
            queue.tend()
            time.sleep(0.2)


def answers(folder: Path, rounds: int) -> None:
    """First words and whole pages, idle and with a job; the job's own speed meanwhile."""
    from playwright.sync_api import sync_playwright

    from tests.benchmarks.start import FLAGS, _free_port, first_word, opened, running_app

    def asked(browser: Any, port: int) -> list[float]:
        page, seconds = opened(browser, port)
        words = [first_word(page) for _ in range(rounds)]
        page.context.close()
        return [seconds, statistics.median(words)]

    port = _free_port()
    with sync_playwright() as driver, running_app(port):
        browser = driver.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS)
        asked(browser, port)
        idle = [asked(browser, port) for _ in range(rounds)]
        with training_in_background(folder) as job:
            before = [line["time"] for line in job.metrics() if "loss" in line]
            busy = [asked(browser, port) for _ in range(rounds)]
            time.sleep(20)
            times = [line["time"] for line in job.metrics() if "loss" in line]
        browser.close()
    asking = seconds_a_step(times[: max(len(before) + 1, FIRST + 2)])
    alone = seconds_a_step(times)
    for name, still, loaded in zip(("the page", "the first word"), zip(*idle, strict=True), zip(*busy, strict=True), strict=True):
        a, b = statistics.median(still), statistics.median(loaded)
        print(f"{name}: {a:.3f} s idle, {b:.3f} s while a job trains, {b / a:.2f} times (wanted: under {WANTED['answer']:g})")
    print(f"the job beside the app: {BATCH * CONTEXT / alone:,.0f} tokens/s; before anybody asked {BATCH * CONTEXT / asking:,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--app", action="store_true")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options.peer, options.steps)
        return
    with tempfile.TemporaryDirectory() as name:
        os.environ["NARRATIVE_HOME"] = name
        prepare(Path(name), options.data)
        if options.app:
            answers(Path(name), options.rounds)
        else:
            compare(Path(name), steps=options.steps, rounds=options.rounds)


if __name__ == "__main__":
    main()
