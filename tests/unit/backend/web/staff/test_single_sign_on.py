from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.config import SingleSignOn
from backend.domain.roles import StaffRole
from backend.services import manage_users
from backend.services.resources import Resources
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, sign_in
from tests.factories.sign_on_server import CLIENT_ID, CLIENT_SECRET, SignOnServer
from tests.unit.backend.web.staff.test_login import audit, is_in
from tests.unit.backend.web.staff.test_second_factor import add_phone


@pytest.fixture
def sign_on() -> Iterator[SignOnServer]:
    server = SignOnServer()
    yield server
    server.stop()


@pytest.fixture
def browser(resources: Resources, sign_on: SignOnServer, accounts: Accounts) -> FlaskClient:
    accounts.add("truc", StaffRole.RECEPTION, display_name="Trần Thị Trực")
    settings = SingleSignOn(issuer=sign_on.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    config = replace(resources.config, single_sign_on=settings)
    return create_app(replace(resources, config=config)).test_client()


def go_there(browser: FlaskClient, path: str = "/staff/sso") -> str:
    """The address the sign-on sends the browser back to."""
    reply = browser.get(path)
    assert reply.status_code == 303
    answer = requests.get(reply.headers["Location"], allow_redirects=False, timeout=5)
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == "/staff/sso/callback"
    return f"{parts.path}?{parts.query}"


def use_sign_on(browser: FlaskClient) -> TestResponse:
    return browser.get(go_there(browser))


def test_the_hospital_account_signs_in(browser: FlaskClient, database: Database) -> None:
    assert "/staff/sso?next=" in browser.get("/staff/login").text
    reply = browser.get(go_there(browser, "/staff/sso?next=/staff/help"))
    assert (reply.status_code, reply.headers["Location"]) == (303, "/staff/help")
    assert "Trần Thị Trực" in browser.get("/staff").text
    assert audit(database)[-1] == "logged_in"


def test_the_password_stays_a_way_in(browser: FlaskClient) -> None:
    sign_in(browser, "truc")
    assert is_in(browser)


def test_rights_come_from_the_account_here(
    browser: FlaskClient, sign_on: SignOnServer, database: Database
) -> None:
    for name in ("nobody", "", None):
        sign_on.name = name  # type: ignore[assignment]  # a claim of the wrong kind
        assert use_sign_on(browser).status_code == 401
    sign_on.name = "truc"
    manage_users.disable_user(database, name="truc")
    reply = use_sign_on(browser)
    assert reply.status_code == 401
    assert "Chưa đăng nhập được bằng tài khoản bệnh viện" in reply.text
    assert not is_in(browser)
    assert "login_failed" in audit(database)
    assert [user.name for user in manage_users.list_users(database)] == ["truc"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": "somebody-else", "azp": CLIENT_ID},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"preferred_username": None},
        {"preferred_username": {"$ne": ""}},
    ],
)
def test_a_token_that_is_not_for_us_opens_nothing(
    browser: FlaskClient, sign_on: SignOnServer, changes: dict[str, Any]
) -> None:
    sign_on.changes = changes
    assert use_sign_on(browser).status_code == 401
    assert not is_in(browser)


def test_a_token_of_another_key_opens_nothing(browser: FlaskClient, sign_on: SignOnServer) -> None:
    sign_on.key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
    assert use_sign_on(browser).status_code == 401
    sign_on.sends_id_token = False
    assert use_sign_on(browser).status_code == 401
    assert not is_in(browser)


def test_an_answer_belongs_to_the_browser_that_asked(browser: FlaskClient) -> None:
    """Nobody is signed in as somebody else by a link."""
    answer = go_there(browser)
    other = browser.application.test_client()
    assert other.get(answer).status_code == 401
    assert browser.get(answer).status_code == 303
    assert browser.get(answer).status_code == 401  # once only
    for query in ("", "?error=access_denied", "?code=x&state=y", "?code=x"):
        assert browser.get(f"/staff/sso/callback{query}").status_code == 401


def test_a_sign_on_that_is_away_or_another_is_said_so(
    browser: FlaskClient, sign_on: SignOnServer
) -> None:
    sign_on.claimed_issuer = "https://evil.example"
    assert browser.get("/staff/sso").status_code == 503
    sign_on.stop()
    other = create_app(browser.application.extensions["tiepdon"]).test_client()
    reply = other.get("/staff/sso")
    assert reply.status_code == 503
    assert "Mời đăng nhập bằng mật khẩu" in reply.text
    sign_in(other, "truc")


def test_a_second_factor_is_asked_for_all_the_same(
    browser: FlaskClient, clock: SettableClock
) -> None:
    sign_in(browser, "truc")
    add_phone(browser, clock)
    browser.delete_cookie("staff")
    assert use_sign_on(browser).status_code == 303
    assert browser.get("/staff").headers["Location"] == "/staff/second-factor"


def test_who_never_used_the_one_time_password_need_not_change_it(
    browser: FlaskClient, sign_on: SignOnServer, database: Database
) -> None:
    manage_users.add_user(database, name="moi", roles=[StaffRole.RECEPTION])
    sign_on.name = "MOI"
    use_sign_on(browser)
    assert is_in(browser)


def test_without_the_setting_there_is_no_such_address(client: FlaskClient) -> None:
    assert client.get("/staff/sso").status_code == 404
    assert client.get("/staff/sso/callback?code=x&state=y").status_code == 404
    assert "/staff/sso" not in client.get("/staff/login").text
