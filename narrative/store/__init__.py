"""The one SQLite file: what editors wrote, the tree it grew in, what lies on their desks, and the links they gave away."""

from narrative.store.database import Database
from narrative.store.sheets import Sheet
from narrative.store.store import Store
from narrative.store.tree import SheetEntry

__all__ = ["Database", "Sheet", "SheetEntry", "Store"]
