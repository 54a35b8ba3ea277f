"""Our settings in the words of transformers' `TrainingArguments`."""

from __future__ import annotations

from typing import Any

from narrative.device import best_device, precision_for
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings


def arguments(job: Job, settings: TrainingSettings, *, steps: int, fresh: bool) -> dict[str, Any]:
    """`fresh`: nothing was measured yet, so that a measurement comes before the first step."""
    device = best_device()
    name = settings.schedule.replace("-", "_")
    decay = {"num_decay_steps": round(settings.decay * steps), "decay_type": "linear", "min_lr_ratio": settings.decay_to}
    batch, accumulation = job.batch(settings)
    return {
        "output_dir": str(job.folder), "max_steps": steps, "seed": settings.seed,
        "per_device_train_batch_size": batch, "per_device_eval_batch_size": batch,
        "gradient_accumulation_steps": accumulation, "train_sampling_strategy": "sequential",  # the order is the dataset's
        "learning_rate": settings.learning_rate, "weight_decay": settings.weight_decay, "adam_beta2": settings.adam_beta2,
        "adam_epsilon": settings.adam_epsilon, "max_grad_norm": settings.max_grad_norm, "lr_scheduler_type": name,
        "lr_scheduler_kwargs": decay if name == "warmup_stable_decay" else {}, "warmup_steps": round(settings.warmup * steps),
        "bf16": precision_for(device, settings.precision) == "bfloat16", "use_cpu": device.name == "cpu",
        "activation_checkpointing": settings.gradient_checkpointing, "activation_checkpointing_kwargs": {"use_reentrant": False},
        "eval_strategy": "steps", "eval_steps": settings.evaluate_every, "batch_eval_metrics": False, "eval_on_start": fresh,
        "save_steps": settings.save_every, "save_total_limit": None, "logging_steps": settings.log_every,
        "logging_nan_inf_filter": False, "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False,
        "remove_unused_columns": False, "ddp_find_unused_parameters": False,
    }  # fmt: skip
