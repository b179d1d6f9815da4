"""The pages of the fleet: what is wrong is said, what is pressed happens once and is on record."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.domain.roles import StaffRole
from backend.services import staff_sessions
from backend.services.resources import Resources
from backend.services.show_fleet import show_fleet
from backend.services.show_kiosk import show_kiosk
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskHour
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.fleet import make_report
from tests.factories.reception import add_agent
from tests.unit.backend.web.conftest import ApiCaller

PNG = b"\x89PNG\r\n\x1a\n" + b"invented"


@pytest.fixture
def it(browser: FlaskClient, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Without the second factor, which is another test's matter."""
    monkeypatch.setattr(staff_sessions, "ADMIN_ROLES", frozenset())
    accounts.add("may", StaffRole.IT, display_name="Đỗ Văn Máy")
    sign_in(browser, "may")
    return browser


@pytest.fixture
def kiosk_id(kiosk: ApiCaller, clock: SettableClock) -> str:
    kiosk.post("/kiosks/heartbeat", make_report(clock.now))
    return str(kiosk.get("/kiosk").json["kiosk_id"])


def list_audit(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(AuditEvent.event).order_by(AuditEvent.id)))


def test_every_state_is_a_word(
    it: FlaskClient, kiosk: ApiCaller, kiosk_id: str, clock: SettableClock
) -> None:
    assert "Đang phục vụ" in it.get("/staff/fleet").text
    kiosk.post("/kiosks/heartbeat", make_report(clock.now, printer="cover_open"))
    live = it.get("/staff/fleet/live").text
    assert "Có trục trặc" in live
    assert "nắp đang mở" in live
    clock.advance(seconds=91)
    for page in ("/staff/fleet", f"/staff/fleet/{kiosk_id}"):
        assert "Mất liên lạc" in it.get(page).text
    assert it.get("/staff/fleet/nobody").status_code == 404
    assert it.get("/staff/fleet/" + "x" * 80).status_code == 404


def test_what_was_reported_before_reports_stopped_is_not_shown_as_it_were_now(
    it: FlaskClient, kiosk: ApiCaller, kiosk_id: str, clock: SettableClock
) -> None:
    last = make_report(clock.now, printer="cover_open", disk_free_percent=3)
    kiosk.post("/kiosks/heartbeat", last)
    for _ in range(4):
        shown = it.get("/staff/fleet").text
        assert "nắp đang mở" in shown
        assert "không tự báo từ" not in shown
        clock.advance(seconds=30)
        kiosk.post("/kiosks/heartbeat")
    for page in ("/staff/fleet", f"/staff/fleet/{kiosk_id}"):
        shown = it.get(page).text
        assert "không tự báo từ" in shown
        assert "nắp đang mở" not in shown
        assert "3 %" not in shown
    kiosk.post("/kiosks/heartbeat", make_report(clock.now))
    assert "không tự báo từ" not in it.get("/staff/fleet").text


def test_a_print_agent_that_is_switched_off_needs_nobody(
    it: FlaskClient, kiosk_id: str, resources: Resources, clock: SettableClock
) -> None:
    add_agent(resources, "Bàn 1")
    clock.advance(minutes=10)
    away, off = show_fleet(resources.database)
    assert (away.id, away.state, off.name, off.state) == (kiosk_id, "away", "Bàn 1", "off")
    shown = it.get("/staff/fleet/live").text
    assert '<tr class="off">' in shown
    assert "Đang tắt" in shown


def test_the_page_shows_all_that_is_kept_of_a_year(
    it: FlaskClient, kiosk_id: str, database: Database, clock: SettableClock
) -> None:
    figures = {"visits": 7, "worst_ms": 2500, "temperature_max_c": 61, "memory_max_percent": 88,
               "disk_min_percent": 41, "skew_max_s": 2.5}  # fmt: skip
    for days, more in ((1, 0), (2, 1)):
        with database.write() as unit:
            unit.add(KioskHour, kiosk_id=kiosk_id, hour=clock.now - timedelta(days=days), beats=120,
                     errors=0, waits=1, p95_sum_ms=900,
                     **{name: figure + more for name, figure in figures.items()})  # fmt: skip
    shown = it.get(f"/staff/fleet/{kiosk_id}").text
    for text in ("cao nhất 8 lượt", "cao nhất 2,5 s", "cao nhất 62 °C", "cao nhất 89 %",
                 "thấp nhất 41 %", "cao nhất 3,5 s", "thấp nhất 100 %"):  # fmt: skip
        assert text in shown


def test_reception_sees_states_and_nothing_to_press(
    browser: FlaskClient, accounts: Accounts, kiosk_id: str
) -> None:
    accounts.add("lan", StaffRole.RECEPTION)
    sign_in(browser, "lan")
    page = browser.get("/staff/fleet").text
    assert "Đang phục vụ" in page
    assert kiosk_id not in page
    assert "/staff/fleet/new" not in page
    assert browser.get(f"/staff/fleet/{kiosk_id}").status_code == 403


def test_an_order_waits_for_a_kiosk_that_is_away_and_the_page_says_so(
    it: FlaskClient, kiosk: ApiCaller, kiosk_id: str, clock: SettableClock
) -> None:
    clock.advance(minutes=2)
    page = f"/staff/fleet/{kiosk_id}"
    assert post_form(it, f"{page}/orders", page=page, kind="restart").status_code == 303
    shown = it.get(page).text
    assert "Máy đang mất liên lạc. Lệnh sẽ chờ 15 phút" in shown
    assert "máy chưa nhận" in shown
    assert post_form(it, f"{page}/orders", page=page, kind="format_disk").status_code == 422
    order = re.search(r"/orders/([0-9a-f]+)/cancel", shown)
    assert order is not None
    assert post_form(it, f"{page}/orders/{order[1]}/cancel", page=page).status_code == 303
    assert "đã hủy" in it.get(page).text
    assert kiosk.post("/kiosks/heartbeat").json["commands"] == []


def test_who_looks_at_a_picture_is_on_record(
    it: FlaskClient, kiosk: ApiCaller, kiosk_id: str, database: Database
) -> None:
    page = f"/staff/fleet/{kiosk_id}"
    post_form(it, f"{page}/orders", page=page, kind="take_picture")
    (command,) = kiosk.post("/kiosks/heartbeat").json["commands"]
    assert it.get(f"{page}/orders/{command['id']}/file").status_code == 404
    body = {"state": "done", "attachment_base64": base64.b64encode(PNG).decode()}
    kiosk.post(f"/kiosk/commands/{command['id']}/result", body)
    assert "Xem hình" in it.get(f"{page}/live").text
    reply = it.get(f"{page}/orders/{command['id']}/file")
    assert (reply.data, reply.content_type) == (PNG, "image/png")
    assert reply.headers["Cache-Control"] == "no-store"
    assert list_audit(database)[-3:] == ["kiosk_ordered", "kiosk_answered", "kiosk_file_read"]


def test_out_of_service_and_back(it: FlaskClient, kiosk: ApiCaller, kiosk_id: str) -> None:
    page = f"/staff/fleet/{kiosk_id}"
    refused = post_form(it, f"{page}/pause", page=page, vi="x" * 121, en="y")
    assert (refused.status_code, "Mời xem lại" in refused.text) == (422, True)
    assert post_form(it, f"{page}/pause", page=page, vi="Đang lau máy.", en="").status_code == 303
    words = kiosk.post("/kiosks/heartbeat").json["out_of_service"]
    assert words["vi"] == "Đang lau máy."
    assert words["en"].startswith("This machine is out of service")
    assert "Tạm ngưng" in it.get("/staff/fleet/live").text
    assert post_form(it, f"{page}/resume", page=page).status_code == 303
    assert kiosk.post("/kiosks/heartbeat").json["out_of_service"] is None


def test_a_kiosk_is_invited_changed_and_given_up(
    it: FlaskClient, client: FlaskClient, kiosk_id: str, database: Database
) -> None:
    new = "/staff/fleet/new"
    shown = post_form(it, new, name=" Sảnh  B ", profile="laboratory", kind="kiosk").text
    code = re.search(r'id="code">([^<]+)<', shown)
    assert code is not None
    assert "Sảnh B" in it.get(new).text
    reply = client.post("/api/v1/kiosks/enrol", json={"code": code[1], "name": "x"})
    fresh = ApiCaller(client, str(reply.get_json()["token"]))
    assert fresh.post("/kiosks/heartbeat").json["profile"] == "laboratory"
    twice = post_form(it, new, name="Sảnh B", profile="reception", kind="kiosk")
    assert (twice.status_code, "Thay máy" in twice.text) == (409, True)
    assert post_form(it, new, name=" ", profile="reception", kind="kiosk").status_code == 422
    page = f"/staff/fleet/{kiosk_id}"
    fields = {"name": "Sảnh C", "profile": "fees", "owner": "Ngân hàng Mẫu",
              "contact": "1900 0000", "serial_number": "KX-0001"}  # fmt: skip
    assert post_form(it, f"{page}/change", page=page, **fields).status_code == 303
    shown_again = show_kiosk(database, kiosk_id)
    assert (shown_again.kiosk.name, shown_again.kiosk.profile) == ("Sảnh C", "fees")
    ticket = it.get(f"{page}/ticket").text
    for text in ("Ngân hàng Mẫu", "1900 0000", "KX-0001", "1.6.0", "Phiếu báo hỏng"):
        assert text in ticket
    clash = post_form(it, f"{page}/change", page=page, **fields | {"name": "Sảnh B"})
    assert clash.status_code == 409
    assert post_form(it, f"{page}/revoke", page=page).status_code == 303
    assert [view.name for view in show_fleet(database)] == ["Sảnh B"]
    assert it.get(page).status_code == 404


def test_a_code_is_taken_back(it: FlaskClient, client: FlaskClient) -> None:
    new = "/staff/fleet/new"
    shown = post_form(it, new, name="Sảnh D", profile="fees", kind="agent").text
    assert "tiepdon print-agent" in shown
    code = re.search(r'id="code">([^<]+)<', shown)
    assert code is not None
    assert post_form(it, f"{new}/end", page=new, name="Sảnh D").status_code == 303
    reply = client.post("/api/v1/kiosks/enrol", json={"code": code[1], "name": "x"})
    assert reply.status_code == 403
