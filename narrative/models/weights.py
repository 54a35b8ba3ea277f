"""The weight files of a folder: which they are, what their headers say, and their fingerprint. Nothing is unpickled here or anywhere.

A safetensors file is eight bytes with the length of a JSON header, the header, and the numbers; so everything but the
numbers can be read in a millisecond.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrative.errors import BrokenModelError, UnsafeModelError, shown

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
LONGEST_HEADER = 100_000_000  # bytes; safetensors' own limit


@dataclass(frozen=True)
class Tensor:
    """One entry of a header: its shape, and where its bytes lie in the file."""

    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def has_weights(folder: Path) -> bool:
    """Whether a file that looks like weights lies in the folder, safe to read or not."""
    return any(file.suffix in (".safetensors", *PICKLES) for file in folder.iterdir())


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that hold a model's weights, in the order of their names.

    Raises `UnsafeModelError` when there are pickles only, `BrokenModelError` when files are missing or the index is damaged.
    """
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    if (folder / INDEX).is_file():
        files = tuple(folder / name for name in shard_names(folder))
        for file in files:
            if not file.is_file():
                raise BrokenModelError(f"{folder.name} is not whole: {file.name} is missing.")
        return files
    raise _no_weights(folder, "model.save_pretrained(folder)", WEIGHTS)


def adapter_files(folder: Path) -> tuple[Path, ...]:
    """The one weight file of an adapter. Raises as `weight_files` does."""
    if (folder / ADAPTER_WEIGHTS).is_file():
        return (folder / ADAPTER_WEIGHTS,)
    raise _no_weights(folder, "peft_model.save_pretrained(folder)", ADAPTER_WEIGHTS)


def _no_weights(folder: Path, command: str, wanted: str) -> UnsafeModelError | BrokenModelError:
    pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
    if not pickles:
        return BrokenModelError(f"{folder.name} has no weights: {wanted} is missing.")
    return UnsafeModelError(
        f"{folder.name} keeps its weights in {pickles[0]}, a pickle, which can run any program when it is read. Narrative reads "
        f"safetensors only. If you trust the file, load it with transformers and save it again: {command} writes {wanted}."
    )


def shard_names(folder: Path) -> list[str]:
    """Names in the index of a model in several files; each must be a plain name, of a file beside it."""
    try:
        names = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenModelError(f"{INDEX} of {folder.name} can't be read: it is damaged or no list of weight files.") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise BrokenModelError(f"{INDEX} of {folder.name} names {shown(name)}; only safetensors files in the same folder are read.")
    if not names:
        raise BrokenModelError(f"{INDEX} of {folder.name} names no weight files.")
    return names


def read_header(file: Path) -> Mapping[str, Tensor]:
    """The tensors of a safetensors file, by name. Raises `BrokenModelError` if the header is damaged or the file's size doesn't fit it."""
    try:
        facts = file.stat()
    except OSError as error:
        raise BrokenModelError(f"{file.name} of {file.parent.name} can't be read: {error.strerror}.") from error
    return _header(file, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=256)
def _header(file: Path, _changed: int, size: int) -> Mapping[str, Tensor]:
    try:
        with file.open("rb") as data:
            length = int.from_bytes(data.read(8), "little")
            if length > min(LONGEST_HEADER, size - 8):
                raise ValueError("the header is longer than the file")
            entries = json.loads(data.read(length))
        tensors = {name: _tensor(entry, 8 + length) for name, entry in entries.items() if name != "__metadata__"}
        if max((tensor.end for tensor in tensors.values()), default=8 + length) != size:
            raise ValueError("the header doesn't describe this many bytes")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenModelError(
            f"{file.name} of {file.parent.name} is damaged or was not copied to its end ({size:,} bytes). Copy or download it again."
        ) from error
    return tensors


def _tensor(entry: Any, start: int) -> Tensor:
    begin, end = (int(offset) for offset in entry["data_offsets"])
    shape = tuple(int(side) for side in entry["shape"])
    if begin < 0 or end < begin or any(side < 0 for side in shape):
        raise ValueError("impossible offsets")
    return Tensor(shape, start + begin, start + end)


def count_parameters(files: Iterable[Path], *, vocabulary: int) -> int:
    """Numbers in the files that training can move: without stored attention masks, and with a shared embedding once."""
    tensors = [(file, tensor) for file in files for name, tensor in read_header(file).items() if not _is_mask(name, tensor)]
    tables = [(file, tensor) for file, tensor in tensors if len(tensor.shape) == 2 and tensor.shape[0] == vocabulary > 0]
    seen: set[tuple[tuple[int, ...], bytes]] = set()
    repeated = 0
    for file, table in tables:
        sample = (table.shape, _sample(file, table))
        repeated += table.size if sample in seen else 0
        seen.add(sample)
    return sum(tensor.size for _, tensor in tensors) - repeated


def _is_mask(name: str, tensor: Tensor) -> bool:
    """GPT-2 and GPT-Neo checkpoints of old store the triangle that hides later tokens, under the name of a bias."""
    return tensor.shape == () or (len(tensor.shape) == 4 and tensor.shape[:2] == (1, 1) and name.endswith("bias"))


def _sample(file: Path, tensor: Tensor) -> bytes:
    """A few kilobytes out of the tensor's middle: embeddings that agree there are one embedding stored twice."""
    with file.open("rb") as data:
        data.seek((tensor.begin + tensor.end) // 2)
        return data.read(min(4096, (tensor.end - tensor.begin) // 2))


def own_memory(model: PreTrainedModel) -> None:
    """Copy the weights out of their files: overwriting a file that is only mapped would change the model or end the process."""
    for weight in (*model.parameters(), *model.buffers()):
        weight.data = weight.data.clone()


def fingerprint(files: Iterable[Path]) -> str:
    """Sixteen hexadecimal digits that change when a weight does: of one file its sha256, of several the sha256 of theirs."""
    digests = [_digest(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    return whole.hex()[:16]


@lru_cache(maxsize=256)
def _digest(file: Path, _changed: int, _size: int) -> bytes:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").digest()
