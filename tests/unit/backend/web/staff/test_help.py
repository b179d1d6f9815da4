from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from backend.domain.roles import StaffRole
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, sign_in, try_sign_in
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller
from tests.unit.backend.web.test_pages import start_visit

HELP = {"kind": "help", "screen": "scan"}


@pytest.fixture
def csrf(browser: FlaskClient, accounts: Accounts) -> str:
    """The browser of somebody at the desk; the token of their pages."""
    accounts.add("truc", StaffRole.RECEPTION, display_name="Trần Thị Trực")
    return sign_in(browser, "truc")


def test_staff_see_calls_and_say_they_come(
    browser: FlaskClient, csrf: str, kiosk: ApiCaller
) -> None:
    call = kiosk.post("/help-calls", HELP).json
    live = browser.get("/staff/help/live").text
    assert 'data-help="1"' in live
    assert "Gọi người giúp" in live
    reply = browser.post(
        f"/staff/help/calls/{call['id']}/acknowledge",
        data={"csrf_token": csrf},
        headers={"X-Fragment": "1"},
    )
    assert 'data-help="0"' in reply.text
    assert kiosk.get(f"/help-calls/{call['id']}").json["acknowledged_by"] == "Trần Thị Trực"


def test_the_page_works_without_scripts(browser: FlaskClient, csrf: str, kiosk: ApiCaller) -> None:
    call = kiosk.post("/help-calls", HELP).json
    assert '<noscript><meta http-equiv="refresh"' in browser.get("/staff/help").text
    reply = browser.post(f"/staff/help/calls/{call['id']}/acknowledge", data={"csrf_token": csrf})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/staff/help")


@pytest.mark.parametrize("call_id", ["x", "%00", "0" * 32, "'--"])
def test_a_call_that_never_was_is_not_found(browser: FlaskClient, csrf: str, call_id: str) -> None:
    reply = browser.post(f"/staff/help/calls/{call_id}/acknowledge", data={"csrf_token": csrf})
    assert reply.status_code == 404


@pytest.mark.usefixtures("csrf")
def test_troubles_and_provisional_visits_are_shown(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis
) -> None:
    kiosk.post("/kiosks/device-events", {"device": "printer", "state": "paper_end"})
    his.coverage_fails = True
    visit = start_visit(kiosk, hospital)
    live = browser.get("/staff/help/live").text
    assert "hết giấy" in live
    assert visit["number"] in live
    assert "cần kiểm tra thẻ" in live
    assert "Nguyễn" not in live


@pytest.mark.usefixtures("csrf")
def test_the_page_speaks_english_too(browser: FlaskClient) -> None:
    reply = browser.get("/staff/language/en?next=/staff/help")
    assert reply.headers["Location"] == "/staff/help"
    assert "Nobody is calling." in browser.get("/staff/help").text
    browser.get("/staff/language/xx")
    assert "Không có ai đang gọi." in browser.get("/staff/help").text


@pytest.mark.usefixtures("csrf")
def test_minutes_since_a_call_are_said(
    browser: FlaskClient, kiosk: ApiCaller, clock: SettableClock
) -> None:
    kiosk.post("/help-calls", HELP)
    clock.now += timedelta(minutes=3)
    assert "3 phút trước" in browser.get("/staff/help/live").text


@pytest.mark.usefixtures("csrf")
def test_a_locked_account_is_shown_until_it_opens(
    browser: FlaskClient, accounts: Accounts, clock: SettableClock
) -> None:
    accounts.add("lan", StaffRole.ROOM_CALLER)
    stranger = browser.application.test_client()
    for _ in range(5):
        try_sign_in(stranger, "lan", "wrong")
    assert "tài khoản bị khóa" in browser.get("/staff/help/live").text
    clock.advance(minutes=14)
    browser.get("/staff")  # somebody is still at work here
    clock.advance(minutes=2)
    assert "tài khoản bị khóa" not in browser.get("/staff/help/live").text
