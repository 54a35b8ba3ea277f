"""Which weights a run keeps: checkpoints that can be trusted, and the best ones so far."""

from __future__ import annotations

import shutil
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from narrative.files import read_json, write_json
from narrative.training import ranks
from narrative.training.curve import Curve
from narrative.training.job import Job
from narrative.training.reporting import diverged

KEPT = 2  # checkpoints


class TrustedCheckpoints(TrainerCallback):
    """Saves after each pass too, and marks a checkpoint once all of it is written and its weights are numbers.

    Without the mark, a resume after a crash could be silently wrong.
    """

    def __init__(self, job: Job, *, steps_a_pass: int) -> None:
        self.job, self.steps_a_pass = job, steps_a_pass

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step % self.steps_a_pass == 0:
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        whole = all(bool(torch.isfinite(weight).all()) for weight in kwargs["model"].parameters() if weight.requires_grad)
        checkpoint = self.job.folder / f"checkpoint-{state.global_step}"
        if not whole:
            if ranks.is_first():
                shutil.rmtree(checkpoint, ignore_errors=True)
            raise diverged(state.global_step, args.learning_rate)
        if ranks.is_first():
            self.job.mark_complete(checkpoint)
            self.job.forget_checkpoints(keep=KEPT)  # by their steps: Trainer itself would go by the clock, which may be set


class BestWeights:
    """Keeps the weights that learn, as they were at the evaluation with the lowest test loss."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def measured(self, curve: Curve, step: int, model: Any, control: TrainerControl) -> None:
        if curve.best() != step:
            return
        control.should_save = True  # else a run that goes on from an earlier step might find others best than those that lie here
        if ranks.is_first():
            self._write(step, model)

    def _write(self, step: int, model: Any) -> None:
        from safetensors.torch import save_file

        part = self.job.folder / "best.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        save_file({name: weight.detach().cpu().contiguous() for name, weight in learning(model).items()}, part / "weights.safetensors")
        write_json(part / "best.json", {"step": step})
        shutil.rmtree(self.job.best, ignore_errors=True)
        part.replace(self.job.best)

    def restore(self, model: Any, *, step: int) -> bool:
        """Put the weights of that step back. False when others lie there, or none."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            kept = int(read_json(self.job.best / "best.json")["step"])
            weights = load_file(self.job.best / "weights.safetensors")
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return False
        if kept != step:
            return False
        with torch.no_grad():
            for name, weight in learning(model).items():
                weight.copy_(weights[name])
        return True


def learning(model: Any) -> dict[str, torch.nn.Parameter]:
    """The weights that learn, by name; of a model in training on several devices, without the wrapper's name."""
    return {name.removeprefix("module."): weight for name, weight in model.named_parameters() if weight.requires_grad}
