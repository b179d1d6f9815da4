from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from backend.domain.alerts import AlertKind
from backend.domain.data_requests import RequestKind, RequestOutcome
from backend.domain.ids import new_id
from backend.domain.kiosk_health import HourFigures
from backend.jobs.close_past_steps import close_past_steps
from backend.jobs.purge import last_linked_day, purge
from backend.services.keep_data_requests import Asker, RequestWish, end_request, take_request
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage import fleet_tables as fleet
from backend.storage.base import Base
from backend.storage.database import Database
from backend.storage.his_tables import HisCopy, HisOrder, HisWatch
from backend.storage.kiosk_tables import DeviceEvent, EnrolmentCode
from backend.storage.number_tables import Number, Ticket
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.partner_tables import PartnerSignature
from backend.storage.queue_tables import Call, RoomDay, StaffAct, Step, StepChange
from backend.storage.request_tables import IdempotencyKey, RateLimit
from backend.storage.trace_tables import DataRequest
from backend.storage.visit_tables import NoticeAcceptance, Person, PersonKey, Scan, Visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk, count
from tests.factories.hospital import make_person
from tests.factories.rooms import Console


@pytest.fixture
def service(resources: Resources) -> str:
    return next(
        service.code
        for service in resources.catalogue.get().services.values()
        if service.kind == "reception"
    )


def settle_messages(desk: Desk) -> None:
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(OutboxMessage).values(state="done", settled_at=unit.now))


def linked_people(desk: Desk) -> list[str | None]:
    with desk.hospital.database.read() as connection:
        return list(connection.scalars(select(Visit.person_id)))


@pytest.mark.parametrize(
    ("today", "last"),
    [
        ("2026-11-25", "2026-11-23"),  # Wednesday: Monday's next working day is over
        ("2026-11-23", "2026-11-19"),  # Monday: Thursday's was Friday
        ("2026-11-24", "2026-11-20"),  # Tuesday: Friday's was Monday
    ],
)
def test_the_link_lives_to_the_end_of_the_next_working_day(
    resources: Resources, today: str, last: str
) -> None:
    now = datetime.fromisoformat(f"{today}T03:00:00").replace(tzinfo=UTC)
    assert last_linked_day(resources.catalogue.get(), now=now) == date.fromisoformat(last)


def test_people_are_forgotten_tickets_stay(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    desk.take(service)
    settle_messages(desk)
    clock.advance(days=1)
    purge(resources)
    assert linked_people(desk) != [None]
    clock.advance(days=1)
    purge(resources)
    assert linked_people(desk) == [None]
    assert count(desk, Person) == count(desk, PersonKey) == 0
    assert count(desk, Ticket) == count(desk, StepChange) == 1


def test_the_link_lives_while_a_message_is_open(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    desk.take(service)
    clock.advance(days=20)
    purge(resources)
    assert linked_people(desk) != [None]


def test_short_lived_rows(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    desk.take(service)
    clock.advance(seconds=601)
    purge(resources)
    assert count(desk, Scan) == 0
    assert count(desk, IdempotencyKey) == count(desk, LiveEvent) == 1
    clock.advance(days=2)
    purge(resources)
    assert count(desk, IdempotencyKey) == count(desk, LiveEvent) == 0


def add_fleet(desk: Desk, now: datetime) -> None:
    """Of one kiosk: an hour, an absence, an alert that is over and an order."""
    kiosk_id = desk.hospital.add_kiosk("K purge")[0].id
    with desk.hospital.database.write() as unit:
        unit.add(fleet.KioskHour, kiosk_id=kiosk_id, **asdict(HourFigures(hour=now)))
        unit.add(fleet.KioskAbsence, id=new_id(), kiosk_id=kiosk_id, began_at=now, ended_at=now)
        unit.add(
            fleet.Alert, id=new_id(), kind="too_hot", subject="kiosk:k", detail={}, raised_at=now,
            cleared_at=now,
        )  # fmt: skip
        unit.add(
            fleet.KioskCommand, id=new_id(), kiosk_id=kiosk_id, kind="restart", created_by="x",
            created_at=now, expires_at=now,
        )  # fmt: skip


def test_classes_with_a_span_of_their_own(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    now = clock.now
    with desk.hospital.database.write() as unit:
        unit.add(RateLimit, subject="s", window_start=now, count=1)
        unit.add(PartnerSignature, signature_hash="h", seen_at=now)
        unit.add(EnrolmentCode, code_hash="h", kiosk_name="K", created_at=now, expires_at=now)
        unit.add(DeviceEvent, id=new_id(), kiosk_id="k", device="printer", state="ready", at=now)
    add_fleet(desk, now)
    desk.take(service)
    settle_messages(desk)
    kept: list[tuple[int, set[type[Base]]]] = [
        (1, {RateLimit, PartnerSignature}),
        (30, {OutboxMessage, EnrolmentCode}),
        (90, {DeviceEvent, fleet.KioskCommand}),
        (400, {fleet.KioskHour, fleet.KioskAbsence, fleet.Alert}),
    ]
    start = clock.now
    for days, classes in kept:
        clock.now = start + timedelta(days=days)
        purge(resources)
        assert {count(desk, table) for table in classes} == {1}
        clock.advance(seconds=1)
        purge(resources)
        assert {count(desk, table) for table in classes} == {0}


def test_alerts_that_are_over_go_after_a_year(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    def find(subject: str, *, mend: bool) -> None:
        with database.write() as unit:
            raise_alert(unit, AlertKind.PAPER_OUT, subject=subject)
            if mend:
                clear_alert(unit, AlertKind.PAPER_OUT, subject=subject)

    find("kiosk:old", mend=True)
    find("kiosk:open", mend=False)
    clock.advance(days=300)
    find("kiosk:new", mend=True)
    clock.advance(days=101)
    purge(resources)
    with database.read() as connection:
        alerts = connection.scalars(select(fleet.Alert.subject).order_by(fleet.Alert.subject))
        assert list(alerts) == ["kiosk:new", "kiosk:open"]
        left = connection.scalar(select(func.count()).select_from(fleet.AlertNotice))
    assert left == 3


def test_tickets_go_after_two_years_and_audit_with_them(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    desk.take(service)
    desk.hospital.rooms = {r.code: r.id for r in resources.catalogue.get().rooms.values()}
    console = Console(resources, desk.hospital, "Q1")
    console.change(practitioner_id="")
    console.next()
    settle_messages(desk)
    clock.advance(days=24 * 31)
    purge(resources)
    assert count(desk, Visit) == count(desk, Call) == count(desk, RoomDay) == 1
    clock.advance(days=1)
    purge(resources)
    visit = (Visit, Step, StepChange, Number, Ticket)
    for table in (*visit, Call, StaffAct, RoomDay):
        assert count(desk, table) == 0, table


def test_what_the_his_said_goes_with_the_day_and_its_orders_with_the_visit(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    visit = desk.take(service)
    settle_messages(desk)
    with desk.hospital.database.write() as unit:
        unit.add(
            HisCopy, kind="orders", visit_id=visit.id, sealed=b"", version="1",
            fetched_at=unit.now, stale=False,
        )  # fmt: skip
        unit.add(HisWatch, visit_id=visit.id, noticed=1, applied=1, failures=0)
        unit.add(
            HisOrder, ref="CD-1", visit_id=visit.id, step_id=visit.steps[0].id,
            version="1", kind="laboratory", status="active", released=False, preparation_vi="",
            preparation_en="", ordered_at=unit.now, seen_at=unit.now,
        )  # fmt: skip
    day_only = (HisCopy, HisWatch)
    purge(resources)
    assert [count(desk, table) for table in (*day_only, HisOrder)] == [1, 1, 1]
    clock.advance(days=1)
    purge(resources)
    assert [count(desk, table) for table in (*day_only, HisOrder)] == [0, 0, 1]
    clock.advance(days=24 * 31)
    purge(resources)
    assert count(desk, HisOrder) == count(desk, Visit) == 0


def test_acceptances_of_the_notice_are_kept(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    with desk.hospital.database.write() as unit:
        unit.connection.execute(
            insert(NoticeAcceptance).values(
                id=new_id(),
                facility_id="main",
                scan_id="s",
                version="1",
                language="vi",
                kiosk_id="k",
                accepted_at=clock.now,
                recorded_at=clock.now,
            )
        )
    clock.advance(days=4_000)
    purge(resources)
    assert count(desk, NoticeAcceptance) == 1


def test_more_rows_than_one_batch(
    desk: Desk, resources: Resources, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.jobs.purge.BATCH", 2)
    for _ in range(5):
        desk.hospital.add_scan(desk.kiosk)
    clock.advance(days=1)
    assert purge(resources)["scan"] == 5


def test_nobody_waits_overnight(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    waiting = desk.take(service, person=make_person(1))
    desk.take(service, person=make_person(2))
    with desk.hospital.database.write() as unit:
        unit.connection.execute(
            update(Step).where(Step.visit_id != waiting.id).values(state="serving")
        )
    assert close_past_steps(resources) == 0
    clock.advance(days=1)
    assert close_past_steps(resources) == 2
    assert close_past_steps(resources) == 0
    with desk.hospital.database.read() as connection:
        states = connection.scalars(select(Step.state).order_by(Step.state)).all()
    assert states == ["cancelled", "done"]


def test_who_asked_about_their_data_goes_and_the_register_stays(
    resources: Resources, clock: SettableClock
) -> None:
    database, today = resources.database, date(2026, 11, 23)
    staff = Caller(role="staff", id="q", name="Chất")
    asker = Asker(name="Trần Thị Hỏi", reach="0900", about="x")
    wish = RequestWish(kind=RequestKind.VIEW, channel="desk", received_on=today, asker=asker)
    request_id = take_request(resources, resources.catalogue.get(), wish, staff=staff)
    end_request(resources, request_id, RequestOutcome.DONE, words="x", today=today, staff=staff)
    clock.advance(days=700)
    assert purge(resources).get("asker", 0) == 0
    clock.advance(days=60)
    assert purge(resources)["asker"] == 1
    with database.read() as connection:
        assert connection.execute(select(DataRequest.sealed_who)).scalars().all() == [None]
