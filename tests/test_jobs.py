"""The queue of jobs, without a process: what is checked, in which order jobs stand, what is kept and what is taken away."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from made_jobs import tiny_settings

from narrative import home
from narrative.corpus import write_corpus
from narrative.errors import CorpusError, JobError, NarrativeError, SettingsError, StoreError, UnknownModelError
from narrative.files import read_json
from narrative.jobs import Queue, leases, memory, processes, table
from narrative.jobs.devices import device_named, devices, ids_in
from narrative.jobs.launch import plan
from narrative.jobs.ledger import LeaseLostError, Ledger
from narrative.jobs.states import FINISHED, INTERRUPTED, QUEUED, RUNNING, STATES, STOPPED, STOPPING
from narrative.store.database import Database
from narrative.training import TrainingSettings
from narrative.training.job import Job

LISTED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c1a)
  MIG 3g.20gb     Device  0: (UUID: MIG-77aa)
  MIG 3g.20gb     Device  1: (UUID: MIG-88bb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-9f0b)
"""


@pytest.fixture
def database(narrative_home: Path) -> Database:
    return Database(narrative_home / "studio.db")


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database, worker_command=("false",))


@pytest.fixture
def settings() -> TrainingSettings:
    return tiny_settings()


def put(database: Database, name: str, **values: object) -> None:
    with database.writing() as connection:
        table.change(connection, name, **values)


def names(queue: Queue) -> list[tuple[str, str, int]]:
    return [(row.name, row.state, row.place) for row in queue.rows()]


def test_jobs_stand_in_the_order_they_came_whatever_the_clock_says(
    queue: Queue, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, clock in enumerate((5e9, 1e9, 3e9, 0.0)):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        assert queue.submit(settings, name=f"job-{number}").place == number + 1
    assert names(queue) == [(f"job-{number}", QUEUED, number + 1) for number in range(4)]


def test_a_job_without_a_name_gets_one_from_corpus_and_method(queue: Queue, settings: TrainingSettings) -> None:
    assert [queue.submit(settings).name for _ in range(3)] == ["house-scratch-1", "house-scratch-2", "house-scratch-3"]
    assert queue.row("house-scratch-2").job.settings() == settings


def test_many_apps_that_submit_at_once_lose_no_job_and_share_no_name(settings: TrainingSettings, narrative_home: Path) -> None:
    def submit() -> None:
        own = Queue(Database(narrative_home / "studio.db"))
        for _ in range(4):
            own.submit(settings)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = Queue(Database(narrative_home / "studio.db")).rows()
    assert sorted(row.name for row in rows) == sorted(f"house-scratch-{number}" for number in range(1, 17))
    assert [row.place for row in rows] == list(range(1, 17))
    assert all((row.folder / "job.json").exists() for row in rows)


@pytest.mark.parametrize(
    ("change", "name", "error", "words"),
    [
        ({"corpora": (("nosuch", 1.0),)}, "", CorpusError, "No corpus 'nosuch'"),
        ({"corpora": (("empty", 1.0),)}, "", CorpusError, "'empty' has no texts to learn from"),
        ({"base": "nosuch", "method": "full", "architecture": None}, "", UnknownModelError, "There is no model 'nosuch'"),
        ({}, "../escape", SettingsError, "must be 1 to 80 letters"),
        ({}, ".hidden", SettingsError, "must be 1 to 80 letters"),
        ({}, "taken", JobError, "There is a job 'taken' already"),
        ({}, "folder", JobError, "There is a job 'folder' already"),
    ],
)
def test_what_will_not_do_is_refused_before_anything_is_written(
    queue: Queue, settings: TrainingSettings, change: dict[str, object], name: str, error: type[NarrativeError], words: str
) -> None:
    write_corpus("empty", train=[], test=[], origin="", licence="")
    queue.submit(settings, name="taken")
    (home.jobs() / "folder").mkdir()
    with pytest.raises(error, match=words):
        queue.submit(replace(settings, **change), name=name)  # type: ignore[arg-type]
    assert [row.name for row in queue.rows()] == ["taken"]
    assert sorted(path.name for path in home.jobs().iterdir()) == ["folder", "taken"]


def test_a_place_that_can_not_be_written_to_is_named_and_no_line_is_left(queue: Queue, settings: TrainingSettings) -> None:
    home.jobs().write_text("a file where the folder should be")
    with pytest.raises(JobError, match=r"can't be written to .*jobs: "):
        queue.submit(settings)
    assert queue.rows() == []


def test_a_submission_that_the_database_can_not_keep_leaves_no_folder(
    queue: Queue, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(Database):
        @contextmanager
        def writing(self) -> Iterator[sqlite3.Connection]:
            with super().writing() as connection:
                yield connection
                raise StoreError("The database can't grow: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "database", FullDisk(queue.database.path))
        with pytest.raises(StoreError, match="the disk is full"):
            queue.submit(settings, name="job")
    assert (queue.rows(), list(home.jobs().iterdir())) == ([], [])
    assert queue.submit(settings, name="job").place == 1


def test_a_worker_waits_for_a_database_that_fails_for_a_while_but_not_for_ever(database: Database) -> None:
    ledger, failures = Ledger(database, "cpu", patience=0.2), [StoreError("The database can't grow: the disk is full.")] * 2

    def work(connection: sqlite3.Connection) -> int:
        if failures:
            raise failures.pop()
        return int(connection.execute("SELECT 7").fetchone()[0])

    assert ledger.writing(work) == 7
    failures = [StoreError("The database is damaged.")] * 100
    with pytest.raises(StoreError, match="damaged"):
        ledger.reading(work)
    with pytest.raises(LeaseLostError):
        ledger.reading(ledger.check)


def test_folders_are_named_from_the_root_for_the_job_runs_elsewhere(
    queue: Queue, settings: TrainingSettings, gpt2_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(home.corpora() / "house").rename(gpt2_copy.parent / "away")
    monkeypatch.chdir(gpt2_copy.parent)
    row = queue.submit(replace(settings, corpora=(("away", 0.0),), base="copy", method="full", architecture=None))
    stored = row.job.settings()
    assert (stored.base, stored.corpora) == (str(gpt2_copy), ((str(gpt2_copy.parent / "away"), 0.0),))
    assert (row.base, row.corpora, row.name) == ("copy", "away", "away-full-1")


def test_a_row_says_how_far_a_job_has_come_and_a_poll_is_one_select(queue: Queue, settings: TrainingSettings, database: Database) -> None:
    for number in range(5):
        queue.submit(settings, name=f"job-{number}")
    put(database, "job-2", state=RUNNING, device="cpu", step=1)
    job = queue.row("job-2").job
    job.write_state("running", step=7, steps=20, seconds_left=3, test_loss=2.5, stage="Measuring.", perplexity=float("nan"))
    said: list[str] = []
    with database.reading() as connection:
        pass
    connection.set_trace_callback(said.append)
    rows = queue.rows()
    connection.set_trace_callback(None)
    assert (rows[0].name, rows[0].step, rows[0].steps, rows[0].seconds_left, rows[0].test_loss) == ("job-2", 7, 20, 3.0, 2.5)
    assert (rows[0].stage, rows[0].perplexity) == ("Measuring.", None)
    assert [row.place for row in rows] == [0, 1, 2, 3, 4]
    assert len([line for line in said if line.startswith("SELECT")]) == 1


@pytest.mark.parametrize("damage", ["", "{", '{"step": "four"}', "[1, 2]", "null", '{"state": "running", "step": 1e400, "stage": 3}'])
def test_a_damaged_state_hides_no_row(queue: Queue, settings: TrainingSettings, database: Database, damage: str) -> None:
    queue.submit(settings, name="job")
    put(database, "job", state=RUNNING, device="cpu", step=3)
    (home.jobs() / "job" / "state.json").write_text(damage)
    assert (queue.row("job").step, queue.row("job").state) == (3, RUNNING)


def test_stop_takes_a_waiting_job_out_and_resume_puts_it_at_the_end(queue: Queue, settings: TrainingSettings) -> None:
    for number in range(3):
        queue.submit(settings, name=f"job-{number}")
    stopped = queue.stop("job-0")
    assert (stopped.state, stopped.reason) == (STOPPED, "It was taken out of the queue. It starts again from the beginning.")
    assert queue.resume("job-0").place == 3
    assert names(queue) == [("job-1", QUEUED, 1), ("job-2", QUEUED, 2), ("job-0", QUEUED, 3)]


def test_a_job_that_somebody_else_runs_is_not_resumed(queue: Queue, settings: TrainingSettings) -> None:
    job = queue.submit(settings, name="job").job
    queue.stop("job")
    with job.held(), pytest.raises(JobError, match="by a process that this queue did not start"):
        queue.resume("job")
    assert queue.row("job").state == STOPPED


def test_resume_takes_the_stop_request_back(queue: Queue, settings: TrainingSettings, database: Database) -> None:
    job = queue.submit(settings, name="job").job
    put(database, "job", state=RUNNING, device="cpu")
    assert queue.stop("job").state == STOPPING
    assert queue.stop("job").state == STOPPING
    assert job.stop_asked
    put(database, "job", state=INTERRUPTED)
    assert queue.resume("job").reason == ""
    assert not job.stop_asked


@pytest.mark.parametrize("state", STATES)
def test_each_state_allows_what_it_allows(queue: Queue, settings: TrainingSettings, database: Database, state: str) -> None:
    live = state in {QUEUED, RUNNING, STOPPING}
    attempts: dict[str, tuple[Callable[[], object], bool]] = {
        "stop": (lambda: queue.stop("job"), live),
        "resume": (lambda: queue.resume("job"), not live and state != FINISHED),
        "delete": (lambda: queue.delete("job"), not live),
    }
    for attempt, allowed in attempts.values():
        if not any(row.name == "job" for row in queue.rows()):
            queue.submit(settings, name="job")
        put(database, "job", state=state, device="cpu")
        if allowed:
            attempt()
        else:
            with pytest.raises(JobError, match=f"'job' is {state}"):
                attempt()


def test_an_unknown_job_is_answered_with_those_that_there_are(queue: Queue, settings: TrainingSettings) -> None:
    with pytest.raises(JobError, match=r"There is no job 'x'\. There are none yet\."):
        queue.row("x")
    queue.submit(settings, name="job")
    for ask in (queue.row, queue.stop, queue.resume, queue.delete):
        for name in ("x", "../job", "\ud800", ""):
            with pytest.raises(JobError, match=r"There is no job .*\. Here are: job\."):
                ask(name)


def test_delete_removes_the_folder_and_the_row(queue: Queue, settings: TrainingSettings) -> None:
    for name in ("job", "other"):
        queue.submit(settings, name=name)
        queue.stop(name)
    queue.delete("job")
    assert [row.name for row in queue.rows()] == ["other"]
    assert [path.name for path in home.jobs().iterdir()] == ["other"]
    (home.jobs() / "other" / "job.json").unlink()
    (home.jobs() / "other").rmdir()
    queue.delete("other")
    assert queue.rows() == []


def test_a_crash_half_way_through_a_deletion_or_a_submission_loses_nothing(
    queue: Queue, settings: TrainingSettings, database: Database
) -> None:
    for name in ("kept", "gone"):
        queue.submit(settings, name=name)
        queue.stop(name)
        (home.jobs() / name).rename(home.jobs() / f".deleting-{name}")  # a power cut here
    with database.writing() as connection:
        table.remove(connection, "gone")  # and here, of the other one
    (home.jobs() / ".new-1234").mkdir()
    again = Queue(database)
    assert [(row.name, row.state) for row in again.rows()] == [("kept", STOPPED)]
    assert again.row("kept").job.settings() == settings
    assert [path.name for path in home.jobs().iterdir()] == ["kept"]


def test_a_deletion_that_the_database_refuses_is_taken_back(
    queue: Queue, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.submit(settings, name="job")
    queue.stop("job")
    with monkeypatch.context() as patch:
        patch.setattr(table, "remove", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("no such table")))
        with pytest.raises(sqlite3.OperationalError):
            queue.delete("job")
    assert queue.row("job").job.settings() == settings


def test_the_name_it_was_published_under_stays(queue: Queue, settings: TrainingSettings) -> None:
    queue.submit(settings, name="job")
    queue.set_published("job", "our-style")
    assert queue.row("job").published == "our-style"


@pytest.mark.parametrize(
    ("told", "model", "state", "reason"),
    [
        ({"state": "finished", "step": 9}, True, "finished", ""),
        ({"state": "stopped", "step": 4}, False, "stopped", "It goes on from step 4."),
        ({"state": "failed", "reason": "The loss is no longer a number."}, False, "failed", "The loss is no longer a number."),
        ({"state": "running", "step": 5, "pid": 2**22 + 5}, False, "interrupted", "without a word after step 5. It goes on from step 4."),
        (None, False, "stopped", "It has not run yet."),
    ],
)
def test_a_job_without_a_row_is_taken_in_as_its_folder_says(
    queue: Queue, settings: TrainingSettings, told: dict[str, object] | None, model: bool, state: str, reason: str
) -> None:
    job = Job.create(home.jobs() / "stranger", settings)
    if told:
        job.write_state(**told)  # type: ignore[arg-type]
        (job.folder / "checkpoint-4").mkdir()
        job.mark_complete(job.folder / "checkpoint-4")
        (job.folder / "state.json").write_text((job.folder / "state.json").read_text().replace(f'"pid": {os.getpid()},', '"pid": 0,'))
    if model:
        job.model.mkdir()
    row = queue.row("stranger")
    assert (row.state, row.corpora, row.method) == (state, "house", "scratch")
    assert reason in row.reason
    assert [row.name for row in Queue(queue.database).rows()] == ["stranger"]


def test_a_stranger_with_damaged_settings_is_shown_as_failed(queue: Queue) -> None:
    (home.jobs() / "odd").mkdir(parents=True)
    (home.jobs() / "odd" / "job.json").write_text("{")
    assert queue.row("odd").state == "failed"
    assert "job.json of odd can't be read" in queue.row("odd").reason


def test_a_job_that_a_terminal_runs_is_shown_at_work_and_closed_when_it_ends(queue: Queue, settings: TrainingSettings) -> None:
    job = Job.create(home.jobs() / "by-hand", settings)
    with job.held():
        job.write_state("running", step=2, steps=4)
        assert (queue.row("by-hand").state, queue.row("by-hand").step) == (RUNNING, 2)
        assert queue.stop("by-hand").state == STOPPING
        assert job.stop_asked
        put(queue.database, "by-hand", pid=2**22 + 5)  # and now it is dead
        job.write_state("stopped", step=3, steps=4)
        queue.tend()
    row = queue.row("by-hand")
    assert (row.state, row.step, row.reason) == (STOPPED, 3, "It stopped as asked. It starts again from the beginning.")


def test_a_job_over_all_devices_waits_for_them_is_not_overtaken_and_runs_alone(
    queue: Queue, settings: TrainingSettings, database: Database
) -> None:
    for name, count in (("one", 1), ("all", 2), ("late", 1)):
        queue.submit(replace(settings, processes=count), name=name)

    def claim(device: str) -> str | None:
        with database.writing() as connection:
            entry = table.claim(connection, device, launch="m", kills=0)
            return entry.name if entry else None

    assert [claim("cpu:0"), claim("cpu:1"), claim("cpu:1")] == ["one", None, None]
    put(database, "one", state=FINISHED)
    assert [claim("cpu:1"), claim("cpu:0")] == ["all", None]
    put(database, "all", state=FINISHED)
    assert claim("cpu:0") == "late"


def test_a_lease_is_kept_by_whoever_lives_and_by_nobody_else(database: Database) -> None:
    mine, dead = leases.Holder.me(), leases.Holder(os.getpid(), "another birth")
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = leases.Holder(other.pid, processes.born(other.pid))
    with database.writing() as connection:
        assert leases.take(connection, "cpu", dead)
        assert leases.take(connection, "cpu", theirs)
        connection.execute("UPDATE workers SET beat = 0")
        assert not leases.take(connection, "cpu", mine)
        assert leases.served(connection) == {"cpu"}
    other.kill()
    other_is_a_zombie = os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert other_is_a_zombie
    with database.writing() as connection:
        assert leases.served(connection) == set()
        assert leases.take(connection, "cpu", mine)
        assert not leases.beat(connection, "cpu", theirs)
    other.communicate()


def test_a_process_is_known_by_its_birth_and_its_descendants_by_their_mark() -> None:
    sleeper = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {'import time; time.sleep(60)'!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", sleeper], env=os.environ | {processes.MARK: "a-mark"}, check=True)
    found = processes.marked("a-mark")
    assert len(found) == 1
    assert processes.alive(found[0], processes.born(found[0]))
    assert not processes.alive(found[0], "another time")
    assert processes.born(2**22 + 5) == ""
    os.kill(found[0], 9)


@pytest.mark.parametrize(("batch", "passes", "expected"), [(8, 1, (4, 2)), (5, 1, (1, 5)), (6, 2, (3, 4)), (2, 8, (1, 16))])
def test_half_the_batch_learns_the_same_at_a_step(
    queue: Queue, settings: TrainingSettings, batch: int, passes: int, expected: tuple[int, int]
) -> None:
    wanted = replace(settings, batch_size=batch, accumulation=passes)
    job = queue.submit(wanted, name="job").job
    assert memory.make_room(job, step=5)[0]
    assert job.batch(wanted) == expected
    assert read_json(job.folder / "batch.json") == {"batch_size": expected[0], "accumulation": expected[1]}


def test_slices_of_a_gpu_are_devices_of_their_own() -> None:
    assert ids_in(LISTED.splitlines()) == ("MIG-77aa", "MIG-88bb", "GPU-9f0b")
    assert ids_in(["No devices found."]) == ()


def test_devices_are_those_named_and_never_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert [device.name for device in devices()] in (["cpu"], ["mps"])
    monkeypatch.setenv("NARRATIVE_DEVICES", "cpu:0, cpu:1,cpu:0")
    assert [device.name for device in devices()] == ["cpu:0", "cpu:1"]
    assert device_named("cpu:1")[1]
    assert not device_named("cuda:7")[1]
    for wrong, words in (("gpu", "Unknown device 'gpu'"), ("cuda:9", "GPU 'cuda:9' .* is not here")):
        monkeypatch.setenv("NARRATIVE_DEVICES", wrong)
        with pytest.raises(JobError, match=words):
            devices()


def test_a_training_is_started_for_its_device_and_the_keepers_own_environment_wins(
    queue: Queue, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("RANK", "3")
    job = queue.submit(settings, name="job").job
    one = plan(job, replace(settings, threads=1), device_named("cpu")[0])
    assert one.command == (sys.executable, "-m", "narrative.training", str(job.folder))
    chosen = {"CUDA_VISIBLE_DEVICES": "", "OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "1"}
    assert chosen.items() <= one.environment.items()
    assert one.environment["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"
    assert "RANK" not in one.environment
    both = plan(job, replace(settings, processes=2), device_named("cpu")[0])
    assert both.command[1:4] == ("-m", "accelerate.commands.launch", "--multi_gpu")
    assert both.command[-3:] == one.command[1:]
    assert both.command[4:6] == ("--num_processes", "2")
    assert both.environment["ACCELERATE_USE_CPU"] == "true"
