"""The settings of a training in plain words: what the form asks, what a job's page tells, and the command line that does the same."""

from __future__ import annotations

import shlex
from dataclasses import MISSING, dataclass, fields
from typing import Any

from narrative.device import PRECISIONS
from narrative.training.architectures import FAMILIES, Architecture
from narrative.training.settings import KEEP, SCHEDULES, TrainingSettings

METHODS = {
    "full": "All of the model learns",
    "lora": "A small addition learns (LoRA)",
    "scratch": "A new model, from nothing",
}
FORMATS = {
    "stream": "Running text",
    "prefix": "Running text, each line marked",
    "tags": "Tags, then the story",
    "label": "A text, then its label",
}
_CHOICES = {
    "cosine": "falls in a soft curve", "linear": "falls in a straight line", "warmup-stable-decay": "stays, and falls at the end",
    "auto": "what the device does best", "float32": "exact (float32)", "bfloat16": "fast (bfloat16)",
    "best": "the best one on unseen text", "last": "the last one",
    "gpt2": "GPT-2", "gpt_neo": "GPT-Neo", "llama": "Llama", "t5": "T5 (reads, then writes)",
}  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """One setting in the form: its name in `TrainingSettings` or `Architecture`, what it is called, and what it does."""

    name: str
    label: str
    help: str
    group: str
    kind: str = "number"  # number | text | choice | switch
    choices: tuple[str, ...] = ()
    empty: str = ""  # what it means when nothing is given
    method: str = ""  # the only one that it is for
    seeds: bool = False  # of a new model

    def options(self) -> list[tuple[str, str]]:
        return [(choice, _CHOICES.get(choice, choice)) for choice in self.choices]


PACE, READING, LORA, NEW, MACHINE, WATCHING = "Pace", "Reading", "LoRA", "The new model", "Machine", "Watching"
WORDINGS: tuple[Wording, ...] = (
    Wording(
        "learning_rate", "Learning rate", "How big a step it takes each time. Too high and it forgets how to write.",
        PACE,
    ),
    Wording("epochs", "Times through the corpus", "Small corpora bear two to four; more and it knows them by heart.", PACE),
    Wording("max_steps", "Or: so many steps", "Counts instead of the times through the corpus.", PACE, empty="none"),
    Wording("batch_size", "Passages at a time", "More makes each step steadier and takes more memory.", PACE),
    Wording(
        "accumulation", "Rounds a step", "Gathers several rounds into one step: as steady as more passages, without the memory.",
        PACE,
    ),
    Wording("warmup", "Warm-up", "The share of the steps in which it gathers speed: 0.1 is a tenth.", PACE),
    Wording("schedule", "After that, the learning rate", "How it slows down towards the end.", PACE, "choice", SCHEDULES),
    Wording("weight_decay", "Weight decay", "Pulls every weight a little towards nothing, against learning by heart.", PACE),
    Wording(
        "dropout", "Dropout", "Hides a share of the signals while it learns, against learning by heart: 0.1 is a tenth.",
        PACE, empty="as it is",
    ),
    Wording("adam_epsilon", "Epsilon", "Keeps very small steps from growing. Hardly ever worth changing.", PACE),
    Wording("max_grad_norm", "Longest step", "A step longer than this is shortened, so that one odd passage can't throw it off.", PACE),
    Wording("seed", "Lot", "The same number gives the same order and the same beginning.", PACE),
    Wording("context", "Tokens it reads at once", "Longer sees farther back, and takes more memory and time.", READING, empty="the most"),
    Wording("lora_rank", "Rank", "How much the addition can learn: 8 is a touch, 64 a lot.", LORA, method="lora"),
    Wording("lora_alpha", "Weight of what is learned", "How loudly the addition speaks.", LORA, empty="twice the rank", method="lora"),
    Wording("lora_dropout", "Dropout in the addition", "Against learning by heart: 0.05 is a twentieth.", LORA, method="lora"),
    Wording(
        "lora_targets", "Layers that get it", "Names of layers with commas between, such as c_attn,c_proj.",
        LORA, "text", empty="what suits the model", method="lora",
    ),
    Wording("family", "Kind", "How it is built.", NEW, "choice", FAMILIES, method="scratch", seeds=True),
    Wording("layers", "Layers", "Deeper understands more and learns more slowly.", NEW, method="scratch", seeds=True),
    Wording("width", "Width", "Numbers that stand for one token; a multiple of the heads.", NEW, method="scratch", seeds=True),
    Wording("heads", "Heads", "In so many ways each layer looks back.", NEW, method="scratch", seeds=True),
    Wording(
        "vocabulary", "Vocabulary", "Tokens that are made from your corpus: 4,096 for a small one, 32,000 for a large one.",
        NEW, method="scratch", seeds=True,
    ),
    Wording("reach", "Longest text", "The most tokens it will ever read at once.", NEW, method="scratch", seeds=True),
    Wording("precision", "Numbers", "Fast takes half the memory; it is used where the device can.", MACHINE, "choice", PRECISIONS),
    Wording(
        "gradient_checkpointing", "Save memory", "Works some things out twice: less memory, about a third slower.",
        MACHINE, "switch",
    ),
    Wording("processes", "GPUs for this job", "Shares every step among so many GPUs.", MACHINE),
    Wording("threads", "Processor threads", "Fewer leave more for whoever writes meanwhile.", MACHINE, empty="by itself"),
    Wording("evaluate_every", "Steps between measurements", "Each reads unseen text and writes a sample.", WATCHING),
    Wording("save_every", "Steps between checkpoints", "What a crash can cost at most.", WATCHING),
    Wording("patience", "Stop early after", "So many measurements in a row without a better one.", WATCHING, empty="never"),
    Wording("keep", "The finished model is", "", WATCHING, "choice", KEEP),
    Wording(
        "sample_prompt", "Beginning of the samples", "It goes on from here at each measurement, so that you can read how it gets better.",
        WATCHING, "text", empty="of an unseen text",
    ),
    Wording("sample_tokens", "Length of a sample", "In tokens; 0 for none.", WATCHING),
)  # fmt: skip
SEEDS = {"reach": "context"}  # a new model's own context, under a name of its own in the form


def in_words(settings: TrainingSettings) -> list[tuple[str, str]]:
    """(what, how) of everything that decides the run, in the order of the form."""
    weights = any(weight for _, weight in settings.corpora)
    corpora = ", ".join(f"{name} ({weight:g})" if weights else name for name, weight in settings.corpora)
    told = [("Corpus" if len(settings.corpora) == 1 else "Corpora", corpora), ("Starts from", settings.base or "nothing")]
    told += [("Method", METHODS.get(settings.method, settings.method)), ("Format", FORMATS.get(settings.format, settings.format))]
    if settings.column:
        told.append(("Column", settings.column))
    for wording in WORDINGS:
        if wording.method in ("", settings.method):
            value = _value(settings, wording)
            told.append((wording.label, _told(value, wording)))
    return told


def _value(settings: TrainingSettings, wording: Wording) -> Any:
    if wording.seeds:
        return getattr(settings.architecture, SEEDS.get(wording.name, wording.name), None)
    return getattr(settings, wording.name, None)


def _told(value: Any, wording: Wording) -> str:
    if value is None or value == "":
        return wording.empty or "not given"
    if wording.kind == "switch":
        return "yes" if value else "no"
    if wording.kind == "choice":
        return _CHOICES.get(str(value), str(value))
    return f"{value:,}" if isinstance(value, int) and wording.name != "seed" else f"{value:g}" if isinstance(value, float) else str(value)


def command_line(settings: TrainingSettings) -> str:
    """`narrative train ...` that would start the same run, under a name of its own; what is as usual is left out."""
    words = ["narrative", "train"]
    for corpus, weight in settings.corpora:
        words += ["--corpus", f"{corpus}:{exact(weight)}" if weight else corpus]
    words += _options(settings, TrainingSettings, skip=("corpora", "architecture"))
    if settings.architecture:
        words += _options(settings.architecture, Architecture, skip=("context",))
        words += [] if settings.context else ["--context", str(settings.architecture.context)]
    return shlex.join([*words, "--detach"])


def exact(value: float) -> str:
    """As short as people write it, unless it would be another number then."""
    short = f"{value:.12g}"
    return short if float(short) == value else repr(value)


def _options(given: Any, kind: type, *, skip: tuple[str, ...]) -> list[str]:
    words: list[str] = []
    for one in fields(kind):
        value, option = getattr(given, one.name), one.name.replace("_", "-")
        if one.name in skip or value is None or (one.default is not MISSING and value == one.default):
            continue
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            text = exact(value) if isinstance(value, float) else str(value)
            words += [f"--{option}={text}"] if text.startswith("-") else [f"--{option}", text]
    return words
