"""`python -m narrative.training.probe FOLDER`: a few real steps of the job in FOLDER/job, for an estimate. Leaves estimate.json."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import torch

from narrative.corpus import Corpus, load_corpus, write_corpus
from narrative.device import Device, best_device, precision_for
from narrative.errors import CorpusError, NarrativeError
from narrative.files import write_json
from narrative.formats import Record
from narrative.generation import GenerationSettings, generate
from narrative.training.beginning import Beginning, begin
from narrative.training.estimate import RESULT, Estimate
from narrative.training.fast import fast_loss
from narrative.training.job import Job
from narrative.training.materials import Materials, gather
from narrative.training.memory import is_exhausted
from narrative.training.reporting import peak_memory
from narrative.training.run import context_of, steps_of
from narrative.training.sampling import usual_prompt
from narrative.training.settings import TrainingSettings

SAMPLE = 1_000_000  # bytes of each side that are really turned into tokens
TRIED = (2, 4)  # batches that are tried
TURNS = 3  # steps with each
WRITTEN = 8  # tokens that are written as a trial


@dataclass(frozen=True)
class Trial:
    """What one batch took."""

    seconds: float
    memory: int


def probe(job: Job, folder: Path) -> Estimate:
    settings, whole = job.settings(), [load_corpus(name) for name, _ in job.settings().corpora]
    samples = [_sample(corpus, folder) for corpus in whole]
    beginning = begin(job, settings, samples)
    context = context_of(settings, beginning.longest)
    materials = gather(job, settings, samples, tokenizer=beginning.tokenizer, kind=beginning.kind, context=context, tell=lambda _: None)
    grown = {side: _bytes(whole, side) / max(1, _bytes(samples, side)) for side in ("train", "test")}
    units = max(1, round(materials.units * grown["train"]))
    steps = steps_of(settings, units)
    device = best_device()
    parameters, trainable = beginning.parameters()
    facts: dict[str, Any] = {
        "tokens": round(materials.tokens[0] * grown["train"]), "test_tokens": round(materials.tokens[1] * grown["test"]), "steps": steps,
        "parameters": parameters, "trainable": trainable, "memory_here": _memory(device), "device": device.label,
    }  # fmt: skip
    beginning.model.to(device.torch)
    trying = _Trying(beginning, materials, settings, device)
    batch = settings.batch_size
    trials = {size: trying.step(size) for size in sorted({min(batch, tried) for tried in TRIED})}
    one = extrapolated(trials, batch)
    seconds = steps * settings.accumulation * one.seconds + trying.evaluations(steps, grown["test"])
    tokens = materials.tokens[0] / max(1, materials.units) * settings.blocks_a_step
    speed = tokens / (settings.accumulation * one.seconds)
    made = Estimate(**facts, seconds=seconds, memory=one.memory, tokens_per_second=round(speed, 1))
    return replace(made, warnings=_warnings(made, settings))


class _Trying:
    """Real steps with the weights, the data and the precision of the run."""

    def __init__(self, beginning: Beginning, materials: Materials, settings: TrainingSettings, device: Device) -> None:
        self.beginning, self.materials, self.settings, self.device = beginning, materials, settings, device
        learning = [weight for weight in beginning.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(learning, lr=1e-9)
        self.fast = fast_loss(beginning.model)  # as the run itself
        if settings.gradient_checkpointing:
            beginning.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})

    def step(self, batch: int) -> Trial:
        """Some steps, of which the first is a warm-up and the quickest counts: others may use the machine too."""
        data = self.materials.training(length=TURNS * batch, seed=self.settings.seed)
        self.beginning.model.train()
        took = []
        for turn in range(TURNS):
            rows = [data[turn * batch + number] for number in range(batch)]
            began = time.perf_counter()
            inputs = self._there(self.materials.collate(rows))
            with self._precision():
                loss = self.fast(inputs) if self.fast else None
                if loss is None:
                    loss = self.beginning.model(**inputs).loss
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self._wait()
            took.append(time.perf_counter() - began)
        return Trial(min(took[1:]), peak_memory())

    def evaluations(self, steps: int, grown: float) -> float:
        """Seconds of all evaluations and samples of the run, when the test sides are `grown` times what was tokenised."""
        settings, once = self.settings, self._writing()
        self.beginning.model.eval()
        for data in self.materials.testing(most=settings.evaluate_blocks).values():
            size = len(data)  # type: ignore[arg-type]
            tried = min(size, settings.batch_size)
            began = time.perf_counter()
            with torch.no_grad(), self._precision():
                self.beginning.model(**self._there(self.materials.collate([data[number] for number in range(tried)])))
            self._wait()
            once += (time.perf_counter() - began) * math.ceil(min(size * grown, max(size, settings.evaluate_blocks)) / tried)
        return (steps // settings.evaluate_every + 2) * once

    def _writing(self) -> float:
        prompt = usual_prompt(self.settings, [load_corpus(name) for name, _ in self.settings.corpora])
        if not self.settings.sample_tokens or not prompt:
            return 0.0
        began = time.perf_counter()
        for _ in generate(self.beginning.as_language_model(), prompt, settings=GenerationSettings(drafts=1, max_new_tokens=WRITTEN)):
            pass
        return (time.perf_counter() - began) * self.settings.sample_tokens / WRITTEN

    def _there(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {name: value.to(self.device.torch) for name, value in batch.items()}

    def _precision(self) -> Any:
        wanted = precision_for(self.device, self.settings.precision)
        return torch.autocast(self.device.torch.type, dtype=torch.bfloat16) if wanted == "bfloat16" else nullcontext()

    def _wait(self) -> None:
        if self.device.torch.type == "cuda":
            torch.cuda.synchronize()


def _sample(corpus: Corpus, folder: Path) -> Corpus:
    """Texts from all over both sides, about `SAMPLE` bytes of each; all of it when there is no more."""
    sides: dict[str, Any] = {split: _thinned(corpus, split) for split in ("train", "test")}
    return write_corpus(corpus.name, **sides, origin="", licence="", folder=folder / "corpora" / corpus.name)


def _thinned(corpus: Corpus, split: str) -> Iterator[Record]:
    step = max(1, round(getattr(corpus, split).bytes / SAMPLE))
    return islice(corpus.records(split), 0, None, step)


def _bytes(corpora: list[Corpus], split: str) -> int:
    return sum(getattr(corpus, split).bytes for corpus in corpora)


def extrapolated(trials: dict[int, Trial], batch: int) -> Trial:
    """On a straight line through the two batches that were tried."""
    (low, first), (high, last) = (min(trials.items()), max(trials.items()))
    if batch == high:
        return last
    more = (batch - high) / (high - low)
    return Trial(last.seconds + more * (last.seconds - first.seconds), round(last.memory + more * (last.memory - first.memory)))


def _memory(device: Device) -> int:
    return device.memory if device.torch.type == "cuda" else int(psutil.virtual_memory().total)


def _warnings(made: Estimate, settings: TrainingSettings) -> tuple[str, ...]:
    told = []
    if made.memory_here and made.memory > made.memory_here:
        advice = (
            "Choose a smaller batch or context, LoRA, or gradient checkpointing; or let it start: it halves the batch when memory runs out."
        )
        told.append(f"It needs more memory than there is ({made.memory_here / 1e9:,.1f} GB). {advice}")
    if settings.method == "scratch" and made.tokens * settings.epochs < made.parameters:
        told.append("There is little text for a new model of this size: it will learn by heart. A base model would serve better.")
    if settings.precision == "auto" and "cores" in made.device and made.seconds > 12 * 3600:
        told.append("That is long without a GPU. LoRA, a smaller base model or fewer epochs are quicker.")
    return tuple(told)


def main() -> int:
    folder = Path(sys.argv[1])
    try:
        settings = Job(folder / "job").settings()
        if settings.threads:
            torch.set_num_threads(settings.threads)
        answer = probe(Job(folder / "job"), folder).to_json()
    except (NarrativeError, CorpusError) as error:
        answer = {"error": str(error)}
    except (RuntimeError, MemoryError) as error:
        if not is_exhausted(error):
            raise
        answer = {"error": "This does not fit into memory here. Choose a smaller batch or context, LoRA, or a smaller base model."}
    write_json(folder / RESULT, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
