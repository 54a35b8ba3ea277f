"""One training in several processes (torchrun, accelerate launch): who goes first, and how all of them agree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def is_first() -> bool:
    """Whether this is the process that writes files; the only one when there are no others."""
    return os.environ.get("RANK", "0") == "0"


def count() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """The first process runs the body alone; the others follow when it is through, and find what it has written."""
    if count() == 1:
        yield
        return
    import torch

    if not is_first():
        torch.distributed.barrier()
    yield
    if is_first():
        torch.distributed.barrier()


def any_of_them(flag: bool) -> bool:
    """True in every process if it is true in one. All must ask at the same step."""
    if count() == 1:
        return flag
    import torch

    device = torch.device("cuda", torch.cuda.current_device()) if torch.distributed.get_backend() == "nccl" else torch.device("cpu")
    asked = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(asked, op=torch.distributed.ReduceOp.MAX)
    return bool(asked.item())
