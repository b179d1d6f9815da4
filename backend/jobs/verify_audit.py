"""Proves the whole audit chain each night, and tells IT when it does not hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from backend.domain.alerts import AlertKind
from backend.domain.audit_chain import Head, read_heads
from backend.events import Event
from backend.logging import log
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.services.verify_audit import verify_audit
from backend.storage.alert_tables import JobFigure
from backend.storage.unit_of_work import UnitOfWork

CLAIM = "verify_audit_chain"
SUBJECT = "audit"
NIGHT_HOURS = range(1, 5)
AT_NIGHT_AFTER = timedelta(hours=20)
AT_LAST_AFTER = timedelta(hours=30)
"""Of a server that is switched off at night."""


def verify_audit_nightly(resources: Resources) -> bool | None:
    """Whether it holds; None when it was proven a short while ago. Raises StorageUnavailable."""
    database = resources.database
    now, zone = database.clock(), resources.catalogue.get().zone
    is_night = now.astimezone(zone).hour in NIGHT_HOURS
    with database.write() as unit:
        if not _claim(unit, before=now - (AT_NIGHT_AFTER if is_night else AT_LAST_AFTER)):
            return None
    with database.snapshot() as connection:
        verdict = verify_audit(
            connection,
            facility_id=database.facility_id,
            now=now,
            heads=_read_heads(resources),
        )
    broken = verdict.broken
    with database.write() as unit:
        if broken is None:
            clear_alert(unit, AlertKind.AUDIT_BROKEN, subject=SUBJECT)
        else:
            detail = {"break": broken.kind, "sequence": broken.sequence}
            raise_alert(unit, AlertKind.AUDIT_BROKEN, subject=SUBJECT, detail=detail)
    log(
        Event.AUDIT_VERIFIED,
        rows=verdict.rows,
        broken=broken.kind if broken else None,
        sequence=broken.sequence if broken else None,
    )
    return broken is None


def _claim(unit: UnitOfWork, *, before: datetime) -> bool:
    """True for one worker, once the last time lies before that moment."""
    unit.connection.execute(
        unit.insert_into(JobFigure)
        .values(
            facility_id=unit.facility_id,
            job=CLAIM,
            runs=0,
            failures=0,
            seconds=0,
            last_run_at=datetime.min.replace(year=2000, tzinfo=unit.now.tzinfo),
        )
        .on_conflict_do_nothing()
    )
    return (
        unit.connection.execute(
            update(JobFigure)
            .where(
                JobFigure.facility_id == unit.facility_id,
                JobFigure.job == CLAIM,
                JobFigure.last_run_at <= before,
            )
            .values(last_run_at=unit.now, runs=JobFigure.runs + 1)
        ).rowcount
        == 1
    )


def _read_heads(resources: Resources) -> list[Head]:
    """Those written beside the database; a file that is not there yet has none."""
    path = resources.config.audit_heads
    if path is None or not path.is_file():
        return []
    with path.open(encoding="ascii", errors="replace") as lines:
        return read_heads(lines, facility_id=resources.database.facility_id)[0]
