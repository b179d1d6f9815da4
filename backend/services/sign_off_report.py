"""Somebody answers for a report with their name, by the deadline the plans set."""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.reports.periods import SIGNED_SPANS, Period
from backend.errors import ReasonMissing, ReportNotReady, ReportSigned, ValidationFailed
from backend.events import Event
from backend.services.raise_alert import clear_alert
from backend.services.recognise_caller import Caller
from backend.services.show_report import Report
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.storage.report_tables import ReportSignOff
from backend.storage.unit_of_work import UnitOfWork

MAX_NOTE_CHARS = 300
PROOF_CHARS = 64


def write_shown(keys: Keys, report: Report, *, staff: Caller) -> str:
    """What a page shows to who may sign it. It comes back with the signature: figures are counted
    again every few minutes, and people sign what they saw.
    """
    shown = {
        "counted_at": report.counted_at.isoformat() if report.counted_at else None,
        "figures": {each.name: each.value for each in report.headlines},
    }
    text = json.dumps(shown)
    return _prove(keys, report.period, staff, text) + text


def sign_off_report(
    database: Database,
    keys: Keys,
    period: Period,
    *,
    shown: str,
    seen: int,
    note: str = "",
    staff: Caller,
) -> None:
    """The figures that were shown are kept with the name. `shown` is what `write_shown` gave,
    `seen` how many signatures the page showed: two people at once do not sign over each other.

    Signed again when figures moved; the first signature is what counts for the deadline.
    Raises ReportNotReady (nothing was counted, or nobody asks for this span), ReportSigned,
    ReasonMissing (note too long), ValidationFailed (this was shown to nobody), StorageUnavailable.
    """
    note = note.strip()
    if len(note) > MAX_NOTE_CHARS:
        raise ReasonMissing
    if period.span not in SIGNED_SPANS or not shown:
        raise ReportNotReady
    counted_at, figures = _read_shown(keys, period, staff, shown)
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
                counted_at=counted_at,
                note=note,
                figures=figures,
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


def _read_shown(
    keys: Keys, period: Period, staff: Caller, untrusted_text: str
) -> tuple[datetime, dict[str, Any]]:
    proof, text = untrusted_text[:PROOF_CHARS], untrusted_text[PROOF_CHARS:]
    if not hmac.compare_digest(proof.encode(), _prove(keys, period, staff, text).encode()):
        raise ValidationFailed("these figures were not shown")
    shown = json.loads(text)
    if shown["counted_at"] is None:
        raise ReportNotReady
    return datetime.fromisoformat(shown["counted_at"]), shown["figures"]


def _prove(keys: Keys, period: Period, staff: Caller, text: str) -> str:
    """Of this report, to this reader: nobody signs figures of their own making."""
    return keys.hash("report-shown", name_subject(period), staff.actor, text)


def name_subject(period: Period) -> str:
    """As audit rows and alerts name a report: report:day:2026-11-26."""
    return f"report:{period.span.value}:{period.first.isoformat()}"
