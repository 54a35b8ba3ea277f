"""When memory runs out: half the batch, twice the accumulation, which learns the same more slowly."""

from __future__ import annotations

import gc

from narrative.errors import TrainingError
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

_SAYINGS = ("can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory")


def is_exhausted(error: BaseException) -> bool:
    """Whether this error says that no more memory could be had."""
    import torch  # here, since the worker of a queue halves batches too and has no use for it

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error).lower() for saying in _SAYINGS)


def make_smaller(job: Job, settings: TrainingSettings, *, step: int, used: tuple[int, int] | None = None) -> str:
    """Halve the batch for the rest of the job; the sentence that says so. Raises `TrainingError` when it is 1 already.

    `used`: (batch, accumulation) that was too much, so that several processes which run out at once halve it once.
    """
    batch, accumulation = used or job.batch(settings)
    if batch == 1:
        advice = "Choose a shorter context, a smaller base model, LoRA, or gradient checkpointing."
        raise TrainingError(f"The memory doesn't suffice even for one text at a time. {advice}")
    if batch % 2:
        smaller, accumulation = 1, accumulation * batch
    else:
        smaller, accumulation = batch // 2, accumulation * 2
    job.set_batch(smaller, accumulation)
    told = f"Memory ran out with {batch} texts at a time. It goes on with {smaller} at a time, which learns the same more slowly."
    job.append_note("memory", told, step=step)
    return told


def release() -> None:
    """Give back what the failed attempt held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
