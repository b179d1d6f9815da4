"""The server as scripts and checks of others use it: the shortest bodies, nothing else known.

A demo server, as such tools are pointed at one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.bootstrap import assemble
from backend.storage.database import Database
from his_adapter.ports import HisGateway
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.identity_payloads import cccd2021

CARD = {"payload_base64": base64.b64encode(cccd2021()).decode()}


@pytest.fixture
def client(database: Database) -> Iterator[FlaskClient]:
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101", by_doctor=True, by_hour=True)
    hospital.add_service("MAT", "101")
    hospital.add_doctor("NOI", "101")
    hospital.add_slot("NOI", starts_in_min=30, capacity=1)
    resources = assemble(
        make_config(), database=database, keys=hospital.keys, his=cast("HisGateway", ScriptedHis())
    )
    yield create_app(resources).test_client()
    resources.close()


class Tool:
    def __init__(self, client: FlaskClient) -> None:
        body = {"code": "DEMO-KIOSK", "name": "check"}
        enrolled = client.post("/api/v1/kiosks/enrol", json=body)
        assert enrolled.status_code == 201
        assert set(enrolled.json) == {"token", "kiosk_id"}
        self._client = client
        self._headers = {"Authorization": f"Bearer {enrolled.json['token']}"}

    def get(self, path: str) -> TestResponse:
        return self._client.get(f"/api/v1{path}", headers=self._headers)

    def post(self, path: str, body: Any, key: str) -> TestResponse:
        headers = self._headers | {"Idempotency-Key": key}
        return self._client.post(f"/api/v1{path}", headers=headers, json=body)

    def wish(self, service: int = 0) -> dict[str, str]:
        scan = self.post("/scans", CARD, "s")
        assert scan.status_code == 200
        services = self.get("/services").json["items"]
        return {"scan_id": scan.json["scan_id"], "service_id": services[service]["id"]}


@pytest.fixture
def tool(client: FlaskClient) -> Tool:
    return Tool(client)


def test_from_a_card_to_a_ticket_that_was_printed(tool: Tool) -> None:
    visit = tool.post("/visits", tool.wish(), "1")
    assert (visit.status_code, visit.json["existing"]) == (201, False)
    assert set(visit.json["ticket"]) >= {
        *("hospital", "issued_at", "number", "room", "floor", "landmark"),
        *("wait_min", "next", "notes", "qr", "hotline", "lang"),
    }
    path = f"/visits/{visit.json['id']}/print-state"
    for number, state in enumerate(("printed", "unconfirmed", "failed", "unknown"), 2):
        told = tool.post(path, {"state": state}, str(number))
        assert (told.status_code, told.json["print_state"]) == (200, "printed"), state


def test_what_can_be_chosen_needs_no_question(tool: Tool) -> None:
    for path in ("/services", "/doctors", "/slots"):
        reply = tool.get(path)
        assert reply.status_code == 200
        assert reply.json["items"], path


def test_pressed_again_and_registered_already(tool: Tool, client: FlaskClient) -> None:
    wish = tool.wish()
    first = tool.post("/visits", wish, "1")
    again = tool.post("/visits", wish, "1")
    assert (again.status_code, again.json) == (201, first.json)
    other = tool.post("/visits", tool.wish(1), "1")
    assert (other.status_code, other.json["code"]) == (409, "idempotency_key_reused")
    for elsewhere in (tool, Tool(client)):
        found = elsewhere.post("/visits", elsewhere.wish(), "2")
        assert (found.status_code, found.json["existing"]) == (200, True)
        assert found.json["ticket"] == first.json["ticket"]


def test_help_and_emergency(tool: Tool) -> None:
    for number, kind in enumerate(("help", "emergency")):
        call = tool.post("/help-calls", {"kind": kind}, str(number))
        assert (call.status_code, call.json["kind"]) == (201, kind)
    assert [call["kind"] for call in tool.get("/help-calls").json["items"]] == ["emergency"]
