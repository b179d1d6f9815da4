from __future__ import annotations

import pytest
from sqlalchemy import select

from backend.domain.visit import PrintState
from backend.errors import MoveNotAllowed, VisitNotFound
from backend.services.report_print_state import PrintReport, report_print_state
from backend.storage.outbox_tables import LiveEvent
from backend.web import visit_schemas as schemas
from tests.factories.desk import Desk, read


def report(
    desk: Desk, visit: schemas.VisitReply, state: str, job: str = "job-1"
) -> schemas.VisitReply:
    answer = report_print_state(
        desk.resources,
        visit.id,
        PrintReport(job_id=job, state=PrintState(state), reason=None, elapsed_ms=900),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
    return read(answer)


def list_events(desk: Desk) -> list[str]:
    with desk.hospital.database.read() as connection:
        return list(connection.scalars(select(LiveEvent.event).order_by(LiveEvent.id)))[1:]


def test_printed(desk: Desk) -> None:
    visit = desk.take()
    printed = report(desk, visit, "printed")
    assert (printed.print_state, printed.number) == ("printed", visit.number)
    assert list_events(desk) == ["ticket_print_reported"]


@pytest.mark.parametrize("state", ["failed", "unknown", "unconfirmed"])
def test_anything_else_is_trouble_that_staff_see(desk: Desk, state: str) -> None:
    visit = desk.take()
    assert report(desk, visit, state).print_state == state
    assert list_events(desk) == ["ticket_print_trouble"]


def test_the_same_report_twice_is_one_event(desk: Desk) -> None:
    visit = desk.take()
    report(desk, visit, "failed")
    report(desk, visit, "failed")
    assert list_events(desk) == ["ticket_print_trouble"]


def test_an_unknown_outcome_may_be_settled_later_but_only_once(desk: Desk) -> None:
    visit = desk.take()
    report(desk, visit, "unknown")
    assert report(desk, visit, "printed").print_state == "printed"
    with pytest.raises(MoveNotAllowed):
        report(desk, visit, "failed")


def test_a_late_failure_of_another_job_does_not_unprint(desk: Desk) -> None:
    visit = desk.take()
    report(desk, visit, "printed", job="job-2")
    assert report(desk, visit, "failed", job="job-1").print_state == "printed"


def test_a_job_belongs_to_one_visit_and_kiosk(desk: Desk, other_desk: Desk) -> None:
    first, second = desk.take(), desk.take()
    report(desk, first, "unknown")
    with pytest.raises(VisitNotFound):
        report(desk, second, "printed")
    with pytest.raises(VisitNotFound):
        report(other_desk, first, "printed")
