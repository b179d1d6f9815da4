from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from backend.jobs import purge_audit as module
from backend.jobs.purge import purge
from backend.jobs.purge_audit import purge_audit
from backend.jobs.seal_audit import seal_rows
from backend.services.resources import Resources
from backend.services.verify_audit import verify_audit
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.audit import change_row, remove_row, sealed_rows, write_events


def places(database: Database) -> list[int]:
    return [row.sequence for row in sealed_rows(database)]


def test_the_oldest_go_in_batches(
    database: Database, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    write_events(database, 5)
    clock.advance(days=1)
    write_events(database, 2)
    seal_rows(database)
    assert purge_audit(database, before=clock.now) == 5
    assert places(database) == [6, 7]


def test_what_is_not_sealed_stays(database: Database, clock: SettableClock) -> None:
    write_events(database, 3)
    assert purge_audit(database, before=clock.now + timedelta(days=1)) == 0
    assert seal_rows(database) == 3


def test_what_was_tampered_with_stays(database: Database, clock: SettableClock) -> None:
    write_events(database, 6)
    seal_rows(database)
    change_row(database, 3, actor="staff:other")
    later = clock.now + timedelta(days=1)
    assert purge_audit(database, before=later) == 2
    assert purge_audit(database, before=later) == 0
    assert places(database) == [3, 4, 5, 6]


def test_a_removed_row_is_not_purged_over(database: Database, clock: SettableClock) -> None:
    write_events(database, 6)
    seal_rows(database)
    remove_row(database, 3)
    assert purge_audit(database, before=clock.now + timedelta(days=1)) == 2
    assert places(database) == [4, 5, 6]


def test_a_time_made_older_purges_nothing(database: Database, clock: SettableClock) -> None:
    write_events(database, 3)
    seal_rows(database)
    change_row(database, 1, at=clock.now - timedelta(days=900))
    assert purge_audit(database, before=clock.now - timedelta(days=800)) == 0


def test_purging_while_two_seal(
    database: Database, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    monkeypatch.setattr("backend.jobs.seal_audit.BATCH", 2)
    write_events(database, 40)
    counts: list[int] = []
    before = clock.now + timedelta(days=1)

    def seal_and_purge() -> None:
        seal_rows(database)
        counts.append(purge_audit(database, before=before))

    threads = [threading.Thread(target=seal_and_purge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal_rows(database)
    counts.append(purge_audit(database, before=before))
    assert (sum(counts), len(counts), places(database)) == (40, 4, [])
    with database.snapshot() as connection:
        verdict = verify_audit(connection, facility_id="main", now=clock.now)
    assert (verdict.ok, verdict.unsealed, verdict.head.sequence) == (True, 0, 40)


def test_after_24_months_and_not_before(resources: Resources, clock: SettableClock) -> None:
    database = resources.database
    write_events(database, 1)
    seal_rows(database)
    clock.advance(days=24 * 31)
    purge(resources)
    assert 1 in places(database)
    clock.advance(seconds=1)
    assert purge(resources)["audit"] >= 1
    assert 1 not in places(database)
