"""One training run, from a job's folder to its finished model."""

from __future__ import annotations

import math
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainingArguments

from narrative.corpus import Corpus, load_corpus
from narrative.errors import NarrativeError, SettingsError, TrainingError
from narrative.files import sync, write_json
from narrative.models.sources import FOLDER, locate
from narrative.training import ranks
from narrative.training.arguments import arguments
from narrative.training.beginning import Beginning, begin
from narrative.training.curve import Curve
from narrative.training.fast import FastTrainer
from narrative.training.job import Job
from narrative.training.keeping import BestWeights, TrustedCheckpoints, learning
from narrative.training.materials import Materials, gather
from narrative.training.measuring import exact_loss, sums_for
from narrative.training.memory import is_exhausted, make_smaller, release
from narrative.training.preparing import Preparing, StoppedError
from narrative.training.reporting import Listener, Reporter
from narrative.training.sampling import Samples, usual_prompt
from narrative.training.settings import TrainingSettings
from narrative.training.stopping import DiskGuard, Patience, StopOnRequest, refused_by_disk


def train(job: Job) -> bool:
    """Run the job, resuming from its last whole checkpoint if there is one. True when the model is complete, False when stopped.

    When memory runs out, it goes on with half the batch. Raises `NarrativeError` for what the keeper can mend; then, as after
    any crash, the checkpoints stay.
    """
    settings = job.settings()  # first of all: what is no job gets no state
    try:
        with job.held():
            return _train_held(job, settings)
    except OSError as error:  # not even the lock could be written
        raise TrainingError(refused_by_disk(job, error) or f"The job's folder can't be used: {error.strerror}.") from error


def _train_held(job: Job, settings: TrainingSettings) -> bool:
    try:
        return _train_in_memory(job, settings)
    except NarrativeError as error:
        _fail(job, str(error))
        raise
    except Exception as error:
        told = refused_by_disk(job, error)
        if not told:
            raise
        _fail(job, told)
        raise TrainingError(told) from error


def _fail(job: Job, reason: str) -> None:
    with suppress(OSError):  # a disk that takes nothing doesn't take this either
        facts = {key: value for key, value in job.state().items() if key not in ("state", "pid", "time", "reason", "stage", "seconds_left")}
        job.write_state("failed", **facts | {"reason": reason})


def _train_in_memory(job: Job, settings: TrainingSettings) -> bool:
    if ranks.is_first():
        job.clear_again()
    while True:
        used = job.batch(settings)
        try:
            return _train(job, settings)
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            step = int(job.state().get("step") or 0)
        told = make_smaller(job, settings, step=step, used=used)  # after the except: its traceback held the tensors
        if ranks.count() > 1:  # the others wait for this one in vain: all begin anew
            job.ask_again(told)
            raise TrainingError(told)
        release()


def _train(job: Job, settings: TrainingSettings) -> bool:
    if job.model.exists():
        return True
    if settings.threads:
        torch.set_num_threads(settings.threads)
    preparing = Preparing(job)
    try:
        run = _prepare(job, settings, preparing)
    except StoppedError:
        preparing.stopped()
        return False
    return run.go()


def _prepare(job: Job, settings: TrainingSettings, tell: Preparing) -> Run:
    """Everything that lies on disk is written by the first process; the others find it there."""
    tell("Reading the corpora")
    corpora = [load_corpus(name) for name, _ in settings.corpora]
    if ranks.count() > 1 and not torch.distributed.is_initialized():
        TrainingArguments(output_dir=str(job.folder), use_cpu=not torch.cuda.is_available()).device  # noqa: B018 - joins the processes
    with ranks.first_goes_ahead():
        tell("Loading the base model" if settings.base else "Learning a vocabulary")
        beginning = begin(job, settings, corpora)
        context = context_of(settings, beginning.longest)
        kind, tokenizer = beginning.kind, beginning.tokenizer
        materials = gather(job, settings, corpora, tokenizer=tokenizer, kind=kind, context=context, tell=tell)
        checkpoint = job.last_checkpoint()
        start = int(checkpoint.name.split("-")[1]) if checkpoint else -1
        if ranks.is_first():
            job.note_corpora({corpus.name: corpus.fingerprint for corpus in corpora})
            job.forget_after(start)
            for remark in materials.remarks():
                job.append_note("truncated", remark, step=0)
    tell("Measuring what it can do already" if checkpoint is None else f"Going on from step {start:,}")
    return Run(job, settings, corpora, beginning, materials, checkpoint)


def context_of(settings: TrainingSettings, longest: int) -> int:
    """Tokens in a block. Raises `SettingsError` for more than the model reads."""
    if settings.context and settings.context > longest:
        raise SettingsError(f"Context is {settings.context}, but this model reads at most {longest} tokens.")
    return settings.context or longest


def steps_of(settings: TrainingSettings, units: int) -> int:
    """Optimizer steps of the whole run, when one pass has so many blocks or rows."""
    return settings.max_steps or max(1, math.ceil(units * settings.epochs / settings.blocks_a_step))


@dataclass
class Run:
    """Everything that is ready for the first step."""

    job: Job
    settings: TrainingSettings
    corpora: list[Corpus]
    beginning: Beginning
    materials: Materials
    checkpoint: Any

    def go(self) -> bool:
        """Learn, and save the model. False when the run was stopped before its end."""
        job, settings = self.job, self.settings
        steps = steps_of(settings, self.materials.units)
        curve = Curve(self._shares(), self.materials.bits)
        curve.read(job.metrics())
        best, patience = BestWeights(job), Patience(job, settings.patience, steps=steps)
        prompt = usual_prompt(settings, self.corpora)
        listeners: list[Listener] = [*([best] if settings.keep == "best" else []), patience, Samples(job, self.beginning, settings, prompt)]
        data = self.materials.training(length=steps * settings.blocks_a_step, seed=settings.seed)
        reporter = Reporter(job, curve, tokens_after=lambda step: data.tokens_after(step * settings.blocks_a_step), listeners=listeners)
        guard = self._guard()
        trainer = self._trainer(steps, data, [reporter, StopOnRequest(job), guard], fresh=not curve.steps())
        trainer.train(resume_from_checkpoint=str(self.checkpoint) if self.checkpoint else None)
        step = trainer.state.global_step
        if step < steps and not patience.exhausted:
            job.write_state("stopped", steps=steps, reason=guard.reason, **reporter.facts(step))
            return False
        if not curve.measured(step):
            trainer.evaluate()
        kept = step
        if settings.keep == "best" and curve.best() != step and best.restore(trainer.model, step=curve.best()):
            kept = curve.best()
            told = "before the first step: nothing that it learned made it better" if kept == 0 else f"of step {kept:,}"
            job.append_note("kept", f"The finished model is the one {told}, with the lowest test loss ({curve.mean(kept):.3f}).", step=step)
        self._save()
        job.write_state("finished", steps=steps, kept=kept, **reporter.facts(step) | curve.figures(kept))
        return True

    def _shares(self) -> dict[str, float]:
        """What each corpus counts in the mean of the test losses: its weight, else its size."""
        sizes = [float(corpus.train.bytes) or 1.0 for corpus in self.corpora]
        given = [weight for _, weight in self.settings.corpora]
        return dict(zip(self.materials.names, given if any(given) else sizes, strict=True))

    def _guard(self) -> DiskGuard:
        weights, learned = (sum(one.numel() * one.element_size() for one in ones) for ones in (
            self.beginning.model.parameters(), learning(self.beginning.model).values(),
        ))  # fmt: skip
        adapter = self.settings.method == "lora"
        guard = DiskGuard(self.job, weights=learned if adapter else weights, learning=learned)
        guard.check_room()
        return guard

    def _trainer(self, steps: int, data: Any, callbacks: list[Any], *, fresh: bool) -> Trainer:
        steps_a_pass = max(1, math.ceil(self.materials.units / self.settings.blocks_a_step))
        trainer = FastTrainer(
            model=self.beginning.model,
            args=TrainingArguments(**arguments(self.job, self.settings, steps=steps, fresh=fresh)),
            train_dataset=data,
            eval_dataset=self.materials.testing(most=self.settings.evaluate_blocks),
            data_collator=self.materials.collate,
            processing_class=self.beginning.tokenizer,
            preprocess_logits_for_metrics=sums_for(self.beginning.kind),
            compute_metrics=exact_loss,
            callbacks=[*callbacks, TrustedCheckpoints(self.job, steps_a_pass=steps_a_pass)],
        )
        trainer.remove_callback(PrinterCallback)  # the reporter says the same in sentences
        return trainer

    def _save(self) -> None:
        """The model, whole or not at all. LoRA matrices lie there as an adapter, with the name of what they belong to."""
        if not ranks.is_first():
            return
        part = self.job.folder / "model.part"
        shutil.rmtree(part, ignore_errors=True)
        if self.settings.method == "lora":
            self.beginning.model.save_pretrained(part, save_embedding_layers=False)  # its default asks the hub
            name = str(self.beginning.base)
            base = {} if locate(name).origin == FOLDER else {"base": name}  # a path means nothing elsewhere
            write_json(part / "narrative.json", base | {"base_fingerprint": self.beginning.base_fingerprint})
        else:
            self.beginning.model.save_pretrained(part)
        self.beginning.tokenizer.save_pretrained(part)
        sync(part)
        part.replace(self.job.model)
