"""One training run, from a job's folder to its finished model."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from narrative.corpus import Corpus, load_corpus
from narrative.device import best_device, precision_for
from narrative.errors import CorpusError, NarrativeError, SettingsError, TrainingError
from narrative.formats import format_named
from narrative.models.card import CAUSAL
from narrative.training.blocks import EvenBlocks, MixedBlocks, TokenFile, tokenize
from narrative.training.callbacks import Reporter, StopOnRequest, TrustedCheckpoints
from narrative.training.job import Job
from narrative.training.architectures import Architecture
from narrative.training.settings import TrainingSettings
from narrative.training.tokenizer import sample_texts, train_tokenizer


@dataclass(frozen=True)
class Materials:
    """What a run learns from, tokenised: a (train, test) pair of token files for each corpus name, and the mix."""

    files: dict[str, tuple[TokenFile, TokenFile]]
    weights: tuple[float, ...]
    context: int

    def training(self, *, length: int, seed: int) -> MixedBlocks:
        sides = [(train.ids(), weight) for (train, _), weight in zip(self.files.values(), self.weights, strict=True)]
        return MixedBlocks(sides, context=self.context, length=length, seed=seed)

    def testing(self, *, most: int) -> dict[str, EvenBlocks]:
        return {name: EvenBlocks(test.blocks(self.context), most=most) for name, (_, test) in self.files.items()}

    @property
    def bits(self) -> dict[str, float]:
        return {name: test.tokens / max(test.bytes, 1) / math.log(2) for name, (_, test) in self.files.items()}


def train(job: Job) -> bool:
    """Run the job, resuming from its last whole checkpoint if there is one. True when the model is complete, False when stopped.

    Raises `NarrativeError` for what the keeper can mend; then, as after any crash, the checkpoints stay.
    """
    settings = job.settings()  # first of all: what is no job gets no state
    with job.held():
        try:
            return _train(job, settings)
        except NarrativeError as error:
            job.write_state("failed", reason=str(error))
            raise


def _train(job: Job, settings: TrainingSettings) -> bool:
    if job.model.exists():
        return True
    if settings.threads:
        torch.set_num_threads(settings.threads)
    job.write_state("preparing")
    corpora = [(load_corpus(name), weight) for name, weight in settings.corpora]
    model, tokenizer = _beginning(job, settings, corpora)
    if settings.dropout is not None:
        _set_dropout(model, settings.dropout)
    materials = _materials(job, settings, corpora, tokenizer, model)
    steps = settings.max_steps or _steps_for(settings, materials)
    checkpoint = job.last_checkpoint()
    job.forget_metrics_after(int(checkpoint.name.split("-")[1]) if checkpoint else -1)
    trainer = _trainer(job, settings, model, tokenizer, materials, steps)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if trainer.state.global_step < steps:
        job.write_state("stopped", step=trainer.state.global_step, steps=steps)
        return False
    if steps % settings.evaluate_every:  # else the last step was measured as one of many
        trainer.evaluate()
    _save(job, model, tokenizer)
    job.write_state("finished", step=steps, steps=steps)
    return True


def _beginning(
    job: Job, settings: TrainingSettings, corpora: list[tuple[Corpus, float]]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and tokenizer that the run starts from."""
    if settings.architecture:
        tokenizer = _own_tokenizer(job, settings.architecture, settings, corpora)
        return _new_model(settings.architecture, tokenizer, settings.seed), tokenizer
    from narrative.models import load_model  # here, so that a run from scratch doesn't need the catalogue

    base = load_model(str(settings.base), device="cpu")
    if base.kind != CAUSAL:
        raise TrainingError(f"'{base.name}' is an encoder-decoder; only models that continue a text learn from continuous text.")
    if base.tokenizer.eos_token_id is None:
        raise TrainingError(f"'{base.name}' has no end-of-text token to put between texts. Choose another base model.")
    return base.model.requires_grad_(True), base.tokenizer  # it comes frozen, for writing


def _set_dropout(model: PreTrainedModel, share: float) -> None:
    """In every layer but inside attention; the model's configuration, and so what is saved, stays as it was."""
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Dropout) and "attn_drop" not in name:
            layer.p = share


def _own_tokenizer(
    job: Job, wanted: Architecture, settings: TrainingSettings, corpora: list[tuple[Corpus, float]]
) -> PreTrainedTokenizerBase:
    if not (job.tokenizer / "tokenizer.json").exists():
        shares = [(corpus, weight or corpus.train.bytes) for corpus, weight in corpora]
        texts = sample_texts(shares, format_named(settings.format))
        made = train_tokenizer(texts, vocabulary=wanted.vocabulary, context=wanted.context)
        part = job.folder / "tokenizer.part"
        made.save_pretrained(part)
        part.replace(job.tokenizer)
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(job.tokenizer)
    return tokenizer


def _new_model(wanted: Architecture, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """GPT-2 with fresh weights. `gelu_pytorch_tanh` is GPT-2's own activation as one kernel: a quarter faster on a processor."""
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=wanted.context, n_embd=wanted.width, n_layer=wanted.layers, n_head=wanted.heads,
        activation_function="gelu_pytorch_tanh", bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    with torch.random.fork_rng():  # transformers draws from the global state; leave it as it was
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config)


def _materials(
    job: Job, settings: TrainingSettings, corpora: list[tuple[Corpus, float]], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> Materials:
    form, context = format_named(settings.format), _context(settings, model)
    job.tokens.mkdir(exist_ok=True)
    files: dict[str, tuple[TokenFile, TokenFile]] = {}
    for number, (corpus, _) in enumerate(corpora):
        if corpus.name in files:
            raise CorpusError(f"Corpus '{corpus.name}' is named twice.")
        train, test = (
            tokenize(corpus, split, tokenizer=tokenizer, form=form, path=job.tokens / f"{number}-{split}.bin")
            for split in ("train", "test")
        )
        for made, purpose in ((train, "learn from"), (test, "test on")):
            if made.tokens < context:
                have = f"Corpus '{corpus.name}' has {made.tokens:,} tokens to {purpose}, fewer than one block of {context:,}"
                raise CorpusError(f"{have}. Choose a shorter context or a longer corpus.")
        files[corpus.name] = (train, test)
    return Materials(files, tuple(weight for _, weight in corpora), context)


def _context(settings: TrainingSettings, model: PreTrainedModel) -> int:
    longest = int(getattr(model.config, "max_position_embeddings", 0) or 1024)
    if settings.context and settings.context > longest:
        raise SettingsError(f"Context is {settings.context}, but this model reads at most {longest} tokens.")
    return settings.context or longest


def _steps_for(settings: TrainingSettings, materials: Materials) -> int:
    blocks = sum(train.tokens // materials.context for train, _ in materials.files.values())
    return max(1, math.ceil(blocks * settings.epochs / (settings.batch_size * settings.accumulation)))


def _trainer(
    job: Job, settings: TrainingSettings, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, materials: Materials, steps: int
) -> Trainer:
    per_step = settings.batch_size * settings.accumulation
    reporter = Reporter(job, tokens_per_step=per_step * materials.context, bits=materials.bits)
    return Trainer(
        model=model,
        args=TrainingArguments(**_arguments(job, settings, steps)),
        train_dataset=materials.training(length=steps * per_step, seed=settings.seed),
        eval_dataset=materials.testing(most=settings.evaluate_blocks),
        processing_class=tokenizer,
        preprocess_logits_for_metrics=_sums_per_block,
        compute_metrics=_exact_loss,
        callbacks=[reporter, StopOnRequest(job), TrustedCheckpoints(job)],
    )


def _arguments(job: Job, settings: TrainingSettings, steps: int) -> dict[str, Any]:
    device = best_device()
    name = settings.schedule.replace("-", "_")
    decay = {"num_decay_steps": round(settings.decay * steps), "decay_type": "linear", "min_lr_ratio": settings.decay_to}
    return {
        "output_dir": str(job.folder), "max_steps": steps, "seed": settings.seed,
        "per_device_train_batch_size": settings.batch_size, "per_device_eval_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.accumulation, "train_sampling_strategy": "sequential",  # the order is the dataset's
        "learning_rate": settings.learning_rate, "weight_decay": settings.weight_decay, "adam_beta2": settings.adam_beta2,
        "adam_epsilon": settings.adam_epsilon, "max_grad_norm": settings.max_grad_norm, "lr_scheduler_type": name,
        "lr_scheduler_kwargs": decay if name == "warmup_stable_decay" else {}, "warmup_steps": round(settings.warmup * steps),
        "bf16": precision_for(device, settings.precision) == "bfloat16", "use_cpu": device.name == "cpu",
        "eval_strategy": "steps", "eval_steps": settings.evaluate_every, "batch_eval_metrics": False,
        "eval_on_start": job.last_checkpoint() is None,  # a resumed run has been measured there
        "save_steps": settings.save_every, "save_total_limit": 2, "logging_steps": settings.log_every,
        "logging_nan_inf_filter": False, "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False,
    }  # fmt: skip


def _sums_per_block(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """(block, 2): the summed negative log-likelihood in nats and the number of predicted tokens of each block."""
    scores = (logits[0] if isinstance(logits, tuple) else logits)[:, :-1].float()
    targets = labels[:, 1:]
    losses = torch.nn.functional.cross_entropy(scores.transpose(1, 2), targets, ignore_index=-100, reduction="none")
    return torch.stack([losses.sum(1), (targets != -100).sum(1).float()], dim=1)


def _exact_loss(evaluation: Any) -> dict[str, float]:
    """Nats per token over all blocks together: Trainer's own average of averages is wrong for unequal lengths."""
    nats, tokens = evaluation.predictions.sum(axis=0, dtype="float64")
    return {"nats": float(nats / tokens)}


def _save(job: Job, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    part = job.folder / "model.part"
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    part.replace(job.model)
