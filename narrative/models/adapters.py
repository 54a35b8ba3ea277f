"""PEFT adapters: a few trained matrices laid over a base model and merged into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, ModelError, shown
from narrative.models.card import LanguageModel
from narrative.models.catalogue import card_of, with_adapter
from narrative.models.checks import reading
from narrative.models.sources import Source, adapter_base, is_adapter, locate, own_card, read_object
from narrative.models.vocabulary import check_tokenizer, embedding_rows, has_tokenizer, load_tokenizer
from narrative.models.weights import ADAPTER_CONFIG, Tensor, adapter_files, fingerprint, own_memory, read_header, weight_files

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# The kinds that become part of the base's own weights. Prompt and prefix tuning don't: they put made-up words before the text.
MERGEABLE = ("LORA", "ADALORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT", "VERA", "HRA")


def apply_adapter(base: LanguageModel, source: Source, *, name: str) -> LanguageModel:
    """`base` with the adapter of `source` merged into its weights, which changes `base` itself.

    The adapter's own tokenizer is taken if it brings one. Raises `UnsafeModelError`, `BrokenModelError`, or `ModelError`
    for a kind of adapter that can't be merged.
    """
    folder = source.local()
    laid, tokenizer = lay_adapter(base, folder)
    with reading(folder, "adapter"):
        merged = laid.merge_and_unload(safe_merge=True)  # safe: refuses values that are no numbers
    own_memory(merged)
    merged.eval().requires_grad_(False)
    check_tokenizer(folder, tokenizer, merged)
    card = replace(card_of(source), kind=base.kind, context=base.context) if name == source.name else with_adapter(base.card, source)
    mark = _mark(base.fingerprint, adapter_files(folder))
    return replace(base, name=name, model=merged, tokenizer=tokenizer, fingerprint=mark, card=card)


def lay_adapter(base: LanguageModel, folder: Path) -> tuple[Any, PreTrainedTokenizerBase]:
    """`base` with the adapter beside its weights, as a `PeftModel`, and the tokenizer that belongs to it. Changes `base` itself.

    Raises as `apply_adapter` does.
    """
    header = read_header(adapter_files(folder)[0])
    _check_config(folder)
    _check_base(folder, base)
    tokenizer = load_tokenizer(folder) if has_tokenizer(folder) else base.tokenizer
    _make_room(base.model, folder, header, highest=max(tokenizer.get_vocab().values(), default=-1))
    return _lay(base.model, folder, set(header)), tokenizer


def local_fingerprint(name: str, *, under: tuple[str, ...] = ()) -> str | None:
    """The fingerprint that `load_model(name)` would have, without loading it; none where that takes a hub model.

    Raises `UnknownModelError` or `BrokenModelError`. `under` are the adapters that asked, to notice when they ask in a circle.
    """
    folder = locate(name).folder
    if folder is None or name in under:
        return None
    if not is_adapter(folder):
        return fingerprint(weight_files(folder))
    below = local_fingerprint(adapter_base(folder), under=(*under, name))
    return _mark(below, adapter_files(folder)) if below else None


def _mark(base: str, files: Iterable[Path]) -> str:
    return hashlib.sha256(f"{base} {fingerprint(files)}".encode()).hexdigest()[:16]


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


def _make_room(model: PreTrainedModel, folder: Path, header: Mapping[str, Tensor], *, highest: int) -> None:
    """Grow the embedding to hold the token ids up to `highest`, if the adapter brings the weights of all that are added.

    It may bring whole tables of its own, or (`trainable_token_indices`) the rows of single tokens. Rows that nobody trained
    would be made up: for them nothing grows, and the tokenizer is then found not to fit.
    """
    import torch

    rows = embedding_rows(model)
    tables = _tables(model)
    stored = [_stored_rows(name, header) for name in tables]
    wanted = max(highest + 1, *stored)
    trained = [_trained_tokens(folder, name, first=number == 0) for number, name in enumerate(tables)]
    added = range(rows, wanted)
    if added and all(whole >= wanted or all(token in single for token in added) for whole, single in zip(stored, trained, strict=True)):
        with torch.random.fork_rng():  # the new rows are drawn at random before the adapter's are put there
            model.resize_token_embeddings(wanted, mean_resizing=False)


def _tables(model: PreTrainedModel) -> list[str]:
    """Names of the modules with a row for each token: the embedding, and the output layer where it has weights of its own."""
    table, out = model.get_input_embeddings(), model.get_output_embeddings()
    own = [table] if out is None or out.weight is table.weight else [table, out]
    return [name for one in own for name, module in model.named_modules() if module is one]


def _stored_rows(place: str, header: Mapping[str, Tensor]) -> int:
    """Rows of a table that the adapter replaces as a whole; 0 when it doesn't."""
    beside = ("lora_", "trainable_tokens")  # matrices that stand beside a table, not for it
    own = [tensor for name, tensor in header.items() if f".{place}." in name and not any(part in name for part in beside)]
    return max((tensor.shape[0] for tensor in own if len(tensor.shape) == 2), default=0)


def _trained_tokens(folder: Path, place: str, *, first: bool) -> set[int]:
    """Tokens of a table whose rows the adapter holds. A plain list means the embedding, by name any table."""
    given = read_object(folder / ADAPTER_CONFIG).get("trainable_token_indices")
    if isinstance(given, dict):
        given = next((tokens for name, tokens in given.items() if place == name or place.endswith(f".{name}")), None)
    elif not first:
        given = None
    return {token for token in given if isinstance(token, int)} if isinstance(given, list) else set()


def _lay(model: PreTrainedModel, folder: Path, stored: set[str]) -> Any:
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict

    with reading(folder, "adapter"):
        config = PeftConfig.from_pretrained(str(folder))
        laid: Any = PeftModel.from_pretrained(model, str(folder), config=config, is_trainable=False, torch_device="cpu")
        wanted = get_peft_model_state_dict(laid, save_embedding_layers=False)  # its default, "auto", asks the hub
        missing = sorted(set(wanted) - stored)
        if missing:
            raise BrokenModelError(f"Adapter {folder.name} doesn't fit its base: {missing[0]} is not in its weights.")
    return laid
