"""What a run tells while it learns: measurements, and how far it is."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from narrative.errors import TrainingError
from narrative.training import ranks
from narrative.training.curve import Curve
from narrative.training.job import Job

TELL_EVERY = 1.0  # seconds between two writings of state.json


class Listener(Protocol):
    """Is told when every corpus has been measured at a step."""

    def measured(self, curve: Curve, step: int, model: Any, control: TrainerControl) -> None:
        """`control` can ask the run to stop or to save."""


class Reporter(TrainerCallback):
    """Appends to `metrics.jsonl`, keeps `state.json` fresh, and tells the listeners of evaluations."""

    def __init__(self, job: Job, curve: Curve, *, tokens_after: Callable[[int], int], listeners: Sequence[Listener] = ()) -> None:
        """`tokens_after`: how many tokens have been learned from after so many steps."""
        self.job, self.curve, self.tokens_after, self.listeners = job, curve, tokens_after, listeners
        self.before = float(job.state().get("seconds") or 0.0)  # of earlier parts of this run
        self.began = self.told = self.step_began = time.monotonic()
        self.first = self.logged = 0
        self.busy = 0.0  # seconds in steps since the last training loss
        self.rested, self.pause = self.began, 0.0  # when the last step ended, and the seconds that the last evaluation took
        self.last: dict[str, Any] = {}

    @property
    def seconds(self) -> float:
        """Of training, stops not counted."""
        return self.before + time.monotonic() - self.began

    def facts(self, step: int) -> dict[str, Any]:
        """For `state.json`."""
        tests = [one for one in self.curve.steps() if one <= step]
        figures = self.curve.figures(tests[-1]) if tests else {}
        now = {"seconds": round(self.seconds, 1), "pause": round(self.pause, 1), "memory": peak_memory()}
        return {"step": step, "shares": dict(self.curve.weights), **now, **self.last, **figures}

    def tell(self, state: TrainerState) -> None:
        done = state.global_step - self.first
        left = (state.max_steps - state.global_step) * (time.monotonic() - self.began) / done if done else None
        self.job.write_state(
            "running", steps=state.max_steps, seconds_left=None if left is None else round(left), **self.facts(state.global_step)
        )
        self.told = time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.began = time.monotonic()
        self.first = self.logged = state.global_step
        self.tell(state)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.step_began = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.rested = time.monotonic()
        self.busy += self.rested - self.step_began
        if time.monotonic() - self.told >= TELL_EVERY:
            self.tell(state)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs, step = kwargs["logs"], state.global_step
        if "loss" not in logs:
            return
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", 0.0))
        tokens = self.tokens_after(step)
        speed = (tokens - self.tokens_after(self.logged)) / max(self.busy, 1e-9)
        self.busy, self.logged = 0.0, step
        values = {"loss": loss, "learning_rate": logs["learning_rate"], "grad_norm": norm, "tokens_per_second": round(speed, 1)}
        self.curve.training.append((step, loss))
        self.last = values | {"tokens": tokens}
        self.job.append_metrics(step=step, tokens=tokens, **values)
        rate = f"learning rate {logs['learning_rate']:.2e}"
        say(f"step {step:,} of {state.max_steps:,}: loss {loss:.4f}, {rate}, {speed:,.0f} tokens a second")
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise diverged(step, args.learning_rate)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        step = state.global_step
        for corpus in self.curve.weights:
            loss = kwargs["metrics"].get(f"eval_{corpus}_nats")
            if loss is None or corpus in self.curve.tests.get(step, {}):
                continue
            if not math.isfinite(loss):
                raise diverged(step, args.learning_rate)
            complete = self.curve.add_test(step, corpus, loss)
            figures = {"test_loss": loss, "perplexity": math.exp(min(loss, 700)), "bits_per_byte": loss * self.curve.bits[corpus]}
            self.job.append_metrics(step=step, corpus=corpus, **figures)
            others = f"perplexity {figures['perplexity']:.2f}, {figures['bits_per_byte']:.4f} bits per byte"
            say(f"step {step:,}: test loss {loss:.4f} on {corpus}, {others}")
            if complete:
                for listener in self.listeners:
                    listener.measured(self.curve, step, kwargs.get("model"), control)
                self.pause = time.monotonic() - self.rested
                self.tell(state)


def say(sentence: str) -> None:
    """One line for `train.log`, with the time."""
    if ranks.is_first():
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {sentence}", flush=True)


def diverged(step: int, rate: float) -> TrainingError:
    """What to say when losses or weights are no numbers any more."""
    kept = "What was learned up to the last checkpoint is kept."
    return TrainingError(
        f"The loss is no longer a number at step {step}. A lower learning rate than {rate:g} usually helps, or a longer warm-up. {kept}"
    )


def peak_memory() -> int:
    """Most bytes that this process has had: of the GPU where it uses one, else of the machine."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)
