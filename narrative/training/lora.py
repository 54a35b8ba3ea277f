"""Low-rank adaptation (Hu et al. 2021): the base model stays as it is, small matrices beside its layers learn."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from narrative.errors import SettingsError, TrainingError
from narrative.models.card import SEQ2SEQ
from narrative.training.settings import TrainingSettings

TARGETS = {"gpt2": ["c_attn"], "gpt_neo": ["q_proj", "v_proj"], "t5": ["q", "v"]}
"""Layers that get matrices by model type; other types take PEFT's own table."""


def lay(model: PreTrainedModel, settings: TrainingSettings, *, kind: str, new_tokens: tuple[int, ...] = ()) -> Any:
    """`model` with LoRA matrices in its layers (a PEFT model, in which only they learn). `new_tokens` learn their vectors too.

    Raises `SettingsError` for targets that the model has not, `TrainingError` for a model without usual ones.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    targets = _targets(model, settings)
    transposed = any(_ends(name, targets) and isinstance(layer, Conv1D) for name, layer in model.named_modules())
    config = LoraConfig(
        task_type="SEQ_2_SEQ_LM" if kind == SEQ2SEQ else "CAUSAL_LM", r=settings.lora_rank, lora_dropout=settings.lora_dropout,
        lora_alpha=settings.lora_alpha if settings.lora_alpha is not None else 2 * settings.lora_rank,  # type: ignore[arg-type]
        target_modules=targets, fan_in_fan_out=transposed,
        trainable_token_indices=_rows(model, new_tokens),
    )  # fmt: skip
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()  # or no gradient would reach the matrices through a frozen first layer
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        return get_peft_model(model, config)


def _rows(model: PreTrainedModel, new_tokens: tuple[int, ...]) -> dict[str, list[int]] | None:
    """Where new tokens have vectors: in the embedding, and in the output layer unless the two are one. What isn't named is not saved."""
    table: Any = model.get_input_embeddings()
    out: Any = model.get_output_embeddings()
    tables = [table] if out is None or out.weight is table.weight else [table, out]
    names = [name.rpartition(".")[2] for one in tables for name, layer in model.named_modules() if layer is one]
    return {name: list(new_tokens) for name in names} if new_tokens else None


def _targets(model: PreTrainedModel, settings: TrainingSettings) -> list[str]:
    family = str(model.config.model_type)
    targets = settings.targets or TARGETS.get(family) or _usual(family)
    linear = sorted({name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, Conv1D) or _is_linear(layer)})
    missing = [target for target in targets if not any(_ends(name, [target]) for name, _ in model.named_modules())]
    if missing:
        raise SettingsError(f"LoRA target '{missing[0]}' is no layer of this model. Choose among: {', '.join(linear)}.")
    return targets


def _usual(family: str) -> list[str]:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    if family not in KNOWN:
        raise TrainingError(f"It isn't known which layers of a {family} model LoRA should go to. Name them as LoRA targets.")
    return list(KNOWN[family])


def _ends(name: str, targets: list[str]) -> bool:
    return any(name == target or name.endswith(f".{target}") for target in targets)


def _is_linear(layer: Any) -> bool:
    import torch

    return isinstance(layer, torch.nn.Linear)
