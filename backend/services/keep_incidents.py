"""Incidents: opened by whoever notices, told in time, written down, closed with a report.

Words may name somebody: they are sealed, and opening an incident to read it is on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, func, insert, select, update

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.incidents import (
    MAX_SPAN,
    MAX_WORDS,
    Duty,
    IncidentKind,
    is_due,
    is_told,
    list_duties,
)
from backend.errors import AlreadyDone, DutyOpen, IncidentNotFound, ReasonMissing, ValidationFailed
from backend.events import Event
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.halls import find_names
from backend.storage.trace_tables import Incident, IncidentNote
from backend.storage.unit_of_work import UnitOfWork

NoteKind: TypeAlias = Literal["note", "first_notice", "report", "closing"]
TOLD: tuple[NoteKind, ...] = ("first_notice", "report")
MAX_LISTED = 200
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class IncidentWish:
    """What is known when it is opened."""

    kind: IncidentKind
    noticed_at: datetime
    span_from: datetime
    span_to: datetime
    about: str


@dataclass(frozen=True, kw_only=True)
class ListedIncident:
    id: str
    number: int
    kind: IncidentKind
    noticed_at: datetime
    closed_at: datetime | None
    duties: tuple[Duty, Duty]


@dataclass(frozen=True, kw_only=True)
class DiaryLine:
    at: datetime
    by: str
    kind: NoteKind
    words: str


@dataclass(frozen=True, kw_only=True)
class OpenedIncident:
    """An incident with its words."""

    listed: ListedIncident
    span_from: datetime
    span_to: datetime
    opened_at: datetime
    opened_by: str
    about: str
    diary: tuple[DiaryLine, ...]


def open_incident(resources: Resources, wish: IncidentWish, *, actor: str) -> str:
    """Its id. Raises ValidationFailed for a span or a moment that cannot be, StorageUnavailable."""
    words = _checked(wish.about)
    with resources.database.write() as unit:
        if not wish.span_from < wish.span_to <= wish.span_from + MAX_SPAN:
            raise ValidationFailed("the span runs from before to after, at most three months")
        if wish.noticed_at > unit.now + CLOCKS_DIFFER:
            raise ValidationFailed("it cannot be noticed in the future")
        incident_id = new_id()
        # One after the other: numbers have no gaps and come once.
        unit.connection.execute(
            select(Facility.id).where(Facility.id == unit.facility_id).with_for_update()
        )
        newest = unit.connection.scalar(
            select(func.max(Incident.number)).where(Incident.facility_id == unit.facility_id)
        )
        number = (newest or 0) + 1
        unit.connection.execute(
            insert(Incident).values(
                id=incident_id,
                facility_id=unit.facility_id,
                number=number,
                kind=wish.kind.value,
                noticed_at=wish.noticed_at,
                span_from=wish.span_from,
                span_to=wish.span_to,
                opened_at=unit.now,
                opened_by=actor,
                sealed_about=resources.keys.seal(words.encode(), context=_context(incident_id)),
            )
        )
        unit.audit(
            Event.INCIDENT_OPENED,
            actor=actor,
            subject=_context(incident_id),
            detail={"number": number, "kind": wish.kind.value},
        )
        _remind(unit, incident_id)
        return incident_id


def list_incidents(database: Database) -> list[ListedIncident]:
    """Open ones first, then the newest. Without their words. Raises StorageUnavailable."""
    table = Incident.__table__.c
    query = (
        select(*(column for column in table if column.name != "sealed_about"))
        .where(Incident.facility_id == database.facility_id)
        .order_by(Incident.closed_at.is_not(None), Incident.number.desc())
        .limit(MAX_LISTED)
    )
    with database.read() as connection:
        return [_to_listed(row) for row in connection.execute(query)]


def read_incident(resources: Resources, incident_id: str, *, actor: str) -> OpenedIncident:
    """Who read it is on record. Raises IncidentNotFound, StorageUnavailable."""
    with resources.database.write() as unit:
        row = _get(unit, incident_id)
        unit.audit(Event.INCIDENT_READ, actor=actor, subject=_context(incident_id))
        notes = unit.connection.execute(
            select(IncidentNote.__table__)
            .where(IncidentNote.incident_id == incident_id)
            .order_by(IncidentNote.id)
        ).all()
        names = find_names(unit.connection, {row.opened_by, *(note.actor for note in notes)})
    keys = resources.keys
    return OpenedIncident(
        listed=_to_listed(row),
        span_from=row.span_from,
        span_to=row.span_to,
        opened_at=row.opened_at,
        opened_by=names.get(row.opened_by, row.opened_by),
        about=keys.unseal(row.sealed_about, context=_context(incident_id)).decode(),
        diary=tuple(
            DiaryLine(
                at=note.at,
                by=names.get(note.actor, note.actor),
                kind=note.kind,
                words=keys.unseal(note.sealed_text, context=f"incident_note:{note.id}").decode(),
            )
            for note in notes
        ),
    )


def note_incident(
    resources: Resources, incident_id: str, kind: NoteKind, *, words: str, actor: str
) -> None:
    """One more line of its diary. A first notice or a report says that an authority was told.

    `closing` is the report that closes it, and with it the time limits: they must have been met.
    Raises IncidentNotFound, ReasonMissing, DutyOpen, AlreadyDone for what is closed or was told
    before, StorageUnavailable.
    """
    words = _checked(words)
    with resources.database.write() as unit:
        row = _get(unit, incident_id)
        if row.closed_at is not None:
            raise AlreadyDone
        if kind in TOLD:
            _note_told(unit, row, kind, actor)
        if kind == "closing":
            if not is_told(_to_listed(row).duties):
                raise DutyOpen
            unit.connection.execute(
                update(Incident)
                .where(Incident.id == incident_id)
                .values(closed_at=unit.now, closed_by=actor)
            )
        note_id = new_id()
        unit.connection.execute(
            insert(IncidentNote).values(
                id=note_id,
                facility_id=unit.facility_id,
                incident_id=incident_id,
                at=unit.now,
                actor=actor,
                kind=kind,
                sealed_text=resources.keys.seal(words.encode(), context=f"incident_note:{note_id}"),
            )
        )
        event = {
            "note": Event.INCIDENT_NOTED,
            "closing": Event.INCIDENT_CLOSED,
        }.get(kind, Event.INCIDENT_TOLD)
        unit.audit(event, actor=actor, subject=_context(incident_id), detail={"kind": kind})
        _remind(unit, incident_id)


def remind_of_incidents(database: Database) -> int:
    """Raises and clears the alerts of all that are open; how many are due now."""
    with database.read() as connection:
        ids = list(
            connection.scalars(
                select(Incident.id).where(
                    Incident.facility_id == database.facility_id, Incident.closed_at.is_(None)
                )
            )
        )
    if not ids:
        return 0
    with database.write() as unit:
        return sum(_remind(unit, incident_id) for incident_id in ids)


def _remind(unit: UnitOfWork, incident_id: str) -> bool:
    row = _get(unit, incident_id)
    listed = _to_listed(row)
    is_now = row.closed_at is None and is_due(listed.duties, now=unit.now)
    subject = _context(incident_id)
    if is_now:
        detail = {"number": row.number}
        raise_alert(unit, AlertKind.INCIDENT_DUE, subject=subject, detail=detail)
    else:
        clear_alert(unit, AlertKind.INCIDENT_DUE, subject=subject)
    return is_now


def _note_told(unit: UnitOfWork, row: Row[Any], kind: NoteKind, actor: str) -> None:
    if getattr(row, f"{kind}_at") is not None:
        raise AlreadyDone
    unit.connection.execute(
        update(Incident)
        .where(Incident.id == row.id)
        .values({f"{kind}_at": unit.now, f"{kind}_by": actor})
    )


def _get(unit: UnitOfWork, untrusted_id: str) -> Row[Any]:
    """Held until the transaction is over."""
    row = unit.connection.execute(
        select(Incident.__table__)
        .where(Incident.id == untrusted_id, Incident.facility_id == unit.facility_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise IncidentNotFound
    return row


def _to_listed(row: Row[Any]) -> ListedIncident:
    return ListedIncident(
        id=row.id,
        number=row.number,
        kind=IncidentKind(row.kind),
        noticed_at=row.noticed_at,
        closed_at=row.closed_at,
        duties=list_duties(
            row.noticed_at, first_notice_at=row.first_notice_at, report_at=row.report_at
        ),
    )


def _checked(words: str) -> str:
    words = words.strip()
    if not 0 < len(words) <= MAX_WORDS:
        raise ReasonMissing
    return words


def _context(incident_id: str) -> str:
    return f"incident:{incident_id}"
