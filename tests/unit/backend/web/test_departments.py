from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, event

from backend.domain.roles import StaffRole
from backend.services.resources import Resources
from backend.web import department_schemas as schemas
from tests.factories.accounts import Accounts
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital, "K2")


def test_the_head_sees_all_rooms(staff: ApiCaller, desk: Desk) -> None:
    for _ in range(3):
        desk.take("NOI")
    reply = staff.get("/departments/overview")
    assert reply.status_code == 200
    hall = schemas.HallReply.model_validate_json(reply.data)
    assert hall.waiting == 3
    assert [room.own_waiting for room in hall.rooms] == [2, 1]


def test_others_do_not(client: FlaskClient, accounts: Accounts, kiosk: ApiCaller) -> None:
    accounts.add("phong", StaffRole.ROOM_CALLER)
    caller = ApiCaller(client, accounts.token("phong"))
    for path in ("overview", "acts", "waits"):
        assert caller.get(f"/departments/{path}").status_code == 403
        assert kiosk.get(f"/departments/{path}").status_code == 403
        assert client.get(f"/api/v1/departments/{path}").status_code == 401


def test_moving_people_keeps_their_numbers_and_is_logged(
    staff: ApiCaller, desk: Desk, hospital: Hospital
) -> None:
    numbers = {desk.take("NOI").number for _ in range(4)}
    source, target = hospital.rooms["101"], hospital.rooms["102"]
    body = {"reason": "balance", "to_room_id": target, "count": 1}
    assert staff.post(f"/rooms/{source}/move", body).status_code == 200
    hall = schemas.HallReply.model_validate_json(staff.get("/departments/overview").data)
    assert {room.id: room.own_waiting for room in hall.rooms} == {source: 1, target: 3}
    waiting = staff.get(f"/rooms/{target}").json["waiting"]  # type: ignore[index]  # it is JSON
    assert {step["number"] for step in waiting} < numbers
    acts = schemas.ActList.model_validate_json(staff.get("/departments/acts").data)
    assert [(act.kind, act.reason, act.room, act.actor) for act in acts.items] == [
        ("move_people", "balance", "101", "Lê Thị Trực")
    ]
    assert hall.undo is not None
    assert staff.post(f"/rooms/{source}/acts/{hall.undo.id}/undo").status_code == 200


def test_pages_of_the_log(staff: ApiCaller, desk: Desk, hospital: Hospital) -> None:
    room = hospital.rooms["101"]
    for state in ("paused", "open", "closed"):
        reply = staff.post(f"/rooms/{room}/state", {"state": state, "reason": "break"})
        assert reply.status_code == 200
    first = schemas.ActList.model_validate_json(staff.get("/departments/acts?limit=2").data)
    assert not first.complete
    last = first.items[-1]
    cursor = {"before": last.at.isoformat(), "before_id": last.id}
    rest = schemas.ActList.model_validate_json(
        staff.get("/departments/acts", query_string=cursor).data
    )
    assert rest.complete
    kinds = [act.kind for act in (*first.items, *rest.items)]
    assert kinds == ["room_close", "room_open", "room_pause"]
    assert staff.get("/departments/acts?before_id=x").status_code == 422


def test_waits_of_a_day(staff: ApiCaller, desk: Desk, hospital: Hospital) -> None:
    empty = schemas.WaitsReply.model_validate_json(staff.get("/departments/waits").data)
    assert empty.whole is None
    desk.take("NOI")
    staff.post(f"/rooms/{hospital.rooms['101']}/next", {})
    waits = schemas.WaitsReply.model_validate_json(staff.get("/departments/waits").data)
    assert waits.whole is not None
    assert (waits.whole.cases, waits.whole.kept) == (1, 1)
    assert [room.room for room in waits.rooms] == ["101"]
    assert staff.get("/departments/waits?day=2020-01-01").status_code == 422


def test_as_many_statements_however_many_rooms(
    staff: ApiCaller, resources: Resources, hospital: Hospital, desk: Desk
) -> None:
    def count() -> int:
        statements: list[str] = []

        def keep(_c: Connection, _k: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        engine = resources.database.engine
        event.listen(engine, "before_cursor_execute", keep)
        assert staff.get("/departments/overview").status_code == 200
        event.remove(engine, "before_cursor_execute", keep)
        return len(statements)

    count()
    few = count()
    for number in range(20):
        hospital.add_room(f"4{number:02d}")
    hospital.add_service("NHIEU", *hospital.rooms)
    hospital.touch_catalogue()
    resources.catalogue._checked_at_s = -10.0
    for _ in range(30):
        desk.take("NHIEU")
    count()
    assert count() == few <= 10
