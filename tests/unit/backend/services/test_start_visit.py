from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from backend.errors import (
    AppointmentNotDue,
    IdempotencyKeyReused,
    NotForThisPerson,
    PersonNeedsStaff,
    ScanExpired,
    ServiceFull,
    SlotTaken,
    ValidationFailed,
)
from backend.storage.audit_tables import AuditEvent
from backend.storage.metadata import METADATA
from backend.storage.number_tables import Number, Ticket
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.queue_tables import Step, StepChange
from backend.storage.request_tables import IdempotencyKey
from backend.storage.visit_tables import Visit
from backend.web import visit_schemas as schemas
from tests.conftest import SettableClock
from tests.factories.desk import Desk, count, read
from tests.factories.hospital import make_person, make_scan


def test_a_number_with_everything_that_belongs_to_it(desk: Desk) -> None:
    answer = desk.start(desk.wish())
    visit = read(answer)
    assert answer.status == 201
    assert (visit.number, visit.lane, visit.state) == ("A001", "N", "waiting")
    assert (visit.existing, visit.provisional, visit.print_state) == (False, False, "pending")
    assert visit.actions == ["change", "cancel", "reprint"]
    assert visit.ticket.number == "A001"
    assert visit.ticket.room == "Phòng khám 101"
    assert visit.ticket.wait_min == (0, 5)
    assert visit.ticket.hospital == "Trung tâm Y tế Bình An"
    for table in (
        Visit,
        Step,
        StepChange,
        Number,
        Ticket,
        AuditEvent,
        LiveEvent,
        OutboxMessage,
        IdempotencyKey,
    ):
        assert count(desk, table) == 1, table


def test_reply_has_exactly_the_promised_fields(desk: Desk) -> None:
    document = json.loads(desk.start(desk.wish()).body)
    assert set(document) == set(schemas.VisitReply.model_fields)
    assert set(document["ticket"]) == set(schemas.Ticket.model_fields)
    assert set(document["steps"][0]) == set(schemas.StepReply.model_fields)


def test_neither_ticket_nor_traces_name_the_person(desk: Desk) -> None:
    person = make_person()
    answer = desk.start(desk.wish())
    with desk.hospital.database.read() as connection:
        rows = [
            str(row)
            for table in METADATA.sorted_tables
            for row in connection.execute(select(table))
        ]
    for secret in (person.full_name, person.name_key, person.numbers["id12"], "1985-06-15"):
        assert secret not in answer.body
        assert not any(secret in row for row in rows)


def test_the_same_key_gives_the_first_answer_again(desk: Desk) -> None:
    wish = desk.wish()
    first = desk.start(wish, key="intent-0001")
    assert desk.start(wish, key="intent-0001") == first
    assert count(desk, Number) == 1


def test_the_same_key_with_another_body_is_refused(desk: Desk) -> None:
    wish = desk.wish()
    desk.start(wish, key="intent-0001", body="one")
    with pytest.raises(IdempotencyKeyReused):
        desk.start(wish, key="intent-0001", body="other")


def test_one_open_number_per_person_service_and_day(desk: Desk) -> None:
    first = read(desk.start(desk.wish()))
    answer = desk.start(desk.wish())
    again = read(answer)
    assert answer.status == 200
    assert again.existing
    assert (again.id, again.number, again.ticket) == (first.id, first.number, first.ticket)
    assert count(desk, Number) == 1


def test_the_same_person_with_another_card_keeps_the_number(desk: Desk) -> None:
    card = make_person(1, his_ref="BN1")
    insurance_card = make_person(numbers={"bhyt15": "GD4790000000000"}, his_ref="BN1")
    first = desk.take(person=card)
    again = desk.take(person=insurance_card)
    assert (again.existing, again.number) == (True, first.number)
    assert not desk.take(person=make_person(2)).existing


def test_people_without_a_number_are_known_by_name_and_birth_date(desk: Desk) -> None:
    first = desk.take(person=make_person(numbers={}))
    assert desk.take(person=make_person(numbers={})).number == first.number
    assert not desk.take(person=make_person(numbers={}, birth_date="1990")).existing


def test_a_new_day_starts_again_at_one(desk: Desk, clock: SettableClock) -> None:
    desk.take()
    assert desk.take().number == "A002"
    clock.advance(days=1)
    desk.resources.catalogue.get()
    visit = read(desk.start(desk.wish()))
    assert (visit.number, visit.existing) == ("A001", False)


def test_rooms_fill_evenly_lowest_code_first(desk: Desk) -> None:
    rooms = [desk.take().steps[0].room for _ in range(3)]
    assert [room.vi[-3:] for room in rooms if room] == ["101", "102", "101"]


def test_a_pooled_queue_names_all_rooms_and_its_own_letter(desk: Desk) -> None:
    visit = desk.take("CHUNG")
    assert visit.number == "C001"
    assert visit.ticket.room == "Phòng 101, 102"
    assert desk.take("CHUNG").steps[0].people_ahead == 1


@pytest.mark.parametrize(
    ("birth_date", "lane", "group"),
    [
        ("1951-11-23", "P", "from_75"),
        ("1951-11-24", "N", None),
        ("1946-11-23", "P", "from_80"),
        ("2020-11-24", "P", "under_6"),
        ("2020-11-23", "N", None),
        ("1950", "P", "from_75"),
    ],
)
def test_priority_by_birth_date(desk: Desk, birth_date: str, lane: str, group: str | None) -> None:
    visit = desk.take(person=make_person(birth_date=birth_date))
    assert (visit.lane, visit.priority_group) == (lane, group)
    assert visit.number[0] == {"P": "U", "N": "A"}[lane]


def test_a_year_that_may_or_may_not_be_75_asks_the_desk(desk: Desk) -> None:
    visit = desk.take(person=make_person(birth_date="1951"))
    assert visit.lane == "N"
    assert "Mời hỏi quầy về số ưu tiên theo tuổi" in visit.ticket.notes


def test_declared_priority_asks_for_papers(desk: Desk) -> None:
    visit = read(desk.start(desk.wish(priority_group="pregnant")))
    assert (visit.lane, visit.number) == ("P", "U001")
    assert "Mời xuất trình giấy tờ tại quầy" in visit.ticket.notes
    assert "thai" not in json.dumps(visit.ticket.model_dump(mode="json"), ensure_ascii=False)


def test_only_declarable_groups_can_be_declared(desk: Desk) -> None:
    for code in ("from_80", "vip"):
        with pytest.raises(ValidationFailed):
            desk.start(desk.wish(priority_group=code))


def test_priority_waits_behind_fewer_people(desk: Desk) -> None:
    for _ in range(4):
        desk.take("CHUNG")
    elder = desk.take("CHUNG", person=make_person(birth_date="1940-01-01"))
    assert elder.steps[0].people_ahead == 0


@pytest.mark.parametrize(
    ("scan", "note"),
    [
        ({"coverage": None}, "Cần kiểm tra thẻ bảo hiểm y tế tại quầy"),
        ({"known_to_his": False}, "Chưa đồng bộ với hồ sơ bệnh viện"),
        ({"verified": False}, "Mời xuất trình giấy tờ tùy thân tại quầy"),
    ],
)
def test_notes_for_the_desk(desk: Desk, scan: dict[str, Any], note: str) -> None:
    visit = desk.take(**scan)
    assert note in visit.ticket.notes
    assert visit.provisional is ("coverage" in scan)


def test_english_tickets_carry_vietnamese_beside(desk: Desk) -> None:
    ticket = read(desk.start(desk.wish(language="en"))).ticket
    assert ticket.room == "Examination room 101"
    assert ticket.vi is not None
    assert ticket.vi.room == "Phòng khám 101"


def test_a_sensitive_clinic_is_not_named_on_paper(desk: Desk) -> None:
    desk.hospital.add_service("HIV", "101", sensitive=True)
    visit = desk.take("HIV")
    assert visit.ticket.service == "Khám bệnh"
    assert visit.ticket.room == "Phòng 101"
    assert "HIV" not in visit.model_dump_json()


def test_a_full_session_takes_nobody_more(desk: Desk) -> None:
    desk.take("NHO")
    with pytest.raises(ServiceFull):
        desk.take("NHO")
    assert count(desk, Visit) == count(desk, Number) == 1


def test_a_slot_is_never_oversold(desk: Desk) -> None:
    slot = desk.hospital.add_slot("NOI", starts_in_min=20, capacity=1)
    first = read(desk.start(desk.wish(slot_id=slot)))
    assert first.lane == "B"
    other = desk.hospital.add_scan(desk.kiosk, make_scan(make_person(7)))
    with pytest.raises(SlotTaken):
        desk.start(desk.wish(scan_id=other, slot_id=slot))


def test_a_slot_of_another_day_is_not_for_now(desk: Desk) -> None:
    slot = desk.hospital.add_slot("NOI", starts_in_min=24 * 60, capacity=1)
    with pytest.raises(AppointmentNotDue):
        desk.start(desk.wish(slot_id=slot))


def test_a_doctor_with_a_limit(desk: Desk) -> None:
    doctor = desk.hospital.add_doctor("NOI", "102", limit=1)
    visit = read(desk.start(desk.wish(practitioner_id=doctor)))
    assert visit.ticket.room == "Phòng khám 102"
    other = desk.hospital.add_scan(desk.kiosk, make_scan(make_person(7)))
    with pytest.raises(ServiceFull):
        desk.start(desk.wish(scan_id=other, practitioner_id=doctor))


def test_two_services_share_one_number_and_do_not_collide(desk: Desk) -> None:
    for _ in range(3):
        desk.take("NOI")
    visit = read(desk.start(desk.wish("NOI", also_service_id=desk.hospital.services["CHUNG"])))
    assert [(step.service.vi, step.state) for step in visit.steps] == [
        ("Khám CHUNG", "waiting"),
        ("Khám NOI", "hold"),
    ]
    assert "Sau đó mời đến" in visit.ticket.next
    assert count(desk, Number) == 4


def test_age_and_sex_limits(desk: Desk) -> None:
    desk.hospital.add_service("NAM", "101", gender="male")
    desk.hospital.add_service("NHI", "101", age_max_years=15)
    for service in ("NAM", "NHI"):
        with pytest.raises(NotForThisPerson):
            desk.take(service)


def test_a_scan_of_another_kiosk_or_an_old_one_is_not_there(
    desk: Desk, other_desk: Desk, clock: SettableClock
) -> None:
    wish = desk.wish()
    with pytest.raises(ScanExpired):
        other_desk.start(wish)
    clock.advance(seconds=601)
    with pytest.raises(ScanExpired):
        desk.start(wish)


def test_a_scanned_ticket_is_nobody_to_register(desk: Desk) -> None:
    scan_id = desk.hospital.add_scan(desk.kiosk, replace(make_scan(), person=None))
    with pytest.raises(PersonNeedsStaff):
        desk.start(desk.wish(scan_id=scan_id))
