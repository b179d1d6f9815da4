from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.ids import new_token
from backend.storage.database import Database
from backend.storage.queue_tables import Step
from tests.conftest import SettableClock
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller


def start_visit(kiosk: ApiCaller, hospital: Hospital) -> dict[str, Any]:
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    body = {"scan_id": scan_id, "service_id": hospital.services["NOI"]}
    visit: dict[str, Any] = kiosk.post("/visits", body).get_json()
    return visit


def token_of(visit: dict[str, Any]) -> str:
    return str(visit["ticket"]["qr"])


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
    assert re.findall("<script[^>]*>", page) == [
        '<script type="module" src="/assets/phone.js">',
        '<script nomodule src="/assets/reload.js">',
    ]


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
        unit.connection.execute(update(Step).where(Step.id == first["id"]).values(state="done"))
    page = browser.get(f"/t/{token_of(visit)}").text
    assert f"<b>{second['room']['vi']}</b>" in page
    assert f"<b>{first['room']['vi']}</b>" not in page


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
        unit.connection.execute(update(Step).values(state="cancelled"))
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
    for path in ("/staff/login", "/t/x"):
        assert "://" not in browser.get(path).get_data(as_text=True)
    with browser.get("/assets/pages.css") as reply:
        assert "://" not in reply.get_data(as_text=True)
    with browser.get("/assets/fonts/400Regular.ttf") as reply:
        assert reply.status_code in {200, 404}  # the typeface is installed by `make setup`
    assert browser.get("/assets/../app.py").status_code == 404
