from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.config import load_config
from backend.domain.roles import StaffRole
from backend.errors import ConfigError
from backend.services import manage_users
from backend.services.resources import Resources
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.accounts import (
    PASSWORD,
    Accounts,
    csrf_token,
    post_form,
    sign_in,
    try_sign_in,
)
from tests.unit.backend.web.conftest import ApiCaller

HELP = {"kind": "help", "screen": "scan"}


@pytest.fixture(autouse=True)
def truc(accounts: Accounts) -> str:
    """Id of the account `truc` at the desk."""
    return accounts.add("truc", StaffRole.RECEPTION, display_name="Trần Thị Trực")


def audit(database: Database) -> list[str]:
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT event FROM audit_event ORDER BY id").all()
    return [str(row[0]) for row in rows]


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/staff", headers={"X-Background": "1"}).status_code == 200


def test_name_and_password_open_the_pages(browser: FlaskClient, database: Database) -> None:
    reply = try_sign_in(browser, "  TRUC ")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/staff")
    cookie = reply.headers["Set-Cookie"]
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=Lax"))
    home = browser.get("/staff").text
    assert "Trần Thị Trực" in home
    assert 'href="/staff/help"' in home
    assert audit(database)[-1] == "logged_in"


def test_the_cookie_is_for_tls_where_there_is_tls(browser: FlaskClient) -> None:
    reply = browser.get("/staff/login", base_url="https://tiepdon.example")
    assert "Secure" in reply.headers["Set-Cookie"]


def test_who_is_not_signed_in_is_led_there_and_back(browser: FlaskClient) -> None:
    reply = browser.get("/staff/help?x=1")
    assert reply.status_code == 303
    assert reply.headers["Location"] == "/staff/login?next=%2Fstaff%2Fhelp%3Fx%3D1"
    reply = try_sign_in(browser, "truc", next="/staff/help?x=1")
    assert reply.headers["Location"] == "/staff/help?x=1"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/staff",
        "//evil.example/staff",
        "/\\evil.example",
        "/staff\\..\\x",
        "/staff//evil.example",
        "javascript:alert(1)",
        "/t/x",
        "/staff/\r\nSet-Cookie: a=b",
        "/staff/" + "a" * 600,
        "http:/staff",
        "http://[",
    ],
)
def test_nobody_is_led_elsewhere(browser: FlaskClient, address: str) -> None:
    reply = try_sign_in(browser, "truc", next=address)
    assert reply.headers["Location"] == "/staff"


def test_unknown_wrong_locked_and_disabled_look_the_same(
    browser: FlaskClient, accounts: Accounts, database: Database
) -> None:
    """SE-03: no answer tells whether a name exists."""
    accounts.add("khoa", StaffRole.HEAD)
    manage_users.disable_user(database, name="khoa")
    for _ in range(5):
        try_sign_in(browser, "truc", "wrong")
    pages = set()
    for name, password in [
        ("nobody", PASSWORD),
        ("truc", "wrong"),
        ("truc", PASSWORD),
        ("khoa", PASSWORD),
        ("nobody", "x" * 5000),
    ]:
        reply = try_sign_in(browser, name, password)
        assert reply.status_code == 401
        text = reply.text.replace(f'value="{name}"', "")
        pages.add(text.replace(csrf_token(reply), ""))
    assert len(pages) == 1


def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(
    browser: FlaskClient, database: Database, clock: SettableClock
) -> None:
    """SE-03."""
    for _ in range(4):
        assert try_sign_in(browser, "truc", "wrong").status_code == 401
    sign_in(browser, "truc")
    browser.delete_cookie("staff")
    for _ in range(5):
        assert try_sign_in(browser, "truc", "wrong").status_code == 401
    assert audit(database).count("user_locked") == 1
    assert audit(database).count("login_failed") == 9
    assert try_sign_in(browser, "truc").status_code == 401
    clock.advance(minutes=15, seconds=1)
    sign_in(browser, "truc")


def test_a_lock_can_be_taken_off_by_command(browser: FlaskClient, database: Database) -> None:
    for _ in range(5):
        try_sign_in(browser, "truc", "wrong")
    manage_users.unlock_user(database, name="truc")
    sign_in(browser, "truc")


def test_names_are_not_guessed_for_long(browser: FlaskClient) -> None:
    """SE-16: per address, whatever the names."""
    token = csrf_token(browser.get("/staff/login"))
    codes = [
        browser.post(
            "/staff/login", data={"name": f"n{number}", "password": "x", "csrf_token": token}
        ).status_code
        for number in range(63)
    ]
    assert codes == [401] * 60 + [429] * 3


def test_signing_out_ends_it_on_the_server(
    resources: Resources, browser: FlaskClient, database: Database
) -> None:
    """SE-05: a copy of the cookie is worth nothing, on any worker."""
    csrf = sign_in(browser, "truc")
    cookie = browser.get_cookie("staff")
    assert cookie is not None
    other_worker = create_app(resources).test_client()
    other_worker.set_cookie("staff", cookie.value)
    assert is_in(other_worker)
    assert browser.post("/staff/logout", data={"csrf_token": csrf}).status_code == 303
    assert not is_in(browser)
    assert not is_in(other_worker)
    assert audit(database)[-1] == "logged_out"


def test_disabling_ends_everything_at_once(
    browser: FlaskClient, database: Database, accounts: Accounts, client: FlaskClient
) -> None:
    """SE-05."""
    sign_in(browser, "truc")
    api = ApiCaller(client, accounts.token("truc"))
    manage_users.disable_user(database, name="truc")
    assert not is_in(browser)
    assert api.get("/help-calls").status_code == 401
    assert try_sign_in(browser, "truc").status_code == 401


@pytest.mark.parametrize(("role", "minutes"), [(StaffRole.RECEPTION, 15)])
def test_a_page_left_alone_locks(
    browser: FlaskClient,
    accounts: Accounts,
    clock: SettableClock,
    role: StaffRole,
    minutes: int,
) -> None:
    """SE-05: what a page fetches by itself keeps nobody in; what a person does, does."""
    sign_in(browser, "truc")
    for _ in range(3):
        clock.advance(minutes=minutes - 1)
        assert browser.get("/staff").status_code == 200
    for _ in range(minutes - 1):
        clock.advance(minutes=1)
        assert browser.get("/staff/help/live", headers={"X-Background": "1"}).status_code == 200
        assert browser.get("/api/v1/help-calls").status_code == 200
    clock.advance(minutes=1)
    assert browser.get("/staff/help/live", headers={"X-Background": "1"}).status_code == 401
    assert browser.get("/staff").status_code == 303


def test_a_day_of_work_ends_after_twelve_hours(browser: FlaskClient, clock: SettableClock) -> None:
    """SE-05."""
    sign_in(browser, "truc")
    for _ in range(72):
        assert browser.get("/staff").status_code == 200
        clock.advance(minutes=10)
    assert browser.get("/staff").status_code == 303


def test_a_forged_cookie_is_no_session(browser: FlaskClient) -> None:
    for value in ("", "AAAA", "%%%", "eyJfdXNlcl9pZCI6IngifQ.x.y", "A" * 4000):
        browser.set_cookie("staff", value)
        assert not is_in(browser)


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("wrong", {}),
        (None, {"Origin": "https://example.invalid"}),
        (None, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}),
    ],
)
def test_another_site_cannot_press_a_button(
    browser: FlaskClient, kiosk: ApiCaller, token: str | None, headers: dict[str, str]
) -> None:
    csrf = sign_in(browser, "truc")
    call = kiosk.post("/help-calls", HELP).json
    form = {"csrf_token": csrf if token is None else token}
    path = f"/staff/help/calls/{call['id']}/acknowledge"
    reply = browser.post(path, data=form, headers=headers)
    assert reply.status_code == 403
    assert "Trang đã để lâu" in reply.text
    assert kiosk.get(f"/help-calls/{call['id']}").json["state"] == "waiting"
    assert (
        browser.post(path, data={"csrf_token": csrf}, headers={"Origin": "null"}).status_code == 303
    )


def test_the_api_takes_the_cookie_with_the_token_of_the_page(
    browser: FlaskClient, kiosk: ApiCaller, accounts: Accounts
) -> None:
    csrf = sign_in(browser, "truc")
    call = kiosk.post("/help-calls", HELP).json
    path = f"/api/v1/help-calls/{call['id']}/acknowledge"
    assert browser.get("/api/v1/help-calls").status_code == 200
    reply = browser.post(path)
    assert (reply.status_code, reply.json["code"]) == (403, "form_refused")
    assert browser.post(path, headers={"X-CSRF-Token": csrf}).status_code == 200
    # A program sends no cookie, so no other site can make it send anything.
    program = ApiCaller(browser.application.test_client(), accounts.token("truc"))
    assert program.post(f"/help-calls/{call['id']}/acknowledge").status_code == 200


def test_one_browser_holds_one_session(browser: FlaskClient, resources: Resources) -> None:
    """Signing in anew ends the sign-in before, and its token."""
    old_csrf = sign_in(browser, "truc")
    cookie = browser.get_cookie("staff")
    assert cookie is not None
    browser.post(
        "/staff/login", data={"name": "truc", "password": PASSWORD, "csrf_token": old_csrf}
    )
    assert is_in(browser)
    copy = browser.application.test_client()
    copy.set_cookie("staff", cookie.value)
    assert not is_in(copy)
    assert csrf_token(browser.get("/staff")) != old_csrf


def test_another_role_is_told_so(browser: FlaskClient, accounts: Accounts) -> None:
    """SE-07: closed unless the role opens it, on pages and behind them."""
    accounts.add("soat", StaffRole.AUDITOR)
    csrf = sign_in(browser, "soat")
    reply = browser.get("/staff/help")
    assert reply.status_code == 403
    assert "Bạn chưa được mở trang này" in reply.text
    assert "/staff/help" not in browser.get("/staff").text.replace("/staff/help?", "")
    assert browser.get("/api/v1/help-calls").status_code == 403
    path = f"/staff/help/calls/{'0' * 32}/acknowledge"
    assert browser.post(path, data={"csrf_token": csrf}).status_code == 403


def test_a_role_taken_away_is_gone_at_the_next_click(
    browser: FlaskClient, database: Database
) -> None:
    sign_in(browser, "truc")
    assert browser.get("/staff/help").status_code == 200
    manage_users.set_roles(database, name="truc", roles=[StaffRole.AUDITOR])
    assert browser.get("/staff/help").status_code == 403
    assert audit(database)[-2:] == ["user_roles_changed", "access_refused"]


def test_the_first_sign_in_changes_the_password(browser: FlaskClient, database: Database) -> None:
    """SE-01: a one-time password opens nothing else."""
    once = manage_users.add_user(database, name="moi", roles=[StaffRole.RECEPTION])
    assert try_sign_in(browser, "moi", once).status_code == 303
    for path in ("/staff", "/staff/help"):
        assert browser.get(path).headers["Location"] == "/staff/password"
    assert browser.get("/api/v1/help-calls").status_code == 401
    form = {"old": once, "new": PASSWORD, "again": PASSWORD}
    reply = post_form(browser, "/staff/password", **form)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/staff")
    assert is_in(browser)
    assert audit(database)[-1] == "password_changed"
    browser.delete_cookie("staff")
    assert try_sign_in(browser, "moi", once).status_code == 401


def test_a_one_time_password_dies_after_a_week(
    browser: FlaskClient, database: Database, clock: SettableClock
) -> None:
    once = manage_users.add_user(database, name="moi", roles=[StaffRole.RECEPTION])
    clock.advance(days=7)
    assert try_sign_in(browser, "moi", once).status_code == 401


def test_changing_the_password_ends_other_sign_ins(browser: FlaskClient) -> None:
    sign_in(browser, "truc")
    other = browser.application.test_client()
    sign_in(other, "truc")
    new = "Meo-tam-the-ngu-trua-9"
    form = {"old": PASSWORD, "new": new, "again": new}
    assert post_form(browser, "/staff/password", **form).status_code == 303
    assert is_in(browser)
    assert not is_in(other)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"old": "wrong"}, "Mật khẩu hiện tại không đúng"),
        ({"again": "other"}, "chưa giống nhau"),
        ({"new": "Ngan-1", "again": "Ngan-1"}, "còn ngắn quá"),
        ({"new": PASSWORD, "again": PASSWORD}, "phải khác mật khẩu cũ"),
    ],
)
def test_a_new_password_that_will_not_do(
    browser: FlaskClient, fields: dict[str, str], words: str
) -> None:
    sign_in(browser, "truc")
    good = "Meo-tam-the-ngu-trua-9"
    reply = post_form(
        browser, "/staff/password", **({"old": PASSWORD, "new": good, "again": good} | fields)
    )
    assert reply.status_code in {401, 422}
    assert words in reply.text


def test_passwords_on_a_calendar_are_a_setting(resources: Resources, clock: SettableClock) -> None:
    config = replace(resources.config, password_max_days=60)
    app = create_app(replace(resources, config=config))
    clock.advance(days=59)
    assert try_sign_in(app.test_client(), "truc").headers["Location"] == "/staff"
    clock.advance(days=2)
    browser = app.test_client()
    try_sign_in(browser, "truc")
    assert browser.get("/staff").headers["Location"] == "/staff/password"
    new = "Song-nui-xanh-77!"
    post_form(browser, "/staff/password", old=PASSWORD, new=new, again=new)
    assert is_in(browser)


@pytest.mark.parametrize("text", ["-1", "two", "99999", "1.5"])
def test_days_that_are_no_days_stop_the_start(text: str) -> None:
    with pytest.raises(ConfigError):
        load_config({"TIEPDON_PASSWORD_MAX_DAYS": text}, needs_keys=False)
