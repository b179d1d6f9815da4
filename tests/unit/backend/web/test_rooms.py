from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.domain.roles import StaffRole
from tests.factories.accounts import Accounts
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller


@pytest.fixture
def room_id(hospital: Hospital) -> str:
    return hospital.rooms["101"]


def take_numbers(kiosk: ApiCaller, hospital: Hospital, count: int) -> None:
    desk = Desk(kiosk.client.application.extensions["tiepdon"], hospital, "K2")
    for _ in range(count):
        desk.take("NOI")


def test_rooms_are_listed_with_how_they_stand(
    staff: ApiCaller, kiosk: ApiCaller, hospital: Hospital, room_id: str
) -> None:
    take_numbers(kiosk, hospital, 3)
    staff.post(f"/rooms/{room_id}/next", {})
    staff.post(f"/rooms/{hospital.rooms['102']}/state", {"state": "paused", "reason": "meeting"})
    rooms: list[dict[str, Any]] = staff.get("/rooms").json["rooms"]  # type: ignore[index]  # JSON
    assert [room["code"] for room in rooms] == ["101", "102"]
    assert sum(room["waiting"] for room in rooms) == 2
    assert [room["inside"] for room in rooms] == [1, 0]
    assert [room["state"] for room in rooms] == ["open", "paused"]


def test_somebody_with_rooms_sees_only_these(
    client: FlaskClient, accounts: Accounts, hospital: Hospital
) -> None:
    mine, other = hospital.rooms["101"], hospital.rooms["102"]
    accounts.add("phong", StaffRole.ROOM_CALLER, room_codes=["101"])
    caller = ApiCaller(client, accounts.token("phong"))
    assert [room["id"] for room in caller.get("/rooms").json["rooms"]] == [mine]  # type: ignore[index]  # JSON
    for address in (f"/rooms/{other}", f"/rooms/{other}/destinations"):
        assert caller.get(address).status_code == 404


@pytest.mark.parametrize("role", [StaffRole.IT, StaffRole.CONTENT_EDITOR, StaffRole.AUDITOR])
def test_other_roles_call_nobody(
    client: FlaskClient, accounts: Accounts, hospital: Hospital, room_id: str, role: StaffRole
) -> None:
    accounts.add("khac", role)
    caller = ApiCaller(client, accounts.token("khac"))
    assert caller.get("/rooms").status_code == 403
    assert caller.post(f"/rooms/{room_id}/next", {}).status_code == 403


def test_destinations_name_rooms_and_doctors(
    staff: ApiCaller, hospital: Hospital, room_id: str
) -> None:
    found: dict[str, Any] = staff.get(f"/rooms/{room_id}/destinations").json  # type: ignore[assignment]  # JSON
    service = next(each for each in found["services"] if each["id"] == hospital.services["NOI"])
    assert [room["code"] for room in service["rooms"]] == ["101", "102"]
    assert service["kind"] == "examination"
    assert found["doctors"] == []


def test_offline_calls_are_handed_in_once(
    staff: ApiCaller, kiosk: ApiCaller, hospital: Hospital, room_id: str
) -> None:
    take_numbers(kiosk, hospital, 4)
    room: dict[str, Any] = staff.get(f"/rooms/{room_id}").json  # type: ignore[assignment]  # JSON
    step = room["waiting"][0]["step_id"]
    body = {
        "list_at": room["now"],
        "calls": [
            {"step_id": step, "called_at": room["now"], "finished_at": None, "missed": None},
            {"step_id": "nobody", "called_at": room["now"]},
        ],
    }
    replies = [staff.post(f"/rooms/{room_id}/offline-calls", body, key="k") for _ in range(2)]
    assert [reply.json for reply in replies] == [
        {
            "results": [
                {"step_id": step, "outcome": "applied", "reason": None},
                {"step_id": "nobody", "outcome": "conflict", "reason": "unknown"},
            ]
        }
    ] * 2
    now: dict[str, Any] = staff.get(f"/rooms/{room_id}").json  # type: ignore[assignment]  # JSON
    assert [each["step_id"] for each in now["current"]] == [step]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"list_at": "2026-11-23T08:00:00+07:00", "calls": []},
        {"list_at": "2026-11-23T08:00:00", "calls": [{"step_id": "a"}]},
        {"list_at": "2026-11-23T08:00:00+07:00", "calls": [{"step_id": "a"}] * 201},
        {"list_at": "2026-11-23T08:00:00+07:00", "calls": [{"step_id": "a", "name": "x"}]},
    ],
)
def test_a_wrong_list_of_offline_calls_is_refused(
    staff: ApiCaller, room_id: str, body: dict[str, Any]
) -> None:
    assert staff.post(f"/rooms/{room_id}/offline-calls", body).status_code == 422
