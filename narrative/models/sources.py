"""From a model's name to the folder that holds it. Reads no weights, imports no torch and asks no network."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narrative import home
from narrative.errors import BrokenModelError, UnknownModelError, shown
from narrative.files import read_json
from narrative.models.weights import ADAPTER_CONFIG, has_weights

SHIPPED, PUBLISHED, FOLDER, HUB = "shipped", "published", "folder", "hub"
CONFIG, CARD = "config.json", "narrative.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# Hub ids without an owner, from the hub's first days. Any other single word is a misspelt catalogue name.
OWNERLESS = frozenset(
    ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2", "openai-gpt", "t5-small", "t5-base", "t5-large", "t5-3b", "t5-11b")
)


@dataclass(frozen=True)
class Source:
    """Where a name leads. `folder` is None for a hub model: it may have to be downloaded first."""

    name: str
    origin: str  # SHIPPED | PUBLISHED | FOLDER | HUB
    folder: Path | None

    def local(self) -> Path:
        if self.folder is None:
            raise BrokenModelError(f"{self.name} has not been downloaded.")
        return self.folder


def locate(name: str) -> Source:
    """The source of that name: catalogue first, then a folder, then the hub.

    Raises `UnknownModelError` with what is here. A catalogue name never leads out of the catalogue.
    """
    for origin, root in _roots():
        if _is_entry(root, name):
            return Source(name, origin, root / name)
    folder = _model_folder(name)
    if folder:
        return Source(name, FOLDER, folder)
    if is_hub_id(name):
        return Source(name, HUB, None)
    raise unknown(name)


def split_adapter(name: str) -> tuple[str, str | None]:
    """("base", "adapter") of "base+adapter"; (name, None) of any other name, also of a folder that has a plus in it."""
    base, plus, adapter = name.partition("+")
    return (base, adapter) if plus and _model_folder(name) is None else (name, None)


def entries() -> list[Source]:
    """Shipped models, then published ones, each by name. A published model with a shipped one's name can't be asked for: it is left out."""
    found: dict[str, Source] = {}
    for origin, root in _roots():
        names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        for name in names:
            if name not in found and _is_entry(root, name):
                found[name] = Source(name, origin, root / name)
    return list(found.values())


def is_hub_id(name: str) -> bool:
    owner, slash, repository = name.partition("/")
    if not slash:
        return name in OWNERLESS
    parts = (owner, repository)
    return all(PLAIN_NAME.fullmatch(part) and ".." not in part and "--" not in part for part in parts)


def unknown(name: str) -> UnknownModelError:
    here = [source.name for source in entries()]
    close = difflib.get_close_matches(name[:100].lower(), [*here, *sorted(OWNERLESS)], n=1)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    return UnknownModelError(f"There is no model {shown(name)}.{guess} {what_is_here()} A folder, or a hub id such as 'gpt2', will do too.")


def what_is_here() -> str:
    """A sentence for error messages."""
    names = [source.name for source in entries()]
    if not names:
        return "No model is here yet."
    return f"Here are: {', '.join(names)}."


def read_object(file: Path) -> dict[str, Any]:
    """A JSON object from a file; `BrokenModelError` names the file if it holds anything else."""
    try:
        value = read_json(file)
    except FileNotFoundError:
        raise BrokenModelError(f"{file.parent.name} is not whole: {file.name} is missing.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenModelError(f"{file.name} of {file.parent.name} is damaged: it can't be read as JSON.") from error
    if not isinstance(value, dict):
        raise BrokenModelError(f"{file.name} of {file.parent.name} is damaged: it should hold a JSON object.")
    return value


def own_card(folder: Path) -> Mapping[str, Any]:
    """What narrative.json says; nothing if the folder has none."""
    return read_object(folder / CARD) if (folder / CARD).is_file() else {}


def is_adapter(folder: Path) -> bool:
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_base(folder: Path) -> str:
    """The catalogue name or hub id that an adapter was trained on. Raises `BrokenModelError` if none is given."""
    base = own_card(folder).get("base") or read_object(folder / ADAPTER_CONFIG).get("base_model_name_or_path")
    if isinstance(base, str) and (PLAIN_NAME.fullmatch(base) or is_hub_id(base)):
        return base
    raise BrokenModelError(
        f"Adapter {folder.name} names {shown(base)} as its base; it must be a model of the catalogue or a hub id. "
        f'Write it into {CARD} as {{"base": "..."}}, or load the base with this adapter.'
    )


def _roots() -> tuple[tuple[str, Path], ...]:
    return ((SHIPPED, home.SHIPPED), (PUBLISHED, home.published_models()))


def _is_entry(root: Path, name: str) -> bool:
    """Whether `name` is a model's folder that really lies in `root` (a symlink may point anywhere)."""
    if not PLAIN_NAME.fullmatch(name):
        return False
    folder = root / name
    try:
        return _looks_like_model(folder) and folder.resolve().parent == root.resolve()
    except OSError:
        return False


def _model_folder(name: str) -> Path | None:
    if not name.strip():
        return None
    try:
        folder = Path(name).expanduser()
        return folder if _looks_like_model(folder) else None
    except (OSError, ValueError, RuntimeError):  # too long, NUL, no such home, not allowed to look
        return None


def _looks_like_model(folder: Path) -> bool:
    return any((folder / file).is_file() for file in (CONFIG, ADAPTER_CONFIG)) or (folder.is_dir() and has_weights(folder))
