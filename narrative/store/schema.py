"""The tables, as the list of steps that made them. A new table is a new entry at the end; what is there never changes."""

from __future__ import annotations

APPLICATION = 0x4E617272  # "Narr": tells this file from any other program's SQLite file

Migration = tuple[str, ...]  # statements, run in one transaction

SHEETS: Migration = (
    """CREATE TABLE sheets (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order they were made in, whatever the clock said
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        parent INTEGER REFERENCES sheets (number),
        label TEXT NOT NULL,
        created REAL NOT NULL,  -- seconds since 1970
        pinned INTEGER NOT NULL DEFAULT 0,
        deleted REAL  -- when; NULL while it is shown
    )""",
    "CREATE INDEX sheets_by_owner ON sheets (owner, number)",
    """CREATE TABLE drafts (
        number INTEGER PRIMARY KEY,
        owner TEXT NOT NULL,
        id TEXT NOT NULL,
        length INTEGER NOT NULL,  -- tokens
        finished INTEGER NOT NULL,
        said TEXT NOT NULL,  -- a short mark of prompt and tokens
        head BLOB NOT NULL,  -- Draft.to_json without the tokens, as JSON compressed by zlib
        UNIQUE (owner, id)
    )""",
    """CREATE TABLE draft_tokens (
        draft INTEGER NOT NULL REFERENCES drafts (number),
        start INTEGER NOT NULL,  -- the first one's place
        body BLOB NOT NULL,  -- tokens of Draft.to_json, as JSON compressed by zlib
        PRIMARY KEY (draft, start)
    )""",
    """CREATE TABLE sheet_drafts (
        sheet INTEGER NOT NULL REFERENCES sheets (number),
        place INTEGER NOT NULL,  -- from left to right
        draft INTEGER NOT NULL REFERENCES drafts (number),
        PRIMARY KEY (sheet, place)
    ) WITHOUT ROWID""",
    """CREATE TABLE visits (
        owner TEXT NOT NULL,
        place INTEGER NOT NULL,  -- like a browser's pages: undo goes down, redo up
        sheet INTEGER NOT NULL REFERENCES sheets (number),
        PRIMARY KEY (owner, place)
    ) WITHOUT ROWID""",
    "CREATE TABLE places (owner TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID",  # where in `visits` an owner stands
    """CREATE TABLE desks (
        owner TEXT NOT NULL,
        tab TEXT NOT NULL,
        desk TEXT NOT NULL,  -- JSON
        changed REAL NOT NULL,
        PRIMARY KEY (owner, tab)
    )""",
    "CREATE TABLE links (token TEXT PRIMARY KEY, sheet INTEGER NOT NULL UNIQUE REFERENCES sheets (number)) WITHOUT ROWID",
)

MIGRATIONS: tuple[Migration, ...] = (SHEETS,)
