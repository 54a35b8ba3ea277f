"""The one SQLite file: what editors wrote, the tree it grew in, what lies on their desks, the links they gave away, and the jobs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from narrative.store.database import Database

if TYPE_CHECKING:
    from narrative.store.sheets import Sheet
    from narrative.store.store import Store
    from narrative.store.tree import SheetEntry

__all__ = ["Database", "Sheet", "SheetEntry", "Store"]

# Drafts bring PyTorch along, seconds and much memory; whoever only counts jobs doesn't need them.
_LATER = {"Sheet": "narrative.store.sheets", "SheetEntry": "narrative.store.tree", "Store": "narrative.store.store"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
