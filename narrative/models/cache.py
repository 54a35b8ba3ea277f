"""The few models that are kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

from narrative.errors import ModelError, require_whole
from narrative.models.card import LanguageModel
from narrative.models.loading import load_model
from narrative.models.sources import locate, split_adapter


class ModelCache:
    """Keeps the `capacity` models that were asked for last. Thread-safe.

    Two that ask for the same model wait for one load; whoever asks for a model in memory never waits for another's load.
    A model whose files have changed on disk is loaded anew.
    """

    def __init__(self, capacity: int = 2) -> None:
        require_whole("the number of models to keep", capacity, low=1, high=100)
        self._capacity = capacity
        self._lock = threading.Lock()  # guards the table, never held while loading
        self._models: OrderedDict[Hashable, Future[LanguageModel]] = OrderedDict()

    def get(self, name: str, *, adapter: str | None = None, progress: Callable[[str, float], None] | None = None) -> LanguageModel:
        """The model, loaded if need be. Raises as `load_model` does; a failed load is tried again by the next one who asks."""
        key = (name, adapter, _stamp(name), _stamp(adapter))
        with self._lock:
            found = self._models.get(key)
            mine = found is None
            future = found or Future[LanguageModel]()
            self._models[key] = future
            self._models.move_to_end(key)
            self._drop_oldest()
        if mine:
            self._fill(key, future, lambda: _steadily(name, adapter, progress))
        elif progress and not future.done():
            progress(f"Waiting for {name}, which is being loaded already", 0.0)
        return future.result()

    def holds(self, name: str) -> bool:
        """Whether it is in memory, or on its way there, so that `get` would load nothing."""
        key = (name, None, _stamp(name), None)
        with self._lock:
            return key in self._models

    def __len__(self) -> int:
        return len(self._models)

    def _fill(self, key: Hashable, future: Future[LanguageModel], load: Callable[[], LanguageModel]) -> None:
        try:
            future.set_result(load())
        except BaseException as error:
            with self._lock:
                if self._models.get(key) is future:
                    del self._models[key]
            future.set_exception(error if isinstance(error, Exception) else ModelError("Loading was interrupted."))
            raise

    def _drop_oldest(self) -> None:
        """Whoever still writes with a dropped model keeps it alive until done."""
        while len(self._models) > self._capacity:
            self._models.popitem(last=False)


def _steadily(name: str, adapter: str | None, progress: Callable[[str, float], None] | None) -> LanguageModel:
    """The model, loaded once more if its files were replaced meanwhile: it might be half of the old one and half of the new."""
    while True:
        before = (_stamp(name), _stamp(adapter))
        try:
            loaded = load_model(name, adapter=adapter, progress=progress)
        except ModelError:
            if before == (_stamp(name), _stamp(adapter)):
                raise
        else:
            if before == (_stamp(name), _stamp(adapter)):
                return loaded


def _stamp(name: str | None) -> Hashable:
    """Changes when a local model's files do; nothing for a hub model and for what isn't there."""
    if name is None:
        return None
    base, adapter = split_adapter(name)
    if adapter is not None:
        return _stamp(base), _stamp(adapter)
    try:
        folder = locate(name).folder
        files = sorted(folder.glob("*.*")) if folder else []
        return tuple((file.name, facts.st_ino, facts.st_mtime_ns, facts.st_size) for file in files for facts in [file.stat()])
    except (ModelError, OSError):
        return None
