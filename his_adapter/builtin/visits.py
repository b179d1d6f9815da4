"""Visits: one row per check-in, numbered per service and day from 1 without gaps."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from his_adapter.builtin.appointments import appointment_ref
from his_adapter.builtin.checks import checked_ref
from his_adapter.builtin.patients import patient_ref
from his_adapter.errors import Duplicate, InvalidData, NotFound
from his_adapter.models import (
    AppointmentStatus,
    CheckIn,
    CoverageOutcome,
    Facility,
    Ref,
    Service,
    Visit,
    VisitStatus,
    VisitTicket,
)

_REF_PREFIX = "V"
_INSURED = {CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW}


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A check-in after its references were looked up."""

    patient_id: int
    appointment_id: int | None
    service: Service
    practitioner: Ref | None
    room: Ref | None
    day: date
    """In the facility's zone."""
    created_at: datetime


def visit_ref(visit_id: int) -> Ref:
    return Ref(f"{_REF_PREFIX}{visit_id:06d}")


def visit_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """Raises NotFound."""
    number = checked_ref(ref).removeprefix(_REF_PREFIX)
    if ref.startswith(_REF_PREFIX) and number.isdigit() and len(number) < 18:
        row = db.execute("SELECT id FROM visit WHERE id = ?", (int(number),)).fetchone()
        if row is not None:
            return int(row[0])
    raise NotFound("no such visit")


def read_visit(db: sqlite3.Connection, visit_id: int, facility: Facility) -> Visit:
    return _visit(db.execute("SELECT * FROM visit WHERE id = ?", (visit_id,)).fetchone(), facility)


def insert_visit(db: sqlite3.Connection, arrival: Arrival, request: CheckIn) -> int:
    """Raises Duplicate when the patient has an open visit for this service that day."""
    day = arrival.day.isoformat()
    service = arrival.service
    open_visit = db.execute(
        "SELECT id FROM visit WHERE patient_id = ? AND service = ? AND day = ? AND status = ?",
        (arrival.patient_id, service.ref, day, VisitStatus.ARRIVED),
    ).fetchone()
    if open_visit is not None:
        raise Duplicate("the patient is registered", existing=visit_ref(int(open_visit[0])))
    number = db.execute(
        "INSERT INTO counter VALUES (?, ?, 1)"
        " ON CONFLICT (day, prefix) DO UPDATE SET value = value + 1 RETURNING value",
        (day, service.code),
    ).fetchone()[0]
    coverage = request.coverage
    cursor = db.execute(
        "INSERT INTO visit (patient_id, status, day, service, practitioner, room, appointment_id,"
        " prefix, number, own_number, provisional, visit_kind, reason, coverage_outcome,"
        " coverage_code, card_number, fee_due_vnd, created_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            arrival.patient_id,
            VisitStatus.ARRIVED,
            day,
            service.ref,
            arrival.practitioner,
            arrival.room,
            arrival.appointment_id,
            service.code,
            number,
            request.number,
            request.provisional,
            request.visit_kind,
            request.reason or "",
            coverage and coverage.outcome,
            coverage and coverage.code,
            coverage and coverage.card_number,
            _fee_due_vnd(service, request),
            arrival.created_at.isoformat(timespec="seconds"),
        ),
    )
    if arrival.appointment_id is not None:
        _mark_appointment(db, arrival.appointment_id, AppointmentStatus.ARRIVED)
    return int(cursor.lastrowid or 0)


def cancel_visit(db: sqlite3.Connection, visit_id: int, *, reason: str) -> int:
    """Its booking is open again. Raises InvalidData when the visit is finished."""
    row = db.execute("SELECT * FROM visit WHERE id = ?", (visit_id,)).fetchone()
    if row["status"] == VisitStatus.CANCELLED:
        return visit_id
    if row["status"] != VisitStatus.ARRIVED:
        raise InvalidData("ref", "Lượt khám này đã kết thúc.")
    db.execute(
        "UPDATE visit SET status = ?, reason = ?, version = version + 1 WHERE id = ?",
        (VisitStatus.CANCELLED, reason, visit_id),
    )
    if row["appointment_id"] is not None:
        _mark_appointment(db, int(row["appointment_id"]), AppointmentStatus.BOOKED)
    return visit_id


def list_visits(
    db: sqlite3.Connection, patient_id: int, since: date, facility: Facility, *, limit: int
) -> list[Visit]:
    rows = db.execute(
        "SELECT * FROM visit WHERE patient_id = ? AND day >= ? ORDER BY day DESC, id DESC LIMIT ?",
        (patient_id, since.isoformat(), limit),
    )
    return [_visit(row, facility) for row in rows]


def finish_visit(db: sqlite3.Connection, visit_id: int) -> None:
    db.execute(
        "UPDATE visit SET status = ?, version = version + 1 WHERE id = ? AND status = ?",
        (VisitStatus.FINISHED, visit_id, VisitStatus.ARRIVED),
    )
    row = db.execute("SELECT appointment_id FROM visit WHERE id = ?", (visit_id,)).fetchone()
    if row["appointment_id"] is not None:
        _mark_appointment(db, int(row["appointment_id"]), AppointmentStatus.FULFILLED)


def place_in_line(db: sqlite3.Connection, visit_id: int) -> tuple[int | None, str | None]:
    """How many wait before this visit, and the number whose turn it is.

    The first who has not finished is being served. Nobody is ahead of a visit that is over.
    """
    own = db.execute("SELECT * FROM visit WHERE id = ?", (visit_id,)).fetchone()
    first, before = db.execute(
        "SELECT min(number), sum(number < ?) FROM visit WHERE day = ? AND prefix = ? AND status = ?",
        (own["number"], own["day"], own["prefix"], VisitStatus.ARRIVED),
    ).fetchone()
    ahead = int(before or 0) if own["status"] == VisitStatus.ARRIVED else None
    return ahead, None if first is None else f"{own['prefix']}{int(first):03d}"


def _mark_appointment(
    db: sqlite3.Connection, appointment_id: int, status: AppointmentStatus
) -> None:
    db.execute(
        "UPDATE appointment SET status = ?, version = version + 1 WHERE id = ?",
        (status, appointment_id),
    )


def _fee_due_vnd(service: Service, request: CheckIn) -> int | None:
    """The whole price for a self-payer; unknown (None) where an insurance has a say."""
    coverage = request.coverage
    insured = request.provisional or (coverage is not None and coverage.outcome in _INSURED)
    return None if insured else service.price_vnd


def _visit(row: sqlite3.Row, facility: Facility) -> Visit:
    day = row["day"].replace("-", "")
    return Visit(
        ref=visit_ref(int(row["id"])),
        version=str(row["version"]),
        patient=patient_ref(int(row["patient_id"])),
        status=VisitStatus(row["status"]),
        record_code=f"{facility.code}.{day}.{int(row['id']):06d}",
        service=row["service"],
        practitioner=row["practitioner"],
        appointment=(
            appointment_ref(int(row["appointment_id"])) if row["appointment_id"] else None
        ),
        ticket=VisitTicket(
            number=int(row["number"]),
            prefix=row["prefix"],
            room=row["room"],
            provisional=bool(row["provisional"]),
        ),
        own_number=row["own_number"],
        fee_due_vnd=row["fee_due_vnd"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )
