"""What stands in for a word that is taken away. There is no neutral choice, so that it is made on purpose and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from narrative.errors import SettingsError, require_choice
from narrative.models import LanguageModel

NEUTRAL = " the"  # a word that says little


@dataclass(frozen=True, eq=False)
class Baseline:
    """vector: (width,), as it enters the model in place of a token's embedding."""

    name: str
    vector: torch.Tensor
    title: str  # as a reader would call it


@dataclass(frozen=True)
class Kind:
    title: str
    make: Callable[[LanguageModel, torch.nn.Module], tuple[torch.Tensor, str]]  # -> vector, title


def baseline_of(model: LanguageModel, embedding: torch.nn.Module, name: str = "mean") -> Baseline:
    """`name`: a key of `BASELINES`. Raises `SettingsError` for another, or where this model hasn't got such a token.

    The mean embedding holds everywhere; zero does not where a model divides by the length of its input (RMSNorm in Llama and T5),
    and is not among them.
    """
    require_choice("baseline", name, BASELINES)
    vector, title = BASELINES[name].make(model, embedding)
    return Baseline(name, vector.detach().float(), title)


def _mean(model: LanguageModel, embedding: torch.nn.Module) -> tuple[torch.Tensor, str]:
    """Over the tokens that the tokenizer knows: rows that only fill the table up are never read."""
    known = torch.arange(min(len(model.tokenizer), model.vocabulary), device=model.device)
    with torch.inference_mode():
        total = torch.stack([embedding(part).float().sum(0) for part in known.split(8192)]).sum(0)
    return total.clone() / len(known), "the average word"


def _end(model: LanguageModel, embedding: torch.nn.Module) -> tuple[torch.Tensor, str]:
    if not model.end_ids:
        raise SettingsError(f"{model.name} has no token that ends a text. Choose another baseline.")
    return _token(model, embedding, min(model.end_ids)), "the end of a text"


def _pad(model: LanguageModel, embedding: torch.nn.Module) -> tuple[torch.Tensor, str]:
    pad = model.tokenizer.pad_token_id
    if not isinstance(pad, int):
        raise SettingsError(f"{model.name} has no padding token. Choose another baseline.")
    return _token(model, embedding, pad), "padding"


def _neutral(model: LanguageModel, embedding: torch.nn.Module) -> tuple[torch.Tensor, str]:
    ids = model.tokenizer(NEUTRAL, add_special_tokens=False, verbose=False)["input_ids"]
    if len(ids) != 1:
        raise SettingsError(f"“{NEUTRAL.strip()}” is no single token of {model.name}. Choose another baseline.")
    return _token(model, embedding, ids[0]), f"“{NEUTRAL.strip()}”"


def _token(model: LanguageModel, embedding: torch.nn.Module, identity: int) -> torch.Tensor:
    with torch.no_grad():  # not inference mode: gradients may flow past it later
        return torch.as_tensor(embedding(torch.tensor([identity], device=model.device))[0]).clone()


BASELINES = {
    "mean": Kind("The average word", _mean), "neutral": Kind("A word that says little", _neutral),
    "end": Kind("The end of a text", _end), "pad": Kind("Padding", _pad),
}  # fmt: skip
