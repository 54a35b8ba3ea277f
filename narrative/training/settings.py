"""What a training run is asked to do. Frozen, checks itself, and goes to JSON and back without loss."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from narrative.device import PRECISIONS
from narrative.errors import SettingsError, require_choice, require_number, require_whole
from narrative.formats import FORMATS
from narrative.training.architectures import Architecture

METHODS = ("full", "lora", "scratch")
KEEP = ("best", "last")
SCHEDULES = ("cosine", "linear", "warmup-stable-decay")


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides what a run does; the same settings and data give the same model on the same machine."""

    corpora: tuple[tuple[str, float], ...]
    """(name or folder, weight) pairs; weights are shares of the training tokens, 0 for all means "by size"."""
    method: str = "full"
    """full: every weight of `base` learns. lora: a few small matrices beside them do (Hu et al. 2021). scratch: a new model of
    `architecture`."""
    base: str | None = None
    """The model to start from (catalogue name, folder or hub id); none for scratch."""
    architecture: Architecture | None = None
    """The new model's numbers; for scratch only."""
    format: str = "stream"
    """How records become text: stream (continuous), prefix (a metadata value before every line), tags (tags, then the story),
    label (text, then label)."""
    field: str | None = None
    """The metadata column that prefix, tags and label read; gid, tags or label when not given."""
    lora_rank: int = 8
    """Rank r of LoRA's matrices: more learns more and costs more (Hu et al. 2021, section 4.1)."""
    lora_alpha: float | None = None
    """LoRA's scale: what is learned counts alpha / r times; 2 r when not given."""
    lora_dropout: float = 0.0
    """Share of a LoRA layer's inputs dropped in training."""
    lora_targets: str | None = None
    """Layers that get LoRA matrices, by the end of their names and parted by commas, such as c_attn,c_proj; when not given,
    c_attn for GPT-2, q_proj,v_proj for GPT-Neo, q,v for T5, and PEFT's own choice for other models."""
    context: int | None = None
    """Tokens in a training block; the model's own context when not given."""
    epochs: float = 1.0
    """Passes over all corpora together; `max_steps` overrides it."""
    max_steps: int | None = None
    """Optimizer steps, whatever the size of the corpora."""
    learning_rate: float = 5e-5
    """AdamW's peak learning rate."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay (Loshchilov & Hutter 2019)."""
    adam_beta2: float = 0.999
    """Decay of AdamW's second moment."""
    adam_epsilon: float = 1e-8
    """AdamW's epsilon."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    warmup: float = 0.1
    """Share of the steps in which the learning rate rises from 0."""
    schedule: str = "cosine"
    """cosine or linear decay to 0 after warm-up; or a flat rate that falls to 0 over the last `decay` of the run."""
    decay: float = 0.3
    """Share of the steps in the final fall of warmup-stable-decay (Hu et al. 2024, section 4)."""
    decay_to: float = 0.0
    """Share of the peak learning rate at which warmup-stable-decay ends: above 0 when another stage follows."""
    dropout: float | None = None
    """Share of activations dropped in training, against memorising a small corpus that is read many times (Srivastava et al.
    2014); the base model's own when not given, none in a new one. Attention weights keep theirs: dropout there costs
    attention its fast kernel."""
    batch_size: int = 8
    """Blocks (or rows) in one forward pass, on each device."""
    accumulation: int = 1
    """Forward passes per optimizer step."""
    precision: str = "auto"
    """auto: bfloat16 where it is native, else float32."""
    gradient_checkpointing: bool = False
    """Keep less of the forward pass and compute it again: less memory, about a third slower (Chen et al. 2016)."""
    seed: int = 0
    """Seeds the new weights, the order of the data and dropout."""
    evaluate_every: int = 200
    """Steps between test losses."""
    evaluate_blocks: int = 64
    """Most test blocks a corpus at each evaluation (of rows, as many as fill so many blocks); always the same ones."""
    patience: int | None = None
    """Stop early after so many evaluations in a row without a better test loss; never when not given."""
    keep: str = "best"
    """best: the finished model is that of the evaluation with the lowest test loss. last: that of the last step."""
    sample_prompt: str = ""
    """What the model goes on from after each evaluation, to be looked at; the first words of a test text when not given."""
    sample_tokens: int = 60
    """Length of such a sample; 0 for none."""
    save_every: int = 200
    """Steps between checkpoints; there is one at the end of each pass over the corpora too."""
    log_every: int = 10
    """Steps between training losses in `metrics.jsonl`."""
    threads: int | None = None
    """Processor threads; torch's own choice when not given."""
    processes: int = 1
    """Processes that share each step, one a GPU; the batch is that of each."""

    def __post_init__(self) -> None:
        require_choice("method", self.method, METHODS)
        require_choice("format", self.format, FORMATS)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("precision", self.precision, PRECISIONS)
        require_choice("keep", self.keep, KEEP)
        self._check_start()
        self._check_corpora()
        self._check_numbers()

    def _check_start(self) -> None:
        if self.method == "scratch" and (self.base or not self.architecture):
            raise SettingsError("Training from scratch needs an architecture and no base model.")
        if self.method != "scratch" and (self.architecture or not self.base):
            raise SettingsError(f"Method '{self.method}' needs a base model and no architecture of its own.")

    def _check_corpora(self) -> None:
        if not self.corpora:
            raise SettingsError("Training needs at least one corpus.")
        names = [name for name, _ in self.corpora]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SettingsError(f"Corpus '{twice}' is named twice.")
        for name, weight in self.corpora:
            require_number(f"the weight of corpus '{name}'", weight, low=0, high=1e6)
        given = sum(weight > 0 for _, weight in self.corpora)
        if given not in (0, len(self.corpora)):
            raise SettingsError("Give every corpus a weight above 0, or none of them.")

    def _check_numbers(self) -> None:
        require_number("epochs", self.epochs, low=0, high=1000, above=True)
        require_number("learning rate", self.learning_rate, low=0, high=1, above=True)
        require_number("weight decay", self.weight_decay, low=0, high=10)
        require_number("adam beta2", self.adam_beta2, low=0, high=1)
        require_number("adam epsilon", self.adam_epsilon, low=0, high=1, above=True)
        require_number("max grad norm", self.max_grad_norm, low=0, high=1e6, above=True)
        require_number("warm-up", self.warmup, low=0, high=1)
        require_number("decay", self.decay, low=0, high=1)
        require_number("decay to", self.decay_to, low=0, high=1)
        require_number("lora dropout", self.lora_dropout, low=0, high=0.9)
        if self.dropout is not None:
            require_number("dropout", self.dropout, low=0, high=0.9)
        if self.lora_alpha is not None:
            require_number("lora alpha", self.lora_alpha, low=0, high=10_000, above=True)
        if self.schedule == "warmup-stable-decay" and self.warmup + self.decay > 1:
            raise SettingsError(f"Warm-up {self.warmup:g} and decay {self.decay:g} together are more than the whole run.")
        for what in ("batch_size", "accumulation", "evaluate_every", "evaluate_blocks", "save_every", "log_every"):
            require_whole(what.replace("_", " "), getattr(self, what), low=1, high=10_000_000)
        require_whole("lora rank", self.lora_rank, low=1, high=1024)
        require_whole("sample tokens", self.sample_tokens, low=0, high=1000)
        require_whole("processes", self.processes, low=1, high=64)
        for what, low in (("context", 8), ("max_steps", 1), ("threads", 1), ("patience", 1)):
            if getattr(self, what) is not None:
                require_whole(what.replace("_", " "), getattr(self, what), low=low, high=1_000_000_000)
        require_whole("seed", self.seed, low=0, high=2**32 - 1)

    @property
    def column(self) -> str:
        """The metadata column that the format reads; '' when it needs none."""
        return (self.field or FORMATS[self.format].field) if FORMATS[self.format].field else ""

    @property
    def targets(self) -> list[str] | None:
        """`lora_targets` one by one; None when the model's kind decides."""
        return [name.strip() for name in (self.lora_targets or "").split(",") if name.strip()] or None

    @property
    def blocks_a_step(self) -> int:
        """Blocks or rows that one optimizer step learns from, over all processes."""
        return self.batch_size * self.accumulation * self.processes

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> TrainingSettings:
        """Raises `SettingsError` for unknown or missing fields."""
        try:
            values = dict(stored)
            values["corpora"] = tuple((str(name), float(weight)) for name, weight in values["corpora"])
            if values.get("architecture"):
                values["architecture"] = Architecture(**values["architecture"])
            return cls(**values)
        except (TypeError, KeyError, ValueError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"These training settings can't be read: {error}.") from error
