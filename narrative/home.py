"""Where things lie: the shipped checkpoints (read-only) and NARRATIVE_HOME (all that changes)."""

from __future__ import annotations

import os
from pathlib import Path

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"


def home() -> Path:
    """NARRATIVE_HOME, or `checkpoints/local/` beside the package. Read at each call, so that a test can move it."""
    return Path(os.environ.get("NARRATIVE_HOME") or SHIPPED / "local").expanduser().resolve()


def published_models() -> Path:
    return home() / "models"


def corpora() -> Path:
    return home() / "corpora"


def jobs() -> Path:
    return home() / "jobs"


def shelves() -> Path:
    return home() / "shelves"


def uploads() -> Path:
    """Where files from browsers arrive. What is dropped on a shelf moves on from here."""
    return home() / "uploads"


def downloads() -> Path:
    """Models packed into one file each, until they have been fetched; swept a day later."""
    return home() / "downloads"


def database() -> Path:
    return home() / "studio.db"
