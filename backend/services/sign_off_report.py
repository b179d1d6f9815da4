"""Somebody answers for a report with their name, by the deadline the plans set."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from backend.domain.alerts import AlertKind
from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.reports.periods import SIGNED_SPANS, Period
from backend.errors import ReasonMissing, ReportNotReady, ReportSigned
from backend.events import Event
from backend.services.raise_alert import clear_alert
from backend.services.recognise_caller import Caller
from backend.services.show_report import show_report
from backend.storage.database import Database
from backend.storage.report_tables import ReportSignOff
from backend.storage.unit_of_work import UnitOfWork

MAX_NOTE_CHARS = 300


def sign_off_report(
    database: Database,
    catalogue: Catalogue,
    period: Period,
    *,
    seen: int,
    note: str = "",
    staff: Caller,
) -> None:
    """The figures as they stand now are kept with the name. `seen` is how many signatures the
    page showed: two people at once do not sign over each other.

    Signed again when figures moved; the first signature is what counts for the deadline.
    Raises ReportNotReady (nothing was counted, or nobody asks for this span), ReportSigned,
    ReasonMissing (note too long), StorageUnavailable.
    """
    note = note.strip()
    if len(note) > MAX_NOTE_CHARS:
        raise ReasonMissing
    report = show_report(database, catalogue, period)
    if period.span not in SIGNED_SPANS or report.counted_at is None:
        raise ReportNotReady
    subject = name_subject(period)

    def sign(unit: UnitOfWork) -> None:
        signed = unit.connection.scalar(
            select(func.count()).where(
                ReportSignOff.facility_id == unit.facility_id,
                ReportSignOff.span == period.span.value,
                ReportSignOff.first_day == period.first,
            )
        )
        if signed != seen:
            raise ReportSigned
        unit.connection.execute(
            insert(ReportSignOff).values(
                id=new_id(),
                facility_id=unit.facility_id,
                span=period.span.value,
                first_day=period.first,
                position=seen + 1,
                signed_by=staff.actor,
                signed_name=staff.name,
                signed_at=unit.now,
                counted_at=report.counted_at,
                note=note,
                figures={each.name: each.value for each in report.headlines},
            )
        )
        detail = {"position": seen + 1}
        unit.audit(Event.REPORT_SIGNED, actor=staff.actor, subject=subject, detail=detail)
        clear_alert(unit, AlertKind.REPORT_OVERDUE, subject=subject)

    try:
        database.transact(sign)
    except IntegrityError as error:
        # Two at once: the first one has signed.
        raise ReportSigned from error


def name_subject(period: Period) -> str:
    """As audit rows and alerts name a report: report:day:2026-11-26."""
    return f"report:{period.span.value}:{period.first.isoformat()}"
