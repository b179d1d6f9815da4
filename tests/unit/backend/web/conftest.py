from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.bootstrap import assemble
from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.domain.roles import StaffRole
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.web import live
from his_adapter.ports import HisGateway
from tests.factories.accounts import Accounts
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config

NOTICE = {
    "version": NOTICE_VERSION,
    "language": "vi",
    "accepted_at": "2026-11-23T08:00:00+07:00",
}


class ApiCaller:
    """A kiosk or a member of staff, over HTTP without a network."""

    def __init__(self, client: FlaskClient, credential: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {credential}"}

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> TestResponse:
        headers = self.headers | {"Idempotency-Key": key or new_id()}
        if body is None:
            return self.client.post(f"/api/v1{path}", headers=headers)
        return self.client.post(f"/api/v1{path}", headers=headers, json=body)

    def scan(self, payload: bytes, **changes: Any) -> TestResponse:
        body = {
            "payload_base64": base64.b64encode(payload).decode(),
            "source": "camera",
            "notice": NOTICE,
        }
        return self.post("/scans", body | changes)

    def type_number(self, number: str, birth_date: str | None = None, **more: Any) -> TestResponse:
        typed = {"number": number, "birth_date": birth_date}
        return self.post("/scans", {"typed": typed, "source": "typed", "notice": NOTICE} | more)


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    for code in ("101", "102"):
        hospital.add_room(code)
    hospital.add_service("NOI", "101", "102")
    return hospital


@pytest.fixture
def his() -> ScriptedHis:
    return ScriptedHis()


@pytest.fixture
def resources(hospital: Hospital, his: ScriptedHis) -> Iterator[Resources]:
    config = make_config(coverage_patient_wait_s=0.4, coverage_timeout_s=20)
    resources = assemble(
        replace(config, demo=False),
        database=hospital.database,
        keys=hospital.keys,
        his=cast("HisGateway", his),
    )
    yield resources
    his.speak()
    resources.close()


@pytest.fixture
def client(resources: Resources) -> Iterator[FlaskClient]:
    app = create_app(resources)
    yield app.test_client()
    # Its thread would go on asking a database that is gone.
    app.extensions[live.EXTENSION].close()


@pytest.fixture
def kiosk(client: FlaskClient, hospital: Hospital) -> ApiCaller:
    return ApiCaller(client, hospital.add_kiosk("K1")[1])


@pytest.fixture
def staff(client: FlaskClient, accounts: Accounts) -> ApiCaller:
    """A program of a member of staff with the roles of the desk, the rooms and the head."""
    accounts.add(
        "truc",
        StaffRole.RECEPTION,
        StaffRole.ROOM_CALLER,
        StaffRole.HEAD,
        display_name="Lê Thị Trực",
    )
    return ApiCaller(client, accounts.token("truc"))


@pytest.fixture
def accounts(database: Database, hospital: Hospital) -> Accounts:
    return Accounts(hospital.database)


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Another browser than the one `client` is."""
    return client.application.test_client()
