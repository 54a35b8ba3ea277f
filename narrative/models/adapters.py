"""PEFT adapters: a few trained matrices laid over a base model and merged into it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, ModelError, shown
from narrative.models.card import LanguageModel
from narrative.models.catalogue import card_of, with_adapter
from narrative.models.checks import reading
from narrative.models.sources import Source, own_card, read_object
from narrative.models.vocabulary import check_tokenizer, embedding_rows, has_tokenizer, load_tokenizer
from narrative.models.weights import ADAPTER_CONFIG, adapter_files, fingerprint, own_memory, read_header

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# The kinds that become part of the base's own weights. Prompt and prefix tuning don't: they put made-up words before the text.
MERGEABLE = ("LORA", "ADALORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT", "VERA", "HRA")


def apply_adapter(base: LanguageModel, source: Source, *, name: str) -> LanguageModel:
    """`base` with the adapter of `source` merged into its weights, which changes `base` itself.

    The adapter's own tokenizer is taken if it brings one. Raises `UnsafeModelError`, `BrokenModelError`, or `ModelError`
    for a kind of adapter that can't be merged.
    """
    folder = source.local()
    files = adapter_files(folder)
    header = read_header(files[0])
    _check_config(folder)
    _check_base(folder, base)
    tokenizer = load_tokenizer(folder) if has_tokenizer(folder) else base.tokenizer
    _make_room(base.model, {entry: tensor.shape for entry, tensor in header.items()})
    model = _merge(base.model, folder, set(header))
    check_tokenizer(folder, tokenizer, model)
    mark = hashlib.sha256(f"{base.fingerprint} {fingerprint(files)}".encode()).hexdigest()[:16]
    card = replace(card_of(source), kind=base.kind, context=base.context) if name == source.name else with_adapter(base.card, source)
    return replace(base, name=name, model=model, tokenizer=tokenizer, fingerprint=mark, card=card)


def _check_config(folder: Path) -> None:
    config = read_object(folder / ADAPTER_CONFIG)
    kind = config.get("peft_type")
    if kind not in MERGEABLE:
        raise ModelError(
            f"Adapter {folder.name} is of the kind {shown(kind)}, which can't be merged. Those that can: {', '.join(MERGEABLE)}."
        )
    if config.get("megatron_config"):  # PEFT would import whatever module it names
        raise ModelError(f"Adapter {folder.name} was made for Megatron, which Narrative doesn't run.")


def _check_base(folder: Path, base: LanguageModel) -> None:
    """A publisher notes the fingerprint of the base; another base of the same name would give nonsense without a word."""
    noted = own_card(folder).get("base_fingerprint")
    if noted and noted != base.fingerprint:
        raise BrokenModelError(
            f"Adapter {folder.name} was trained on another version of {base.name} (fingerprint {shown(noted)}; here is {base.fingerprint})."
        )


def _make_room(model: PreTrainedModel, shapes: dict[str, tuple[int, ...]]) -> None:
    """Grow the embedding if the adapter brings a longer one of its own: it was trained with added tokens."""
    table = model.get_input_embeddings()
    place = next((name for name, module in model.named_modules() if module is table), "")
    tables = [shape for name, shape in shapes.items() if len(shape) == 2 and "lora_" not in name and f"{place}." in name]
    rows = max((shape[0] for shape in tables), default=0)
    if rows > embedding_rows(model):
        model.resize_token_embeddings(rows, mean_resizing=False)


def _merge(model: PreTrainedModel, folder: Path, stored: set[str]) -> PreTrainedModel:
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict

    with reading(folder, "adapter"):
        config = PeftConfig.from_pretrained(str(folder))
        laid: Any = PeftModel.from_pretrained(model, str(folder), config=config, is_trainable=False, torch_device="cpu")
        wanted = get_peft_model_state_dict(laid, save_embedding_layers=False)  # its default, "auto", asks the hub
        missing = sorted(set(wanted) - stored)
        if missing:
            raise BrokenModelError(f"Adapter {folder.name} doesn't fit its base: {missing[0]} is not in its weights.")
        merged = laid.merge_and_unload(safe_merge=True)  # safe: refuses values that are no numbers
    own_memory(merged)
    merged.eval().requires_grad_(False)
    return merged  # type: ignore[no-any-return]
