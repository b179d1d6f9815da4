from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from backend.domain.audit_chain import Head, genesis, seal
from backend.jobs.purge_audit import purge_audit
from backend.jobs.seal_audit import seal_rows
from backend.services.verify_audit import AuditVerdict, Break, verify_audit
from backend.storage import audit_chain
from backend.storage.audit_chain import read_checkpoint, to_audit_row
from backend.storage.audit_tables import AuditCheckpoint, AuditEvent
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.audit import change_row, remove_row, sealed_rows, write_events


@pytest.fixture
def chained(database: Database) -> Database:
    """Ten sealed rows."""
    write_events(database, 10)
    assert seal_rows(database) == 10
    return database


def verify(database: Database, *heads: Head) -> AuditVerdict:
    with database.snapshot() as connection:
        return verify_audit(connection, facility_id="main", now=database.clock(), heads=heads)


def found(database: Database, *heads: Head) -> tuple[str, int] | None:
    broken = verify(database, *heads).broken
    return None if broken is None else (broken.kind, broken.sequence)


def copy_head(database: Database) -> Head:
    with database.read() as connection:
        link = read_checkpoint(connection, "main").head
    return Head(facility_id="main", at=database.clock(), link=link)


def set_checkpoint(database: Database, **values: Any) -> None:
    with database.write() as unit:
        unit.connection.execute(update(AuditCheckpoint).values(values))


def test_nothing_yet(database: Database) -> None:
    verdict = verify(database)
    assert verdict.ok
    assert (verdict.rows, verdict.first_sequence, verdict.head) == (0, None, genesis("main"))
    assert (verdict.unsealed, verdict.oldest_unsealed_at) == (0, None)


def test_a_whole_chain_and_what_is_not_sealed_yet(chained: Database, clock: SettableClock) -> None:
    oldest = clock.now
    write_events(chained, 2)
    clock.advance(seconds=90)
    write_events(chained, 1)
    verdict = verify(chained, copy_head(chained))
    assert verdict.ok
    assert (verdict.rows, verdict.first_sequence, verdict.head.sequence) == (10, 1, 10)
    assert (verdict.unsealed, verdict.oldest_unsealed_at) == (3, oldest)


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "staff:other"},
        {"event": "visit_changed"},
        {"subject": "visit:9"},
        {"detail": {"n": 4, "more": True}},
        {"id": "0" * 32},
        {"chain_hash": "0" * 64},
        {"chain_hash": None},
    ],
)
def test_a_changed_row_is_found(chained: Database, values: dict[str, Any]) -> None:
    change_row(chained, 4, **values)
    verdict = verify(chained)
    row = sealed_rows(chained)[3]
    assert verdict.broken == Break(kind="changed", sequence=4, row_id=row.id, at=row.at)
    assert (verdict.ok, verdict.rows) == (False, 3)


def test_a_changed_time_is_found(chained: Database) -> None:
    change_row(chained, 1, at=chained.clock() + timedelta(microseconds=1))
    assert found(chained) == ("changed", 1)


@pytest.mark.parametrize("sequence", [1, 5, 9])
def test_a_removed_row_is_found(chained: Database, sequence: int) -> None:
    remove_row(chained, sequence)
    assert found(chained) == ("removed", sequence)
    write_events(chained, 2)
    seal_rows(chained)
    assert found(chained) == ("removed", sequence)


def test_a_row_taken_back_from_the_chain_is_found(chained: Database) -> None:
    change_row(chained, 5, sequence=None, chain_hash=None, actor="staff:other")
    assert found(chained) == ("removed", 5)
    seal_rows(chained)
    assert found(chained) == ("removed", 5)


def test_removed_and_closed_up_is_found(chained: Database) -> None:
    remove_row(chained, 5)
    for sequence in range(6, 11):
        change_row(chained, sequence, sequence=sequence - 1)
    assert found(chained) == ("changed", 5)


@pytest.mark.parametrize(("one", "other"), [(3, 4), (3, 8)])
def test_reordered_rows_are_found(chained: Database, one: int, other: int) -> None:
    change_row(chained, one, sequence=99)
    change_row(chained, other, sequence=one)
    change_row(chained, 99, sequence=other)
    assert found(chained) == ("reordered", one)


@pytest.mark.parametrize("order", [[4, 5, 6, 3], [6, 3, 4, 5]])
def test_a_row_put_elsewhere_is_found(chained: Database, order: list[int]) -> None:
    for sequence in order:
        change_row(chained, sequence, sequence=100 + sequence)
    for place, sequence in enumerate(order, start=3):
        change_row(chained, 100 + sequence, sequence=place)
    assert found(chained) == ("reordered", 3)


def test_an_inserted_row_is_found(chained: Database) -> None:
    row = sealed_rows(chained)[-1]
    forged = row._asdict() | {"id": "f" * 32, "sequence": 11}
    forged["chain_hash"] = seal(
        replace(to_audit_row(row), id="f" * 32), after=copy_head(chained).link
    ).chain_hash
    with chained.write() as unit:
        unit.connection.execute(insert(AuditEvent).values(forged))
    assert found(chained) == ("inserted", 11)


def test_the_newest_rows_are_missed_by_the_checkpoint(chained: Database) -> None:
    for sequence in (9, 10):
        remove_row(chained, sequence)
    assert found(chained) == ("removed", 9)
    write_events(chained, 2)
    seal_rows(chained)
    assert found(chained) == ("removed", 9)


def test_who_sets_the_checkpoint_back_too_is_found_with_the_copied_head(
    chained: Database,
) -> None:
    copied = copy_head(chained)
    for sequence in (9, 10):
        remove_row(chained, sequence)
    end = sealed_rows(chained)[-1]
    set_checkpoint(chained, head_sequence=8, head_hash=end.chain_hash)
    assert found(chained) is None
    assert found(chained, copied) == ("removed", 9)
    write_events(chained, 5)
    seal_rows(chained)
    assert found(chained) is None
    assert found(chained, copied) == ("rewritten", 10)


def rewrite(database: Database, *, from_sequence: int) -> None:
    """All hashes made anew after a change, by somebody who knows how."""
    rows = sealed_rows(database)
    link = genesis("main")
    for row in rows:
        said = to_audit_row(row)
        if row.sequence == from_sequence:
            said = replace(said, actor="staff:other")
        link = seal(said, after=link)
        change_row(database, row.sequence, actor=said.actor, chain_hash=link.chain_hash)
    if from_sequence < 11:
        set_checkpoint(database, head_hash=link.chain_hash)


def test_a_chain_made_anew_is_found_with_the_copied_head(chained: Database) -> None:
    early = copy_head(chained)
    write_events(chained, 10)
    seal_rows(chained)
    late = copy_head(chained)
    rewrite(chained, from_sequence=12)
    assert found(chained) == ("rewritten", 20)
    assert found(chained, early) == ("rewritten", 20)
    rewrite(chained, from_sequence=3)
    assert found(chained) is None
    assert found(chained, late, early) == ("rewritten", 10)


def test_an_older_backup_is_found_with_the_copied_head(chained: Database) -> None:
    """Put back over today, it goes on with other rows under numbers that were taken."""
    copied = copy_head(chained)
    with chained.write() as unit:
        unit.connection.execute(delete(AuditEvent))
        unit.connection.execute(delete(AuditCheckpoint))
    assert found(chained) is None
    assert found(chained, copied) == ("removed", 1)
    write_events(chained, 12)
    seal_rows(chained)
    assert found(chained) is None
    assert found(chained, copied) == ("rewritten", 10)


def purge_first(database: Database, clock: SettableClock) -> None:
    """Ten rows of today are purged two years later, five newer ones stay."""
    before = clock.now + timedelta(seconds=1)
    clock.advance(days=800)
    write_events(database, 5)
    seal_rows(database)
    assert purge_audit(database, before=before) == 10
    assert purge_audit(database, before=before) == 0


def test_what_was_purged_is_no_break(chained: Database, clock: SettableClock) -> None:
    old = copy_head(chained)
    purge_first(chained, clock)
    verdict = verify(chained, old, copy_head(chained))
    assert verdict.ok
    assert (verdict.rows, verdict.first_sequence, verdict.head.sequence) == (5, 11, 15)
    remove_row(chained, 13)
    assert found(chained) == ("removed", 13)
    remove_row(chained, 11)
    assert found(chained) == ("removed", 11)


def test_after_everything_was_purged_the_chain_goes_on(
    chained: Database, clock: SettableClock
) -> None:
    assert purge_audit(chained, before=clock.now + timedelta(days=1)) == 10
    assert verify(chained).ok
    assert verify(chained).rows == 0
    write_events(chained, 2)
    seal_rows(chained)
    assert verify(chained).ok
    assert verify(chained).first_sequence == 11


def test_purging_cannot_be_pretended(chained: Database, clock: SettableClock) -> None:
    copied = copy_head(chained)
    clock.advance(days=30)
    write_events(chained, 5)
    seal_rows(chained)
    purge_audit(chained, before=clock.now)
    assert found(chained) is None
    assert found(chained, copied) == ("removed", 10)


def test_a_head_of_the_purged_end_has_to_fit(chained: Database, clock: SettableClock) -> None:
    old = copy_head(chained)
    purge_first(chained, clock)
    wrong = replace(old, link=replace(old.link, chain_hash="0" * 64))
    assert found(chained, wrong) == ("rewritten", 10)


def test_a_purged_row_put_back_is_found(chained: Database, clock: SettableClock) -> None:
    row = sealed_rows(chained)[6]
    purge_first(chained, clock)
    with chained.write() as unit:
        unit.connection.execute(insert(AuditEvent).values(row._asdict()))
    assert found(chained) == ("inserted", 7)


def test_many_rows_are_read_in_parts(chained: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    walk = audit_chain.walk_sealed

    def count(*arguments: Any, **options: Any) -> Any:
        sizes.append(options.get("at_once", audit_chain.AT_ONCE))
        return walk(*arguments, **{"at_once": 3} | options)

    monkeypatch.setattr("backend.services.verify_audit.walk_sealed", count)
    assert verify(chained).rows == 10
    assert sizes == [audit_chain.AT_ONCE]
    remove_row(chained, 8)
    assert found(chained) == ("removed", 8)


@pytest.mark.parametrize("change", ["detail = 'no JSON'", "at = 'never'", "detail = '[NaN]'"])
def test_rubbish_in_a_row_is_a_changed_row(chained: Database, change: str) -> None:
    if chained.engine.dialect.name == "postgresql":
        pytest.skip("takes no rubbish")
    with chained.write() as unit:
        unit.connection.exec_driver_sql(f"UPDATE audit_event SET {change} WHERE sequence = 6")
    assert found(chained) == ("changed", 6)


def test_another_facility_is_nobodys_business(chained: Database) -> None:
    with chained.snapshot() as connection:
        verdict = verify_audit(connection, facility_id="other", now=chained.clock())
    assert (verdict.ok, verdict.rows) == (True, 0)
