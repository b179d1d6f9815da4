"""Looks at the whole audit chain when somebody asks, and once a day, beside the work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.domain.audit_chain import Head, read_heads
from backend.events import Event
from backend.services.acknowledge_break import find_acknowledgements
from backend.services.check_audit import newest_checks, to_json, write_wish
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.services.verify_audit import AuditVerdict, verify_audit
from backend.storage.audit_chain import read_checkpoint
from backend.storage.audit_tables import AuditCheck
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

ACTOR = "job:check_audit"
ALERTED = "audit"
EVERY = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(hours=1)
"""A check whose process died is begun anew."""


def check_audit(resources: Resources) -> bool:
    """Does what was asked for, and once a day without being asked. Whether it did anything.

    Raises OSError when the file of heads cannot be read, StorageUnavailable.
    """
    database = resources.database
    if not _may_be_due(database):
        return False
    check_id = database.transact(_take)
    if check_id is None:
        return False
    verdict = _verify(resources)
    told = to_json(verdict, now=database.clock())
    with database.write() as unit:
        unit.connection.execute(
            update(AuditCheck)
            .where(AuditCheck.id == check_id)
            .values(finished_at=unit.now, verdict=told)
        )
        if verdict.broken is None:
            clear_alert(unit, AlertKind.AUDIT_BROKEN, subject=ALERTED)
        else:
            detail = {"break": verdict.broken.kind, "sequence": verdict.broken.sequence}
            raise_alert(unit, AlertKind.AUDIT_BROKEN, subject=ALERTED, detail=detail)
        unit.audit(
            Event.AUDIT_CHECKED,
            actor=ACTOR,
            subject=f"audit_check:{check_id}",
            detail={
                "ok": verdict.ok,
                "rows": verdict.rows,
                "break": told["break"] and told["break"]["sequence"],
                "known": len(verdict.known),
            },
        )
    return True


def _verify(resources: Resources) -> AuditVerdict:
    database = resources.database
    heads = _read_heads(resources.config.audit_heads, facility_id=database.facility_id)
    with database.snapshot() as connection:
        return verify_audit(
            connection,
            facility_id=database.facility_id,
            now=database.clock(),
            heads=heads,
            acknowledged=find_acknowledgements(connection, database.facility_id, resources.keys),
        )


def _read_heads(path: Path | None, *, facility_id: str) -> Sequence[Head]:
    """The file of this host itself: less than a copy elsewhere, and more than nothing."""
    if path is None or not path.exists():
        return ()
    with path.open(encoding="utf-8", errors="replace") as lines:
        return read_heads(lines, facility_id=facility_id)[0]


def _may_be_due(database: Database) -> bool:
    """Most of the time nothing is: then nobody's writing is held up by asking."""
    with database.read() as connection:
        newest = connection.execute(newest_checks(database).limit(1)).first()
        if newest is None:
            return read_checkpoint(connection, database.facility_id).head.sequence > 0
    if newest.finished_at is not None:
        return bool(database.clock() - newest.asked_at >= EVERY)
    return newest.started_at is None or database.clock() - newest.started_at >= GIVEN_UP_AFTER


def _take(unit: UnitOfWork) -> str | None:
    """The one to do now; None when somebody else does it already."""
    query = (
        select(AuditCheck.id, AuditCheck.started_at)
        .where(AuditCheck.facility_id == unit.facility_id, AuditCheck.finished_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    check = unit.connection.execute(query).first()
    if check is None and write_wish(unit, ACTOR):
        check = unit.connection.execute(query).first()
    if check is None:
        return None
    if check.started_at is not None and unit.now - check.started_at < GIVEN_UP_AFTER:
        return None
    unit.connection.execute(
        update(AuditCheck).where(AuditCheck.id == check.id).values(started_at=unit.now)
    )
    return str(check.id)
