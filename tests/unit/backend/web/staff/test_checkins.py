"""The page of check-in tables: nobody is named, the content is opened on record."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.storage.audit_tables import AuditEvent
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.storage.insurance_tables import CheckinDocument
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller

DOCUMENT = "<HO_TEN>NGUYỄN <b>VĂN</b> MẪU</HO_TEN>"


@pytest.fixture
def reception(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("lan", StaffRole.RECEPTION)
    sign_in(browser, "lan")
    return browser


@pytest.fixture
def document_id(kiosk: ApiCaller, hospital: Hospital, database: Database) -> str:
    """A table the gateway refused."""
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    visit = kiosk.post("/visits", {"scan_id": scan_id, "service_id": hospital.services["NOI"]})
    document_id, keys = new_id(), hospital.keys
    with database.write() as unit:
        unit.add(
            CheckinDocument,
            id=document_id,
            visit_id=visit.json["id"],
            position=0,
            state="refused",
            standard="qd1931",
            sealed=seal(keys, document_id),
            findings=[{"rule": "CI-09", "field": "GT_THE_DEN", "severity": "warn"}],
            result_code="202",
            created_at=unit.now,
            due_at=unit.now,
            sent_at=unit.now,
        )
    return document_id


def seal(keys: Keys, document_id: str) -> bytes:
    return keys.seal(DOCUMENT.encode(), context=f"checkin:{document_id}")


def state_of(database: Database, document_id: str) -> str:
    with database.read() as connection:
        return str(
            connection.scalar(
                select(CheckinDocument.state).where(CheckinDocument.id == document_id)
            )
        )


def test_the_list_says_what_is_wrong_and_names_nobody(
    reception: FlaskClient, document_id: str
) -> None:
    page = reception.get("/staff/checkins").text
    assert "Cổng không nhận" in page
    assert "Thẻ đến ngày" in page
    assert "Nguyễn" not in page
    assert "Hiện HIS là bên gửi" in page
    assert f"/staff/checkins/{document_id}" in page


def test_the_board_of_help_calls_tells_of_them(reception: FlaskClient, document_id: str) -> None:
    assert "0 bảng gửi trễ, 1 bảng cần người xem" in reception.get("/staff/help").text


def test_the_content_is_shown_as_text_and_on_record(
    reception: FlaskClient, database: Database, document_id: str
) -> None:
    assert "MẪU" not in reception.get(f"/staff/checkins/{document_id}").text
    shown = post_form(
        reception, f"/staff/checkins/{document_id}/read", page=f"/staff/checkins/{document_id}"
    ).text
    assert "&lt;HO_TEN&gt;NGUYỄN &lt;b&gt;" in shown
    with database.read() as connection:
        events = connection.scalars(select(AuditEvent.event)).all()
    assert "checkin_read" in events


def test_sent_again_with_a_reason(
    reception: FlaskClient, database: Database, document_id: str
) -> None:
    path = f"/staff/checkins/{document_id}/again"
    assert (
        "Mời ghi lý do."
        in post_form(reception, path, page=f"/staff/checkins/{document_id}", reason=" ").text
    )
    assert (
        post_form(
            reception, path, page=f"/staff/checkins/{document_id}", reason="đã sửa thẻ"
        ).status_code
        == 303
    )
    again = post_form(reception, path, page=f"/staff/checkins/{document_id}", reason="lần nữa")
    assert again.status_code == 409
    with database.read() as connection:
        states = connection.scalars(
            select(CheckinDocument.state).order_by(CheckinDocument.position)
        ).all()
    assert states == ["refused", "queued"]


def test_what_the_portal_said_is_noted(
    reception: FlaskClient, database: Database, document_id: str
) -> None:
    path = f"/staff/checkins/{document_id}/judge"
    assert (
        post_form(
            reception, path, page=f"/staff/checkins/{document_id}", state="accepted"
        ).status_code
        == 409
    )
    with database.write() as unit:
        unit.connection.execute(update(CheckinDocument).values(state="received"))
    assert (
        post_form(
            reception, path, page=f"/staff/checkins/{document_id}", state="queued"
        ).status_code
        == 409
    )
    assert (
        post_form(
            reception, path, page=f"/staff/checkins/{document_id}", state="accepted"
        ).status_code
        == 303
    )
    assert state_of(database, document_id) == "accepted"


@pytest.mark.parametrize("address", ["nonsense", "0" * 32, "../x"])
def test_an_unknown_one_is_not_there(reception: FlaskClient, address: str) -> None:
    assert reception.get(f"/staff/checkins/{address}").status_code == 404


def test_others_do_not_see_it(browser: FlaskClient, accounts: Accounts, document_id: str) -> None:
    accounts.add("tinh", StaffRole.ROOM_CALLER)
    sign_in(browser, "tinh")
    assert browser.get("/staff/checkins").status_code == 403
