"""The register of what people asked about their own data (PV-06).

No more is kept than is needed to answer: who it was and how to reach them is sealed, opening it
is on record, and it is taken out of the register when it need not be kept any longer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update

from backend.domain.alerts import AlertKind
from backend.domain.catalogue import Catalogue
from backend.domain.data_requests import (
    CHANNELS,
    MAX_WORDS,
    RequestKind,
    RequestOutcome,
    answer_by,
    done_by,
    next_due,
    urgency_of,
)
from backend.domain.ids import new_id
from backend.errors import AlreadyDone, DataRequestNotFound, ReasonMissing, ValidationFailed
from backend.events import Event
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.trace_tables import DataRequest
from backend.storage.unit_of_work import UnitOfWork

MAX_LISTED = 500
MAX_NAME_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Whom the answer goes to, and what it is about in a few words."""

    name: str
    reach: str
    about: str


@dataclass(frozen=True, kw_only=True)
class RequestWish:
    kind: RequestKind
    channel: str
    received_on: date
    asker: Asker


@dataclass(frozen=True, kw_only=True)
class ListedRequest:
    """Without the person. `due` is the next day by which something must be done."""

    id: str
    number: int
    kind: RequestKind
    channel: str
    received_on: date
    answer_by: date
    done_by: date
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: RequestOutcome | None
    due: date | None
    urgency: str


@dataclass(frozen=True, kw_only=True)
class OpenedRequest:
    """`asker` is None once it was taken out."""

    listed: ListedRequest
    asker: Asker | None
    answer: str | None


def take_request(
    resources: Resources, catalogue: Catalogue, wish: RequestWish, *, staff: Caller
) -> str:
    """Its id. Raises ReasonMissing, ValidationFailed, StorageUnavailable."""
    asker = Asker(
        name=_checked(wish.asker.name, MAX_NAME_CHARS),
        reach=_checked(wish.asker.reach, MAX_NAME_CHARS),
        about=_checked(wish.asker.about, MAX_WORDS),
    )
    if wish.channel not in CHANNELS:
        raise ValidationFailed("this way of asking is not known")
    with resources.database.write() as unit:
        today = catalogue.today(unit.now)
        if wish.received_on > today or (today - wish.received_on).days > 366:
            raise ValidationFailed("it came in within the last year, and not in the future")
        request_id = new_id()
        # One after the other: numbers have no gaps and come once.
        unit.connection.execute(
            select(Facility.id).where(Facility.id == unit.facility_id).with_for_update()
        )
        newest = unit.connection.scalar(
            select(func.max(DataRequest.number)).where(DataRequest.facility_id == unit.facility_id)
        )
        number = (newest or 0) + 1
        sealed = resources.keys.seal(
            json.dumps(asdict(asker)).encode(), context=_context(request_id)
        )
        unit.connection.execute(
            insert(DataRequest).values(
                id=request_id,
                facility_id=unit.facility_id,
                number=number,
                kind=wish.kind.value,
                channel=wish.channel,
                received_on=wish.received_on,
                answer_by=answer_by(wish.received_on),
                done_by=done_by(wish.kind, wish.received_on),
                written_at=unit.now,
                written_by=staff.actor,
                sealed_who=sealed,
            )
        )
        unit.audit(
            Event.DATA_REQUEST_OPENED,
            actor=staff.actor,
            subject=_context(request_id),
            detail={"number": number, "kind": wish.kind.value},
        )
        _remind(unit, request_id, today=today)
        return request_id


def list_requests(database: Database, *, today: date) -> list[ListedRequest]:
    """Open ones first, the most pressing on top. Raises StorageUnavailable."""
    with database.read() as connection:
        rows = connection.execute(_listed(database.facility_id).limit(MAX_LISTED)).all()
    listed = [_to_listed(row, today) for row in rows]
    return sorted(listed, key=lambda each: (each.due is None, each.due or date.max, -each.number))


def read_request(
    resources: Resources, request_id: str, *, today: date, staff: Caller
) -> OpenedRequest:
    """With the person; who read it is on record. Raises DataRequestNotFound."""
    with resources.database.write() as unit:
        row = _get(unit, request_id)
        unit.audit(Event.DATA_REQUEST_READ, actor=staff.actor, subject=_context(request_id))
    asker = answer = None
    if row.sealed_who is not None:
        opened = resources.keys.unseal(row.sealed_who, context=_context(request_id))
        asker = Asker(**json.loads(opened))
    if row.sealed_answer is not None:
        answer = resources.keys.unseal(
            row.sealed_answer, context=f"data_answer:{request_id}"
        ).decode()
    return OpenedRequest(listed=_to_listed(row, today), asker=asker, answer=answer)


def answer_request(database: Database, request_id: str, *, today: date, staff: Caller) -> None:
    """They heard that it came in and what will be done. Raises AlreadyDone, DataRequestNotFound."""
    with database.write() as unit:
        row = _get(unit, request_id)
        if row.answered_at is not None or row.ended_at is not None:
            raise AlreadyDone
        unit.connection.execute(
            update(DataRequest)
            .where(DataRequest.id == request_id)
            .values(answered_at=unit.now, answered_by=staff.actor)
        )
        unit.audit(Event.DATA_REQUEST_ANSWERED, actor=staff.actor, subject=_context(request_id))
        _remind(unit, request_id, today=today)


def end_request(
    resources: Resources,
    request_id: str,
    outcome: RequestOutcome,
    *,
    words: str,
    today: date,
    staff: Caller,
) -> None:
    """`words`: what was done, or why not. Raises ReasonMissing, AlreadyDone, DataRequestNotFound."""
    words = _checked(words, MAX_WORDS)
    with resources.database.write() as unit:
        row = _get(unit, request_id)
        if row.ended_at is not None:
            raise AlreadyDone
        unit.connection.execute(
            update(DataRequest)
            .where(DataRequest.id == request_id)
            .values(
                answered_at=row.answered_at or unit.now,
                answered_by=row.answered_by or staff.actor,
                ended_at=unit.now,
                ended_by=staff.actor,
                outcome=outcome.value,
                sealed_answer=resources.keys.seal(
                    words.encode(), context=f"data_answer:{request_id}"
                ),
            )
        )
        unit.audit(
            Event.DATA_REQUEST_ENDED,
            actor=staff.actor,
            subject=_context(request_id),
            detail={"outcome": outcome.value},
        )
        _remind(unit, request_id, today=today)


def export_requests(database: Database, *, today: date, staff: Caller) -> list[ListedRequest]:
    """All of them in the order they came, without any person; who took it is on record."""
    with database.write() as unit:
        unit.audit(
            Event.DATA_REQUESTS_EXPORTED,
            actor=staff.actor,
            subject=f"facility:{unit.facility_id}",
        )
        rows = unit.connection.execute(_listed(unit.facility_id)).all()
    return sorted((_to_listed(row, today) for row in rows), key=lambda each: each.number)


def remind_of_requests(database: Database, *, today: date) -> int:
    """Raises and clears the alerts of all that are open; how many are due now."""
    with database.read() as connection:
        ids = list(
            connection.scalars(
                select(DataRequest.id).where(
                    DataRequest.facility_id == database.facility_id,
                    DataRequest.ended_at.is_(None),
                )
            )
        )
    if not ids:
        return 0
    with database.write() as unit:
        return sum(_remind(unit, request_id, today=today) for request_id in ids)


def forget_askers(database: Database, *, before: datetime) -> int:
    """Takes the person out of requests that ended so long ago; how many."""
    old: ColumnElement[bool] = DataRequest.ended_at < before
    with database.write() as unit:
        return unit.connection.execute(
            update(DataRequest)
            .where(
                DataRequest.facility_id == unit.facility_id,
                old,
                DataRequest.sealed_who.is_not(None),
            )
            .values(sealed_who=None, sealed_answer=None)
        ).rowcount


def _remind(unit: UnitOfWork, request_id: str, *, today: date) -> bool:
    listed = _to_listed(_get(unit, request_id), today)
    is_now = listed.urgency in {"soon", "late"}
    subject = _context(request_id)
    if is_now:
        detail = {"number": listed.number, "kind": listed.kind.value}
        raise_alert(unit, AlertKind.DATA_REQUEST_DUE, subject=subject, detail=detail)
    else:
        clear_alert(unit, AlertKind.DATA_REQUEST_DUE, subject=subject)
    return is_now


def _listed(facility_id: str) -> Select[Any]:
    columns = [
        column
        for column in DataRequest.__table__.c
        if column.name not in {"sealed_who", "sealed_answer"}
    ]
    return (
        select(*columns)
        .where(DataRequest.facility_id == facility_id)
        .order_by(DataRequest.ended_at.is_not(None), DataRequest.number.desc())
    )


def _get(unit: UnitOfWork, untrusted_id: str) -> Row[Any]:
    """Held until the transaction is over."""
    row = unit.connection.execute(
        select(DataRequest.__table__)
        .where(DataRequest.id == untrusted_id, DataRequest.facility_id == unit.facility_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise DataRequestNotFound
    return row


def _to_listed(row: Row[Any], today: date) -> ListedRequest:
    due = next_due(
        answered=row.answered_at is not None,
        ended=row.ended_at is not None,
        answer_by=row.answer_by,
        done_by=row.done_by,
    )
    return ListedRequest(
        id=row.id,
        number=row.number,
        kind=RequestKind(row.kind),
        channel=row.channel,
        received_on=row.received_on,
        answer_by=row.answer_by,
        done_by=row.done_by,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        outcome=RequestOutcome(row.outcome) if row.outcome else None,
        due=due,
        urgency=urgency_of(due, today=today),
    )


def _checked(words: str, most: int) -> str:
    words = words.strip()
    if not 0 < len(words) <= most:
        raise ReasonMissing
    return words


def _context(request_id: str) -> str:
    return f"data_request:{request_id}"
