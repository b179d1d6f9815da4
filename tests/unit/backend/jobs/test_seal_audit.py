from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from backend.domain.audit_chain import genesis, seal
from backend.jobs import seal_audit as module
from backend.jobs.seal_audit import seal_rows
from backend.jobs.worker import JOBS
from backend.storage.audit_chain import lock_checkpoint, read_checkpoint, to_audit_row, to_link
from backend.storage.database import Database, open_engine
from tests.factories.audit import sealed_rows, write_events

SEAL_IN_A_LOOP = """
import sys
from backend.jobs import seal_audit
from backend.storage.database import Database, open_engine
seal_audit.BATCH = 5
database = Database(open_engine(sys.argv[1], pool_size=2), facility_id="main")
while True:
    if seal_audit.seal_rows(database, most_batches=1):
        print("sealed", flush=True)
"""


def assert_chained(database: Database, *, count: int) -> None:
    rows, link = sealed_rows(database), genesis("main")
    for row in rows:
        link = seal(to_audit_row(row), after=link)
        assert to_link(row) == link
    assert len(rows) == count
    with database.read() as connection:
        assert read_checkpoint(connection, "main").head == link


def test_rows_are_chained_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    assert seal_rows(database) == 0
    write_events(database, 5)
    assert seal_rows(database) == 5
    write_events(database, 3)
    assert seal_rows(database, most_batches=1) == 2
    assert seal_rows(database) == 1
    assert seal_rows(database) == 0
    assert_chained(database, count=8)


@pytest.mark.postgres
def test_who_commits_later_is_sealed_later(
    database: Database, request: pytest.FixtureRequest
) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    with database.write() as slow:
        slow.audit("visit_started", actor="slow", subject="visit:1")
        slow.flush()
        write_events(database, 2)
        assert seal_rows(database) == 2
    assert seal_rows(database) == 1
    rows = sealed_rows(database)
    assert rows[-1].actor == "slow"
    assert rows[-1].id < rows[0].id
    assert_chained(database, count=3)


def test_what_was_undone_leaves_no_hole(database: Database) -> None:
    write_events(database, 1)

    def fail() -> None:
        with database.write() as unit:
            unit.audit("visit_started", actor="test", subject="visit:1")
            unit.flush()
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    write_events(database, 1)
    seal_rows(database)
    assert_chained(database, count=2)


def test_one_seals_at_a_time(database: Database) -> None:
    write_events(database, 1)
    assert seal_rows(database) == 1
    write_events(database, 3)
    if database.engine.dialect.name == "postgresql":
        with database.write() as unit:
            assert lock_checkpoint(unit, wait=False) is not None
            assert seal_rows(database) == 0
    assert seal_rows(database) == 3
    assert_chained(database, count=4)


def test_writers_and_sealers_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    done, failures = threading.Event(), []

    def guard(work: object) -> threading.Thread:
        def run() -> None:
            try:
                work()  # type: ignore[operator]  # a closure of this test
            except Exception as error:
                failures.append(error)

        return threading.Thread(target=run)

    def seal_on() -> None:
        while not done.is_set():
            seal_rows(database)

    writers = [guard(lambda: write_events(database, 30)) for _ in range(3)]
    sealers = [guard(seal_on) for _ in range(2)]
    for thread in [*sealers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    seal_rows(database)
    assert failures == []
    assert_chained(database, count=90)


def test_a_sealer_that_is_killed_leaves_no_half(database: Database, database_url: str) -> None:
    write_events(database, 200)
    with subprocess.Popen(
        [sys.executable, "-c", SEAL_IN_A_LOOP, database_url], stdout=subprocess.PIPE
    ) as sealer:
        assert sealer.stdout is not None
        for _ in range(3):
            assert sealer.stdout.readline() == b"sealed\n"
        sealer.send_signal(signal.SIGKILL)
        sealer.wait()
    assert 15 <= len(sealed_rows(database)) < 200
    seal_rows(database)
    assert_chained(database, count=200)


def test_a_head_that_was_set_back_stops_nothing(database: Database) -> None:
    write_events(database, 3)
    seal_rows(database)
    with database.write() as unit:
        unit.connection.exec_driver_sql("DELETE FROM audit_checkpoint")
    write_events(database, 2)
    assert seal_rows(database) == 2
    assert_chained(database, count=5)


def test_each_facility_has_a_chain_of_its_own(database: Database, database_url: str) -> None:
    other = Database(open_engine(database_url, pool_size=2), facility_id="other")
    for each in (database, other, database, other):
        write_events(each, 1)
    assert (seal_rows(database), seal_rows(other)) == (2, 2)
    assert [row.sequence for row in sealed_rows(database)] == [1, 1, 2, 2]
    other.close()


def test_the_worker_seals_within_five_seconds() -> None:
    job = next(job for job in JOBS if job.name == "seal_audit")
    assert job.alone
    assert timedelta(seconds=job.every_s) <= timedelta(seconds=2)
