"""What a keeper wants, in plain words -> the settings that usually do it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from narrative.errors import SettingsError, require_choice
from narrative.models.card import ModelCard
from narrative.training.architectures import SIZES
from narrative.training.settings import TrainingSettings

USUAL_SIZE = 124e6  # parameters of the models for which the usual learning rates were found
HIGHEST_RATE = 3e-3


@dataclass(frozen=True)
class Preset:
    """Fields of `TrainingSettings`, under a name that says what they are for.

    `rate` is the peak learning rate for a model of 124 million parameters; smaller models bear, and need, a higher one.
    """

    name: str
    title: str
    summary: str
    rate: float
    values: Mapping[str, Any] = field(default_factory=dict)


_TUNING = {"epochs": 3.0, "warmup": 0.1, "schedule": "cosine", "weight_decay": 0.01, "patience": 3}
PRESETS: dict[str, Preset] = {
    "house style": Preset(
        "house style", "Adapt to our house style",
        "The whole model learns from your books. The closest fit; the result is as large as the base model.",
        5e-5, {"method": "full"} | _TUNING,
    ),
    "lora": Preset(
        "lora", "LoRA, small and quick",
        "Only small matrices beside the model learn: less memory, a result of a few megabytes, and less is forgotten.",
        2e-4, {"method": "lora", "lora_rank": 16, "lora_dropout": 0.05} | _TUNING,
    ),
    "scratch": Preset(
        "scratch", "From scratch",
        "A new, small model that knows nothing but your books. It needs many of them, and time.",
        3e-4, {"method": "scratch", "architecture": SIZES["5m"], "epochs": 5.0, "weight_decay": 0.1, "dropout": 0.1, "patience": 5},
    ),
}  # fmt: skip


def settings_for(preset: str, *, corpora: tuple[tuple[str, float], ...], base: ModelCard | None = None, **changes: Any) -> TrainingSettings:
    """The settings of a preset for these corpora and this base model; `changes` come last.

    Raises `SettingsError` for an unknown preset, and when a base model is missing.
    """
    require_choice("preset", preset, PRESETS)
    chosen = PRESETS[preset]
    values = dict(chosen.values) | {"base": base.name if base else None} | changes
    if values["method"] == "scratch":
        values["base"] = None
    elif base is None:
        raise SettingsError(f"'{chosen.title}' needs a base model.")
    size = values["architecture"].parameters if values.get("architecture") else base.parameters if base else 0
    return TrainingSettings(corpora=corpora, **{"learning_rate": rate_for(chosen.rate, size)} | values)


def rate_for(rate: float, parameters: int) -> float:
    """`rate` grown with the inverse square root of the size, to two digits. A rule of thumb; an unknown size (0) changes nothing."""
    grown = rate * math.sqrt(USUAL_SIZE / parameters) if parameters else rate
    return float(f"{min(max(grown, rate / 4), HIGHEST_RATE):.1e}")
