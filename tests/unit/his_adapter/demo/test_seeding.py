from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo import personas
from his_adapter.demo.gateway import REGISTER_FILE, open_demo
from his_adapter.demo.personas import Persona
from his_adapter.errors import GatewayMisconfigured, InvalidData
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    CheckIn,
    Identifier,
    IdentifierKind,
    PatientQuery,
    Ref,
    WriteKey,
)
from tests.unit.his_adapter.demo.conftest import Clock


def ref_of(demo: BuiltinGateway, persona: Persona) -> Ref:
    (match,) = demo.find_patients(PatientQuery(identifiers=persona.identifiers[:1])).items
    return match.ref


def bookings(
    demo: BuiltinGateway, persona: Persona, status: AppointmentStatus = AppointmentStatus.BOOKED
) -> tuple[Appointment, ...]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return demo.find_appointments(
        ref_of(demo, persona), start, start + timedelta(days=60), statuses=frozenset({status})
    ).items


@pytest.mark.parametrize("hour", [0, 2, 7, 11, 15])
@pytest.mark.parametrize("later_min", [0, 4, 9, 14, 29, 41])
def test_the_booked_are_on_time_whenever_it_is(
    demo: BuiltinGateway, clock: Clock, hour: int, later_min: int
) -> None:
    clock.now = datetime(2026, 1, 7, hour, 3, tzinfo=UTC)
    demo.list_rooms()
    clock.now += timedelta(minutes=later_min)
    (booking,) = bookings(demo, personas.BOOKED_ON_TIME)
    assert timedelta(minutes=-15) <= booking.start - clock.now <= timedelta(minutes=30)


def test_early_late_tomorrow_twice_and_elsewhere(demo: BuiltinGateway, clock: Clock) -> None:
    (early,) = bookings(demo, personas.BOOKED_EARLY)
    (late,) = bookings(demo, personas.BOOKED_LATE)
    (tomorrow,) = bookings(demo, personas.BOOKED_TOMORROW)
    (elsewhere,) = bookings(demo, personas.BOOKED_ELSEWHERE)
    assert early.start - clock.now > timedelta(hours=2)
    assert clock.now - late.start > timedelta(hours=1)
    assert (tomorrow.start - clock.now).days in {0, 1}
    assert tomorrow.start.astimezone(UTC).date() > clock.now.date()
    assert elsewhere.facility_code != demo.capabilities().facility.code
    assert len({item.service for item in bookings(demo, personas.BOOKED_TWICE)}) == 2


def test_a_booking_of_another_facility_is_not_checked_in_here(demo: BuiltinGateway) -> None:
    (booking,) = bookings(demo, personas.BOOKED_ELSEWHERE)
    with pytest.raises(InvalidData) as caught:
        demo.check_in(
            CheckIn(patient=booking.patient, appointment=booking.ref, service=Ref("internal")),
            key=WriteKey("arrive-1"),
        )
    assert "cơ sở khác" in caught.value.message_vi


def test_a_code_on_paper_leads_to_the_patient(demo: BuiltinGateway) -> None:
    (booking,) = bookings(demo, personas.BOOKED_ON_TIME)
    code = Identifier(kind=IdentifierKind.APPOINTMENT, value=booking.code)
    (match,) = demo.find_patients(PatientQuery(identifiers=(code,))).items
    assert match.ref == booking.patient


def test_nobody_who_arrived_is_moved(demo: BuiltinGateway, clock: Clock) -> None:
    (booking,) = bookings(demo, personas.BOOKED_ON_TIME)
    demo.check_in(
        CheckIn(patient=booking.patient, appointment=booking.ref), key=WriteKey("arrive-1")
    )
    clock.now += timedelta(hours=3)
    demo.list_rooms()
    (arrived,) = bookings(demo, personas.BOOKED_ON_TIME, AppointmentStatus.ARRIVED)
    assert arrived.start == booking.start
    assert bookings(demo, personas.BOOKED_ON_TIME) == ()


def test_the_next_day_begins_anew(demo: BuiltinGateway, clock: Clock) -> None:
    (booking,) = bookings(demo, personas.BOOKED_ON_TIME)
    visit = demo.check_in(
        CheckIn(patient=booking.patient, appointment=booking.ref), key=WriteKey("arrive-1")
    )
    clock.now += timedelta(days=1)
    (fresh,) = bookings(demo, personas.BOOKED_ON_TIME)
    assert fresh.ref != booking.ref
    assert fresh.start.date() == clock.now.date()
    (kept,) = demo.list_visits(booking.patient, clock.now.date() - timedelta(days=2)).items
    assert kept == visit


def test_a_cancelled_visit_does_not_hinder_the_next_day(demo: BuiltinGateway, clock: Clock) -> None:
    (booking,) = bookings(demo, personas.BOOKED_ON_TIME)
    visit = demo.check_in(
        CheckIn(patient=booking.patient, appointment=booking.ref), key=WriteKey("arrive-1")
    )
    demo.cancel_visit(visit.ref, reason="", key=WriteKey("cancel-1"))
    clock.now += timedelta(days=1)
    (fresh,) = bookings(demo, personas.BOOKED_ON_TIME)
    assert fresh.ref != booking.ref


def test_bookings_made_at_a_kiosk_stay(demo: BuiltinGateway, clock: Clock) -> None:
    patient = ref_of(demo, personas.INSURED)
    start = clock.now + timedelta(days=2)
    slot = demo.find_slots(Ref("eye"), None, start, start + timedelta(hours=2)).items[0]
    booked = demo.book_appointment(patient, slot.ref, Ref("eye"), key=WriteKey("book-0001"))
    clock.now += timedelta(days=1)
    assert bookings(demo, personas.INSURED) == (booked,)


def test_no_slot_is_oversold_by_the_crowd(demo: BuiltinGateway, folder: Path) -> None:
    demo.list_rooms()
    with closing(sqlite3.connect(folder / REGISTER_FILE)) as db:
        rows = db.execute(
            "SELECT count(*) FROM appointment WHERE status = 'booked' AND slot NOT NULL"
            " GROUP BY slot"
        ).fetchall()
    assert 3 in {count for (count,) in rows}
    assert max(count for (count,) in rows) <= 3


def test_a_second_opening_adds_nobody(
    demo: BuiltinGateway, open_again: Callable[[], BuiltinGateway], folder: Path
) -> None:
    def people() -> int:
        with closing(sqlite3.connect(folder / REGISTER_FILE)) as db:
            return int(db.execute("SELECT count(*) FROM patient").fetchone()[0])

    before = people()
    open_again().list_rooms()
    assert people() == before >= 2000


def test_somebody_back_from_last_week(demo: BuiltinGateway, clock: Clock) -> None:
    since = clock.now.date() - timedelta(days=30)
    (visit,) = demo.list_visits(ref_of(demo, personas.REVISITING), since).items
    assert visit.service == "chronic"


def test_a_folder_of_another_version_stops_the_start(folder: Path, clock: Clock) -> None:
    with closing(sqlite3.connect(folder / REGISTER_FILE, isolation_level=None)) as db:
        db.execute("UPDATE note SET value = 'older' WHERE name = 'demo_people'")
    with pytest.raises(GatewayMisconfigured):
        open_demo(folder, clock=clock)
