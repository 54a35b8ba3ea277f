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

JOBS: Migration = (
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,  -- also of its folder
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',  -- a sentence
        turn INTEGER NOT NULL,  -- order of waiting jobs, lowest first; of ended ones, highest last; whatever the clock said
        method TEXT NOT NULL DEFAULT '',
        base TEXT NOT NULL DEFAULT '',
        corpora TEXT NOT NULL DEFAULT '',
        processes INTEGER NOT NULL DEFAULT 1,  -- more than one: it takes all devices
        step INTEGER NOT NULL DEFAULT 0,
        steps INTEGER NOT NULL DEFAULT 0,
        seconds_left REAL,
        seconds REAL NOT NULL DEFAULT 0,
        test_loss REAL,
        perplexity REAL,
        bits_per_byte REAL,
        stage TEXT NOT NULL DEFAULT '',
        queued REAL,  -- seconds since 1970, to be shown only
        started REAL,
        ended REAL,
        device TEXT NOT NULL DEFAULT '',
        published TEXT NOT NULL DEFAULT '',  -- name in the catalogue
        launch TEXT NOT NULL DEFAULT '',  -- a mark that all processes of this start carry in their environment
        pid INTEGER NOT NULL DEFAULT 0,  -- of the child
        born TEXT NOT NULL DEFAULT '',  -- when, as the system counts it
        kills INTEGER NOT NULL DEFAULT 0  -- processes that had been killed for want of memory before this start
    )""",
    "CREATE INDEX jobs_by_state ON jobs (state, turn)",
    """CREATE TABLE workers (
        device TEXT PRIMARY KEY,
        pid INTEGER NOT NULL,
        born TEXT NOT NULL,
        beat REAL NOT NULL  -- seconds since 1970, to be shown only
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[Migration, ...] = (SHEETS, JOBS)
