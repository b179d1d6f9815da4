"""The first set-up in a browser: from an empty server to the closing page."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.roles import StaffRole
from backend.services.change_settings import read_settings
from backend.services.edit_settings import list_versions
from backend.services.first_set_up import Step, make_set_up_code
from backend.services.resources import Resources
from backend.services.show_kiosk import show_kiosk
from backend.storage.account_tables import UserAccount, UserSession
from backend.web.staff import first_set_up
from his_adapter.errors import Unavailable
from his_adapter.selftest import Finding
from tests.factories.accounts import PASSWORD, Accounts, csrf_token, try_sign_in
from tests.factories.hospital import Hospital
from tests.unit.backend.web.staff.test_settings import Form

HOME = "/staff/setup"


def fill(page: str, code: str, **changes: str) -> Form:
    form = Form(page).set("code", code).set("name", "minh").set("display_name", "Nguyễn Văn Minh")
    form.set("password", PASSWORD).set("again", PASSWORD)
    for name, value in changes.items():
        form.set(name, value)
    return form


@pytest.fixture
def administrator(browser: FlaskClient, resources: Resources) -> FlaskClient:
    """Came in by the code; their phone is set up."""
    code = make_set_up_code(resources.database)
    page = browser.get(f"{HOME}/start").text
    reply = fill(page, code).send(browser, f"{HOME}/start")
    assert reply.location == HOME
    assert browser.get(HOME).location == "/staff/second-factor"
    with resources.database.write() as unit:
        unit.connection.execute(update(UserAccount).values(totp_confirmed_at=unit.now))
        unit.connection.execute(update(UserSession).values(second_factor_at=unit.now))
    return browser


@pytest.mark.parametrize("path", ["/", "/staff", "/staff/login", HOME])
def test_an_empty_server_leads_to_the_start(browser: FlaskClient, path: str) -> None:
    reply = browser.get(path, follow_redirects=True)
    assert reply.request.path == f"{HOME}/start"
    assert "Mã một lần" in reply.text


def test_a_wrong_code_is_told_and_what_was_typed_stays(
    browser: FlaskClient, resources: Resources
) -> None:
    make_set_up_code(resources.database)
    page = browser.get(f"{HOME}/start").text
    reply = fill(page, "AAAA-BBBB-CCCC").send(browser, f"{HOME}/start")
    assert reply.status_code == 401
    assert "Mã không đúng" in reply.text
    assert Form(reply.text).get("display_name") == "Nguyễn Văn Minh"
    assert PASSWORD not in reply.text


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"again": "khac"}, 422, "Hai"),
        ({"password": "ngan", "again": "ngan"}, 422, "ngắn quá"),
        ({"name": " "}, 422, "Tên không dùng được"),
    ],
)
def test_refusals_are_told(
    browser: FlaskClient, resources: Resources, changes: dict[str, str], status: int, words: str
) -> None:
    code = make_set_up_code(resources.database)
    form = fill(browser.get(f"{HOME}/start").text, code, **changes)
    reply = form.send(browser, f"{HOME}/start")
    assert reply.status_code == status
    alert = re.search(r'role="alert">([^<]*)<', reply.text)
    assert alert is not None
    assert words in alert[1]


def test_a_form_from_elsewhere_is_refused(browser: FlaskClient, resources: Resources) -> None:
    code = make_set_up_code(resources.database)
    form = fill(browser.get(f"{HOME}/start").text, code, csrf_token="x")
    assert form.send(browser, f"{HOME}/start").status_code == 403


def test_where_there_is_an_administrator_it_is_over(
    browser: FlaskClient, accounts: Accounts, resources: Resources
) -> None:
    code = make_set_up_code(resources.database)
    form = fill(browser.get(f"{HOME}/start").text, code)
    accounts.add("cu", StaffRole.IT)
    assert form.send(browser, f"{HOME}/start").location == "/staff"
    assert browser.get(f"{HOME}/start").location == "/staff"
    assert try_sign_in(browser, "minh").status_code == 401


def test_others_of_the_staff_do_not_see_it(browser: FlaskClient, accounts: Accounts) -> None:
    accounts.add("lan", StaffRole.RECEPTION)
    try_sign_in(browser, "lan")
    assert browser.get(HOME).status_code == 403
    assert "Cài đặt lần đầu" not in browser.get("/staff").text


def press(browser: FlaskClient, step: str, act: str = "next", **typed: str) -> Any:
    form = Form(browser.get(f"{HOME}/{step}").text)
    for name, value in {"act": act, **typed}.items():
        form.set(name, value)
    return form.send(browser, f"{HOME}/{step}")


def test_the_whole_way(administrator: FlaskClient, resources: Resources) -> None:
    browser = administrator
    assert "Cài đặt lần đầu" in browser.get("/staff").text
    assert browser.get(HOME).location == f"{HOME}/facility"
    typed = {"facility.name_vi": "Bệnh viện Thử", "facility.hotline": "1900 1111"}
    assert press(browser, "facility", "save", **typed).location == f"{HOME}/his"
    [version] = list_versions(resources.database)
    assert (version.origin.value, version.changed_by) == ("first_set_up", "Nguyễn Văn Minh")
    assert press(browser, "his").location == f"{HOME}/rooms"
    rooms = browser.get(f"{HOME}/rooms").text
    assert "<dd>2</dd><dt>phòng</dt>" in rooms
    assert press(browser, "rooms").location == f"{HOME}/numbers"
    # Left here, and gone on with later.
    assert browser.get(HOME).location == f"{HOME}/numbers"
    saved = press(browser, "numbers", "save", **{"settings.letters:N": "C"})
    assert saved.location == f"{HOME}/kiosk"
    assert read_settings(resources.database)["letters"]["N"] == "C"
    invited = press(browser, "kiosk", "invite", kiosk_name="Sảnh chính 1")
    code = re.search(r'class="big-code">([^<]+)<', invited.text)
    assert code is not None
    assert f"--enrol-code {code[1]}" in invited.text
    assert "chờ nhập mã" in invited.text
    assert code[1] not in browser.get(f"{HOME}/kiosk").text
    for step, following in (("kiosk", "print"), ("print", "payments"), ("payments", "backup")):
        assert press(browser, step).location == f"{HOME}/{following}"
    assert press(browser, "backup").location == f"{HOME}/end"
    end = browser.get(f"{HOME}/end").text
    assert "Chưa có ki-ốt nào vào" in end
    assert "Bước chưa đi qua" not in end
    Form(end).send(browser, f"{HOME}/end")
    assert "Cài đặt lần đầu" not in browser.get("/staff").text


def test_a_fault_stands_at_its_field(administrator: FlaskClient, resources: Resources) -> None:
    reply = press(administrator, "numbers", "save", **{"settings.letters:N": "a b"})
    assert reply.status_code == 422
    assert "Cần một đến ba chữ in hoa" in reply.text
    assert administrator.get(HOME).location == f"{HOME}/facility"


def test_two_at_once_are_told(administrator: FlaskClient) -> None:
    form = Form(administrator.get(f"{HOME}/facility").text).set("act", "save")
    press(administrator, "facility", "save", **{"facility.hotline": "1900 2222"})
    reply = form.set("facility.hotline", "1900 3333").send(administrator, f"{HOME}/facility")
    assert reply.status_code == 409
    assert "Người khác vừa đổi" in reply.text
    assert Form(reply.text).get("facility.hotline") == "1900 2222"


def test_a_kiosk_prints_a_test(administrator: FlaskClient, hospital: Hospital) -> None:
    kiosk_id = hospital.add_kiosk("Sảnh chính 1")[0].id
    page = administrator.get(f"{HOME}/print").text
    assert f"print?kiosk={kiosk_id}" in page
    form = Form(page).set("act", "print")
    for _ in range(2):
        reply = form.send(administrator, f"{HOME}/print?kiosk={kiosk_id}")
        assert "đang chờ máy" in reply.text
    assert len(show_kiosk(hospital.database, kiosk_id).orders) == 1
    gone = form.send(administrator, f"{HOME}/print?kiosk=nobody")
    assert gone.status_code == 404
    assert "Không còn ki-ốt này" in gone.text


def test_a_kiosk_of_that_name_is_there_already(
    administrator: FlaskClient, hospital: Hospital
) -> None:
    hospital.add_kiosk("Sảnh chính 1")
    reply = press(administrator, "kiosk", "invite", kiosk_name="Sảnh chính 1")
    assert reply.status_code == 409
    assert "Đã có ki-ốt tên này" in reply.text


def test_a_kiosk_needs_a_name(administrator: FlaskClient) -> None:
    assert press(administrator, "kiosk", "invite", kiosk_name="  ").status_code == 422


def test_the_self_test_of_the_his_is_read_out(
    administrator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = (
        Finding(check="health", ok=True, message_vi="HIS trả lời tốt."),
        Finding(check="clock", ok=False, message_vi="Đồng hồ của HIS lệch 80 giây."),
    )
    monkeypatch.setattr(first_set_up, "findings", lambda *_, **__: found)
    reply = press(administrator, "his", "check")
    assert "HIS trả lời tốt." in reply.text
    assert reply.text.count("Cần xem") == 1


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_his_that_does_not_answer_is_told(
    administrator: FlaskClient, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    over = threading.Event()

    def fail(*_: object, **__: object) -> tuple[Finding, ...]:
        if not is_slow:
            raise Unavailable("down")
        over.wait(5)
        return ()

    monkeypatch.setattr(first_set_up, "CHECK_WAIT_S", 0.2)
    monkeypatch.setattr(first_set_up, "findings", fail)
    reply = press(administrator, "his", "check")
    over.set()
    assert "HIS không trả lời" in reply.text


@pytest.mark.parametrize("step", [step.value for step in Step] + ["end"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_step_opens(administrator: FlaskClient, step: str, lang: str) -> None:
    administrator.set_cookie("lang", lang)
    reply = administrator.get(f"{HOME}/{step}")
    assert reply.status_code == 200
    assert csrf_token(reply)


def test_an_unknown_step(administrator: FlaskClient) -> None:
    assert administrator.get(f"{HOME}/nothing").status_code == 404


def test_there_is_no_way_to_go_through_where_nobody_came_in_by_the_code(
    browser: FlaskClient, accounts: Accounts, resources: Resources
) -> None:
    accounts.add("cu", StaffRole.IT)
    try_sign_in(browser, "cu")
    with resources.database.write() as unit:
        unit.connection.execute(update(UserAccount).values(totp_confirmed_at=unit.now))
        unit.connection.execute(update(UserSession).values(second_factor_at=unit.now))
    for path in ("", "/facility", "/end"):
        assert browser.get(f"{HOME}{path}").location == "/staff/settings"
    assert "Cài đặt lần đầu" not in browser.get("/staff").text
