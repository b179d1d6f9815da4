from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.ids import new_token
from backend.services.admit_staff import add_staff, revoke_staff
from backend.services.resources import Resources
from backend.storage import tables
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller

HELP = {"kind": "help", "screen": "scan"}


@pytest.fixture
def browser(resources: Resources, client: FlaskClient) -> FlaskClient:
    return client.application.test_client()


def sign_in(browser: FlaskClient, database: Database) -> str:
    """Returns the token of the page."""
    code = add_staff(database, name="Trần Thị Trực")
    reply = browser.post("/staff/login", data={"code": code})
    assert reply.status_code == 303
    cookie = reply.headers["Set-Cookie"]
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=Strict", "Path=/staff"))
    assert code not in cookie
    page = browser.get("/staff").get_data(as_text=True)
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def start_visit(kiosk: ApiCaller, hospital: Hospital) -> dict[str, Any]:
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    body = {"scan_id": scan_id, "service_id": hospital.services["NOI"]}
    visit: dict[str, Any] = kiosk.post("/visits", body).get_json()
    return visit


def token_of(visit: dict[str, Any]) -> str:
    return str(visit["ticket"]["qr"])


# --- staff ----------------------------------------------------------------------------------------


def test_a_wrong_code_opens_nothing(browser: FlaskClient, kiosk: ApiCaller) -> None:
    kiosk_code = kiosk.headers["Authorization"].removeprefix("Bearer ")
    for code in ("", "guess", kiosk_code, "x" * 500):
        assert browser.post("/staff/login", data={"code": code}).status_code == 401
    assert browser.get("/staff/live").status_code == 401


def test_codes_are_not_guessed_for_long(browser: FlaskClient, hospital: Hospital) -> None:
    replies = [browser.post("/staff/login", data={"code": f"{n}"}) for n in range(12)]
    assert [reply.status_code for reply in replies] == [401] * 10 + [429] * 2
    assert "Mã không đúng" in replies[0].text
    assert "Đã thử quá nhiều lần" in replies[-1].text


def test_staff_see_calls_and_say_they_come(
    browser: FlaskClient, database: Database, kiosk: ApiCaller
) -> None:
    csrf = sign_in(browser, database)
    call = kiosk.post("/help-calls", HELP).json
    live = browser.get("/staff/live").get_data(as_text=True)
    assert 'data-help="1"' in live
    assert "Gọi người giúp" in live
    reply = browser.post(
        f"/staff/help-calls/{call['id']}/acknowledge",
        data={"csrf": csrf},
        headers={"X-Fragment": "1"},
    )
    assert 'data-help="0"' in reply.get_data(as_text=True)
    assert kiosk.get(f"/help-calls/{call['id']}").json["acknowledged_by"] == "Trần Thị Trực"


def test_the_page_works_without_scripts(
    browser: FlaskClient, database: Database, kiosk: ApiCaller
) -> None:
    csrf = sign_in(browser, database)
    call = kiosk.post("/help-calls", HELP).json
    assert '<noscript><meta http-equiv="refresh"' in browser.get("/staff").get_data(as_text=True)
    reply = browser.post(f"/staff/help-calls/{call['id']}/acknowledge", data={"csrf": csrf})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/staff")


@pytest.mark.parametrize(
    ("csrf", "headers"),
    [("", {}), ("wrong", {}), (None, {"Origin": "https://example.invalid"})],
)
def test_another_site_cannot_press_the_button(
    browser: FlaskClient,
    database: Database,
    kiosk: ApiCaller,
    csrf: str | None,
    headers: dict[str, str],
) -> None:
    token = sign_in(browser, database)
    call = kiosk.post("/help-calls", HELP).json
    reply = browser.post(
        f"/staff/help-calls/{call['id']}/acknowledge",
        data={"csrf": token if csrf is None else csrf},
        headers=headers,
    )
    assert reply.status_code == 403
    assert kiosk.get(f"/help-calls/{call['id']}").json["state"] == "waiting"


@pytest.mark.parametrize("call_id", ["x", "%00", "0" * 32, "'--"])
def test_a_call_that_never_was_is_not_found(
    browser: FlaskClient, database: Database, hospital: Hospital, call_id: str
) -> None:
    csrf = sign_in(browser, database)
    reply = browser.post(f"/staff/help-calls/{call_id}/acknowledge", data={"csrf": csrf})
    assert reply.status_code == 404


def test_a_session_ends(
    browser: FlaskClient, database: Database, clock: SettableClock, hospital: Hospital
) -> None:
    csrf = sign_in(browser, database)
    clock.advance(hours=12, seconds=1)
    assert browser.get("/staff/live").status_code == 401
    csrf = sign_in(browser, database)
    assert browser.post("/staff/logout", data={"csrf": csrf}).status_code == 303
    assert browser.get("/staff/live").status_code == 401


def test_a_forged_cookie_is_no_session(browser: FlaskClient, hospital: Hospital) -> None:
    for value in ("", "AAAA", "%%%", "ÿ", "A" * 4000):
        browser.set_cookie("staff", value, path="/staff")
        assert browser.get("/staff/live").status_code == 401


def test_whoever_is_revoked_is_out(
    resources: Resources, browser: FlaskClient, database: Database, hospital: Hospital
) -> None:
    sign_in(browser, database)
    revoke_staff(database, name="Trần Thị Trực")
    from backend.app import create_app

    cookie = browser.get_cookie("staff", path="/staff")
    assert cookie is not None
    other_worker = create_app(resources).test_client()
    other_worker.set_cookie("staff", cookie.value, path="/staff")
    assert other_worker.get("/staff/live").status_code == 401


def test_troubles_and_provisional_visits_are_shown(
    browser: FlaskClient,
    database: Database,
    kiosk: ApiCaller,
    hospital: Hospital,
    his: ScriptedHis,
) -> None:
    sign_in(browser, database)
    kiosk.post("/kiosks/device-events", {"device": "printer", "state": "paper_end"})
    his.coverage_fails = True
    visit = start_visit(kiosk, hospital)
    live = browser.get("/staff/live").get_data(as_text=True)
    assert "hết giấy" in live
    assert visit["number"] in live
    assert "cần kiểm tra thẻ" in live
    assert "Nguyễn" not in live


def test_the_staff_page_speaks_english_too(
    browser: FlaskClient, database: Database, hospital: Hospital
) -> None:
    sign_in(browser, database)
    browser.get("/staff/language/en")
    assert "Nobody is calling." in browser.get("/staff").get_data(as_text=True)
    browser.get("/staff/language/xx")
    assert "Không có ai đang gọi." in browser.get("/staff").get_data(as_text=True)


# --- phone ----------------------------------------------------------------------------------------


def test_the_phone_page_shows_the_number_and_no_name(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis
) -> None:
    his.add_patient()
    visit = start_visit(kiosk, hospital)
    reply = browser.get(f"/t/{token_of(visit)}")
    page = reply.get_data(as_text=True)
    assert reply.status_code == 200
    assert visit["number"] in page
    assert visit["ticket"]["room"] in page
    assert "Người trước bạn" in page
    for secret in ("Nguyễn", "Thử", "079085", "1985", kiosk.headers["Authorization"]):
        assert secret not in page
    assert 'content="noindex, nofollow"' in page
    assert 'http-equiv="refresh"' in page
    assert "<script" not in page


def test_the_phone_page_speaks_english_too(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital
) -> None:
    """All of it, also for who took the ticket in Vietnamese."""
    page = browser.get(f"/t/{token_of(start_visit(kiosk, hospital))}?lang=en").text
    for words in ("Your number", "Examination room 101", "next to the pharmacy", "Go in when"):
        assert words in page
    assert "Mời" not in page
    assert "mời" not in page


def test_the_phone_page_leads_to_the_step_that_is_next(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital, database: Database
) -> None:
    hospital.add_room("203")
    other = hospital.add_service("MAT", "203")
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    wish = {"scan_id": scan_id, "service_id": other, "also_service_id": hospital.services["NOI"]}
    visit = kiosk.post("/visits", wish).json
    first, second = visit["steps"]
    page = browser.get(f"/t/{token_of(visit)}").text
    assert f"<b>{first['room']['vi']}</b>" in page
    assert second["room"]["vi"] in page  # afterwards
    with database.write() as unit:
        unit.connection.execute(
            update(tables.Step).where(tables.Step.id == first["id"]).values(state="done")
        )
    page = browser.get(f"/t/{token_of(visit)}").text
    assert f"<b>{second['room']['vi']}</b>" in page
    assert first["room"]["vi"] not in page


def test_a_token_is_dead_the_next_day_and_looks_as_if_it_never_was(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital, clock: SettableClock
) -> None:
    visit = start_visit(kiosk, hospital)
    clock.advance(days=1)
    dead = browser.get(f"/t/{token_of(visit)}")
    unknown = browser.get(f"/t/{new_token()}")
    assert dead.status_code == unknown.status_code == 404
    assert dead.get_data() == unknown.get_data()
    assert visit["number"] not in dead.get_data(as_text=True)


def test_a_visit_that_is_over_shows_no_way(
    browser: FlaskClient, kiosk: ApiCaller, hospital: Hospital, database: Database
) -> None:
    visit = start_visit(kiosk, hospital)
    with database.write() as unit:
        unit.connection.execute(update(tables.Step).values(state="cancelled"))
    page = browser.get(f"/t/{token_of(visit)}").get_data(as_text=True)
    assert "Đã hủy" in page
    assert "Người trước bạn" not in page


@pytest.mark.parametrize("token", ["x", "<script>alert(1)</script>", "a" * 5000, "%00", "{{7*7}}"])
def test_hostile_tokens_are_unknown(browser: FlaskClient, hospital: Hospital, token: str) -> None:
    reply = browser.get(f"/t/{token}")
    assert reply.status_code == 404
    assert "<script>" not in reply.get_data(as_text=True)
    assert "49" not in re.sub(r"\d\d:\d\d", "", reply.get_data(as_text=True))


def test_pages_ask_no_other_host(browser: FlaskClient, hospital: Hospital) -> None:
    for path in ("/staff", "/t/x"):
        assert "://" not in browser.get(path).get_data(as_text=True)
    with browser.get("/assets/pages.css") as reply:
        assert "://" not in reply.get_data(as_text=True)
    with browser.get("/assets/fonts/400Regular.ttf") as reply:
        assert reply.status_code in {200, 404}  # the typeface is installed by `make setup`
    assert browser.get("/assets/../app.py").status_code == 404


def test_minutes_since_a_call_are_said(
    browser: FlaskClient, database: Database, kiosk: ApiCaller, clock: SettableClock
) -> None:
    sign_in(browser, database)
    kiosk.post("/help-calls", HELP)
    clock.now += timedelta(minutes=3)
    assert "3 phút trước" in browser.get("/staff/live").get_data(as_text=True)
