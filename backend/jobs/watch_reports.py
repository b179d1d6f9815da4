"""Tells the IT desk of a report whose deadline passed without a signature; once, until it is signed."""

from __future__ import annotations

from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.domain.reports.periods import SIGNED_SPANS, Period, Span, find_last_due
from backend.services.raise_alert import raise_alert
from backend.services.resources import Resources
from backend.services.sign_off_report import name_subject
from backend.storage.report_figures import list_rolls
from backend.storage.report_tables import ReportSignOff
from backend.storage.visit_tables import Visit


def watch_reports(resources: Resources) -> int:
    """Of each span the newest report that is due; returns how many are told of anew.

    A day, week or month in which nobody came needs no report. Safe to run by two workers at once.
    Raises StorageUnavailable, CatalogueUnavailable.
    """
    database, catalogue = resources.database, resources.catalogue.get()
    told = 0
    for span in SIGNED_SPANS:
        period = find_last_due(span, now=database.clock(), zone=catalogue.zone)
        due_at = period.due_at(catalogue.zone)
        if due_at is None or not _is_missing(resources, period):
            continue
        with database.write() as unit:
            told += raise_alert(
                unit,
                AlertKind.REPORT_OVERDUE,
                subject=name_subject(period),
                detail={"due_at": due_at.isoformat()},
            )
    return told


def _is_missing(resources: Resources, period: Period) -> bool:
    database = resources.database
    with database.read() as connection:
        rolls = list_rolls(
            connection, database.facility_id, Span.DAY, since=period.first, until=period.last
        )
        signed = connection.scalar(
            select(ReportSignOff.id)
            .where(
                ReportSignOff.facility_id == database.facility_id,
                ReportSignOff.span == period.span.value,
                ReportSignOff.first_day == period.first,
            )
            .limit(1)
        )
        came = connection.scalar(
            select(Visit.id)
            .where(
                Visit.facility_id == database.facility_id,
                Visit.day >= period.first,
                Visit.day <= period.last,
            )
            .limit(1)
        )
    # Money alone is counted too, and asks for no signature.
    return bool(rolls) and came is not None and signed is None
