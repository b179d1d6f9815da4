"""Fills the register of the demo hospital once, and keeps its bookings around the present."""

from __future__ import annotations

import json
import logging
import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from his_adapter.builtin.appointments import free_places, moment_text
from his_adapter.builtin.catalogue import Catalogue
from his_adapter.builtin.patients import checked_draft, insert_patient
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.builtin.slots import slots_of_day
from his_adapter.builtin.store import Store
from his_adapter.demo.hospital import BOOKING_DAYS_AHEAD, OTHER_FACILITY
from his_adapter.demo.people import InventedPerson
from his_adapter.demo.personas import PERSONAS, Booking
from his_adapter.errors import GatewayMisconfigured
from his_adapter.events import HisEvent
from his_adapter.models import AppointmentStatus, PatientDraft, Ref, Service, Slot, VisitStatus

_LAYOUT = "2"
"""Changes with the people or the order they are stored in."""

_STALE = timedelta(minutes=10)
_HALF_HOUR = timedelta(minutes=30)
_LAID_OUT = "LH9[01]" + "[0-9]" * 10
"""Codes of bookings made here: two digits longer than those of the register itself."""

_CROWD_BOOKINGS_PER_DAY = 24
_CROWD_VISITS = 300
_NOTE_PEOPLE, _NOTE_BOOKINGS = "demo_people", "demo_bookings"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Planned:
    code: str
    patient_id: int
    service: str | None
    start: datetime
    end: datetime
    slot: Slot | None = None
    elsewhere: bool = False


def seed_people(
    store: Store, catalogue: Catalogue, people: Sequence[InventedPerson], *, now: datetime
) -> None:
    """Stores everybody who is known to the hospital, unless somebody did so before.

    Raises GatewayMisconfigured when the folder holds people of another version.
    """
    with store.writing() as db:
        layout = _find_note(db, _NOTE_PEOPLE)
        if layout == _LAYOUT:
            return
        if layout is not None:
            raise GatewayMisconfigured("the demo folder is of another version: delete it")
        known = [persona for persona in PERSONAS if persona.registered]
        for person in (*known, *people):
            draft = PatientDraft(
                full_name=person.full_name,
                birth_date=person.birth_date,
                gender=person.gender,
                identifiers=person.identifiers,
                phone=person.phone,
                address=person.address,
                guardian=person.guardian,
            )
            insert_patient(db, checked_draft(draft))
        _insert_past_visits(db, catalogue, len(known), len(people), now)
        _write_note(db, _NOTE_PEOPLE, _LAYOUT)
    _log.info(HisEvent.DEMO_SEEDED, extra={"people": len(known) + len(people)})


class BookingRefresher:
    """Called before each use of the register; does something every ten minutes and each day."""

    def __init__(self, store: Store, catalogue: Catalogue, *, crowd_size: int) -> None:
        self._store = store
        self._catalogue = catalogue
        self._crowd_size = crowd_size
        self._fresh_from = self._fresh_until = datetime.min.replace(tzinfo=UTC)

    def refresh(self, now: datetime) -> None:
        """Bookings of the personas lie around `now`; nobody who has arrived is moved.

        The first time each day everything booked in advance is laid out anew.
        """
        if self._fresh_from <= now < self._fresh_until:
            return
        with self._store.writing() as db:
            note = json.loads(_find_note(db, _NOTE_BOOKINGS) or '{"at": null, "day": null}')
            done_at = note["at"] and datetime.fromisoformat(note["at"])
            today = now.astimezone(self._catalogue.zone).date()
            new_day = note["day"] != str(today)
            if new_day or not done_at <= now < done_at + _STALE:
                if new_day:
                    _retire(db)
                _lay_out(db, self._personas(db, now), self._catalogue, now)
                if new_day:
                    _lay_out(db, self._crowd(db, now), self._catalogue, now)
                done_at = now
                note = {"at": now.isoformat(), "day": str(today)}
                _write_note(db, _NOTE_BOOKINGS, json.dumps(note))
        midnight = datetime.combine(today + timedelta(days=1), time(), self._catalogue.zone)
        self._fresh_from, self._fresh_until = done_at, min(done_at + _STALE, midnight)

    def _personas(self, db: sqlite3.Connection, now: datetime) -> Iterable[_Planned]:
        known = [persona for persona in PERSONAS if persona.registered]
        plans = [
            (patient_id, booking)
            for patient_id, persona in enumerate(known, start=1)
            for booking in persona.bookings
            if list_bookable(self._catalogue)
        ]
        for index, (patient_id, booking) in enumerate(plans):
            service = self._service(booking)
            start = self._start(now, booking)
            day = start.astimezone(self._catalogue.zone).date()
            free = (
                slot
                for slot in slots_of_day(self._catalogue, service, day)
                if slot.start == start and free_places(db, slot)
            )
            yield _Planned(
                code=f"LH90{index:010d}",
                patient_id=patient_id,
                service=None if booking.elsewhere else service.ref,
                start=start,
                end=start + timedelta(minutes=30),
                slot=None if booking.elsewhere else next(free, None),
                elsewhere=booking.elsewhere,
            )

    def _crowd(self, db: sqlite3.Connection, now: datetime) -> Iterable[_Planned]:
        """Other people's bookings, so that some hours are full."""
        first_day = now.astimezone(self._catalogue.zone).date()
        rng = random.Random(first_day.toordinal())  # noqa: S311 - the same for every process
        known = sum(persona.registered for persona in PERSONAS)
        services = list_bookable(self._catalogue)
        index = 0
        for day in (first_day + timedelta(days=n) for n in range(BOOKING_DAYS_AHEAD + 1)):
            slots = [
                slot
                for service in services
                for slot in slots_of_day(self._catalogue, service, day)
                if 7 <= slot.start.astimezone(self._catalogue.zone).hour < 17
            ]
            for slot in rng.sample(slots, min(_CROWD_BOOKINGS_PER_DAY, len(slots))):
                places = min(rng.randint(1, slot.capacity), free_places(db, slot))
                for patient in rng.sample(range(self._crowd_size), places):
                    yield _Planned(
                        code=f"LH91{index:010d}",
                        patient_id=known + 1 + patient,
                        service=slot.service,
                        start=slot.start,
                        end=slot.end,
                        slot=slot,
                    )
                    index += 1

    def _service(self, booking: Booking) -> Service:
        return choose_service(list_bookable(self._catalogue), booking.service)

    def _start(self, now: datetime, booking: Booking) -> datetime:
        """A half hour near the wanted time, on its day.

        With no minutes it begins between 5 minutes ago and in 25, so that it still counts as on
        time (30 minutes before to 15 after) when this has grown stale.
        """
        zone = self._catalogue.zone
        local = now.astimezone(zone)
        midnight = datetime.combine(local.date(), time(), zone)
        wanted = local - midnight + timedelta(minutes=booking.minutes) + _STALE
        half_hours = round(wanted / _HALF_HOUR)
        within = min(max(half_hours, 0), 46)  # the last slot of a day begins at 23:00
        return (midnight + timedelta(days=booking.days) + within * _HALF_HOUR).astimezone(UTC)


def list_bookable(catalogue: Catalogue) -> list[Service]:
    return [service for service in catalogue.services if service.by_hour and service.rooms]


def choose_service(services: Sequence[Service], wanted: Ref | None) -> Service:
    """The wanted one; in another place, which has no such service, its first."""
    return next((item for item in services if item.ref == wanted), services[0])


def _retire(db: sqlite3.Connection) -> None:
    """What was laid out on an earlier day gives its code back; visits keep what they point to."""
    db.execute(
        "UPDATE appointment SET code = code || '-' || id, version = version + 1,"
        " status = iif(status = ?, ?, status) WHERE code GLOB ?",
        (AppointmentStatus.BOOKED, AppointmentStatus.NO_SHOW, _LAID_OUT),
    )
    db.execute(
        "DELETE FROM appointment WHERE code GLOB ? AND status = ?"
        " AND id NOT IN (SELECT appointment_id FROM visit WHERE appointment_id IS NOT NULL)",
        (f"{_LAID_OUT}-*", AppointmentStatus.NO_SHOW),
    )


def _lay_out(
    db: sqlite3.Connection, planned: Iterable[_Planned], catalogue: Catalogue, now: datetime
) -> None:
    for plan in planned:
        row = db.execute("SELECT status FROM appointment WHERE code = ?", (plan.code,)).fetchone()
        if row is not None and row["status"] != AppointmentStatus.BOOKED:
            continue
        slot = plan.slot
        facility = OTHER_FACILITY if plan.elsewhere else catalogue.facility
        values = (
            plan.patient_id,
            AppointmentStatus.BOOKED,
            plan.service,
            slot and slot.practitioner,
            slot and slot.room,
            slot and slot.ref,
            moment_text(plan.start),
            moment_text(plan.end),
            facility.code,
            facility.name_vi,
            plan.code,
        )
        if row is None:
            db.execute(
                "INSERT INTO appointment (patient_id, status, service, practitioner, room, slot,"
                " starts_at, ends_at, facility_code, facility_name, code)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                values,
            )
        else:
            db.execute(
                "UPDATE appointment SET patient_id = ?, status = ?, service = ?, practitioner = ?,"
                " room = ?, slot = ?, starts_at = ?, ends_at = ?, facility_code = ?,"
                " facility_name = ?, version = version + 1 WHERE code = ?",
                values,
            )
        laid = db.execute("SELECT id FROM appointment WHERE code = ?", (plan.code,)).fetchone()
        note_record(db, RecordKind.APPOINTMENT, int(laid["id"]), at=now)


def _insert_past_visits(
    db: sqlite3.Connection, catalogue: Catalogue, known: int, crowd: int, now: datetime
) -> None:
    rng = random.Random(crowd)  # noqa: S311
    today = now.astimezone(catalogue.zone).date()
    services = list_bookable(catalogue)
    if not services:
        return
    past = [
        (patient_id, persona.visited_days_ago, "chronic")
        for patient_id, persona in enumerate(
            (persona for persona in PERSONAS if persona.registered), start=1
        )
        if persona.visited_days_ago is not None
    ] + [
        (known + 1 + rng.randrange(crowd), rng.randint(1, 60), rng.choice(services).ref)
        for _ in range(min(_CROWD_VISITS, crowd))
    ]
    for number, (patient_id, days_ago, service_ref) in enumerate(past, start=1):
        service = choose_service(services, Ref(service_ref))
        day = today - timedelta(days=days_ago)
        db.execute(
            "INSERT INTO visit (patient_id, status, day, service, room, prefix, number,"
            " provisional, visit_kind, reason, created_at) VALUES (?,?,?,?,?,?,?,0,'new','',?)",
            (
                patient_id,
                VisitStatus.FINISHED,
                day.isoformat(),
                service.ref,
                service.rooms[0],
                service.code,
                number,
                datetime.combine(day, time(8), catalogue.zone).astimezone(UTC).isoformat(),
            ),
        )


def _find_note(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _write_note(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))
