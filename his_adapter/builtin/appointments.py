"""Bookings. The places of a slot are counted inside the transaction that takes one."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime

from his_adapter.builtin.checks import checked_ref
from his_adapter.builtin.patients import patient_ref
from his_adapter.errors import Duplicate, InvalidData, NotFound, SlotTaken, VersionConflict
from his_adapter.models import Appointment, AppointmentStatus, Facility, Ref, Slot

_REF_PREFIX = "A"
_OPEN = (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED)


def appointment_ref(appointment_id: int) -> Ref:
    return Ref(f"{_REF_PREFIX}{appointment_id:06d}")


def appointment_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """Raises NotFound."""
    number = checked_ref(ref).removeprefix(_REF_PREFIX)
    if ref.startswith(_REF_PREFIX) and number.isdigit() and len(number) < 18:
        row = db.execute("SELECT id FROM appointment WHERE id = ?", (int(number),)).fetchone()
        if row is not None:
            return int(row[0])
    raise NotFound("no such appointment")


def read_appointment(db: sqlite3.Connection, appointment_id: int) -> Appointment:
    row = db.execute("SELECT * FROM appointment WHERE id = ?", (appointment_id,)).fetchone()
    return _appointment(row)


def free_places(db: sqlite3.Connection, slot: Slot) -> int:
    taken = db.execute(
        "SELECT count(*) FROM appointment WHERE slot = ? AND status IN (?, ?)", (slot.ref, *_OPEN)
    ).fetchone()[0]
    return max(0, slot.capacity - int(taken))


def insert_appointment(
    db: sqlite3.Connection, patient_id: int, slot: Slot, facility: Facility
) -> int:
    """Raises SlotTaken, or Duplicate when the patient has this slot already."""
    _take_place(db, patient_id, slot)
    cursor = db.execute(
        "INSERT INTO appointment (patient_id, status, code, service, practitioner, room, slot,"
        " starts_at, ends_at, facility_code, facility_name) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            patient_id,
            AppointmentStatus.BOOKED,
            _new_code(),
            slot.service,
            slot.practitioner,
            slot.room,
            slot.ref,
            moment_text(slot.start),
            moment_text(slot.end),
            facility.code,
            facility.name_vi,
        ),
    )
    return int(cursor.lastrowid or 0)


def cancel_appointment(
    db: sqlite3.Connection, appointment_id: int, *, version: str, reason: str
) -> int:
    """Frees the place. Raises VersionConflict, InvalidData when it is over."""
    if read_appointment(db, appointment_id).status is AppointmentStatus.CANCELLED:
        return appointment_id
    _require_booked(db, appointment_id, version)
    db.execute(
        "UPDATE appointment SET status = ?, reason = ?, version = version + 1 WHERE id = ?",
        (AppointmentStatus.CANCELLED, reason, appointment_id),
    )
    return appointment_id


def move_appointment(
    db: sqlite3.Connection, appointment_id: int, slot: Slot, *, version: str, reason: str
) -> int:
    """Raises VersionConflict, SlotTaken, Duplicate, InvalidData; then the old hour stands."""
    before = _require_booked(db, appointment_id, version)
    if slot.ref == before["slot"]:
        return appointment_id
    _take_place(db, int(before["patient_id"]), slot)
    db.execute(
        "UPDATE appointment SET service = ?, practitioner = ?, room = ?, slot = ?, starts_at = ?,"
        " ends_at = ?, reason = ?, version = version + 1 WHERE id = ?",
        (
            slot.service,
            slot.practitioner,
            slot.room,
            slot.ref,
            moment_text(slot.start),
            moment_text(slot.end),
            reason,
            appointment_id,
        ),
    )
    return appointment_id


def find_appointments(
    db: sqlite3.Connection,
    patient_id: int,
    start: datetime,
    end: datetime,
    *,
    statuses: frozenset[AppointmentStatus],
    limit: int,
) -> list[Appointment]:
    """Up to `limit` bookings that start in [start, end), by start."""
    rows = db.execute(
        "SELECT * FROM appointment WHERE patient_id = ? AND starts_at >= ? AND starts_at < ?"
        " AND instr(?, status) > 0 ORDER BY starts_at, id LIMIT ?",
        (patient_id, moment_text(start), moment_text(end), " ".join(sorted(statuses)), limit),
    )
    return [_appointment(row) for row in rows]


def moment_text(moment: datetime) -> str:
    """A UTC moment as text that sorts like a time."""
    return moment.isoformat(timespec="seconds")


def _take_place(db: sqlite3.Connection, patient_id: int, slot: Slot) -> None:
    own = db.execute(
        "SELECT id FROM appointment WHERE patient_id = ? AND slot = ? AND status IN (?, ?)",
        (patient_id, slot.ref, *_OPEN),
    ).fetchone()
    if own is not None:
        raise Duplicate("the patient has this slot", existing=appointment_ref(int(own[0])))
    if free_places(db, slot) == 0:
        raise SlotTaken("no place left")


def _require_booked(db: sqlite3.Connection, appointment_id: int, version: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(
        "SELECT * FROM appointment WHERE id = ?", (appointment_id,)
    ).fetchone()
    if str(row["version"]) != version:
        raise VersionConflict("the appointment was changed by somebody else")
    if row["status"] != AppointmentStatus.BOOKED:
        raise InvalidData("ref", "Lịch hẹn này không còn thay đổi được.")
    return row


def _new_code() -> str:
    """Ten random digits: a code on paper must not lead to the next person's booking."""
    return f"LH{secrets.randbelow(10**10):010d}"


def _appointment(row: sqlite3.Row) -> Appointment:
    return Appointment(
        ref=appointment_ref(int(row["id"])),
        version=str(row["version"]),
        patient=patient_ref(int(row["patient_id"])),
        status=AppointmentStatus(row["status"]),
        code=row["code"],
        service=row["service"],
        practitioner=row["practitioner"],
        room=row["room"],
        slot=row["slot"],
        start=datetime.fromisoformat(row["starts_at"]),
        end=datetime.fromisoformat(row["ends_at"]),
        facility_code=row["facility_code"],
        facility_name=row["facility_name"],
    )
