"""What happens during a run besides learning: measurements, stop requests, trusted checkpoints."""

from __future__ import annotations

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from narrative.errors import TrainingError
from narrative.training.job import Job


class Reporter(TrainerCallback):
    """Appends to `metrics.jsonl` and keeps `state.json` fresh. `tokens_per_step` gives speed and time left."""

    def __init__(self, job: Job, *, tokens_per_step: int, bits: dict[str, float]) -> None:
        self.job, self.tokens_per_step = job, tokens_per_step
        self.bits = bits  # corpus -> (tokens per byte) / ln 2: a loss in nats per token becomes bits per byte
        self.began, self.first = time.monotonic(), 0
        self.measured = {(line["step"], line["corpus"]) for line in job.metrics() if "corpus" in line}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.began, self.first = time.monotonic(), state.global_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs = kwargs["logs"]
        if not state.is_world_process_zero or "loss" not in logs:
            return
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", 0.0))
        speed = (state.global_step - self.first) * self.tokens_per_step / (time.monotonic() - self.began)
        values = {"loss": loss, "learning_rate": logs["learning_rate"], "grad_norm": norm, "tokens_per_second": round(speed, 1)}
        self.job.append_metrics(step=state.global_step, tokens=state.global_step * self.tokens_per_step, **values)
        left = (state.max_steps - state.global_step) * self.tokens_per_step / speed
        self.job.write_state("running", step=state.global_step, steps=state.max_steps, seconds_left=round(left), **values)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            advice = f"A lower learning rate than {args.learning_rate:g} usually helps."
            raise TrainingError(f"The loss is no longer a number at step {state.global_step}. {advice}")

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        for corpus, factor in self.bits.items():
            loss = kwargs["metrics"].get(f"eval_{corpus}_nats")
            if loss is not None and (state.global_step, corpus) not in self.measured:
                self.measured.add((state.global_step, corpus))
                figures = {"test_loss": loss, "perplexity": math.exp(min(loss, 700)), "bits_per_byte": loss * factor}
                self.job.append_metrics(step=state.global_step, corpus=corpus, **figures)


class StopOnRequest(TrainerCallback):
    """A file named `stop` in the job's folder: save a checkpoint at the end of this step, then end."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.job.stop_asked:
            control.should_save = control.should_training_stop = True


class TrustedCheckpoints(TrainerCallback):
    """Marks a checkpoint once all of it is written. Without the mark, a resume after a crash could be silently wrong."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            self.job.mark_complete(self.job.folder / f"checkpoint-{state.global_step}")
