"""What an editor wrote is never lost, and never seen by another."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from made_drafts import made_draft

import narrative
from narrative.errors import StoreError
from narrative.generation.draft import Draft
from narrative.selection import Selection
from narrative.store import Database, Sheet, Store, sheets
from narrative.store.schema import MIGRATIONS

CHILD = Path(__file__).with_name("store_child.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "yet" / "studio.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as opened:
        yield opened


@pytest.fixture
def owner() -> str:
    return Store.new_owner()


def put(store: Store, owner: str, name: str, *, parent: str | None = None) -> Sheet:
    return store.put(owner, [made_draft(f"{name}-{number}", stopped="length") for number in range(2)], parent=parent, label=name)


def labels(store: Store, owner: str) -> list[str]:
    return [entry.label for entry in store.tree(owner)]


def start_child(job: str, path: Path, owner: str, name: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(narrative.__file__).parents[1])}
    command = [sys.executable, str(CHILD), job, str(path), owner, name]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# --- sheets and drafts


def test_a_sheet_comes_back_exactly_as_it_was_put(store: Store, path: Path, owner: str) -> None:
    drafts = (
        made_draft("a", tokens=40, prompt="NUL \x00, half \ud83d, שלום 🦊"),
        made_draft("b", tokens=0),
        made_draft("c", parent="a", at=2, forced=True),
    )
    sheet = store.put(owner, drafts, label="first")
    assert sheet.drafts == drafts
    with Store(path) as again:
        assert again.current(owner) == sheet
        assert again.sheet(owner, sheet.id) == sheet
        assert [again.draft(owner, draft.id) for draft in drafts] == list(drafts)


def test_before_the_first_write_there_is_nothing(store: Store, owner: str) -> None:
    assert store.current(owner) is None
    assert store.undo(owner) is None
    assert store.redo(owner) is None
    assert store.tree(owner) == []
    assert store.deleted(owner) == []
    assert store.desk(owner) == {}


def test_partial_drafts_grow_on_their_sheet(store: Store, owner: str) -> None:
    sheet = store.put(owner, [made_draft("a", tokens=0)], label="growing")
    for length in (3, 9):
        grown = made_draft("a", tokens=length)
        assert store.put(owner, [grown], label="growing", sheet=sheet.id) == replace(sheet, drafts=(grown,))
    done = made_draft("a", tokens=9, stopped="length")
    store.put(owner, [done], label="grown", sheet=sheet.id)
    assert store.current(owner) == replace(sheet, label="grown", drafts=(done,))
    assert len(store.tree(owner)) == 1


def test_a_partial_draft_that_comes_late_takes_nothing_away(store: Store, owner: str) -> None:
    done = made_draft("a", tokens=9, stopped="asked")
    sheet = store.put(owner, [done], label="done")
    for late in (made_draft("a", tokens=4), made_draft("a", tokens=9)):
        assert store.put(owner, [late], label="done", sheet=sheet.id).drafts == (done,)
        assert store.draft(owner, "a") == done


def test_a_draft_that_says_something_else_under_the_same_id_replaces_nothing(store: Store, owner: str) -> None:
    old = made_draft("a", tokens=5, stopped="length")
    sheet = store.put(owner, [old], label="old")
    for tokens in (3, 5, 8):
        other = replace(made_draft("b", tokens=tokens), id="a")
        put_there = store.put(owner, [other], label="other", sheet=sheet.id)
        assert put_there.parent == sheet.id
        assert put_there.drafts == (replace(other, id=put_there.drafts[0].id),)
        assert store.sheet(owner, sheet.id).drafts == (old,)
    assert len(store.tree(owner)) == 4


def test_only_the_new_tokens_of_a_draft_are_written(store: Store, owner: str) -> None:
    sheet = store.put(owner, [made_draft("a", tokens=500)], label="a")
    with store.database.writing() as connection:
        connection.execute("CREATE TEMP TRIGGER no_rewrite BEFORE UPDATE ON main.draft_tokens BEGIN SELECT RAISE(ABORT, 'rewritten'); END")
    store.put(owner, [made_draft("a", tokens=503)], label="a", sheet=sheet.id)
    with store.database.reading() as connection:
        pieces = connection.execute("SELECT start, length(body) FROM draft_tokens ORDER BY start").fetchall()
    assert [start for start, _ in pieces] == [0, 500]
    assert pieces[1][1] < pieces[0][1] / 50
    assert store.draft(owner, "a") == made_draft("a", tokens=503)


def test_retry_onto_the_same_sheet_makes_a_new_one_and_keeps_the_old(store: Store, owner: str) -> None:
    first = put(store, owner, "first")
    retried = store.put(owner, [made_draft("other")], label="retry", sheet=first.id)
    assert retried.id != first.id
    assert retried.parent == first.id
    assert store.sheet(owner, first.id) == first
    assert store.current(owner) == retried
    fewer = store.put(owner, first.drafts[:1], label="fewer", sheet=first.id)
    assert fewer.parent == first.id
    assert store.sheet(owner, first.id) == first


def test_a_draft_that_goes_on_under_a_new_id_stays_on_its_sheet(store: Store, owner: str) -> None:
    begun = made_draft("a", tokens=3)
    sheet = store.put(owner, [begun], label="begun")
    longer = replace(made_draft("a", tokens=6), id="b")
    assert store.put(owner, [longer], label="begun", sheet=sheet.id) == replace(sheet, drafts=(longer,))
    assert store.draft(owner, "a") == begun


def test_a_branch_shares_the_drafts_it_leaves_alone(store: Store, owner: str) -> None:
    old = put(store, owner, "old")
    branch = made_draft("branch", parent=old.drafts[0].id, at=2)
    new = store.put(owner, [branch, old.drafts[1]], parent=old.id, label="branch")
    assert new.parent == old.id
    assert store.sheet(owner, old.id).drafts == old.drafts
    assert store.sheet(owner, new.id).drafts == (branch, old.drafts[1])


def test_a_sheet_without_drafts_is_refused(store: Store, owner: str) -> None:
    with pytest.raises(StoreError, match="at least one draft"):
        store.put(owner, [], label="empty")


def test_a_label_may_hold_anything(store: Store, owner: str) -> None:
    store.put(owner, [made_draft("a")], label="<script> \x00 \ud83d \ud83e\udd8a שלום")
    assert labels(store, owner) == ["<script> \ufffd \ufffd 🦊 שלום"]


def test_drafts_take_less_than_half_of_their_json(store: Store, path: Path, owner: str) -> None:
    drafts = [made_draft(f"draft {number}", tokens=200) for number in range(10)]
    store.put(owner, drafts, label="long")
    store.close()
    assert path.stat().st_size < sum(len(json.dumps(draft.to_json())) for draft in drafts) / 2


# --- the tree


def test_tree_shows_pinned_roots_then_the_newest_each_with_its_branches(store: Store, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    a1 = put(store, owner, "a1", parent=a.id)
    put(store, owner, "c")
    put(store, owner, "a2", parent=a.id)
    put(store, owner, "a11", parent=a1.id)
    store.pin(owner, b.id, True)
    shown = [(entry.label, entry.depth, entry.pinned, entry.current) for entry in store.tree(owner)]
    assert shown == [
        ("b", 0, True, False),
        ("c", 0, False, False),
        ("a", 0, False, False),
        ("a1", 1, False, False),
        ("a11", 2, False, True),
        ("a2", 1, False, False),
    ]
    store.pin(owner, b.id, False)
    assert labels(store, owner)[0] == "c"


def test_branches_of_a_deleted_sheet_move_up_and_back(store: Store, owner: str) -> None:
    a = put(store, owner, "a")
    b = put(store, owner, "b", parent=a.id)
    c = put(store, owner, "c", parent=b.id)
    before = store.tree(owner)
    store.delete(owner, b.id)
    assert [(entry.label, entry.parent, entry.depth) for entry in store.tree(owner)] == [("a", None, 0), ("c", a.id, 1)]
    store.delete(owner, a.id)
    assert [(entry.label, entry.parent, entry.depth) for entry in store.tree(owner)] == [("c", None, 0)]
    assert [entry.label for entry in store.deleted(owner)] == ["a", "b"]
    assert store.open(owner, c.id).parent == b.id
    store.restore(owner, a.id)
    store.restore(owner, b.id)
    assert store.tree(owner) == before
    assert store.deleted(owner) == []


def test_a_deleted_sheet_is_kept_and_says_so(store: Store, owner: str) -> None:
    a = put(store, owner, "a")
    b = put(store, owner, "b")
    store.delete(owner, b.id)
    store.delete(owner, b.id)
    assert store.current(owner) == a
    with pytest.raises(StoreError, match=r"was deleted\. Restore it first"):
        store.open(owner, b.id)
    assert store.draft(owner, "b-0") == b.drafts[0]
    longer = [made_draft(f"b-{number}", tokens=9) for number in range(2)]
    store.put(owner, longer, label="b", sheet=b.id)  # it was still being written
    store.restore(owner, b.id)
    assert store.current(owner) == replace(b, drafts=tuple(longer))


def test_tree_of_two_thousand_sheets_reads_no_draft(store: Store, owner: str) -> None:
    with store.database.writing() as connection:
        above = None
        for number in range(2000):
            above = sheets.insert(connection, owner, parent=above if number % 50 else None, label=str(number)).number
    read: set[str] = set()

    def watch(action: int, table: str | None, *_: str | None) -> int:
        read.add(str(table)) if action == sqlite3.SQLITE_READ else None
        return sqlite3.SQLITE_OK

    with store.database.reading() as connection:
        connection.set_authorizer(watch)
    entries = store.tree(owner)
    assert len(entries) == 2000
    assert max(entry.depth for entry in entries) == 49
    assert "sheets" in read
    assert not {"drafts", "draft_tokens"} & read


# --- undo and redo


def test_undo_and_redo_survive_a_restart(store: Store, path: Path, owner: str) -> None:
    a, b, c = (put(store, owner, name) for name in "abc")
    assert store.undo(owner) == b
    with Store(path) as again:
        assert again.current(owner) == b
        assert again.undo(owner) == a
        assert again.undo(owner) is None
        assert again.current(owner) == a
        assert again.redo(owner) == b
        assert again.redo(owner) == c
        assert again.redo(owner) is None


def test_a_new_write_after_undo_keeps_the_undone_sheet_in_the_tree(store: Store, owner: str) -> None:
    a = put(store, owner, "a")
    put(store, owner, "b")
    store.undo(owner)
    put(store, owner, "c")
    assert store.redo(owner) is None
    assert store.undo(owner) == a
    assert sorted(labels(store, owner)) == ["a", "b", "c"]


def test_opening_a_sheet_can_be_undone(store: Store, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    assert store.open(owner, a.id) == a
    assert store.open(owner, a.id) == a  # a reload is no step
    assert store.undo(owner) == b


def test_a_put_onto_an_older_sheet_does_not_pull_the_editor_there(store: Store, owner: str) -> None:
    a = store.put(owner, [made_draft("a", tokens=1)], label="a")
    b = put(store, owner, "b")
    store.put(owner, [made_draft("a", tokens=8)], label="a", sheet=a.id)
    assert store.current(owner) == b


def test_a_write_after_the_sheet_before_was_deleted_can_be_undone(store: Store, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    store.undo(owner)
    store.delete(owner, a.id)
    assert store.current(owner) == b
    put(store, owner, "c")
    assert store.undo(owner) == b


def test_undo_always_shows_another_sheet(store: Store, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    store.open(owner, a.id)
    store.delete(owner, b.id)
    assert store.undo(owner) is None
    assert store.redo(owner) is None
    assert store.current(owner) == a


class Model:
    """What must hold for one owner, in memory: every sheet ever put, and a browser's list of pages."""

    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}
        self.gone: set[str] = set()
        self.pages: list[str] = []
        self.at = -1

    def here(self) -> int | None:
        before = [place for place, page in enumerate(self.pages) if place <= self.at and page not in self.gone]
        after = [place for place, page in enumerate(self.pages) if place > self.at and page not in self.gone]
        return before[-1] if before else after[0] if after else None

    def current(self) -> str | None:
        here = self.here()
        return None if here is None else self.pages[here]

    def visit(self, page: str) -> None:
        if page == self.current():
            return
        here = self.here()
        self.pages[max(self.at, -1 if here is None else here) + 1 :] = [page]
        self.at = len(self.pages) - 1

    def step(self, direction: int) -> str | None:
        here = self.here()
        place = -1 if here is None else here + direction
        while 0 <= place < len(self.pages):
            if self.pages[place] not in self.gone and self.pages[place] != self.current():
                self.at = place
                return self.pages[place]
            place += direction
        return None

    def nearest(self, parent: str | None) -> str | None:
        while parent is not None and parent in self.gone:
            parent = self.sheets[parent].parent
        return parent


def one_step(store: Store, owner: str, model: Model, draw: random.Random, name: str) -> None:
    """Do the same random thing to the store and to the model."""
    known, shown = sorted(model.sheets), sorted(set(model.sheets) - model.gone)
    act = draw.choice(("put", "put", "branch", "grow", "open", "open", "undo", "undo", "redo", "pin", "delete", "restore"))
    if not shown:
        act = "put"
    elif act == "put" and len(shown) > 5:
        act = "delete"  # few sheets, so that the same one is visited, deleted and restored again and again
    chosen = draw.choice(known if act in ("grow", "pin", "delete", "restore") else shown) if known and shown else ""
    if act in ("put", "branch"):
        drafts = (made_draft(name, tokens=draw.randrange(4)),) + (
            model.sheets[chosen].drafts[1:] if act == "branch" else (made_draft(name + "b"),)
        )
        sheet = store.put(owner, drafts, parent=chosen if act == "branch" else None, label=name)
        model.sheets[sheet.id] = sheet
        model.visit(sheet.id)
    elif act == "grow":
        old = model.sheets[chosen]
        grown = (made_draft(old.drafts[0].id, tokens=len(old.drafts[0].tokens) + 1), *old.drafts[1:])
        model.sheets[chosen] = store.put(owner, grown, label=old.label, sheet=chosen)
        assert model.sheets[chosen] == replace(old, drafts=grown)
    elif act == "open":
        store.open(owner, chosen)
        model.visit(chosen)
    elif act in ("undo", "redo"):
        foretold = store.ways(owner)[act == "redo"]
        found = getattr(store, act)(owner)
        assert foretold is (found is not None)
        assert (found and found.id) == model.step(-1 if act == "undo" else 1)
    elif act == "pin":
        model.sheets[chosen] = replace(model.sheets[chosen], pinned=not model.sheets[chosen].pinned)
        store.pin(owner, chosen, model.sheets[chosen].pinned)
    else:
        getattr(store, act)(owner, chosen)
        (model.gone.add if act == "delete" else model.gone.discard)(chosen)


def check(store: Store, owner: str, model: Model) -> None:
    entries = store.tree(owner)
    assert {entry.id for entry in entries} == set(model.sheets) - model.gone
    assert {entry.id for entry in store.deleted(owner)} == model.gone
    assert all(entry.parent == model.nearest(model.sheets[entry.id].parent) for entry in entries)
    depths = {entry.id: entry.depth for entry in entries}
    assert all(entry.depth == (0 if entry.parent is None else depths[entry.parent] + 1) for entry in entries)
    current = store.current(owner)
    assert (current and current.id) == model.current()
    assert [entry.id for entry in entries if entry.current] == ([current.id] if current else [])
    for away, back, direction in ((store.undo, store.redo, -1), (store.redo, store.undo, 1)):
        there = away(owner)
        assert (there and there.id) == model.step(direction)
        if there:
            assert back(owner) == current
            assert model.step(-direction) == model.current()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_an_editor_does_no_sheet_is_lost(store: Store, path: Path, seed: int) -> None:
    draw = random.Random(seed)
    models = {Store.new_owner(): Model(), Store.new_owner(): Model()}
    for number in range(300):
        owner = draw.choice(list(models))
        one_step(store, owner, models[owner], draw, f"{seed}.{number}")
        check(store, owner, models[owner])
    with Store(path) as again:
        for owner, model in models.items():
            for sheet_id in model.gone:
                again.restore(owner, sheet_id)
            drafts = {draft.id: draft for draft in sorted(all_drafts(model), key=lambda draft: len(draft.tokens))}
            for sheet in model.sheets.values():
                stored = again.sheet(owner, sheet.id)
                assert stored == replace(sheet, drafts=tuple(drafts[draft.id] for draft in sheet.drafts))


def all_drafts(model: Model) -> list[Draft]:
    return [draft for sheet in model.sheets.values() for draft in sheet.drafts]


# --- owners and links


def test_new_owners_cannot_be_guessed() -> None:
    owners = {Store.new_owner() for _ in range(100)}
    assert len(owners) == 100
    assert all(len(owner) >= 32 for owner in owners)


ASKS: dict[str, Callable[[Store, str, str], object]] = {
    "sheet": lambda store, owner, identity: store.sheet(owner, identity),
    "open": lambda store, owner, identity: store.open(owner, identity),
    "pin": lambda store, owner, identity: store.pin(owner, identity, True),
    "delete": lambda store, owner, identity: store.delete(owner, identity),
    "restore": lambda store, owner, identity: store.restore(owner, identity),
    "link": lambda store, owner, identity: store.link(owner, identity),
    "put under": lambda store, owner, identity: store.put(owner, [made_draft("x")], parent=identity, label=""),
    "put onto": lambda store, owner, identity: store.put(owner, [made_draft("x")], sheet=identity, label=""),
}


@pytest.mark.parametrize("ask", ASKS)
def test_another_owners_sheet_is_as_unknown_as_none(store: Store, owner: str, ask: str) -> None:
    theirs = put(store, Store.new_owner(), "theirs")
    messages = set()
    for identity in (theirs.id, "A" * 16, "\ud83d", "é", "'; DROP TABLE sheets; --"):
        with pytest.raises(StoreError) as caught:
            ASKS[ask](store, owner, identity)
        messages.add(str(caught.value).replace(repr(identity), "ID"))
    assert messages == {"There is no sheet ID for this browser. Choose one from the history."}
    assert store.tree(owner) == []
    with pytest.raises(StoreError):  # a put that failed leaves nothing behind
        store.draft(owner, "x")
    assert store.sheet(theirs.owner, theirs.id) == theirs


def test_another_owners_draft_is_as_unknown_as_none(store: Store, owner: str) -> None:
    put(store, Store.new_owner(), "theirs")
    messages = set()
    for identity in ("theirs-0", "unknown", "\ud83d"):
        with pytest.raises(StoreError) as caught:
            store.draft(owner, identity)
        messages.add(str(caught.value).replace(repr(identity), "ID"))
    assert messages == {"There is no draft ID for this browser. Choose one from the history."}


def test_two_owners_may_hold_the_same_draft(store: Store, owner: str) -> None:
    other = Store.new_owner()
    store.put(owner, [made_draft("a", tokens=9)], label="mine")
    store.put(other, [made_draft("a", tokens=2)], label="theirs")
    assert len(store.draft(owner, "a").tokens) == 9
    assert len(store.draft(other, "a").tokens) == 2


@pytest.mark.parametrize("nobody", ["", None, 7, "\ud83d"])
def test_without_an_owner_nothing_is_shared(store: Store, nobody: str) -> None:
    with pytest.raises(StoreError, match="browser's id"):
        put(store, nobody, "a")
    with pytest.raises(StoreError, match="browser's id"):
        store.desk(nobody)


def test_a_link_shows_one_sheet_to_anyone_and_not_its_owner(store: Store, path: Path, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    token = store.link(owner, a.id)
    assert len(token) >= 22
    assert store.link(owner, a.id) == token
    assert store.link(owner, b.id) != token
    with Store(path) as again:
        assert again.link(owner, a.id) == token
        assert again.follow(token) == replace(a, owner="")


def test_a_link_ends_with_its_sheet_and_comes_back_with_it(store: Store, owner: str) -> None:
    a = put(store, owner, "a")
    token = store.link(owner, a.id)
    store.delete(owner, a.id)
    for dead in (token, "unknown", "", "\ud83d", a.id):
        with pytest.raises(StoreError, match="No sheet has the link"):
            store.follow(dead)
    store.restore(owner, a.id)
    assert store.follow(token).id == a.id


# --- the desk


def test_the_desk_survives_a_restart(store: Store, path: Path, owner: str) -> None:
    desk = {"seed": "NUL \x00, half \ud83d, שלום 🦊", "settings": {"temperature": 0.7, "seed": 2**63 - 1}, "model": None, "open": [True]}
    store.set_desk(owner, {"seed": "older"})
    store.set_desk(owner, desk)
    store.set_desk(Store.new_owner(), {"seed": "theirs"})
    with Store(path) as again:
        assert again.desk(owner) == desk


def test_a_second_tab_starts_from_the_first_and_does_not_overwrite_it(store: Store, owner: str) -> None:
    store.set_desk(owner, {"seed": "first"}, tab="1")
    assert store.desk(owner, tab="2") == {"seed": "first"}
    store.set_desk(owner, {"seed": "second"}, tab="2")
    assert store.desk(owner, tab="1") == {"seed": "first"}
    assert store.desk(owner, tab="2") == {"seed": "second"}
    assert store.desk(owner) == {"seed": "second"}


# --- many at once, and sudden death


def test_drafts_survive_kill_9_while_they_are_written(path: Path, owner: str) -> None:
    for round_ in range(2):  # the second finds what the first left behind
        name = f"round{round_}"
        child = start_child("until-killed", path, owner, name)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(25)]
        child.kill()
        rest, errors = child.communicate()
        assert child.returncode != 0, errors
        said += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        sheet_id, length = said[-1].split()
        with Store(path) as store:
            sheet = store.current(owner)
            assert sheet is not None
            assert sheet.id == sheet_id
            for number, draft in enumerate(sheet.drafts):
                assert len(draft.tokens) >= int(length)
                assert draft == made_draft(f"{name}-{number}", tokens=len(draft.tokens))
            desk = store.desk(owner)
            assert desk["seed"] == name
            assert desk["length"] >= int(length)
            assert len(store.tree(owner)) == round_ + 1


def test_threads_and_processes_write_at_once_and_nothing_is_lost(store: Store, path: Path, owner: str) -> None:
    children = [start_child("a-few", path, owner, f"process{number}") for number in range(2)]

    def write(thread: int) -> None:
        for number in range(15):
            put(store, owner, f"thread{thread}-{number}")
            store.set_desk(owner, {"thread": thread})
            store.tree(owner)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    for child in children:
        said, errors = child.communicate(timeout=120)
        assert (child.returncode, said, errors) == (0, "", "")
    forks = 2 if hasattr(os, "fork") else 1
    entries = store.tree(owner)
    assert len({entry.label for entry in entries}) == len(entries) == 4 * 15 + 2 * forks * 15
    for entry in entries:
        sheet = store.sheet(owner, entry.id)
        assert all(draft == made_draft(draft.id, stopped="length") and draft.id.startswith(entry.label) for draft in sheet.drafts)
    undone = sum(1 for _ in iter(lambda: store.undo(owner), None))
    assert undone == len(entries) - 1


def test_connections_of_threads_that_ended_are_closed(store: Store, owner: str) -> None:
    for number in range(5):
        thread = threading.Thread(target=put, args=(store, owner, f"{number}"))
        thread.start()
        thread.join()
    put(store, owner, "here")
    assert len(store.tree(owner)) == 6
    assert len(store.database._opened) <= 2


def test_a_closed_store_says_so(store: Store, owner: str) -> None:
    put(store, owner, "a")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.current(owner)


# --- a file that can't be used


def damage_all(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(8192))


def damage_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:] = random.Random(1).randbytes(len(content) - 100)
    path.write_bytes(content)


def damage_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


@pytest.mark.parametrize("damage", [damage_all, damage_the_middle, damage_the_end])
def test_a_damaged_file_is_named_and_left_as_it_is(path: Path, owner: str, damage: Callable[[Path], None]) -> None:
    with Store(path) as store:
        put(store, owner, "a")
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"damaged.*left untouched") as caught, Store(path) as store:
        store.current(owner)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if not file.name.endswith(("-wal", "-shm"))] == [path.name]


def test_a_damaged_draft_is_named_and_the_others_stay(store: Store, owner: str) -> None:
    a, b = put(store, owner, "a"), put(store, owner, "b")
    with store.database.writing() as connection:
        connection.execute("UPDATE draft_tokens SET body = x'00' WHERE draft = (SELECT number FROM drafts WHERE id = 'b-1')")
    with pytest.raises(StoreError, match="'b-1' can't be read"):
        store.sheet(owner, b.id)
    assert store.draft(owner, "b-0") == b.drafts[0]
    assert store.open(owner, a.id) == a


def test_a_file_of_a_later_version_is_refused_and_left_as_it_is(path: Path, owner: str) -> None:
    with Store(path) as store:
        put(store, owner, "a")
    with Database(path, migrations=(*MIGRATIONS, ("CREATE TABLE votes (draft TEXT)",))).writing() as connection:
        connection.execute("INSERT INTO votes VALUES ('a')")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"later Narrative .form {len(MIGRATIONS) + 1}; this one knows forms up to {len(MIGRATIONS)}"):
        Store(path)
    assert path.read_bytes() == before


def test_an_older_file_gets_the_new_tables_and_keeps_its_sheets(path: Path, owner: str) -> None:
    with Store(path) as store:
        sheet = put(store, owner, "a")
    database = Database(path, migrations=(*MIGRATIONS, ("CREATE TABLE votes (draft TEXT)",)))
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (0,)
        assert sheets.find(connection, owner, sheet.id).label == "a"
    database.close()


def test_a_migration_that_fails_changes_nothing(path: Path, owner: str) -> None:
    with Store(path) as store:
        sheet = put(store, owner, "a")
    with pytest.raises(sqlite3.OperationalError):
        Database(path, migrations=(*MIGRATIONS, ("CREATE TABLE votes (draft TEXT)", "CREATE TABLE sheets (again TEXT)")))
    with Store(path) as store:
        assert store.current(owner) == sheet


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bank.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE accounts (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"bank\.db belongs to another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="can't be opened"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="can't be made"):
        Store(tmp_path / "file" / "studio.db")


# --- the shared selection


def test_a_selection_starts_empty_and_does_not_change() -> None:
    chosen = Selection()
    assert (chosen.sheet, chosen.draft, chosen.token) == (None, None, None)
    with pytest.raises(FrozenInstanceError):
        chosen.token = 3  # type: ignore[misc]
