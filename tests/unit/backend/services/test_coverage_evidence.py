"""An insurer that is silent, broken or late: received at once, proved, looked up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from backend.domain.coverage_evidence import Problem, pause_before
from backend.domain.desk import CoverageDecision, Need
from backend.domain.identity.names import search_key
from backend.domain.scan import PersonFacts
from backend.events import Event
from backend.jobs.purge import purge
from backend.jobs.recheck_coverage import recheck_coverage
from backend.services.check_coverage import Lookup
from backend.services.identify_patient import (
    Described,
    Identification,
    ScanRequest,
    identify_patient,
)
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.settle_coverage import open_card
from backend.storage.base import Base
from backend.storage.catalogue import CatalogueSource
from backend.storage.insurance_tables import CoverageEvidence, CoverageRecheck
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.visit_tables import Visit
from his_adapter.bhxh.emulator import BhxhEmulator
from his_adapter.errors import NotSupported
from his_adapter.ports import HisGateway
from tests.conftest import SettableClock
from tests.factories import bhxh
from tests.factories.desk import Desk, read
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.reception import Receptionist, audited

MAU = PersonFacts(
    full_name="Nguyễn Văn Mẫu",
    name_key=search_key("Nguyễn Văn Mẫu"),
    birth_date="1990-03-05",
    gender="male",
    numbers={"id12": "099090000001"},
)


@pytest.fixture
def emulator() -> Iterator[BhxhEmulator]:
    with BhxhEmulator(clock=lambda: bhxh.NOW) as running:
        yield running


@pytest.fixture
def resources(hospital: Hospital, emulator: BhxhEmulator) -> Iterator[Resources]:
    his = ScriptedHis()
    built = Resources(
        config=make_config(insurer="bhxh", coverage_patient_wait_s=0.4, coverage_timeout_s=1.2),
        database=hospital.database,
        keys=hospital.keys,
        catalogue=CatalogueSource(hospital.database),
        his=cast("HisGateway", his),
        his_party=RemoteParty("his"),
        insurer_party=RemoteParty("insurer"),
        insurer=bhxh.insurer(emulator),
    )
    yield built
    built.his_party.close()
    built.insurer_party.close()


def rows(resources: Resources, table: type[Base]) -> list[Any]:
    with resources.database.read() as connection:
        return list(connection.execute(select(table.__table__)))


def scan(resources: Resources, desk: Desk, person: PersonFacts = MAU) -> Identification:
    request = ScanRequest(described=Described(facts=person, papers_seen=True))
    return identify_patient(resources, kiosk=desk.kiosk, request=request)


def come(resources: Resources, desk: Desk, person: PersonFacts = MAU) -> str:
    return read(desk.start(desk.wish(scan_id=scan(resources, desk, person).scan_id))).id


def visit_of(resources: Resources, visit_id: str) -> Any:
    return next(row for row in rows(resources, Visit) if row.id == visit_id)


def eventually(holds: Callable[[], bool], within_s: float = 5) -> None:
    give_up_at = time.monotonic() + within_s
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert holds()


def test_a_good_answer_leaves_no_evidence(resources: Resources, desk: Desk) -> None:
    visit_id = come(resources, desk)
    visit = visit_of(resources, visit_id)
    assert (visit.provisional, visit.coverage_outcome) == (False, "ok")
    card = open_card(resources.keys, visit.sealed_card, visit_id)
    assert card is not None
    assert (card.number, card.facility_code) == ("DN4990000000001", "99001")
    assert b"DN499" not in visit.sealed_card
    assert rows(resources, CoverageEvidence) == []
    assert rows(resources, CoverageRecheck) == []


@pytest.mark.parametrize(
    ("fault", "problem", "failure", "status"),
    [
        ({"http_500_html": True}, Problem.FAILED, "transient", 500),
        ({"truncate_json": True}, Problem.FAILED, "broken-reply", 200),
        ({"result_code": "101"}, Problem.UNCLEAR, None, 200),
        ({"result_code": "054"}, Problem.UNCLEAR, None, 200),
        ({"refuse_login": True}, Problem.FAILED, "login", None),
    ],
)
def test_a_failed_look_up_is_proved(
    resources: Resources,
    desk: Desk,
    emulator: BhxhEmulator,
    fault: dict[str, Any],
    problem: Problem,
    failure: str | None,
    status: int | None,
) -> None:
    emulator.control(**fault)
    visit_id = come(resources, desk)
    (row,) = rows(resources, CoverageEvidence)
    assert (row.problem, row.failure, row.http_status) == (problem, failure, status)
    assert (row.visit_id, row.party) == (visit_id, "bhxh")
    if status is not None:
        answer = resources.keys.unseal(row.sealed_answer, context=f"evidence:{row.id}")
        assert answer
        assert row.answer_sha256
    assert visit_of(resources, visit_id).provisional
    (recheck,) = rows(resources, CoverageRecheck)
    assert (recheck.visit_id, recheck.state) == (visit_id, "pending")
    (audit,) = audited(resources, Event.COVERAGE_LOOKUP_FAILED)
    assert audit.detail == {"evidence": row.id, "problem": problem.value}


def test_a_late_answer_reaches_the_visit_that_has_begun(
    resources: Resources, desk: Desk, emulator: BhxhEmulator
) -> None:
    emulator.control(delay_ms=300)
    visit_id = come(resources, desk)
    assert visit_of(resources, visit_id).provisional
    eventually(lambda: not visit_of(resources, visit_id).provisional)
    visit = visit_of(resources, visit_id)
    assert (visit.coverage_outcome, visit.coverage_code, visit.version) == ("ok", "000", 1)
    assert visit.sealed_card is not None
    (evidence,) = rows(resources, CoverageEvidence)
    assert (evidence.problem, evidence.code) == (Problem.SILENT, "000")
    assert [r.state for r in rows(resources, CoverageRecheck)] == ["known"]
    (ticket,) = rows(resources, Ticket)
    assert "cần kiểm tra thẻ" not in str(ticket.content).lower()
    assert Event.COVERAGE_RECHECKED in {r.event for r in rows(resources, LiveEvent)}


def test_a_late_failure_completes_the_evidence(
    resources: Resources, desk: Desk, emulator: BhxhEmulator
) -> None:
    emulator.control(delay_ms=300, http_500_html=True)
    come(resources, desk)
    (evidence,) = rows(resources, CoverageEvidence)
    assert evidence.problem == Problem.SILENT
    eventually(lambda: rows(resources, CoverageEvidence)[0].http_status == 500)


def test_looked_up_again_until_it_is_known(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    emulator.control(result_code="101")
    visit_id = come(resources, desk)
    assert recheck_coverage(resources) == 0
    assert len(rows(resources, CoverageEvidence)) == 1
    tried = []
    for _ in range(4):
        clock.now = rows(resources, CoverageRecheck)[0].next_at
        recheck_coverage(resources)
        tried.append(clock.now)
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses == [timedelta(minutes=3), timedelta(minutes=6), timedelta(hours=1)]
    assert {r.visit_id for r in rows(resources, CoverageEvidence)} == {visit_id}
    assert len(rows(resources, CoverageEvidence)) == 5
    emulator.control(result_code=None)
    clock.advance(hours=1)
    assert recheck_coverage(resources) == 1
    assert not visit_of(resources, visit_id).provisional
    clock.advance(hours=1)
    assert recheck_coverage(resources) == 0


def test_a_demonstration_asks_again_sooner(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    resources = desk.resources = replace(resources, config=replace(resources.config, speed=4))
    emulator.control(result_code="101")
    come(resources, desk)
    (first,) = rows(resources, CoverageRecheck)
    assert first.next_at == clock.now + timedelta(seconds=15)
    clock.now = first.next_at
    recheck_coverage(resources)
    (second,) = rows(resources, CoverageRecheck)
    assert second.next_at == clock.now + timedelta(seconds=45)


@pytest.mark.parametrize("code", ["010", "060", "001"])
def test_what_is_known_but_not_good_waits_for_a_person(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock, code: str
) -> None:
    emulator.control(http_500_html=True)
    visit_id = come(resources, desk)
    emulator.control(http_500_html=False, result_code=code)
    clock.advance(minutes=2)
    assert recheck_coverage(resources) == 1
    visit = visit_of(resources, visit_id)
    assert (visit.provisional, visit.coverage_code) == (True, code)
    (recheck,) = rows(resources, CoverageRecheck)
    assert recheck.state == "needs_person"
    page = Receptionist(resources).look(Need.COVERAGE)
    assert [each.id for each in page.items] == [visit_id]


def test_the_desk_was_faster(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    emulator.control(http_500_html=True)
    visit_id = come(resources, desk)
    Receptionist(resources).decide(visit_id, CoverageDecision.PATIENT_PAYS)
    emulator.control(http_500_html=False)
    clock.advance(minutes=2)
    assert recheck_coverage(resources) == 0
    assert visit_of(resources, visit_id).coverage_outcome == "none"


def test_the_end_of_the_day_ends_the_questions(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    emulator.control(http_500_html=True)
    come(resources, desk)
    clock.advance(days=1)
    asked = sum(emulator.counts.values())
    assert recheck_coverage(resources) == 0
    assert sum(emulator.counts.values()) == asked
    assert [r.state for r in rows(resources, CoverageRecheck)] == ["day_over"]


def test_while_nobody_may_be_asked_no_try_is_counted(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    emulator.control(http_500_html=True)
    come(resources, desk)
    for _ in range(3):
        resources.insurer_party._note(failed=True)
    clock.advance(minutes=2)
    asked = sum(emulator.counts.values())
    recheck_coverage(resources)
    assert sum(emulator.counts.values()) == asked
    (recheck,) = rows(resources, CoverageRecheck)
    assert (recheck.attempts, recheck.next_at - clock.now) == (0, timedelta(seconds=30))


def test_nobody_asked_is_evidence_too(resources: Resources, desk: Desk) -> None:
    for _ in range(3):
        resources.insurer_party._note(failed=True)
    come(resources, desk)
    assert [r.problem for r in rows(resources, CoverageEvidence)] == [Problem.NOT_ASKED]


def test_a_his_that_cannot_look_up_has_not_failed() -> None:
    def ask() -> Any:
        raise NotSupported("check_coverage")

    party = RemoteParty("insurer")
    lookup = Lookup(id="1", party="his", asked_at=bhxh.NOW, pending=party.ask(ask))
    assert lookup.wait(1) is None
    assert lookup.problem is Problem.FAILED
    assert not lookup.leaves_evidence
    party.close()


def test_evidence_is_deleted_when_it_is_old_and_nothing_is_open(
    resources: Resources, desk: Desk, emulator: BhxhEmulator, clock: SettableClock
) -> None:
    emulator.control(http_500_html=True)
    scan(resources, desk)
    come(resources, desk)
    assert len(rows(resources, CoverageEvidence)) == 2
    clock.advance(days=2)
    purge(resources)
    assert len(rows(resources, CoverageEvidence)) == 1
    clock.advance(days=60)
    purge(resources)
    assert len(rows(resources, CoverageEvidence)) == 1  # a message is still open
    with resources.database.write() as unit:
        unit.connection.execute(update(OutboxMessage).values(state="done"))
    purge(resources)
    assert rows(resources, CoverageEvidence) == []


def test_pauses() -> None:
    assert sum((pause_before(n) for n in range(3)), timedelta()) == timedelta(minutes=10)
    assert pause_before(3) == pause_before(30) == timedelta(hours=1)
