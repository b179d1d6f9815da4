"""The check-in table of a visit: due once, built, judged, sent, answered, corrected."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.checkin_table.states import CheckinState
from backend.domain.roles import StaffRole
from backend.domain.scan import CardFacts
from backend.domain.settings import FacilitySettings
from backend.errors import ChangedMeanwhile, MoveNotAllowed, ReasonMissing, VisitNotFound
from backend.jobs.deliver_outbox import deliver_outbox
from backend.services.keep_checkins import (
    ListedCheckin,
    correct_checkin,
    count_checkin_troubles,
    get_checkin,
    judge_checkin,
    look_at_checkins,
    read_document,
)
from backend.services.keep_outbox import replay_message
from backend.services.queue_checkin import PARTY, queue_checkin
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.visit_tables import Person, Visit
from his_adapter.bhxh.emulator import BhxhEmulator
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    HisError,
    LoginFailed,
    OutcomeUnknown,
    Unavailable,
)
from his_adapter.models import Health, HealthState, SubmissionReceipt
from tests.conftest import SettableClock
from tests.factories import bhxh
from tests.factories.desk import Desk
from tests.factories.hospital import FACILITY, Hospital, make_person, make_scan

CARD = CardFacts(
    number="DN4990000000001",
    valid_from="2026-01-01",
    valid_to="2026-12-31",
    facility_code="79999",
)
LAN = Caller(role="staff", id="staff-lan", name="Lan", roles=frozenset({StaffRole.RECEPTION}))


class ScriptedInsurer:
    """Answers each file with the next of `answers`; keeps what arrived."""

    def __init__(self) -> None:
        self.answers: list[SubmissionReceipt | HisError] = []
        self.arrived: list[bytes] = []

    def health(self) -> Health:
        return Health(state=HealthState.OK)

    def close(self) -> None:
        """Nothing is open."""

    def send_checkin(self, document: bytes, **_: Any) -> SubmissionReceipt:
        self.arrived.append(document)
        answer = self.answers.pop(0) if self.answers else RECEIVED
        if isinstance(answer, HisError):
            raise answer
        return answer


RECEIVED = SubmissionReceipt(
    code="200",
    received=True,
    transaction_id="GD-1",
    received_at=datetime(2026, 11, 23, 1, 1, tzinfo=UTC),
    message="Thành công (dữ liệu giả)",
)
REFUSED = SubmissionReceipt(code="202", received=False, message="Sai nội dung (dữ liệu giả)")


def settle(hospital: Hospital, **settings: Any) -> None:
    values = FacilitySettings(**({"checkin_sender": "tiepdon"} | settings))
    with hospital.database.write() as unit:
        unit.connection.execute(
            update(Facility)
            .where(Facility.id == FACILITY)
            .values(
                settings=values.to_json(),
                catalogue_version=Facility.catalogue_version + 1,
            )
        )


def change(desk: Desk, **settings: Any) -> None:
    """Other settings, and processes that have noticed them."""
    settle(desk.hospital, **settings)
    desk.resources = replace(desk.resources, catalogue=CatalogueSource(desk.hospital.database))


@pytest.fixture
def insurer() -> ScriptedInsurer:
    return ScriptedInsurer()


@pytest.fixture
def resources(resources: Resources, hospital: Hospital, insurer: ScriptedInsurer) -> Resources:
    settle(hospital)
    return replace(resources, catalogue=CatalogueSource(hospital.database), insurer=insurer)  # type: ignore[arg-type]  # only what is used here


def registered(desk: Desk, *, card: CardFacts | None = CARD, **visit: Any) -> str:
    """A visit the HIS has registered; `visit` are columns."""
    scan_id = desk.hospital.add_scan(desk.kiosk, make_scan(make_person(len(visit) + 7), card=card))
    started = desk.start(desk.wish("NOI", scan_id))
    visit_id = str(json.loads(started.body)["id"])
    values = {"his_record_code": "LK-17", "category_code": "1.1"} | visit
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Visit).where(Visit.id == visit_id).values(**values))
        unit.connection.execute(update(Person).values(his_ref="BN-17"))
        # Only the insurer's messages are of interest here.
        unit.connection.execute(update(OutboxMessage).values(state="done", settled_at=unit.now))
    return visit_id


def queue(resources: Resources, visit_id: str) -> str | None:
    with resources.database.write() as unit:
        return queue_checkin(unit, resources.catalogue.get(), visit_id)


def queued(resources: Resources, visit_id: str) -> str:
    document_id = queue(resources, visit_id)
    assert document_id is not None
    return document_id


def message(resources: Resources) -> Any:
    """The last one for the insurer."""
    with resources.database.read() as connection:
        return connection.execute(
            select(OutboxMessage.__table__)
            .where(OutboxMessage.party == PARTY)
            .order_by(OutboxMessage.id.desc())
        ).first()


def look(resources: Resources, document_id: str) -> ListedCheckin:
    return get_checkin(resources, document_id)


# --- when it is due ------------------------------------------------------------------------------


def test_due_once_when_the_his_has_registered_the_visit(desk: Desk) -> None:
    visit_id = registered(desk)
    assert queue(desk.resources, visit_id) is not None
    assert queue(desk.resources, visit_id) is None


@pytest.mark.parametrize(
    "visit",
    [
        {"his_record_code": None},
        {"provisional": True},
        {"use_insurance": False},
    ],
)
def test_not_due_before_everything_is_known(desk: Desk, visit: dict[str, Any]) -> None:
    assert queue(desk.resources, registered(desk, **visit)) is None


def test_where_the_his_sends_this_system_does_not(desk: Desk) -> None:
    visit_id = registered(desk)
    change(desk, checkin_sender="his")
    assert queue(desk.resources, visit_id) is None


def test_the_uninsured_are_sent_where_the_hospital_wants_it(
    desk: Desk, insurer: ScriptedInsurer
) -> None:
    visit_id = registered(desk, card=None, use_insurance=False)
    change(desk, checkin_uninsured=True)
    queued(desk.resources, visit_id)
    deliver_outbox(desk.resources)
    assert b"<MA_DOITUONG_KCB>9</MA_DOITUONG_KCB>" in insurer.arrived[0]
    assert b"<MA_THE_BHYT/>" in insurer.arrived[0]


# --- sending -------------------------------------------------------------------------------------


def test_received_is_not_accepted(
    desk: Desk, insurer: ScriptedInsurer, clock: SettableClock
) -> None:
    document_id = queued(desk.resources, registered(desk))
    deliver_outbox(desk.resources)
    (arrived,) = insurer.arrived
    assert b"<MA_LK>LK-17</MA_LK>" in arrived
    assert b"<MA_BN>BN-17</MA_BN>" in arrived
    assert b"<NGAY_VAO>202611230800</NGAY_VAO>" in arrived
    shown = look(desk.resources, document_id)
    assert shown.state is CheckinState.RECEIVED
    assert (shown.result_code, shown.transaction_id) == ("200", "GD-1")
    assert shown.standard == "qd1931"
    assert message(desk.resources).state == "done"
    judge_checkin(desk.resources, document_id, CheckinState.ACCEPTED, staff=LAN)
    assert look(desk.resources, document_id).judged_by == "Lan"
    with pytest.raises(MoveNotAllowed):
        judge_checkin(desk.resources, document_id, CheckinState.RECEIVED, staff=LAN)


def test_what_breaks_a_rule_never_leaves(desk: Desk, insurer: ScriptedInsurer) -> None:
    document_id = queued(desk.resources, registered(desk, category_code=None))
    deliver_outbox(desk.resources)
    assert insurer.arrived == []
    shown = look(desk.resources, document_id)
    assert shown.state is CheckinState.INVALID
    assert {finding["field"] for finding in shown.findings} == {"MA_DOITUONG_KCB"}
    assert message(desk.resources).last_error == "checkin-invalid"


def test_mended_and_replayed_it_leaves(desk: Desk, insurer: ScriptedInsurer) -> None:
    visit_id = registered(desk, category_code=None)
    document_id = queued(desk.resources, visit_id)
    deliver_outbox(desk.resources)
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Visit).values(category_code="1.3"))
    replay_message(desk.resources.database, message(desk.resources).id, actor="staff:lan")
    deliver_outbox(desk.resources)
    assert b"<MA_DOITUONG_KCB>1.3</MA_DOITUONG_KCB>" in insurer.arrived[0]
    assert look(desk.resources, document_id).state is CheckinState.RECEIVED


def test_an_emergency_is_not_sent(desk: Desk, insurer: ScriptedInsurer) -> None:
    document_id = queued(desk.resources, registered(desk, category_code="2"))
    deliver_outbox(desk.resources)
    assert insurer.arrived == []
    assert look(desk.resources, document_id).state is CheckinState.SKIPPED
    assert message(desk.resources).state == "done"


def test_refused_at_once_waits_for_a_person(desk: Desk, insurer: ScriptedInsurer) -> None:
    insurer.answers = [REFUSED]
    document_id = queued(desk.resources, registered(desk))
    deliver_outbox(desk.resources)
    shown = look(desk.resources, document_id)
    assert (shown.state, shown.result_code) == (CheckinState.REFUSED, "202")
    assert message(desk.resources).last_error == "checkin-refused"


def test_a_gateway_that_is_away_is_tried_again(
    desk: Desk, insurer: ScriptedInsurer, clock: SettableClock
) -> None:
    insurer.answers = [Unavailable("down"), Unavailable("down")]
    document_id = queued(desk.resources, registered(desk))
    for _ in range(3):
        deliver_outbox(desk.resources)
        clock.advance(minutes=2)
    assert look(desk.resources, document_id).state is CheckinState.RECEIVED
    assert len(insurer.arrived) == 3


@pytest.mark.parametrize(
    "error", [LoginFailed("wrong"), Forbidden("this address"), BrokenReply("a page at the login")]
)
def test_a_gateway_that_does_not_let_us_in_is_waited_for(
    desk: Desk, insurer: ScriptedInsurer, clock: SettableClock, error: HisError
) -> None:
    insurer.answers = [error] * 8
    document_id = queued(desk.resources, registered(desk))
    for _ in range(8):
        deliver_outbox(desk.resources)
        clock.advance(minutes=2)
    assert message(desk.resources).state == "new"
    assert look(desk.resources, document_id).state is CheckinState.QUEUED
    deliver_outbox(desk.resources)
    assert look(desk.resources, document_id).state is CheckinState.RECEIVED


def test_no_answer_is_never_sent_again_by_itself(
    desk: Desk, insurer: ScriptedInsurer, clock: SettableClock
) -> None:
    insurer.answers = [OutcomeUnknown("cut", key="k-00000001")]
    document_id = queued(desk.resources, registered(desk))
    for _ in range(4):
        deliver_outbox(desk.resources)
        clock.advance(minutes=10)
    assert len(insurer.arrived) == 1
    shown = look(desk.resources, document_id)
    assert shown.state is CheckinState.UNKNOWN
    assert message(desk.resources).last_error == "unknown-outcome"
    judge_checkin(desk.resources, document_id, CheckinState.ACCEPTED, staff=LAN)
    assert look(desk.resources, document_id).state is CheckinState.ACCEPTED


def test_without_an_insurer_it_waits_for_a_person(desk: Desk) -> None:
    resources = replace(desk.resources, insurer=None)
    queued(resources, registered(desk))
    deliver_outbox(resources)
    assert message(resources).last_error == "no-insurer"


# --- corrections ---------------------------------------------------------------------------------


def test_a_correction_is_a_new_table_of_what_is_known_now(
    desk: Desk, insurer: ScriptedInsurer
) -> None:
    document_id = queued(desk.resources, registered(desk))
    deliver_outbox(desk.resources)
    judge_checkin(desk.resources, document_id, CheckinState.FAULTY, staff=LAN)
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Visit).values(category_code="1.5"))
    again = correct_checkin(desk.resources, document_id, reason="đã sửa mã đối tượng", staff=LAN)
    deliver_outbox(desk.resources)
    assert [b"1.1</MA_DOI" in insurer.arrived[0], b"1.5</MA_DOI" in insurer.arrived[1]] == [
        True,
        True,
    ]
    shown = look(desk.resources, again)
    assert (shown.state, shown.position) == (CheckinState.RECEIVED, 1)
    first = look(desk.resources, document_id)
    assert (first.state, first.may_be_sent_again) == (CheckinState.FAULTY, False)
    with pytest.raises(ChangedMeanwhile):
        correct_checkin(desk.resources, document_id, reason="lần nữa", staff=LAN)


def test_a_correction_needs_a_reason_and_something_to_correct(desk: Desk) -> None:
    document_id = queued(desk.resources, registered(desk))
    with pytest.raises(ReasonMissing):
        correct_checkin(desk.resources, document_id, reason="  ", staff=LAN)
    with pytest.raises(ChangedMeanwhile):
        correct_checkin(desk.resources, document_id, reason="chưa gửi", staff=LAN)
    with pytest.raises(VisitNotFound):
        correct_checkin(desk.resources, "0" * 32, reason="không có", staff=LAN)


def test_the_same_row_of_another_document_is_skipped(desk: Desk, insurer: ScriptedInsurer) -> None:
    visit_id = registered(desk)
    document_id = queued(desk.resources, visit_id)
    deliver_outbox(desk.resources)
    elsewhere = desk.take("CHUNG", person=make_person(99)).id
    with desk.hospital.database.write() as unit:  # as if its row had come with another visit
        unit.connection.execute(
            update(CheckinDocument)
            .where(CheckinDocument.id == document_id)
            .values(visit_id=elsewhere)
        )
        unit.connection.execute(update(OutboxMessage).values(state="done", settled_at=unit.now))
    second = queued(desk.resources, visit_id)
    deliver_outbox(desk.resources)
    assert len(insurer.arrived) == 1
    assert look(desk.resources, second).state is CheckinState.SKIPPED


# --- what staff see ------------------------------------------------------------------------------


def test_late_ones_and_those_that_need_somebody_are_shown(
    desk: Desk, insurer: ScriptedInsurer, clock: SettableClock
) -> None:
    insurer.answers = [REFUSED]
    queued(desk.resources, registered(desk))
    assert count_checkin_troubles(desk.resources.database) == (0, 0)
    clock.advance(minutes=6)
    assert count_checkin_troubles(desk.resources.database) == (1, 0)
    assert look_at_checkins(desk.resources).open[0].is_late
    deliver_outbox(desk.resources)
    assert count_checkin_troubles(desk.resources.database) == (0, 1)
    board = look_at_checkins(desk.resources)
    assert board.counts == {"refused": 1}
    assert [each.state for each in board.open] == [CheckinState.REFUSED]


def test_reading_the_document_is_on_record(desk: Desk) -> None:
    document_id = queued(desk.resources, registered(desk))
    with pytest.raises(VisitNotFound):
        read_document(desk.resources, document_id, staff=LAN)
    deliver_outbox(desk.resources)
    document, said = read_document(desk.resources, document_id, staff=LAN)
    assert document.startswith(b"<?xml")
    assert said == "Thành công (dữ liệu giả)"
    with desk.hospital.database.read() as connection:
        events = connection.scalars(select(AuditEvent.event)).all()
    assert "checkin_read" in events


def test_nothing_of_it_is_in_a_log_or_in_clear_in_the_database(
    desk: Desk, insurer: ScriptedInsurer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    insurer.answers = [REFUSED]
    queued(desk.resources, registered(desk))
    deliver_outbox(desk.resources)
    with desk.hospital.database.read() as connection:
        rows = connection.execute(select(CheckinDocument.__table__)).all()
    for secret in (CARD.number, "Nguyễn Thị Thử", "NGUYỄN THỊ THỬ", "079185000007"):
        assert secret not in caplog.text
        assert secret not in str(rows)


# --- with the gateway itself ---------------------------------------------------------------------


@pytest.fixture
def gateway(clock: SettableClock) -> Iterator[BhxhEmulator]:
    with BhxhEmulator(clock=clock) as emulator:
        yield emulator


def test_over_the_wire_it_arrives_once(desk: Desk, gateway: BhxhEmulator) -> None:
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(code="99001"))
    real = bhxh.insurer(gateway)
    resources = replace(desk.resources, insurer=real)
    document_id = queued(resources, registered(desk))
    deliver_outbox(resources)
    assert look(resources, document_id).state is CheckinState.RECEIVED
    assert [b"LK-17" in kept.document for kept in gateway.kept] == [True]
    real.close()


def test_the_deadline_is_a_setting(desk: Desk) -> None:
    visit_id = registered(desk)
    change(desk, checkin_within_min=30)
    shown = look(desk.resources, queued(desk.resources, visit_id))
    assert shown.due_at - shown.created_at == timedelta(minutes=30)
