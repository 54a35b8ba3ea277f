"""From a name to a model in memory."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, ModelError, SettingsError, shown
from narrative.models.adapters import apply_adapter
from narrative.models.card import SEQ2SEQ, LanguageModel
from narrative.models.catalogue import card_of
from narrative.models.checks import check_config, check_loaded, kind_of, reading
from narrative.models.hub import fetch
from narrative.models.sources import HUB, Source, adapter_base, is_adapter, locate, split_adapter
from narrative.models.vocabulary import check_tokenizer, load_tokenizer, padded, require_tokenizer
from narrative.models.weights import fingerprint, own_memory, weight_files

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Progress = Callable[[str, float], None]
CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings", "max_seq_len", "seq_length", "n_ctx")
USUAL_CONTEXT, USUAL_T5_CONTEXT = 1024, 512  # for models with relative positions, which name no longest text
LONGEST_CONTEXT = 10_000_000  # tokenizers without a limit name 10^30
# transformers switches global state (default dtype, patched initialisers, log level) while it builds a model.
_one_at_a_time = threading.Lock()


def load_model(name: str, *, adapter: str | None = None, device: str | None = None, progress: Progress | None = None) -> LanguageModel:
    """The model of that name, in float32, ready to write.

    `name` is a catalogue name, a folder or a hub id; any of them may be a PEFT adapter, whose base is then loaded too.
    `adapter` (again a name, folder or hub id) is laid over `name`; the result is called "name+adapter", and `load_model`
    takes that spelling as well. Adapters are merged into the weights: the merged model has the plain architecture, which
    attention and attribution need, and writes as fast as its base.

    Safetensors only, and no code that comes with a model is ever run. The network is asked only for a hub id (also as the
    base of an adapter) that is not in the local Hugging Face cache. `progress(sentence, share)` hears of each stage.

    Raises `UnknownModelError`, `UnsafeModelError`, `BrokenModelError`, `HubUnavailableError`, or their base `ModelError`.
    """
    report = _rising(progress)
    place = _device(device)
    if adapter is None:
        name, adapter = split_adapter(name)
    report(f"Looking for {name[:80]}", 0.0)
    upper = locate(adapter) if adapter is not None else None  # first, so that a misspelt adapter costs no download
    loaded = _load(name, report, under=())
    if upper:
        loaded = _with_adapter(loaded, at_hand(upper, report), report, name=f"{name}+{adapter}")
    movable: Any = loaded.model  # its `to` is wrapped in a way that hides its type
    movable.to(place)
    report(f"{loaded.card.title} is ready", 1.0)
    return loaded


def _rising(progress: Progress | None) -> Progress:
    """Hands stages on; a share never falls, however many parts a model is put together from."""
    highest = 0.0

    def report(stage: str, share: float) -> None:
        nonlocal highest
        highest = max(highest, share)
        if progress:
            progress(stage, highest)

    return report


def at_hand(source: Source, report: Progress) -> Source:
    """The same source with a folder on this machine: a hub model is taken from the local cache, or else downloaded."""
    return replace(source, folder=fetch(source.name, report)) if source.origin == HUB else source


def _load(name: str, report: Progress, *, under: tuple[str, ...]) -> LanguageModel:
    """`under` are the adapters that asked for this base, to notice when they ask in a circle."""
    if name in under:
        raise BrokenModelError(f"Adapter {name} names itself as its base: {' on '.join((*under, name))}.")
    source = at_hand(locate(name), report)
    if not is_adapter(source.local()):
        return _plain(source, report)
    base = _load(adapter_base(source.local()), report, under=(*under, name))
    return _with_adapter(base, source, report, name=name)


def _with_adapter(base: LanguageModel, source: Source, report: Progress, *, name: str) -> LanguageModel:
    if not is_adapter(source.local()):
        raise ModelError(f"{source.name} is a model of its own, no adapter. Load it by its name.")
    report(f"Adding {source.name} to {base.card.title}", 0.8)
    with quiet():
        merged = apply_adapter(base, source, name=name)
    return replace(merged, tokenizer=padded(merged.tokenizer))


def _plain(source: Source, report: Progress) -> LanguageModel:
    folder = source.local()
    raw = check_config(folder)
    files = weight_files(folder)
    card = card_of(source)
    require_tokenizer(folder)
    report(f"Checking the weights of {card.title}", 0.1)
    mark = fingerprint(files)
    with quiet():
        config = _config(folder)
        kind = kind_of(folder, config)
        report(f"Reading the weights of {card.title}", 0.3)
        model = _weights(folder, config, kind)
        report(f"Reading the vocabulary of {card.title}", 0.7)
        tokenizer = load_tokenizer(folder)
    check_tokenizer(folder, tokenizer, model)
    context = _context(config, str(raw["model_type"]), tokenizer)
    loaded = LanguageModel(source.name, model, padded(tokenizer), kind, context, mark, replace(card, kind=kind, context=context))
    if getattr(model.generation_config, "pad_token_id", None) is None:
        model.generation_config.pad_token_id = loaded.pad_id
    return loaded


def _config(folder: Path) -> PretrainedConfig:
    from transformers import AutoConfig

    with reading(folder, "config.json"):
        config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if getattr(config, "_attn_implementation", None) not in (None, "eager", "sdpa"):
        config._attn_implementation = None  # noqa: SLF001 - the one way to it; a config may name a kernel of the hub: code from elsewhere
    if hasattr(config, "transformers_weights"):
        config.transformers_weights = None  # would redirect the loader to another file than the checked ones
    return config  # type: ignore[no-any-return]


def _weights(folder: Path, config: PretrainedConfig, kind: str) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    builder: Any = AutoModelForSeq2SeqLM if kind == SEQ2SEQ else AutoModelForCausalLM
    with reading(folder, "weights"):
        model, info = builder.from_pretrained(
            folder, config=config, dtype=torch.float32, use_safetensors=True, trust_remote_code=False,
            local_files_only=True, output_loading_info=True,
        )  # fmt: skip
    check_loaded(folder, info, model)
    own_memory(model)
    model.eval().requires_grad_(False)
    return model  # type: ignore[no-any-return]


def _context(config: PretrainedConfig, model_type: str, tokenizer: PreTrainedTokenizerBase) -> int:
    text = config.get_text_config()
    stated = [getattr(text, field, None) for field in CONTEXT_FIELDS] + [tokenizer.model_max_length]
    usable = [int(size) for size in stated if isinstance(size, int) and 0 < size <= LONGEST_CONTEXT]
    return usable[0] if usable else USUAL_T5_CONTEXT if "t5" in model_type else USUAL_CONTEXT


def _device(name: str | None) -> str:
    import torch

    from narrative.device import best_device

    if name is None:
        return best_device().name
    try:
        wanted = torch.device(name)
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise SettingsError(f"Device {shown(name)} is not on this machine. The best one here is '{best_device().name}'.") from error
    return str(wanted)


@contextmanager
def quiet() -> Iterator[None]:
    """One build at a time, without transformers' bars and reports: what matters is checked and raised here."""
    from transformers.utils import logging

    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bar:
                logging.enable_progress_bar()
