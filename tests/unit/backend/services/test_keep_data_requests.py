from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.domain.data_requests import RequestKind, RequestOutcome
from backend.domain.roles import StaffRole
from backend.errors import AlreadyDone, DataRequestNotFound, ReasonMissing, ValidationFailed
from backend.events import Event
from backend.jobs.remind import remind
from backend.services.keep_data_requests import (
    Asker,
    RequestWish,
    answer_request,
    end_request,
    export_requests,
    forget_askers,
    list_requests,
    read_request,
    take_request,
)
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from backend.storage.trace_tables import DataRequest
from tests.conftest import SettableClock
from tests.factories.reception import audited

STAFF = Caller(role="staff", id="q1", name="Chất", roles=frozenset({StaffRole.QUALITY}))
MONDAY = date(2026, 11, 23)
ASKER = Asker(name="Trần Thị Hỏi", reach="0900000000", about="Muốn xem lượt ngày 20/11")


def take(resources: Resources, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "kind": RequestKind.VIEW,
        "channel": "desk",
        "received_on": MONDAY,
        "asker": ASKER,
    }
    wish = RequestWish(**facts | changes)
    return take_request(resources, resources.catalogue.get(), wish, staff=STAFF)


def is_alerted(database: Database, request_id: str) -> bool:
    with database.read() as connection:
        query = select(Alert.subject).where(
            Alert.kind == AlertKind.DATA_REQUEST_DUE, Alert.cleared_at.is_(None)
        )
        return f"data_request:{request_id}" in set(connection.scalars(query))


def test_the_person_is_sealed_and_reading_them_is_on_record(
    resources: Resources, database: Database
) -> None:
    request_id = take(resources)
    with database.read() as connection:
        row = connection.execute(select(DataRequest.__table__)).one()
        assert "Hỏi" not in str(row)
        assert "Hỏi".encode() not in row.sealed_who
        trail = connection.exec_driver_sql("SELECT * FROM audit_event").all()
        assert "Hỏi" not in str(trail)
    opened = read_request(resources, request_id, today=MONDAY, staff=STAFF)
    assert opened.asker == ASKER
    assert [row.actor for row in audited(resources, Event.DATA_REQUEST_READ)] == ["staff:q1"]


def test_its_days_are_fixed_when_it_comes_in(resources: Resources, database: Database) -> None:
    take(resources)
    take(resources, kind=RequestKind.DELETE, received_on=MONDAY - timedelta(days=3))
    first, second = list_requests(database, today=MONDAY)
    assert (first.number, first.answer_by, first.done_by) == (
        2,
        date(2026, 11, 24),
        date(2026, 12, 5),
    )
    assert (second.number, second.answer_by, second.done_by) == (
        1,
        date(2026, 11, 25),
        date(2026, 12, 3),
    )


def test_an_alarm_before_each_day_and_none_after_it(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    request_id = take(resources)
    assert is_alerted(database, request_id)  # two working days are short
    answer_request(database, request_id, today=MONDAY, staff=STAFF)
    assert not is_alerted(database, request_id)
    clock.advance(days=7)
    assert remind(resources) == 0
    clock.advance(days=1)
    assert remind(resources) == 1
    assert is_alerted(database, request_id)
    clock.advance(days=5)
    today = MONDAY + timedelta(days=13)
    assert list_requests(database, today=today)[0].urgency == "late"
    end_request(
        resources, request_id, RequestOutcome.DONE, words="Đã đưa bản in", today=today, staff=STAFF
    )
    assert not is_alerted(database, request_id)
    assert remind(resources) == 0


def test_each_thing_is_done_once(resources: Resources, database: Database) -> None:
    request_id = take(resources)
    answer_request(database, request_id, today=MONDAY, staff=STAFF)
    with pytest.raises(AlreadyDone):
        answer_request(database, request_id, today=MONDAY, staff=STAFF)

    def end(words: str = "Xong") -> None:
        end_request(
            resources, request_id, RequestOutcome.REFUSED, words=words, today=MONDAY, staff=STAFF
        )

    with pytest.raises(ReasonMissing):
        end(" ")
    end()
    with pytest.raises(AlreadyDone):
        end()
    with pytest.raises(DataRequestNotFound):
        read_request(resources, "0" * 32, today=MONDAY, staff=STAFF)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": "pigeon"}, ValidationFailed),
        ({"received_on": MONDAY + timedelta(days=1)}, ValidationFailed),
        ({"received_on": MONDAY - timedelta(days=400)}, ValidationFailed),
        ({"asker": Asker(name=" ", reach="x", about="x")}, ReasonMissing),
        ({"asker": Asker(name="x", reach="x", about="x" * 2_001)}, ReasonMissing),
    ],
)
def test_what_cannot_stand_is_refused(
    resources: Resources, database: Database, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        take(resources, **changes)
    assert list_requests(database, today=MONDAY) == []


def test_the_register_is_taken_out_without_anybody(
    resources: Resources, database: Database
) -> None:
    for _ in range(3):
        take(resources)
    rows = export_requests(database, today=MONDAY, staff=STAFF)
    assert [row.number for row in rows] == [1, 2, 3]
    assert "Hỏi" not in str(rows)
    assert len(audited(resources, Event.DATA_REQUESTS_EXPORTED)) == 1


def test_the_person_goes_and_the_register_stays(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    ended, still_open = take(resources), take(resources)
    end_request(resources, ended, RequestOutcome.DONE, words="Đã đưa", today=MONDAY, staff=STAFF)
    assert forget_askers(database, before=clock.now) == 0
    clock.advance(seconds=1)
    assert forget_askers(database, before=clock.now) == 1
    opened = read_request(resources, ended, today=MONDAY, staff=STAFF)
    assert (opened.asker, opened.answer) == (None, None)
    assert opened.listed.outcome is RequestOutcome.DONE
    assert read_request(resources, still_open, today=MONDAY, staff=STAFF).asker == ASKER
