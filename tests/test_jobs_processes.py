"""Jobs as real processes that are really killed: workers, children and grandchildren, with a trainer that has no model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_jobs import PACE, PATIENCE, ROOT, WORKER, Desk

from narrative import home
from narrative.jobs import Queue, leases, processes, table
from narrative.jobs.states import FAILED, FINISHED, INTERRUPTED, QUEUED, RUNNING, STOPPED, STOPPING
from narrative.store.database import Database

APP = """
import sys, time
from narrative import home
from narrative.jobs import Queue
from narrative.store.database import Database
queue = Queue(Database(home.database()), worker_command=sys.argv[1:])
while True:
    queue.tend()
    time.sleep(0.1)
"""


@pytest.fixture
def desk(narrative_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    desk = Desk(Database(narrative_home / "studio.db"))
    yield desk
    desk.clear()


def test_five_jobs_run_in_order_though_worker_and_app_die_among_them(desk: Desk) -> None:
    names = [f"job-{number}" for number in range(5)]
    for name in names:
        desk.submit(name, wait_at=2 if name == "job-1" else None, seconds=0.02)
    child = desk.child("job-1")
    desk.kill_worker()
    desk.queue = Queue(desk.database, worker_command=desk.command)  # the app was started again
    assert processes.born(child)
    assert [(row.name, row.state) for row in desk.queue.rows()][:2] == [("job-1", RUNNING), ("job-2", QUEUED)]
    desk.worker()
    desk.go("job-1")
    assert [row.state for row in desk.ended(*names)] == [FINISHED] * 5
    assert desk.runs() == names, "each was started once"
    assert [row.name for row in desk.queue.rows()] == names[::-1]


def test_an_app_that_is_killed_with_all_its_group_takes_neither_worker_nor_child_along(desk: Desk) -> None:
    desk.submit("job", wait_at=2)
    app = subprocess.Popen([sys.executable, "-c", APP, *desk.command], start_new_session=True)
    desk.until(lambda: desk.queue.row("job").step, tend=False)
    os.killpg(app.pid, signal.SIGKILL)
    assert app.wait() == -signal.SIGKILL
    assert processes.born(desk.child("job"))
    desk.go("job")
    assert desk.ended("job")[0].state == FINISHED
    assert (desk.runs(), len(desk.workers())) == (["job"], 1)


def test_a_killed_child_is_interrupted_the_next_one_runs_and_it_resumes_from_its_checkpoint(desk: Desk) -> None:
    row = desk.submit("first", kill_at=4, save_every=3, steps=5)
    desk.submit("second")
    first, second = desk.ended("first", "second")
    assert (first.state, second.state) == (INTERRUPTED, FINISHED)
    assert first.reason == "The process was killed (signal 9) after step 4. It goes on from step 3."
    (row.folder / "play.json").unlink()
    assert desk.queue.resume("first").state == QUEUED
    ended = desk.ended("first")[0]
    assert (ended.state, ended.reason, ended.test_loss, ended.seconds) == (FINISHED, "", 4.5, 9.0)
    assert desk.runs() == ["first", "second", "first"]


def test_a_job_stops_with_a_checkpoint_when_asked(desk: Desk) -> None:
    desk.submit("job", wait_at=3)
    desk.child("job")
    assert desk.queue.stop("job").state == STOPPING
    ended = desk.ended("job")[0]
    assert (ended.state, ended.reason) == (STOPPED, f"It stopped as asked. It goes on from step {ended.step}.")


def test_what_will_not_stop_is_ended_with_all_that_it_started(desk: Desk) -> None:
    desk.submit("job", wait_at=3, deaf=True, grandchild=True)
    child = desk.child("job")
    desk.until(lambda: desk.queue.row("job").step == 3)
    grandchild = int((home.jobs() / "job" / "grandchild").read_text())
    assert os.getsid(grandchild) == grandchild, "it is in no group of its parent's"
    assert processes.born(grandchild)
    desk.queue.stop("job")
    ended = desk.ended("job")[0]
    assert (ended.state, re.sub(r"[\d.]+ seconds", "N seconds", ended.reason)) == (
        STOPPED,
        "It did not stop within N seconds and was ended after step 3. It goes on from step 2.",
    )
    assert (processes.born(child), processes.born(grandchild)) == ("", "")


@pytest.mark.parametrize("signalled", ["child", "worker and child"])
def test_no_grandchild_outlives_its_job(desk: Desk, signalled: str) -> None:
    desk.submit("job", wait_at=1, grandchild=True)
    child = desk.child("job")
    grandchild = int((home.jobs() / "job" / "grandchild").read_text())
    if signalled == "worker and child":
        desk.kill_worker()
    os.kill(child, signal.SIGKILL)
    ended = desk.ended("job")[0]
    killed = "The process was killed (signal 9) after step 1." if signalled == "child" else "The process ended without a word after step 1."
    assert (ended.state, ended.reason) == (INTERRUPTED, f"{killed} It starts again from the beginning.")
    desk.until(lambda: not processes.born(grandchild))


def test_a_stop_reaches_a_job_whose_worker_is_dead(desk: Desk) -> None:
    desk.submit("job", wait_at=3)
    desk.child("job")
    desk.kill_worker()
    desk.queue.stop("job")
    ended = desk.ended("job")[0]
    assert (ended.state, ended.reason) == (STOPPED, f"It stopped as asked. It goes on from step {ended.step}.")
    assert len(desk.workers()) == 2


def test_two_apps_on_one_home_give_a_device_one_worker_and_a_job_one_child(desk: Desk) -> None:
    desk.submit("job", wait_at=2)
    rivals = [subprocess.Popen([*desk.command, "cpu"]) for _ in range(3)]
    desk.child("job")
    desk.until(lambda: sum(bool(processes.born(pid)) for pid in desk.workers()) == 1, tend=False)
    assert processes.born(desk.worker())
    desk.go("job")
    assert desk.ended("job")[0].state == FINISHED
    assert desk.runs() == ["job"]
    assert [rival.wait(timeout=PATIENCE) for rival in rivals] == [0, 0, 0]


@pytest.mark.parametrize(
    ("play", "state", "reason"),
    [
        ({"exit": 2, "reason": "The loss is no longer a number at step 4."}, FAILED, "The loss is no longer a number at step 4."),
        ({"exit": 1}, INTERRUPTED, "The process broke down (exit status 1) after step 4; train.log says more. It goes on from step 4."),
        ({"exit": 0, "reason": "no model"}, FAILED, "Its process ended without leaving a model; train.log says more."),
        ({"exit": 3}, STOPPED, "It stopped as asked. It goes on from step 4."),
    ],
)
def test_an_end_is_told_as_it_was(desk: Desk, play: dict[str, Any], state: str, reason: str) -> None:
    desk.submit("job", seconds=0, **play)
    ended = desk.ended("job")[0]
    assert (ended.state, ended.reason, ended.step) == (state, reason, 4)


def test_what_an_earlier_process_said_is_not_taken_for_the_word_of_this_one(desk: Desk) -> None:
    row = desk.submit("job", exit=2, reason="An old reason.", seconds=0)
    desk.ended("job")
    (row.folder / "play.json").write_text(json.dumps({"kill_at": 0}))
    desk.queue.resume("job")
    ended = desk.ended("job")[0]
    assert (ended.state, ended.reason) == (INTERRUPTED, "The process was killed (signal 9) after step 4. It goes on from step 4.")


def test_a_job_that_ran_out_of_memory_goes_on_at_once_with_half_its_batch(desk: Desk) -> None:
    row = desk.submit("big", kill_at=3, wait_at=2)
    desk.submit("next", seconds=0)
    desk.child("big")
    (home.home() / "kills").write_text("1")
    (row.folder / "play.json").write_text("{}")
    desk.go("big")
    assert [row.state for row in desk.ended("big", "next")] == [FINISHED, FINISHED]
    assert desk.runs() == ["big", "big", "next"]
    assert row.job.batch(row.job.settings()) == (4, 2)
    told = [note["text"] for note in row.job.notes()]
    assert told == ["Memory ran out with 8 texts at a time. It goes on with 4 at a time, which learns the same more slowly."]


def test_a_job_without_memory_for_a_single_text_is_interrupted_and_says_so(desk: Desk) -> None:
    row = desk.submit("big", kill_at=3, wait_at=2)
    row.job.set_batch(1, 8)
    desk.child("big")
    (home.home() / "kills").write_text("1")
    desk.go("big")
    ended = desk.ended("big")[0]
    assert ended.state == INTERRUPTED
    assert ended.reason.startswith("Memory ran out. The memory doesn't suffice even for one text at a time.")
    assert ended.reason.endswith("It goes on from step 2.")


def spoil_settings(folder: Path) -> None:
    (folder / "job.json").write_text("{")


def spoil_state(folder: Path) -> None:
    (folder / "state.json").mkdir()


def take_away(folder: Path) -> None:
    folder.rename(folder.with_name(".away"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_settings, "job.json of bad can't be read"),
        (spoil_state, "It can't be run: Is a directory"),
        (take_away, "The job's folder is gone"),
    ],
)
def test_a_job_that_can_not_be_run_fails_alone(desk: Desk, spoil: Callable[[Path], None], reason: str) -> None:
    row = desk.submit("bad")
    desk.submit("good", seconds=0)
    spoil(row.folder)
    bad, good = desk.ended("bad", "good")
    assert (bad.state, good.state) == (FAILED, FINISHED)
    assert bad.reason.startswith(reason)
    assert len(desk.workers()) == 1


def test_a_folder_that_vanishes_under_a_running_job_is_its_failure(desk: Desk) -> None:
    row = desk.submit("job", wait_at=2)
    desk.submit("good", seconds=0)
    desk.child("job")
    desk.until(lambda: desk.queue.row("job").step == 2)
    take_away(row.folder)
    job, good = desk.ended("job", "good")
    assert (job.state, good.state) == (FAILED, FINISHED)
    assert "folder is gone" in job.reason


def test_a_worker_that_lost_its_device_steps_down_and_leaves_the_child_alone(desk: Desk) -> None:
    desk.submit("job", wait_at=2)
    child, first = desk.child("job"), desk.worker()
    with desk.database.writing() as connection:
        connection.execute("UPDATE workers SET pid = ?, born = ?", leases.Holder.me())
    desk.until(lambda: not processes.born(first))
    assert processes.born(child)
    with desk.database.writing() as connection:
        leases.give_up(connection, "cpu", leases.Holder.me())
    assert desk.worker() != first
    desk.go("job")
    assert desk.ended("job")[0].state == FINISHED
    assert desk.runs() == ["job"]


@pytest.mark.parametrize("hours", [-100_000, 100_000])
def test_a_clock_that_is_set_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    desk.submit("job", wait_at=2)
    desk.submit("next", seconds=0)
    child, first = desk.child("job"), desk.worker()
    true = time.time
    monkeypatch.setattr("time.time", lambda: true() + hours * 3600)
    rival = subprocess.Popen([sys.executable, str(WORKER), json.dumps(PACE | {"clock": hours}), "cpu"])
    assert rival.wait(timeout=PATIENCE) == 0
    desk.submit("last", seconds=0)
    assert [row.name for row in desk.queue.rows()] == ["job", "next", "last"]
    assert (desk.worker(), bool(processes.born(child))) == (first, True)
    desk.go("job")
    assert [row.state for row in desk.ended("job", "next", "last")] == [FINISHED] * 3
    assert desk.runs() == ["job", "next", "last"]
    assert [row.name for row in desk.queue.rows()] == ["last", "next", "job"]


def test_a_job_claimed_by_a_worker_that_died_before_its_start_is_started_once(desk: Desk) -> None:
    desk.submit("job", seconds=0)
    desk.submit("next", seconds=0)
    with desk.database.writing() as connection:
        assert table.claim(connection, "cpu", launch="a mark that nobody carries", kills=0)
    assert [row.state for row in desk.ended("job", "next")] == [FINISHED] * 2
    assert desk.runs() == ["job", "next"]


def test_a_child_that_its_worker_could_not_write_down_is_found_by_its_mark(desk: Desk) -> None:
    desk.submit("job", wait_at=2)
    child = desk.child("job")
    desk.kill_worker()
    with desk.database.writing() as connection:
        table.change(connection, "job", pid=0, born="")
    assert desk.child("job") == child
    desk.go("job")
    assert desk.ended("job")[0].state == FINISHED
    assert desk.runs() == ["job"]


@pytest.mark.parametrize(("told", "state"), [("failed", FAILED), ("stopped", STOPPED), ("running", INTERRUPTED)])
def test_a_child_that_came_and_went_while_no_worker_lived_is_judged_by_its_word(desk: Desk, told: str, state: str) -> None:
    row = desk.submit("job")
    with desk.database.writing() as connection:
        table.claim(connection, "cpu", launch="a mark of one that is gone", kills=0)
    row.job.write_state(told, step=2, reason="Its word.")
    assert (desk.ended("job")[0].state, desk.runs()) == (state, [])
    desk.queue.resume("job")  # and that word is not taken for the next one's
    with desk.database.writing() as connection:
        table.claim(connection, "cpu", launch="another mark of one that never was", kills=0)
    assert (desk.ended("job")[0].state, desk.runs()) == (FINISHED, ["job"])


def test_a_machine_that_was_started_anew_is_named_as_the_reason(desk: Desk) -> None:
    row = desk.submit("job")
    with desk.database.writing() as connection:
        table.claim(connection, "cpu", launch="mark", kills=0)
        table.change(connection, "job", pid=os.getpid(), born="another-boot 123")
    row.job.write_state("running", step=6, steps=9)
    ended = desk.ended("job")[0]
    assert ended.state == INTERRUPTED
    assert ended.reason == "The machine was started anew after step 6. It starts again from the beginning."


def test_two_devices_run_two_jobs_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu:0,cpu:1")
    for name in ("a", "b", "c"):
        desk.submit(name, wait_at=1)
    desk.child("a")
    desk.child("b")
    assert {row.device for row in desk.queue.rows() if row.state == RUNNING} == {"cpu:0", "cpu:1"}
    assert desk.queue.row("c").place == 1
    for name in ("a", "b", "c"):
        desk.go(name)
    assert [row.state for row in desk.ended("a", "b", "c")] == [FINISHED] * 3


def test_a_worker_leaves_when_nothing_waits_and_the_next_job_gets_a_new_one(desk: Desk) -> None:
    desk.submit("one", seconds=0)
    desk.ended("one")
    first = desk.workers()[0]
    desk.until(lambda: not processes.born(first))
    with desk.database.reading() as connection:
        assert leases.holder(connection, "cpu") is None
    desk.submit("two", seconds=0)
    assert desk.ended("two")[0].state == FINISHED
    assert len(desk.workers()) == 2


def test_a_training_lets_everything_else_go_first_and_says_nothing_to_a_pipe(desk: Desk) -> None:
    desk = Desk(desk.database, quiet=True)
    desk.submit("job", wait_at=1)
    child = desk.child("job")
    assert os.getpriority(os.PRIO_PROCESS, child) == 19
    assert os.getsid(child) == child
    streams = {number: Path(f"/proc/{child}/fd/{number}").resolve() for number in range(3)}
    log = home.jobs() / "job" / "train.log"
    assert streams == {0: Path("/dev/null"), 1: log.resolve(), 2: log.resolve()}
    desk.go("job")
    desk.ended("job")
