"""Text that a database would refuse only after the work: said no to, never a fault of ours."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from backend.domain.roles import StaffRole
from backend.services import manage_users
from backend.storage.database import Database
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller

NUL = "a\x00b"


@pytest.mark.parametrize(
    "path", ["/t/{}", "/t/{}/live", "/d/{}", "/d/{}/state", "/d/{}/live", "/d/{}/speech/{}.wav"]
)
@pytest.mark.parametrize("key", ["%00", "a%00b", "%F0%28", "%ED%A0%80", "..", "x" * 2_000])
def test_addresses(client: FlaskClient, path: str, key: str) -> None:
    assert client.get(path.replace("{}", key)).status_code == 404


@pytest.mark.parametrize("name", [NUL, "\x00", "\u202e", "x" * 5_000, "\ud7ff"])
def test_names_at_the_sign_in(browser: FlaskClient, accounts: Accounts, name: str) -> None:
    accounts.add("khoa", StaffRole.HEAD)
    reply = post_form(browser, "/staff/login", name=name, password=name)
    assert reply.status_code == 401


def test_names_that_are_no_text_are_no_fault() -> None:
    """The single sign-on hands names over as JSON, where halves of characters can stand."""
    assert manage_users.login_name("Lan\ud800") == "lan?"
    assert manage_users.login_name("lan\x00") != "lan"


def test_displays(
    browser: FlaskClient, accounts: Accounts, hospital: Hospital, database: Database
) -> None:
    accounts.add("khoa", StaffRole.HEAD)
    csrf = sign_in(browser, "khoa")
    usual = {"name": "Sảnh", "kind": "hall", "zone": "", "distance_m": "5", "screen_in": "43"}
    usual |= {"csrf_token": csrf, "room": hospital.add_room("103")}
    for field in ("name", "zone", "room"):
        reply = browser.post("/staff/displays", data=usual | {field: NUL})
        assert reply.status_code == 422, field


def test_calling_words(browser: FlaskClient, accounts: Accounts, staff: ApiCaller) -> None:
    accounts.add("khoa", StaffRole.HEAD)
    csrf = sign_in(browser, "khoa")
    usual = staff.get("/calling-words").get_json()
    form = {
        "csrf_token": csrf,
        "version": str(usual["version"]),
        "languages": "vi",
        "volume": "80",
        "zone": "",
    }
    for name in ("person_word", "region", "rooms", "leading_zeros", "rate", "pause_ms"):
        form[name] = str(usual[name])
    for name in ("gap_s", "drop_calls_after_s"):
        form[name] = str(usual[name])
    form |= {f"{kind}.times": str(each["times"]) for kind, each in usual["templates"].items()}
    changes: list[dict[str, object]] = [
        {"person_word": NUL},
        {"call_room.vi": f"{NUL} {{person}} {{number}} {{room}}"},
        {"zone": ["", NUL], "volume": ["80", "80"]},
        {"languages": NUL},
    ]
    for change in changes:
        reply = browser.post("/staff/calling-words", data=form | change)
        assert reply.status_code == 422, change
    assert browser.post("/staff/calling-words", data=form).status_code == 303
