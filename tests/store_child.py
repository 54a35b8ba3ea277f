"""Programs that tests/test_store.py starts, and kills, as processes of their own: `python store_child.py JOB DATABASE OWNER NAME`."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from made_drafts import made_draft

from narrative.store import Store


def write_until_killed(store: Store, owner: str, name: str) -> None:
    """Put three drafts that grow by one token, and tell after each put what is safe."""
    sheet = None
    for length in count(0):
        drafts = [made_draft(f"{name}-{number}", tokens=length) for number in range(3)]
        store.set_desk(owner, {"seed": name, "length": length})
        sheet = store.put(owner, drafts, label=name, sheet=sheet.id if sheet else None)
        print(sheet.id, length, flush=True)


def write_a_few(store: Store, owner: str, name: str) -> None:
    """Put 15 sheets, and 15 more from a fork that inherits the open store, but must not use its connection."""
    inherited = [connection for _, connection in store.database._opened]
    forked = os.fork() if hasattr(os, "fork") else None
    name = name if forked else f"{name}-fork"
    for number in range(15):
        store.put(owner, [made_draft(f"{name}-{number}", stopped="length")], label=f"{name}-{number}")
    if forked == 0:
        own = [connection for _, connection in store.database._opened]
        os._exit(len(own) != 1 or own[0] in inherited)
    if forked is not None:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))


JOBS = {"until-killed": write_until_killed, "a-few": write_a_few}

if __name__ == "__main__":
    job, database, owner, name = sys.argv[1:]
    JOBS[job](Store(Path(database)), owner, name)
