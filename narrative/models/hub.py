"""Models of the Hugging Face hub: from the local cache without asking anyone, else by download. Nothing else here uses the network."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from narrative.errors import BrokenModelError, HubUnavailableError, ModelError, UnknownModelError, UnsafeModelError
from narrative.models.checks import check_config
from narrative.models.sources import CONFIG, what_is_here
from narrative.models.vocabulary import has_tokenizer
from narrative.models.weights import ADAPTER_CONFIG, ADAPTER_WEIGHTS, INDEX, PICKLES, WEIGHTS, adapter_files, shard_names, weight_files

SOONEST, PATIENCE = 5.0, 10.0  # seconds: for one answer of the hub, and for all in all to find out that it is not there
DOWNLOAD_SHARE = 0.6  # of the whole way to a model in memory
SMALL_FILES = (".json", ".txt", ".model", ".spm")  # configs and tokenizers

Progress = Callable[[str, float], None]
T = TypeVar("T")


def cached(repository: str) -> Path | None:
    """The folder of a hub model that is whole in the local Hugging Face cache. Never asks the network."""
    from huggingface_hub import try_to_load_from_cache

    for config in (CONFIG, ADAPTER_CONFIG):
        found = try_to_load_from_cache(repository, config)
        if isinstance(found, str):
            folder = Path(found).parent
            if _is_whole(folder):
                return folder
    return None


def _is_whole(folder: Path) -> bool:
    """False for a download that was begun and not finished, or that fetched pickles for another program."""
    try:
        if (folder / ADAPTER_CONFIG).is_file():
            return bool(adapter_files(folder))
        return bool(weight_files(folder)) and has_tokenizer(folder)
    except ModelError:
        return False


def fetch(repository: str, report: Progress) -> Path:
    """The folder of a hub model, downloaded if it is not in the cache.

    Raises `HubUnavailableError` within `PATIENCE` seconds if the hub doesn't answer, `UnknownModelError` if it has no such
    model, `UnsafeModelError` if the model has no safetensors or needs code of its own; that is found out before weights are downloaded.
    """
    folder = cached(repository)
    if folder:
        return folder
    report(f"Asking the hub for {repository}", 0.0)
    sizes = _within_patience(lambda: _files(repository), repository)
    first = _first_weights(repository, sizes)
    folder = _small_files(repository, sizes)
    if first != ADAPTER_WEIGHTS:
        check_config(folder)  # before hundreds of megabytes are downloaded for nothing
    names = shard_names(folder) if first == INDEX else [first]
    total, done = sum(sizes.get(name, 0) for name in names), 0
    for name in names:
        _download(repository, name, _bar(f"Downloading {repository}", report, done, total))
        done += sizes.get(name, 0)
    return folder


def _files(repository: str) -> dict[str, int]:
    """Top-level files of the repository, with their sizes in bytes."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(repository, files_metadata=True, timeout=SOONEST)
    return {file.rfilename: file.size or 0 for file in info.siblings or [] if "/" not in file.rfilename}


def _first_weights(repository: str, sizes: dict[str, int]) -> str:
    """The weight file, or the index of several."""
    for name in (ADAPTER_WEIGHTS,) if ADAPTER_CONFIG in sizes else (WEIGHTS, INDEX):
        if name in sizes:
            return name
    pickles = sorted(name for name in sizes if Path(name).suffix in PICKLES)
    if not pickles:
        raise ModelError(f"{repository} has no weights in safetensors, so it can't be loaded.")
    raise UnsafeModelError(
        f"{repository} offers its weights only as {pickles[0]}, a pickle, which can run any program when it is read. "
        "Narrative reads safetensors only; the model's page may offer a converted copy."
    )


def _small_files(repository: str, sizes: dict[str, int]) -> Path:
    """Download configs and tokenizer; the folder they are in."""
    names = sorted(name for name in sizes if Path(name).suffix in SMALL_FILES)
    folders = [Path(_download(repository, name, _bar("", _nobody, 0, 0))).parent for name in names]
    if not folders:
        raise BrokenModelError(f"{repository} has no {CONFIG}.")
    return folders[0]


def _download(repository: str, name: str, bar: type) -> str:
    from huggingface_hub import hf_hub_download

    return _asking(lambda: hf_hub_download(repository, name, etag_timeout=SOONEST, tqdm_class=bar), repository)


def _bar(sentence: str, report: Progress, done: int, total: int) -> type:
    """A progress bar for huggingface_hub that draws nothing and tells `report` instead."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **{**named, "disable": True})  # type: ignore[no-untyped-call]
            self.bytes: float = done + (named.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self.bytes += n or 0
            if total:
                report(f"{sentence}: {self.bytes / 1e6:,.0f} of {total / 1e6:,.0f} MB", DOWNLOAD_SHARE * min(self.bytes / total, 1))

    return Bar


def _nobody(_sentence: str, _share: float) -> None:
    """Small files go unreported."""


def _asking(call: Callable[[], T], repository: str) -> T:
    """Run a call to the hub; say in one sentence what went wrong."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError

    try:
        return call()
    except GatedRepoError as error:
        raise ModelError(
            f"{repository} is given only to those who accept its terms on the hub and are logged in (command: hf auth login)."
        ) from error
    except RepositoryNotFoundError as error:
        raise UnknownModelError(f"The hub has no model '{repository}' that can be read without logging in. {what_is_here()}") from error
    except OfflineModeIsEnabled as error:
        raise _unavailable(repository, "HF_HUB_OFFLINE is set") from error
    except HfHubHTTPError as error:
        raise _unavailable(repository, f"it answered {error.response.status_code}") from error
    except OSError as error:  # no space, no permission; LocalEntryNotFoundError when the line dropped between two files
        if error.errno:
            raise ModelError(f"{repository} can't be stored on this machine: {error.strerror}.") from error
        raise _unavailable(repository, "the connection failed") from error
    except Exception as error:  # the HTTP library's own errors, which change with the library
        raise _unavailable(repository, "no answer" if "Timeout" in type(error).__name__ else "no connection") from error


def _within_patience(call: Callable[[], T], repository: str) -> T:
    """As `_asking`, but give up after PATIENCE: a resolver or a line that drops packets can hang past any socket's time limit."""
    answers: queue.Queue[tuple[T | None, ModelError | None]] = queue.Queue()

    def ask() -> None:
        try:
            answers.put((_asking(call, repository), None))
        except ModelError as error:
            answers.put((None, error))

    threading.Thread(target=ask, name=f"ask the hub for {repository}", daemon=True).start()
    try:
        answer, error = answers.get(timeout=PATIENCE)
    except queue.Empty:
        raise _unavailable(repository, f"no answer in {PATIENCE:g} seconds") from None
    if error:
        raise error
    return answer  # type: ignore[return-value]


def _unavailable(repository: str, reason: str) -> HubUnavailableError:
    return HubUnavailableError(f"'{repository}' is not on this machine and the hub can't be reached ({reason}). {what_is_here()}")
