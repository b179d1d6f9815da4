from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.roles import StaffRole
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility, Room, Service
from tests.factories.accounts import Accounts, sign_in
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def caller(client: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("phong", StaffRole.ROOM_CALLER)
    sign_in(client, "phong")
    return client


def facts(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


@pytest.mark.parametrize("role", [StaffRole.ROOM_CALLER, StaffRole.RECEPTION, StaffRole.HEAD])
def test_who_calls_numbers_finds_the_rooms(
    client: FlaskClient, accounts: Accounts, role: StaffRole
) -> None:
    accounts.add("nhanvien", role)
    sign_in(client, "nhanvien")
    assert '/staff/rooms"' in client.get("/staff").text
    page = client.get("/staff/rooms").text
    assert "Phòng khám 101" in page
    assert "Phòng khám 102" in page


def test_a_cashier_finds_the_counters_that_take_money(
    client: FlaskClient, accounts: Accounts, hospital: Hospital
) -> None:
    hospital.add_room("T1")
    hospital.add_service("THU", "T1", kind="cashier")
    hospital.touch_catalogue()
    accounts.add("thungan", StaffRole.CASHIER)
    sign_in(client, "thungan")
    page = client.get("/staff/rooms").text
    assert hospital.rooms["T1"] in page
    assert hospital.rooms["101"] not in page
    assert client.get(f"/staff/rooms/{hospital.rooms['101']}").status_code == 303


def test_others_do_not(client: FlaskClient, accounts: Accounts, hospital: Hospital) -> None:
    room = f"/staff/rooms/{hospital.rooms['101']}"
    assert client.get(room).status_code == 303
    accounts.add("bientap", StaffRole.CONTENT_EDITOR)
    sign_in(client, "bientap")
    assert "/staff/rooms" not in client.get("/staff").text
    for address in ("/staff/rooms", room, f"{room}/shell", f"{room}/list"):
        assert client.get(address).status_code == 403


def test_somebody_with_rooms_opens_only_these(
    client: FlaskClient, accounts: Accounts, hospital: Hospital
) -> None:
    accounts.add("phong", StaffRole.ROOM_CALLER, room_codes=["101"])
    sign_in(client, "phong")
    page = client.get("/staff/rooms").text
    assert "Phòng khám 101" in page
    assert "Phòng khám 102" not in page
    for address in ("", "/shell", "/list"):
        reply = client.get(f"/staff/rooms/{hospital.rooms['102']}{address}")
        assert (reply.status_code, reply.location) == (303, "/staff/rooms")


def test_the_page_brings_the_state_and_the_shell_does_not(
    caller: FlaskClient, desk: Desk, resources: Resources, hospital: Hospital
) -> None:
    desk.take("NOI")
    room = Console(resources, hospital, "101")
    patient = room.next().current[0].patient
    assert patient is not None
    name = patient.full_name
    address = f"/staff/rooms/{room.room_id}"
    page = facts(caller.get(address).text)
    assert page["state"]["current"][0]["patient"]["full_name"] == name
    shell = caller.get(f"{address}/shell").text
    assert facts(shell)["state"] is None
    for secret in (name, 'name="csrf"', "csrf_token", "/staff/logout"):
        assert secret not in shell


def test_texts_of_others_stay_data(
    caller: FlaskClient, resources: Resources, hospital: Hospital
) -> None:
    evil = "</script><script>alert(1)</script>\u2028&"
    with hospital.database.write() as unit:
        unit.connection.execute(update(Service).values(name_vi=evil, name_en=evil))
        unit.connection.execute(update(Room).values(name_vi=evil))
        unit.connection.execute(
            update(Facility).values(catalogue_version=Facility.catalogue_version + 1)
        )
    resources.catalogue.get()
    desk = Desk(resources, hospital, "K9")
    desk.take("NOI")
    for room_id in hospital.rooms.values():
        for address in ("", "/list"):
            page = caller.get(f"/staff/rooms/{room_id}{address}").text
            assert "<script>alert" not in page


def test_the_list_has_numbers_and_no_names(
    caller: FlaskClient, desk: Desk, hospital: Hospital
) -> None:
    visits = [desk.take("NOI") for _ in range(4)]
    pages = [caller.get(f"/staff/rooms/{room_id}/list").text for room_id in hospital.rooms.values()]
    text = "".join(pages)
    assert all(visit.ticket.number in text for visit in visits)
    assert "Nguyễn Thị Thử" not in text


def test_the_worker_of_the_page_may_ask_the_server_and_nobody_else(caller: FlaskClient) -> None:
    reply = caller.get("/staff/rooms/worker.js")
    reply.close()
    assert reply.mimetype == "text/javascript"
    policy = reply.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy
    assert "default-src 'none'" in policy
