"""What a folder must pass before and after its model is built: no code of its own, nothing missing, parts that fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, ModelError, NarrativeError, UnsafeModelError, shown
from narrative.models.card import CAUSAL, SEQ2SEQ
from narrative.models.sources import CONFIG, read_object

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

GENERATION_CONFIG = "generation_config.json"
MOST_LAYERS = 1000  # more is a damaged or hostile config: building it would not end


@contextmanager
def reading(folder: Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises over foreign files into one `BrokenModelError`."""
    try:
        yield
    except NarrativeError:
        raise
    except MemoryError as error:
        raise ModelError(f"{folder.name} needs more memory than there is.") from error
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # what the tokenizers library raises in Rust
            raise
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise BrokenModelError(f"The {what} of {folder.name} can't be read: {reason[:200].rstrip('.')}.") from error


def check_config(folder: Path) -> Mapping[str, Any]:
    """The config.json of a folder that can be built without foreign code. Raises `UnsafeModelError`, `BrokenModelError` or `ModelError`."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = read_object(folder / CONFIG)
    if (folder / GENERATION_CONFIG).is_file():
        read_object(folder / GENERATION_CONFIG)  # transformers would pass over a damaged one, and with it over the end-of-text tokens
    kind = config.get("model_type")
    native = isinstance(kind, str) and kind in CONFIG_MAPPING
    if not native and config.get("auto_map"):
        raise UnsafeModelError(
            f"{folder.name} brings its own program code along ({shown(kind)}). Narrative never runs code that comes with a model."
        )
    if not native:
        raise ModelError(f"{folder.name} is of a kind that transformers doesn't know: model_type {shown(kind)}.")
    if config.get("quantization_config"):
        raise ModelError(f"{folder.name} is stored quantised. Take the full-precision model that it was made from.")
    return config


def kind_of(folder: Path, config: PretrainedConfig) -> str:
    """causal or seq2seq. Raises `ModelError` for models that don't write text."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING

    layers = getattr(config.get_text_config(), "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise BrokenModelError(f"{CONFIG} of {folder.name} asks for {layers:,} layers; at most {MOST_LAYERS} are built.")
    family = type(config)
    if getattr(config, "is_encoder_decoder", False):
        if family in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
            return SEQ2SEQ
    elif family in MODEL_FOR_CAUSAL_LM_MAPPING and (family not in MODEL_FOR_MASKED_LM_MAPPING or getattr(config, "is_decoder", False)):
        return CAUSAL  # BERT and its kin count as causal too, once they are told to be decoders
    raise ModelError(f"{folder.name} is a {config.model_type} model, which doesn't write text from left to right. Take one such as 'gpt2'.")


def check_loaded(folder: Path, info: Mapping[str, Any], model: PreTrainedModel) -> None:
    """No weight may be made up: whatever the file doesn't hold would be random numbers."""
    missing = sorted(info["missing_keys"])
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BrokenModelError(f"The weights of {folder.name} are not whole: {missing[0]}{others} is missing.")
    if info["mismatched_keys"] or info["error_msgs"]:
        raise BrokenModelError(f"The weights of {folder.name} don't fit its {CONFIG}.")
    for name, weight in model.named_parameters():
        if not bool(weight.sum().isfinite()) and not bool(weight.isfinite().all()):  # the sum is ten times cheaper
            raise BrokenModelError(f"The weights of {folder.name} hold values that are no numbers (in {name}); its training went wrong.")
