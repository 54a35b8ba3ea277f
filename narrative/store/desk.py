"""The desk: what an editor has set up and not yet sent. Plain JSON values; what they mean is the Generate tab's affair."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any


def write(connection: sqlite3.Connection, owner: str, desk: Mapping[str, Any], *, tab: str) -> None:
    connection.execute(
        """INSERT INTO desks (owner, tab, desk, changed) VALUES (?, ?, ?, ?)
        ON CONFLICT (owner, tab) DO UPDATE SET desk = excluded.desk, changed = excluded.changed""",
        (owner, tab, json.dumps(dict(desk)), time.time()),
    )


def read(connection: sqlite3.Connection, owner: str, *, tab: str) -> dict[str, Any]:
    """The desk of that browser tab; of a tab that has none yet, the one changed last."""
    row = connection.execute(
        "SELECT desk FROM desks WHERE owner = ? ORDER BY tab = ? DESC, changed DESC, rowid DESC LIMIT 1", (owner, tab)
    ).fetchone()
    return dict(json.loads(row[0])) if row else {}
