"""Links that show one sheet to whoever has them."""

from __future__ import annotations

import secrets
import sqlite3

from narrative.errors import StoreError, shown


def token_for(connection: sqlite3.Connection, sheet: int) -> str:
    """The sheet's one token, made when first asked for. 128 random bits: it can't be guessed."""
    connection.execute("INSERT INTO links (token, sheet) VALUES (?, ?) ON CONFLICT (sheet) DO NOTHING", (secrets.token_urlsafe(16), sheet))
    return str(connection.execute("SELECT token FROM links WHERE sheet = ?", (sheet,)).fetchone()[0])


def sheet_for(connection: sqlite3.Connection, token: str) -> int:
    """The number of the sheet behind a link; a deleted sheet can't be reached until it is restored."""
    if isinstance(token, str) and token.isascii():
        row = connection.execute(
            "SELECT sheet FROM links JOIN sheets ON sheets.number = links.sheet WHERE token = ? AND sheets.deleted IS NULL", (token,)
        ).fetchone()
        if row:
            return int(row[0])
    raise StoreError(f"No sheet has the link {shown(token)}. Ask whoever sent it for a new one.")
