"""The page of messages: nobody is named, the right people decide, every deed is on record."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.domain.roles import StaffRole
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.visit_tables import Person
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.factories.outbox import add_message, get_row, set_party
from tests.unit.backend.web.conftest import ApiCaller


@pytest.fixture
def reception(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("lan", StaffRole.RECEPTION)
    sign_in(browser, "lan")
    return browser


@pytest.fixture
def visit_message(
    kiosk: ApiCaller, hospital: Hospital, database: Database, his: ScriptedHis
) -> str:
    """The registration of somebody whom the HIS knows twice."""
    his.add_patient("BN-1")
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    kiosk.post("/visits", {"scan_id": scan_id, "service_id": hospital.services["NOI"]})
    his.add_patient("BN-2")
    with database.write() as unit:
        unit.connection.execute(
            update(OutboxMessage).values(
                state="rejected", last_error="multiple-matches", attempts=1
            )
        )
        return str(unit.connection.scalar(select(OutboxMessage.id)))


def test_it_says_how_the_his_is_and_what_waits(
    reception: FlaskClient, database: Database, clock: SettableClock
) -> None:
    assert "Mọi tin đều đi được." in reception.get("/staff/outbox").text
    set_party(database, breaker="open", opened_at=clock.now)
    message_id = add_message(database, state="dead", last_error="unknown-outcome")
    for path in ("/staff/outbox", "/staff/outbox/live"):
        page = reception.get(path).text
        assert "Không trả lời" in page
        assert "Không rõ HIS đã nhận chưa" in page
        assert f"/staff/outbox/{message_id}" in page
    assert "Mở HIS và tìm lượt này" in reception.get(f"/staff/outbox/{message_id}").text
    clock.advance(minutes=6)
    board = reception.get("/staff/help").text
    assert "không trả lời đã 6 phút" in board
    assert "1 tin chưa gửi được" in board


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("login", "từ chối mật khẩu của hệ thống"),
        ("forbidden", "không cho hệ thống này vào"),
        ("broken-reply", "trả lời không đọc được"),
        ("misconfigured", "chứng chỉ"),
    ],
)
def test_a_fault_of_the_party_is_named_at_once(
    reception: FlaskClient, database: Database, clock: SettableClock, code: str, said: str
) -> None:
    set_party(database, breaker="open", opened_at=clock.now, last_error=code)
    set_party(database, breaker="open", opened_at=clock.now, last_error=code, party="bhxh")
    for path in ("/staff/outbox", "/staff/help"):
        page = reception.get(path).text
        assert page.count(said) == 2
        assert "Cổng giám định BHYT" in page
        assert "Vẫn lấy số như thường" in page or path == "/staff/help"


def test_sent_again_and_given_up(reception: FlaskClient, database: Database) -> None:
    first, second = (add_message(database, state="dead", last_error="expired") for _ in range(2))
    page = f"/staff/outbox/{first}"
    assert post_form(reception, f"{page}/replay", page=page).status_code == 303
    assert get_row(database, first).state == "new"
    page = f"/staff/outbox/{second}"
    refused = post_form(reception, f"{page}/discard", page=page, reason=" ")
    assert (refused.status_code, "Hãy ghi lý do" in refused.text) == (422, True)
    assert post_form(reception, f"{page}/discard", page=page, reason="nhập tay").status_code == 303
    assert get_row(database, second).state == "discarded"
    again = post_form(reception, f"{page}/replay", page="/staff/password")
    assert (again.status_code, "vừa được người khác xử lý" in again.text) == (409, True)


def test_nothing_changes_without_the_token_of_the_page(
    reception: FlaskClient, database: Database
) -> None:
    message_id = add_message(database, state="dead")
    for deed in ("replay", "discard", "candidates", "choose"):
        reply = reception.post(f"/staff/outbox/{message_id}/{deed}", data={"reason": "x"})
        assert reply.status_code in {400, 403}
    assert get_row(database, message_id).state == "dead"


@pytest.mark.parametrize("path", ["nonsense", "0" * 32, "%00", "../x"])
def test_other_addresses_lead_nowhere(reception: FlaskClient, path: str) -> None:
    assert reception.get(f"/staff/outbox/{path}").status_code == 404


def test_reception_chooses_the_right_record(
    reception: FlaskClient, database: Database, visit_message: str, his: ScriptedHis
) -> None:
    page = f"/staff/outbox/{visit_message}"
    with database.write() as unit:
        unit.connection.execute(update(Person).values(his_ref=None))
    shown = post_form(reception, f"{page}/candidates", page=page).text
    assert "BN-1" in shown
    assert "BN-2" in shown
    assert "Nguyễn" not in shown
    wrong = post_form(reception, f"{page}/choose", page=page, ref="BN-9")
    assert wrong.status_code == 409
    assert post_form(reception, f"{page}/choose", page=page, ref="BN-2").status_code == 303
    assert get_row(database, visit_message).state == "new"
    with database.read() as connection:
        assert connection.scalar(select(Person.his_ref)) == "BN-2"
        events = connection.scalars(select(AuditEvent.event)).all()
    assert "person_read" in events
    assert "outbox_replayed" in events


def test_a_his_that_is_away_cannot_be_asked(
    reception: FlaskClient, visit_message: str, his: ScriptedHis
) -> None:
    his.down = True
    page = f"/staff/outbox/{visit_message}"
    assert "HIS chưa trả lời" in post_form(reception, f"{page}/candidates", page=page).text


def test_other_roles_see_nothing(browser: FlaskClient, accounts: Accounts) -> None:
    accounts.add("phong", StaffRole.ROOM_CALLER)
    sign_in(browser, "phong")
    assert browser.get("/staff/outbox").status_code == 403
    assert "/staff/outbox" not in browser.get("/staff/help").text
