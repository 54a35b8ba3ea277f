"""A finished model into a folder of the catalogue, with its card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from narrative.errors import TrainingError
from narrative.files import write_json

WANTED = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def publish(model: Path, folder: Path, card: Mapping[str, Any], *, half: bool = False) -> None:
    """Copy the weights and tokenizer in `model` to `folder` and write `card` as its narrative.json, all or nothing.

    `half` stores the weights in float16, half the size; they are computed with in float32 all the same. A folder that
    was there is replaced. Raises `TrainingError` when `model` isn't complete.
    """
    missing = [name for name in WANTED if not (model / name).exists()]
    if missing:
        raise TrainingError(f"{model.name} isn't a finished model: {', '.join(missing)} missing.")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in WANTED:
        shutil.copyfile(model / name, part / name)
    if half:
        _halve(part / "model.safetensors")
    write_json(part / "narrative.json", dict(card))
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)


def _halve(weights: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    tensors = {name: value.to(torch.float16) if value.is_floating_point() else value for name, value in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    weights.chmod(0o644)  # safetensors keeps what it writes to itself; a published model is for everybody on the machine
