"""Printing for staff: one request, one paper, whatever happens to the agent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from backend.domain.visit import PrintState
from backend.errors import (
    AgentAway,
    ChangedMeanwhile,
    MoveNotAllowed,
    PrintRequestNotFound,
    VisitNotFound,
)
from backend.events import Event
from backend.services.record_device_event import record_device_event
from backend.services.report_print_state import PrintReport
from backend.services.request_print import cancel_print, list_agents
from backend.services.resources import Resources
from backend.services.take_report import take_report
from backend.services.work_print_requests import settle_request, take_requests
from backend.storage.number_tables import Ticket
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.reception import Receptionist, add_agent, audited


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    return Receptionist(resources)


def report(state: PrintState, request_id: str = "r") -> PrintReport:
    return PrintReport(job_id=request_id, state=state, reason=None, elapsed_ms=900)


def state_of(lan: Receptionist, visit_id: str) -> tuple[str, str]:
    with lan.resources.database.read() as connection:
        ticket = connection.scalar(select(Ticket.print_state).where(Ticket.visit_id == visit_id))
    return lan.see(visit_id).prints[0].state, str(ticket)


def test_a_ticket_is_asked_for_taken_and_printed(lan: Receptionist, desk: Desk) -> None:
    visit, agent = desk.take(), add_agent(lan.resources)
    request_id = lan.print(visit.id, agent)
    assert state_of(lan, visit.id) == ("pending", "pending")
    (taken,) = take_requests(lan.resources.database, agent=agent)
    assert (taken.id, taken.again, taken.ticket["number"]) == (request_id, False, visit.number)
    settle_request(
        lan.resources.database, request_id, report(PrintState.PRINTED, request_id), agent=agent
    )
    assert state_of(lan, visit.id) == ("printed", "printed")
    assert list(take_requests(lan.resources.database, agent=agent)) == []
    assert len(audited(lan.resources, Event.PRINT_REQUESTED)) == 1
    (row,) = audited(lan.resources, Event.PRINT_TAKEN)
    assert row.actor == f"agent:{agent.id}"


def test_what_was_taken_comes_again_until_its_end_is_told(lan: Receptionist, desk: Desk) -> None:
    agent = add_agent(lan.resources)
    first = lan.print(desk.take().id, agent)
    second = lan.print(desk.take().id, agent)
    database = lan.resources.database
    assert [each.id for each in take_requests(database, agent=agent)] == [first]
    for _ in range(2):
        assert [(t.id, t.again) for t in take_requests(database, agent=agent)] == [(first, True)]
    settle_request(database, first, report(PrintState.UNKNOWN, first), agent=agent)
    assert [each.id for each in take_requests(database, agent=agent)] == [second]
    settle_request(database, first, report(PrintState.PRINTED, first), agent=agent)
    with pytest.raises(MoveNotAllowed):
        settle_request(database, first, report(PrintState.FAILED, first), agent=agent)


def test_two_who_ask_at_once_get_one_paper(lan: Receptionist, desk: Desk) -> None:
    visit, agent = desk.take(), add_agent(lan.resources)
    both = [lan, Receptionist(lan.resources, "Bình")]
    with ThreadPoolExecutor(2) as pool:
        ids = set(pool.map(lambda staff: staff.print(visit.id, agent), both))
    assert len(ids) == 1
    assert lan.print(visit.id, add_agent(lan.resources, "Quầy 2")) not in ids


def test_a_press_again_after_the_paper_is_another_paper(
    lan: Receptionist, desk: Desk, clock: SettableClock
) -> None:
    visit, agent = desk.take(), add_agent(lan.resources)
    first = lan.print(visit.id, agent)
    take_requests(lan.resources.database, agent=agent)
    settle_request(lan.resources.database, first, report(PrintState.FAILED, first), agent=agent)
    assert lan.print(visit.id, agent) != first


def test_an_agent_that_does_not_answer_is_not_asked(
    lan: Receptionist, desk: Desk, clock: SettableClock
) -> None:
    visit = desk.take()
    with pytest.raises(AgentAway):
        lan.print(visit.id, add_agent(lan.resources, answers=False))
    with pytest.raises(AgentAway):
        lan.print(visit.id, desk.kiosk)
    agent = add_agent(lan.resources, "Quầy 2")
    record_device_event(
        lan.resources.database, kiosk_id=agent.id, device="printer", state="paper_end", reason=None
    )
    assert [(a.name, a.answers, a.printer) for a in list_agents(lan.resources.database)] == [
        ("Quầy 1", False, None),
        ("Quầy 2", True, "paper_end"),
    ]
    clock.advance(minutes=2)
    with pytest.raises(AgentAway):
        lan.print(visit.id, agent)


def test_old_requests_do_not_come_out_in_the_evening(
    lan: Receptionist, desk: Desk, clock: SettableClock
) -> None:
    visit, agent = desk.take(), add_agent(lan.resources)
    lan.print(visit.id, agent)
    clock.advance(minutes=11)
    take_report(lan.resources.database, kiosk_id=agent.id)
    assert list(take_requests(lan.resources.database, agent=agent)) == []
    assert state_of(lan, visit.id) == ("failed", "failed")


def test_a_request_is_given_up_before_it_is_taken(lan: Receptionist, desk: Desk) -> None:
    visit, agent = desk.take(), add_agent(lan.resources)
    request_id = lan.print(visit.id, agent)
    database = lan.resources.database
    database.transact(lambda u: cancel_print(u, visit.id, request_id, staff=lan.caller))
    assert state_of(lan, visit.id) == ("failed", "failed")
    assert list(take_requests(database, agent=agent)) == []
    with pytest.raises(ChangedMeanwhile):
        database.transact(lambda u: cancel_print(u, visit.id, request_id, staff=lan.caller))
    with pytest.raises(PrintRequestNotFound):
        database.transact(lambda u: cancel_print(u, visit.id, "unknown", staff=lan.caller))


def test_another_agents_requests_are_not_there(lan: Receptionist, desk: Desk) -> None:
    agent, other = add_agent(lan.resources), add_agent(lan.resources, "Quầy 2")
    request_id = lan.print(desk.take().id, agent)
    database = lan.resources.database
    assert list(take_requests(database, agent=other)) == []
    with pytest.raises(PrintRequestNotFound):
        settle_request(database, request_id, report(PrintState.PRINTED), agent=other)
    with pytest.raises(MoveNotAllowed):
        settle_request(database, request_id, report(PrintState.PRINTED), agent=agent)


def test_no_ticket_of_another_day(lan: Receptionist, desk: Desk, clock: SettableClock) -> None:
    visit = desk.take()
    clock.advance(days=1)
    with pytest.raises(VisitNotFound):
        lan.print(visit.id, add_agent(lan.resources))
