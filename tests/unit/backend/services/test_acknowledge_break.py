"""A break that somebody answered for is known; nobody gains by breaking the chain all the same."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from backend.domain.audit_chain import Head
from backend.domain.roles import StaffRole
from backend.errors import BreakChanged, NotAllowed, ReasonMissing
from backend.events import Event
from backend.jobs.seal_audit import seal_rows
from backend.services.acknowledge_break import acknowledge_break, find_acknowledgements
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.verify_audit import AuditVerdict, verify_audit
from backend.storage.audit_chain import read_checkpoint
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from tests.factories.audit import change_row, remove_row, sealed_rows, write_events
from tests.factories.reception import audited

AUDITOR = Caller(role="staff", id="k", name="Kiểm", roles=frozenset({StaffRole.AUDITOR}))
BOTH = Caller(role="staff", id="m", name="Máy", roles=frozenset({StaffRole.AUDITOR, StaffRole.IT}))
REASON = "Phục hồi sao lưu, biên bản 12"


@pytest.fixture
def chained(database: Database, resources: Resources) -> Database:
    """Ten sealed rows more than the hospital left."""
    seal_rows(database)
    write_events(database, 10)
    assert seal_rows(database) == 10
    return database


@pytest.fixture
def place(chained: Database) -> int:
    return int(sealed_rows(chained)[-5].sequence)


def verify(resources: Resources, *heads: Head) -> AuditVerdict:
    database = resources.database
    with database.snapshot() as connection:
        known = find_acknowledgements(connection, "main", resources.keys)
        return verify_audit(
            connection, facility_id="main", now=database.clock(), heads=heads, acknowledged=known
        )


def mark_of(resources: Resources) -> str:
    broken = verify(resources).broken
    assert broken is not None
    assert broken.fingerprint is not None
    return broken.fingerprint


def acknowledge(resources: Resources, *, staff: Caller = AUDITOR) -> None:
    acknowledge_break(resources, mark_of(resources), reason=REASON, staff=staff)


def copy_head(database: Database) -> Head:
    with database.read() as connection:
        return Head(
            facility_id="main", at=database.clock(), link=read_checkpoint(connection, "main").head
        )


@pytest.mark.parametrize("deed", ["removed", "changed"])
def test_a_known_break_is_told_and_the_rest_is_proven(
    resources: Resources, chained: Database, place: int, deed: str
) -> None:
    head = copy_head(chained)
    remove_row(chained, place) if deed == "removed" else change_row(chained, place, actor="x")
    before = verify(resources, head)
    assert (before.ok, before.broken and before.broken.kind) == (False, deed)
    acknowledge(resources)
    verdict = verify(resources, head)
    assert verdict.ok
    (known,) = verdict.known
    assert (known.broken.kind, known.broken.sequence) == (deed, place)
    assert (known.by.actor, known.by.reason) == ("staff:k", REASON)
    assert verdict.rows == len(sealed_rows(chained))
    seal_rows(chained)
    assert verify(resources).ok


def test_the_next_change_at_the_same_place_is_a_new_break(
    resources: Resources, chained: Database, place: int
) -> None:
    change_row(chained, place, actor="x")
    acknowledge(resources)
    change_row(chained, place, actor="y")
    verdict = verify(resources)
    assert (verdict.ok, verdict.known) == (False, ())


@pytest.mark.parametrize("more", [-1, 1, 2])
def test_removing_more_beside_a_known_gap_is_a_new_break(
    resources: Resources, chained: Database, place: int, more: int
) -> None:
    remove_row(chained, place)
    acknowledge(resources)
    remove_row(chained, place + more)
    assert not verify(resources).ok


def test_a_changed_row_after_a_known_gap_is_a_new_break(
    resources: Resources, chained: Database, place: int
) -> None:
    """The row behind the gap cannot be proven by the chain: it is what somebody looked at."""
    remove_row(chained, place)
    acknowledge(resources)
    change_row(chained, place + 1, subject="visit:other")
    assert not verify(resources).ok


def test_two_breaks_are_two_acknowledgements(
    resources: Resources, chained: Database, place: int
) -> None:
    remove_row(chained, place)
    change_row(chained, place + 2, actor="x")
    acknowledge(resources)
    second = verify(resources)
    assert (second.broken and second.broken.sequence, len(second.known)) == (place + 2, 1)
    acknowledge(resources)
    assert (verify(resources).ok, len(verify(resources).known)) == (True, 2)


@pytest.mark.parametrize(
    "values", [{"actor": "staff:other"}, {"detail": {"reason": "nothing happened"}}]
)
def test_who_writes_into_the_database_cannot_acknowledge(
    resources: Resources, chained: Database, place: int, values: dict[str, Any]
) -> None:
    """Neither by a row of their own nor by changing one that was written."""
    remove_row(chained, place)
    with chained.write() as unit:
        unit.audit(
            Event.AUDIT_BREAK_ACKNOWLEDGED,
            actor="staff:k",
            subject=f"audit_break:{place}",
            detail={"fingerprint": mark_of(resources), "reason": "trust me", "proof": "0" * 64},
        )
    assert not verify(resources).ok
    acknowledge(resources)
    assert verify(resources).ok
    row = audited(resources, Event.AUDIT_BREAK_ACKNOWLEDGED)[-1]
    detail = {"detail": row.detail | values["detail"]} if "detail" in values else values
    with chained.write() as unit:
        unit.connection.execute(update(AuditEvent).where(AuditEvent.id == row.id).values(detail))
    assert not verify(resources).ok


def test_without_the_keys_nothing_is_believed(
    resources: Resources, chained: Database, place: int
) -> None:
    remove_row(chained, place)
    acknowledge(resources)
    with chained.snapshot() as connection:
        assert not verify_audit(connection, facility_id="main", now=chained.clock()).ok


def test_what_no_sealer_put_there_cannot_be_acknowledged(
    resources: Resources, chained: Database, place: int
) -> None:
    change_row(chained, place, sequence=10_000)
    acknowledge(resources)  # the gap it left
    acknowledge(resources)  # the gap before it
    broken = verify(resources).broken
    assert broken is not None
    assert (broken.kind, broken.fingerprint) == ("inserted", None)


def test_the_end_that_is_cut_off_cannot_be_acknowledged(
    resources: Resources, chained: Database
) -> None:
    remove_row(chained, sealed_rows(chained)[-1].sequence)
    broken = verify(resources).broken
    assert broken is not None
    assert (broken.kind, broken.fingerprint) == ("removed", None)
    with pytest.raises(BreakChanged):
        acknowledge_break(resources, "0" * 64, reason=REASON, staff=AUDITOR)


def test_who_keeps_the_computers_may_not(
    resources: Resources, chained: Database, place: int
) -> None:
    remove_row(chained, place)
    with pytest.raises(NotAllowed):
        acknowledge(resources, staff=BOTH)
    with pytest.raises(ReasonMissing):
        acknowledge_break(resources, mark_of(resources), reason="  ", staff=AUDITOR)
    with pytest.raises(ReasonMissing):
        acknowledge_break(resources, mark_of(resources), reason="a\0b", staff=AUDITOR)
    with pytest.raises(BreakChanged):
        acknowledge_break(resources, "ế", reason=REASON, staff=AUDITOR)
    assert audited(resources, Event.AUDIT_BREAK_ACKNOWLEDGED) == []


def test_a_whole_chain_has_nothing_to_acknowledge(resources: Resources, chained: Database) -> None:
    with pytest.raises(BreakChanged):
        acknowledge_break(resources, "0" * 64, reason=REASON, staff=AUDITOR)


@pytest.mark.parametrize("origin", [None, "10.0.0.9"])
def test_a_place_taken_away_or_changed_is_found(
    resources: Resources, chained: Database, origin: str | None
) -> None:
    with chained.write() as unit:
        unit.connection.execute(
            update(AuditEvent).where(AuditEvent.sequence.is_(None)).values(origin=None)
        )
        unit.add(
            AuditEvent,
            id="f" * 32,
            at=unit.now,
            actor="a",
            event="help_called",
            subject="s",
            detail={},
            origin="10.0.0.1",
        )
    seal_rows(chained)
    assert verify(resources).ok
    change_row(chained, sealed_rows(chained)[-1].sequence, origin=origin)
    assert not verify(resources).ok
