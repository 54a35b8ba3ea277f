"""The model and the tokenizer that a run starts from: a base model, one with LoRA matrices, or a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from narrative.corpus import Corpus
from narrative.errors import SettingsError, TrainingError, shown
from narrative.files import read_json, write_json
from narrative.formats import format_named
from narrative.models.card import CAUSAL, SEQ2SEQ, LanguageModel, ModelCard
from narrative.models.vocabulary import embedding_rows
from narrative.training.framing import frame
from narrative.training.fresh import new_model, own_tokenizer
from narrative.training.job import Job
from narrative.training.lora import lay
from narrative.training.settings import TrainingSettings


@dataclass(frozen=True, eq=False)
class Beginning:
    """What learns. `model` is a PEFT model when the method is LoRA."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    kind: str  # causal | seq2seq
    longest: int  # tokens that the model reads
    base: str | None  # the name under which the base was loaded; None from scratch
    base_fingerprint: str

    @property
    def plain(self) -> PreTrainedModel:
        """The transformers model, with LoRA matrices inside it where there are some."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model  # type: ignore[no-any-return]

    def as_language_model(self) -> LanguageModel:
        """For writing samples: as it is now, in the device's memory."""
        card = ModelCard(name="in training", title="in training", summary="", origin="folder", kind=self.kind, context=self.longest)
        return LanguageModel("in training", self.plain, self.tokenizer, self.kind, self.longest, "", card)

    def parameters(self) -> tuple[int, int]:
        """(all, those that learn)."""
        sizes = [(weight.numel(), weight.requires_grad) for weight in self.model.parameters()]
        return sum(size for size, _ in sizes), sum(size for size, learns in sizes if learns)


def begin(job: Job, settings: TrainingSettings, corpora: Sequence[Corpus]) -> Beginning:
    """Raises `ModelError` for a base that can't be loaded, `TrainingError` for one that can't be trained."""
    made = _new(job, settings, corpora) if settings.architecture else _from_base(job, settings)
    if settings.dropout is not None:
        set_dropout(made.plain, settings.dropout)
    return made


def _from_base(job: Job, settings: TrainingSettings) -> Beginning:
    from narrative.models import load_model  # here, so that a run from scratch doesn't need the catalogue

    base = load_model(str(settings.base), device="cpu")
    _same_base(job, base)
    if base.tokenizer.eos_token_id is None and not format_named(settings.format).framed:
        raise TrainingError(f"'{base.name}' has no end-of-text token to put between texts. Choose another base model.")
    new_tokens = _framed(settings, base.model, base.tokenizer, base.kind)
    model: Any = base.model.requires_grad_(True)  # it comes frozen, for writing
    if settings.method == "lora":
        model = lay(base.model.requires_grad_(False), settings, kind=base.kind, new_tokens=new_tokens)
    return Beginning(model, base.tokenizer, base.kind, base.context, base.name, base.fingerprint)


def _same_base(job: Job, base: LanguageModel) -> None:
    """A run that goes on must go on from the weights that it began with: LoRA matrices fit no others."""
    note = job.folder / "base.json"
    if note.exists():
        before = read_json(note).get("fingerprint")
        if before != base.fingerprint:
            raise TrainingError(
                f"The base model '{base.name}' has changed since this job began (fingerprint {shown(before)}, now {base.fingerprint}). "
                "Start a new job from it."
            )
    else:
        write_json(note, {"name": base.name, "fingerprint": base.fingerprint})


def _framed(settings: TrainingSettings, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, kind: str) -> tuple[int, ...]:
    if not format_named(settings.format).framed:
        return ()
    new = frame(tokenizer, kind=kind)
    if len(tokenizer) > embedding_rows(model):
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    configs: list[Any] = [config for config in (model.config, model.generation_config) if config is not None]
    for config in configs:
        config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
        if kind != SEQ2SEQ:
            config.bos_token_id = tokenizer.bos_token_id
    return new


def set_dropout(model: PreTrainedModel, share: float) -> None:
    """In every layer but inside attention and LoRA; the model's configuration, and so what is saved, stays as it was."""
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Dropout) and "attn_drop" not in name and "lora_dropout" not in name:
            layer.p = share


def _new(job: Job, settings: TrainingSettings, corpora: Sequence[Corpus]) -> Beginning:
    wanted = settings.architecture
    if wanted is None:
        raise SettingsError("Training from scratch needs an architecture.")
    tokenizer = own_tokenizer(job, wanted, settings, corpora)
    model = new_model(wanted, tokenizer, settings.seed)
    kind = SEQ2SEQ if wanted.family == "t5" else CAUSAL
    _framed(settings, model, tokenizer, kind)
    return Beginning(model, tokenizer, kind, wanted.context, None, "")
