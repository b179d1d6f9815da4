from __future__ import annotations

import re
from dataclasses import replace

import pyotp
import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.domain.roles import StaffRole
from backend.services import manage_users
from backend.services.resources import Resources
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.accounts import PASSWORD, Accounts, post_form, sign_in, try_sign_in
from tests.unit.backend.web.staff.test_login import audit, is_in

PAGE = "/staff/second-factor"


class Phone:
    """An authenticator app that scanned the picture of the page."""

    def __init__(self, secret: str, clock: SettableClock) -> None:
        self._totp = pyotp.TOTP(secret)
        self._clock = clock

    def code(self, *, steps: int = 0) -> str:
        return self._totp.at(self._clock.now, counter_offset=steps)


def add_phone(browser: FlaskClient, clock: SettableClock) -> tuple[Phone, list[str]]:
    """Turns the second factor on for who is signed in; the phone and the recovery codes."""
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", browser.get(PAGE).text)
    assert secret is not None
    phone = Phone(secret[1].replace(" ", ""), clock)
    reply = post_form(browser, f"{PAGE}/enrol", page=PAGE, code=phone.code())
    assert reply.status_code == 200
    return phone, re.findall(r"<code>([0-9A-Z-]{14})</code>", reply.text)


def give(browser: FlaskClient, code: str) -> int:
    return post_form(browser, PAGE, code=code).status_code


@pytest.fixture(autouse=True)
def truc(accounts: Accounts) -> str:
    return accounts.add("truc", StaffRole.RECEPTION)


@pytest.fixture
def phone(browser: FlaskClient, clock: SettableClock) -> Phone:
    """Of `truc`, who is signed out again; a minute has passed."""
    sign_in(browser, "truc")
    phone, _ = add_phone(browser, clock)
    browser.delete_cookie("staff")
    clock.advance(minutes=1)
    return phone


def test_a_phone_is_added_and_asked_for(
    browser: FlaskClient, phone: Phone, database: Database
) -> None:
    reply = try_sign_in(browser, "truc")
    assert browser.get(reply.headers["Location"]).headers["Location"] == PAGE
    assert not is_in(browser)
    assert browser.get("/api/v1/help-calls").status_code == 401
    assert browser.get("/staff/password").headers["Location"] == PAGE
    assert give(browser, phone.code()) == 303
    assert is_in(browser)
    assert audit(database)[-1] == "second_factor_given"


def test_the_picture_holds_the_address_for_the_app(browser: FlaskClient) -> None:
    sign_in(browser, "truc")
    pictures = [
        re.search(r'src="(data:image/svg\+xml;base64,[^"]+)"', browser.get(PAGE).text)
        for _ in range(2)
    ]
    first, second = (picture[1] if picture else None for picture in pictures)
    assert first is not None
    assert first == second  # loaded twice, one secret
    assert browser.get(PAGE).headers["Cache-Control"] == "no-store"


def test_a_code_opens_once(browser: FlaskClient, phone: Phone, clock: SettableClock) -> None:
    code = phone.code()
    try_sign_in(browser, "truc")
    assert give(browser, code) == 303
    other = browser.application.test_client()
    try_sign_in(other, "truc")
    assert give(other, code) == 401
    assert give(other, phone.code(steps=-1)) == 401
    clock.advance(seconds=30)
    assert give(other, phone.code()) == 303


def test_a_code_of_half_a_minute_around_is_taken(browser: FlaskClient, phone: Phone) -> None:
    try_sign_in(browser, "truc")
    assert give(browser, phone.code(steps=2)) == 401
    assert give(browser, phone.code(steps=1)) == 303


def test_wrong_codes_lock_the_account(
    browser: FlaskClient, phone: Phone, database: Database, clock: SettableClock
) -> None:
    """SE-03: the right password does not buy five more tries."""
    for _ in range(4):
        browser.delete_cookie("staff")
        try_sign_in(browser, "truc")
        assert give(browser, "000000") == 401
    assert give(browser, "x" * 40) == 401
    assert audit(database)[-1] == "user_locked"
    assert give(browser, phone.code()) == 401
    assert try_sign_in(browser.application.test_client(), "truc").status_code == 401
    clock.advance(minutes=16)
    browser.delete_cookie("staff")
    assert try_sign_in(browser, "truc").status_code == 303
    assert give(browser, phone.code()) == 303


def test_a_recovery_code_works_once(
    browser: FlaskClient, clock: SettableClock, database: Database
) -> None:
    sign_in(browser, "truc")
    _, codes = add_phone(browser, clock)
    assert len(set(codes)) == 10
    browser.delete_cookie("staff")
    try_sign_in(browser, "truc")
    assert give(browser, codes[3].lower().replace("-", " ")) == 303
    assert "recovery_code_used" in audit(database)
    browser.delete_cookie("staff")
    try_sign_in(browser, "truc")
    assert give(browser, codes[3]) == 401
    assert give(browser, codes[4]) == 303
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM user_account").all()
    assert not any(code in str(rows) for code in codes)


def test_adding_a_phone_ends_other_sign_ins(browser: FlaskClient, clock: SettableClock) -> None:
    other = browser.application.test_client()
    sign_in(other, "truc")
    sign_in(browser, "truc")
    add_phone(browser, clock)
    assert is_in(browser)
    assert not is_in(other)


def test_a_phone_is_not_added_over_another(
    browser: FlaskClient, phone: Phone, database: Database
) -> None:
    """With the password alone nobody gets round the code by adding a phone of their own."""
    try_sign_in(browser, "truc")
    assert post_form(browser, f"{PAGE}/enrol", page=PAGE, code=phone.code()).status_code == 401
    reply = post_form(browser, f"{PAGE}/remove", page=PAGE, code=phone.code())
    assert reply.headers["Location"] == PAGE
    assert not is_in(browser)


def test_it_is_taken_away_with_a_code_and_then_the_password_is_a_long_one(
    browser: FlaskClient, phone: Phone, clock: SettableClock, database: Database
) -> None:
    """SE-02: a short password was good enough beside the code only."""
    try_sign_in(browser, "truc")
    give(browser, phone.code())
    short = "kBq7!zxw"
    form = {"old": PASSWORD, "new": short, "again": short}
    assert post_form(browser, "/staff/password", **form).status_code == 303
    clock.advance(minutes=1)
    assert post_form(browser, f"{PAGE}/remove", page=PAGE, code="000000").status_code == 401
    assert post_form(browser, f"{PAGE}/remove", page=PAGE, code=phone.code()).status_code == 303
    assert audit(database)[-1] == "second_factor_removed"
    assert browser.get("/staff").headers["Location"] == "/staff/password"


def test_administrators_must_have_one(
    browser: FlaskClient, accounts: Accounts, clock: SettableClock
) -> None:
    """SE-04, and SE-05: five minutes alone are enough to lock."""
    accounts.add("may", StaffRole.IT)
    try_sign_in(browser, "may")
    assert browser.get("/staff").headers["Location"] == PAGE
    assert browser.get("/api/v1/help-calls").status_code == 401
    phone, _ = add_phone(browser, clock)
    assert is_in(browser)
    clock.advance(minutes=1)
    assert post_form(browser, f"{PAGE}/enrol", page="/staff/password", code="1").status_code == 401
    reply = post_form(browser, f"{PAGE}/remove", page="/staff/password", code=phone.code())
    assert reply.status_code == 401
    assert "bắt buộc" in reply.text
    clock.advance(minutes=4)
    assert is_in(browser)
    clock.advance(minutes=5)
    assert not is_in(browser)


def test_a_hospital_may_want_it_of_everybody(resources: Resources, accounts: Accounts) -> None:
    strict = replace(resources, config=replace(resources.config, require_second_factor=True))
    browser = create_app(strict).test_client()
    try_sign_in(browser, "truc")
    assert browser.get("/staff").headers["Location"] == PAGE


def test_a_lost_phone_is_taken_away_by_command(
    browser: FlaskClient, phone: Phone, database: Database
) -> None:
    once = manage_users.reset_password(database, name="truc")
    try_sign_in(browser, "truc", once)
    assert browser.get("/staff").headers["Location"] == "/staff/password"


def test_the_secret_is_sealed(phone: Phone, database: Database, accounts: Accounts) -> None:
    sealed = accounts.row("truc").sealed_totp
    assert phone._totp.secret.encode() not in sealed
