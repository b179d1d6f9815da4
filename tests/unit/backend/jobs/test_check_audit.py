from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.domain.audit_chain import Head, Link, write_head
from backend.domain.roles import StaffRole
from backend.events import Event
from backend.jobs.check_audit import GIVEN_UP_AFTER, check_audit
from backend.jobs.seal_audit import seal_rows
from backend.services.acknowledge_break import acknowledge_break
from backend.services.check_audit import ask_check, show_chain
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditCheck
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from tests.conftest import SettableClock
from tests.factories.audit import remove_row, sealed_rows, write_events
from tests.factories.reception import audited


def seal_some(database: Database) -> None:
    write_events(database, 3)
    seal_rows(database)


def test_once_a_day_without_being_asked(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    assert not check_audit(resources)  # nothing is sealed yet
    seal_some(database)
    assert check_audit(resources)
    assert not check_audit(resources)
    clock.advance(hours=23)
    assert not check_audit(resources)
    clock.advance(hours=1)
    assert check_audit(resources)
    rows = audited(resources, Event.AUDIT_CHECKED)
    assert [row.detail["ok"] for row in rows] == [True, True]


def test_whoever_asks_is_answered_once(resources: Resources, database: Database) -> None:
    seal_some(database)
    assert ask_check(database, actor="staff:a")
    assert not ask_check(database, actor="staff:b")
    assert show_chain(database).is_asked
    assert check_audit(resources)
    state = show_chain(database)
    assert (state.is_asked, state.checked_by) == (False, "staff:a")
    assert state.verdict is not None
    assert state.verdict["ok"] is True


def test_one_whose_process_died_is_begun_anew(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    seal_some(database)
    ask_check(database, actor="staff:a")
    with database.write() as unit:
        unit.connection.execute(update(AuditCheck).values(started_at=unit.now))
    assert not check_audit(resources)
    clock.now += GIVEN_UP_AFTER + timedelta(seconds=1)
    assert check_audit(resources)
    with database.read() as connection:
        assert connection.execute(select(AuditCheck.finished_at)).scalar_one() is not None


def test_a_break_is_told(resources: Resources, database: Database) -> None:
    seal_some(database)
    remove_row(database, sealed_rows(database)[-2].sequence)
    check_audit(resources)
    verdict = show_chain(database).verdict
    assert verdict is not None
    assert (verdict["ok"], verdict["break"]["kind"]) == (False, "removed")
    assert audited(resources, Event.AUDIT_CHECKED)[0].detail["break"] is not None
    with database.read() as connection:
        assert connection.execute(select(Alert.kind)).scalar_one() == AlertKind.AUDIT_BROKEN
    mark = verdict["fingerprint"]
    auditor = Caller(role="staff", id="k", name="Kiểm", roles=frozenset({StaffRole.AUDITOR}))
    acknowledge_break(resources, mark, reason="biên bản 12", staff=auditor)
    ask_check(database, actor=auditor.actor)
    check_audit(resources)
    with database.read() as connection:
        assert connection.execute(select(Alert.cleared_at)).scalar_one() is not None


def test_the_heads_of_this_host_are_compared(
    resources: Resources, database: Database, tmp_path: Path
) -> None:
    seal_some(database)
    path = tmp_path / "heads.jsonl"
    head = Head(facility_id="main", at=database.clock(), link=Link(sequence=2, chain_hash="0" * 64))
    path.write_text(write_head(head) + "\n", encoding="ascii")
    check_audit(replace(resources, config=replace(resources.config, audit_heads=path)))
    verdict = show_chain(database).verdict
    assert verdict is not None
    assert verdict["break"]["kind"] == "rewritten"
