"""The models an editor can choose from, and what is known about each, without reading weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from narrative.errors import ModelError, UnknownModelError
from narrative.formats import FORMATS
from narrative.models.card import CAUSAL, SEQ2SEQ, ModelCard
from narrative.models.hub import cached
from narrative.models.sources import (
    CONFIG,
    FOLDER,
    HUB,
    Source,
    adapter_base,
    entries,
    is_adapter,
    locate,
    own_card,
    read_object,
    split_adapter,
    what_is_here,
)
from narrative.models.suggestions import SUGGESTED
from narrative.models.weights import adapter_files, count_parameters, read_header, weight_files

ARCHITECTURES = {
    "gpt2": "GPT-2", "gpt_neo": "GPT-Neo", "gpt_neox": "GPT-NeoX", "gptj": "GPT-J", "opt": "OPT", "bloom": "BLOOM", "llama": "Llama",
    "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3", "phi": "Phi", "phi3": "Phi-3", "gemma": "Gemma", "gemma2": "Gemma 2",
    "olmo": "OLMo", "t5": "T5", "mt5": "mT5", "bart": "BART", "pegasus": "Pegasus",
}  # fmt: skip
# Families name the same number differently.
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads")
WIDTH = ("hidden_size", "n_embd", "d_model", "dim")
CONTEXT = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings", "n_ctx")
WORDS = ("title", "summary", "licence", "trained_on")
LONGEST_TEXT = 400  # characters of a card's field
DEEPEST_METRICS = 3


def catalogue() -> list[ModelCard]:
    """Shipped models, published ones, then suggestions of the hub. What can't be read is left out: `load_model` says why."""
    cards = []
    for source in entries():
        try:
            cards.append(card_of(source))
        except ModelError:
            continue
    return cards + [replace(card, here=cached(card.name) is not None) for card in SUGGESTED]


def describe(name: str) -> ModelCard:
    """The card of any model that `load_model` takes. Asks no network: an unknown hub model's numbers are 0.

    Raises `UnknownModelError`, `UnsafeModelError` or `BrokenModelError`.
    """
    base, adapter = split_adapter(name)
    if adapter is not None:
        return with_adapter(describe(base), _in_cache(locate(adapter)))
    return card_of(_in_cache(locate(name)))


def _in_cache(source: Source) -> Source:
    return replace(source, folder=cached(source.name)) if source.origin == HUB else source


def default_model() -> str:
    """The model a new editor starts with: the first shipped one, else the first published. Raises `UnknownModelError` if there is none."""
    local = [card.name for card in catalogue() if card.origin != HUB]
    if not local:
        raise UnknownModelError(f"No model is shipped here. {what_is_here()}")
    return local[0]


def card_of(source: Source) -> ModelCard:
    """The card of a source: words from its narrative.json, numbers from config.json and the weights' headers.

    Of a hub model the words are those of `SUGGESTED`, and all of the card while the model isn't here.
    """
    card = words_of(source)
    if source.folder is None:
        return card
    return _adapter_card(card, source.folder) if is_adapter(source.folder) else replace(card, **_numbers(source.folder))


def words_of(source: Source) -> ModelCard:
    """The card without the numbers of the weights."""
    known = next((card for card in SUGGESTED if card.name == source.name), None) if source.origin == HUB else None
    if source.folder is None:
        return known or ModelCard(source.name, source.name, "a model of the Hugging Face hub", source.origin, here=False)
    own = own_card(source.folder)
    words: dict[str, Any] = {field: text(own.get(field)) or getattr(known, field, "") for field in WORDS}
    words["title"] = words["title"] or (source.folder.resolve().name if source.origin == FOLDER else source.name)
    form = own.get("format")
    return ModelCard(
        name=source.name, origin=source.origin, base=text(own.get("base")) or None, metrics=plain(own.get("metrics")),
        format=form if isinstance(form, str) and form in FORMATS else "stream", **words,
    )  # fmt: skip


def with_adapter(base: ModelCard, adapter: Source) -> ModelCard:
    """The card of an adapter laid over `base`."""
    card = words_of(adapter)
    return replace(card, name=f"{base.name}+{adapter.name}", title=f"{base.title} + {card.title}", base=base.name, **_shared(base))


def _adapter_card(card: ModelCard, folder: Path) -> ModelCard:
    """An adapter has the numbers of its base (merging adds none), as far as the base is known here."""
    read_header(adapter_files(folder)[0])
    base = adapter_base(folder)
    found = locate(base)
    if found.folder is not None and is_adapter(found.folder):  # adapters on adapters: don't follow a circle
        return replace(card, base=base)
    under = describe(base)
    return replace(card, base=base, here=under.here, **_shared(under))


def _shared(base: ModelCard) -> dict[str, Any]:
    fields = ("kind", "architecture", "parameters", "layers", "heads", "width", "vocabulary", "context")
    return {field: getattr(base, field) for field in fields}


def _numbers(folder: Path) -> dict[str, Any]:
    config = read_object(folder / CONFIG)
    inner = config.get("text_config")
    config = {**config, **inner} if isinstance(inner, dict) else config
    family = text(config.get("model_type"))
    vocabulary = _first(config, ("vocab_size",))
    return {
        "kind": SEQ2SEQ if config.get("is_encoder_decoder") is True else CAUSAL,
        "architecture": ARCHITECTURES.get(family, family.replace("_", "-")),
        "parameters": count_parameters(weight_files(folder), vocabulary=vocabulary),
        "layers": _first(config, LAYERS), "heads": _first(config, HEADS), "width": _first(config, WIDTH),
        "vocabulary": vocabulary, "context": _first(config, CONTEXT),
    }  # fmt: skip


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    values = (config.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40), 0)


def text(value: object) -> str:
    """A field of a card as one plain line: "" unless it is text, cut when long. It is shown as text, never as markup."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", value).strip() if isinstance(value, str) else ""
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def plain(value: object, depth: int = DEEPEST_METRICS) -> dict[str, Any]:
    """Numbers, words and groups of them, by name; all else is dropped."""
    kept: dict[str, Any] = {}
    for name, entry in list(value.items())[:100] if isinstance(value, dict) else ():
        if isinstance(entry, dict) and depth > 1:
            kept[text(name)] = plain(entry, depth - 1)
        elif isinstance(entry, str):
            kept[text(name)] = text(entry)
        elif isinstance(entry, int | float) and math.isfinite(entry):
            kept[text(name)] = entry
    return kept
