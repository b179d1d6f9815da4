from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.domain.roles import StaffRole
from backend.services.resources import Resources
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller


def body(hospital: Hospital, **changes: Any) -> dict[str, Any]:
    return {"name": "Sảnh A", "kind": "hall", "room_ids": [hospital.rooms["101"]]} | changes


def test_a_display_from_adding_to_revoking(
    client: FlaskClient, staff: ApiCaller, hospital: Hospital
) -> None:
    added = staff.post("/displays", body(hospital))
    assert added.status_code == 201
    assert added.json is not None
    path, display_id = added.json["path"], added.json["display"]["id"]
    assert client.get(path).status_code == 200
    changed = staff.post(f"/displays/{display_id}", body(hospital, name="Sảnh B", distance_m=15))
    assert changed.json is not None
    assert (changed.json["name"], changed.json["distance_m"]) == ("Sảnh B", 15)
    (listed,) = staff.get("/displays").json["items"]  # type: ignore[index]  # is there
    assert listed["id"] == display_id
    assert path.removeprefix("/d/") not in staff.get("/displays").text
    assert staff.post(f"/displays/{display_id}/revoke").status_code == 204
    assert client.get(path).status_code == 404
    assert staff.post(f"/displays/{display_id}/revoke").status_code == 404


def test_refusals_have_their_codes(staff: ApiCaller, hospital: Hospital) -> None:
    assert staff.post("/displays", body(hospital, speaks=True)).status_code == 201
    twice = staff.post("/displays", body(hospital))
    assert twice.json is not None
    assert (twice.status_code, twice.json["code"]) == (409, "display_exists")
    second = staff.post("/displays", body(hospital, name="B", speaks=True))
    assert second.json is not None
    assert (second.status_code, second.json["code"]) == (409, "zone_has_voice")
    assert staff.post("/displays", body(hospital, room_ids=["x"])).status_code == 422
    assert staff.post("/displays", body(hospital, colour="red")).status_code == 422


def test_the_desk_and_kiosks_may_not(
    client: FlaskClient, kiosk: ApiCaller, accounts: Accounts, hospital: Hospital
) -> None:
    accounts.add("le", StaffRole.RECEPTION)
    desk = ApiCaller(client, accounts.token("le"))
    for caller in (kiosk, desk):
        assert caller.get("/displays").status_code == 403
        assert caller.post("/displays", body(hospital)).status_code == 403


@pytest.fixture
def csrf(browser: FlaskClient, accounts: Accounts) -> str:
    from tests.factories.accounts import sign_in

    accounts.add("truong", StaffRole.HEAD)
    return sign_in(browser, "truong")


def form(hospital: Hospital, csrf: str, **changes: Any) -> dict[str, Any]:
    values = {
        "csrf_token": csrf,
        "name": "Sảnh A",
        "kind": "hall",
        "room": [hospital.rooms["101"], hospital.rooms["102"]],
        "distance_m": "10",
        "screen_in": "43",
        "english": "on",
    }
    return values | changes


def test_the_page_shows_the_address_once(
    browser: FlaskClient, client: FlaskClient, csrf: str, hospital: Hospital
) -> None:
    reply = browser.post("/staff/displays", data=form(hospital, csrf))
    assert reply.status_code == 200
    address = reply.text.partition('<a href="http://localhost/d/')[2].partition('"')[0]
    assert client.get(f"/d/{address}").status_code == 200
    assert "data:image/svg+xml" in reply.text
    assert address not in browser.get("/staff/displays").text


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"kind": "x"}, {"room": []}, {"distance_m": "ten"}, {"screen_in": "10000"}],
)
def test_a_form_that_does_not_fit_is_shown_again(
    browser: FlaskClient, csrf: str, hospital: Hospital, changes: dict[str, Any]
) -> None:
    reply = browser.post("/staff/displays", data=form(hospital, csrf, **changes))
    assert reply.status_code == 422
    assert "Mời xem lại" in reply.text


def test_a_display_is_changed_and_revoked_on_the_page(
    browser: FlaskClient, csrf: str, hospital: Hospital, resources: Resources
) -> None:
    from backend.services.manage_displays import list_displays

    browser.post("/staff/displays", data=form(hospital, csrf))
    (display,) = list_displays(resources.database)
    assert 'value="Sảnh A"' in browser.get(f"/staff/displays/{display.id}").text
    path = f"/staff/displays/{display.id}"
    assert browser.post(path, data=form(hospital, csrf, name="<b>B</b>")).status_code == 303
    assert "&lt;b&gt;B&lt;/b&gt;" in browser.get("/staff/displays").text
    assert browser.post(f"{path}/revoke", data={"csrf_token": csrf}).status_code == 303
    assert list_displays(resources.database) == []
    assert browser.post(f"{path}/revoke", data={"csrf_token": csrf}).status_code == 404
    assert browser.post(path, data=form(hospital, "wrong")).status_code in {400, 403}


def test_the_desk_does_not_see_the_page(browser: FlaskClient, accounts: Accounts) -> None:
    from tests.factories.accounts import sign_in

    accounts.add("le", StaffRole.RECEPTION)
    sign_in(browser, "le")
    assert browser.get("/staff/displays").status_code == 403
