"""The tokenizer of a folder: reading it without running its code, and whether it fits the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, UnsafeModelError
from narrative.models.checks import reading
from narrative.models.sources import read_object

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "source.spm")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Raises `UnsafeModelError` if the tokenizer is a program of its own, `BrokenModelError` if it can't be read."""
    from transformers import AutoTokenizer

    try:
        with reading(folder, "tokenizer"):
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except BrokenModelError as error:
        settings = folder / "tokenizer_config.json"
        if settings.is_file() and read_object(settings).get("auto_map"):
            raise UnsafeModelError(
                f"The tokenizer of {folder.name} brings its own program code along, which Narrative never runs."
            ) from error
        raise


def padded(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Lets the end-of-text token pad where there is no token for it: a new one would grow the vocabulary past the weights.

    With neither, the tokenizer stays as it is: any token made special would vanish from decoded text. See `LanguageModel.pad_id`.
    """
    if tokenizer.pad_token is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def embedding_rows(model: PreTrainedModel) -> int:
    """How many token ids the model can read. It may be more than its tokenizer knows: some are padded to a round number."""
    table: Any = model.get_input_embeddings()
    return int(table.weight.shape[0])


def check_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Every token must have a row in the embedding."""
    vocabulary = tokenizer.get_vocab()
    rows = embedding_rows(model)
    highest = max(vocabulary.values(), default=-1)
    if highest < 0:
        raise BrokenModelError(f"The tokenizer of {folder.name} knows no tokens.")
    if highest >= rows:
        raise BrokenModelError(
            f"The tokenizer of {folder.name} doesn't fit its weights: it has ids up to {highest}, the model reads 0 to {rows - 1}."
        )


def require_tokenizer(folder: Path) -> None:
    if not has_tokenizer(folder):
        raise BrokenModelError(f"{folder.name} has no tokenizer: tokenizer.json is missing.")


def has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOKENIZER_FILES)
