"""Nobody takes an empty server without the code of its console, and nobody takes it twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.roles import StaffRole
from backend.errors import (
    BackendError,
    PasswordRefused,
    RateLimited,
    SetUpCodeRefused,
    SetUpOver,
    ValidationFailed,
)
from backend.services.first_set_up import (
    CODE_LIFETIME,
    Step,
    claim_installation,
    find_progress,
    finish_set_up,
    has_administrator,
    is_empty,
    make_set_up_code,
    note_step,
)
from backend.services.list_missing import Missing, list_missing
from backend.services.manage_users import add_user, disable_user, list_users
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.set_up_tables import FirstSetUp
from tests.conftest import SettableClock

PASSWORD = "Lua-chin-vang-dong-88"
STAFF = Caller(role="staff", id="s1", name="Nguyễn Văn Minh")


def claim(server: Resources, code: str, **changes: Any) -> str:
    typed = {
        "untrusted_code": code,
        "untrusted_name": "Minh.IT",
        "untrusted_display_name": "Nguyễn Văn Minh",
        "untrusted_password": PASSWORD,
        "address": "here",
    }
    return claim_installation(server, **typed | changes)


def test_the_code_makes_one_administrator(resources: Resources) -> None:
    database = resources.database
    assert is_empty(database)
    code = make_set_up_code(database)
    assert claim(resources, code.lower().replace("-", " "))
    [user] = list_users(database)
    assert (user.name, user.display_name, user.roles) == ("minh.it", "Nguyễn Văn Minh", ["it"])
    assert not user.must_change_password
    assert has_administrator(database)
    for again in (
        lambda: claim(resources, code, untrusted_name="khac"),
        lambda: make_set_up_code(database),
    ):
        with pytest.raises(SetUpOver):
            again()
    assert len(list_users(database)) == 1


def test_the_code_is_nowhere_to_be_read(resources: Resources) -> None:
    database = resources.database
    code = make_set_up_code(database)
    with database.read() as connection:
        kept = connection.execute(select(FirstSetUp.__table__)).one()
        audit = connection.execute(select(AuditEvent.__table__)).all()
    assert code not in str(kept)
    assert code.replace("-", "") not in str(kept)
    assert code not in str(audit)


@pytest.mark.parametrize("code", ["", "AAAA-BBBB-CCCC", "'; --", "é" * 40])
def test_a_wrong_code_opens_nothing(resources: Resources, code: str) -> None:
    make_set_up_code(resources.database)
    with pytest.raises(SetUpCodeRefused):
        claim(resources, code)
    assert is_empty(resources.database)


def test_only_the_newest_code_and_for_a_day(resources: Resources, clock: SettableClock) -> None:
    old = make_set_up_code(resources.database)
    new = make_set_up_code(resources.database)
    with pytest.raises(SetUpCodeRefused):
        claim(resources, old)
    clock.now += CODE_LIFETIME + timedelta(seconds=1)
    with pytest.raises(SetUpCodeRefused):
        claim(resources, new)


def test_guessing_is_limited(resources: Resources) -> None:
    code = make_set_up_code(resources.database)
    for _ in range(10):
        with pytest.raises(SetUpCodeRefused):
            claim(resources, "AAAA-BBBB-CCCC")
    with pytest.raises(RateLimited):
        claim(resources, code)
    assert claim(resources, code, address="elsewhere")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"untrusted_password": "ngan"}, PasswordRefused),
        ({"untrusted_password": "Benhvien-tiepdon-1"}, PasswordRefused),
        ({"untrusted_name": "  "}, ValidationFailed),
        ({"untrusted_display_name": "a\x07b"}, ValidationFailed),
        ({"untrusted_display_name": "a" * 81}, ValidationFailed),
    ],
)
def test_what_is_refused_leaves_the_code_as_it_was(
    resources: Resources, changes: dict[str, str], error: type[BackendError]
) -> None:
    code = make_set_up_code(resources.database)
    with pytest.raises(error):
        claim(resources, code, **changes)
    assert is_empty(resources.database)
    assert claim(resources, code)


def test_two_people_with_one_code(resources: Resources) -> None:
    code = make_set_up_code(resources.database)

    def try_it(name: str) -> str:
        try:
            return claim(resources, code, untrusted_name=name) and "in"
        except BackendError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(try_it, ("a1", "b2", "c3", "d4")))
    assert results.count("in") == 1
    assert len(list_users(resources.database)) == 1


@pytest.mark.parametrize("closed", [False, True])
def test_never_where_there_is_an_administrator(resources: Resources, closed: bool) -> None:
    """Also one whose account was closed: their hospital is not up for grabs."""
    code = make_set_up_code(resources.database)
    add_user(resources.database, name="cu", roles=[StaffRole.IT])
    if closed:
        disable_user(resources.database, name="cu")
    with pytest.raises(SetUpOver):
        claim(resources, code)
    with pytest.raises(SetUpOver):
        make_set_up_code(resources.database)
    assert find_progress(resources.database) is None


def test_it_is_left_and_gone_on_with(resources: Resources) -> None:
    database = resources.database
    with pytest.raises(SetUpOver):
        note_step(database, Step.HIS)
    claim(resources, make_set_up_code(database))
    note_step(database, Step.FACILITY)
    note_step(database, Step.ROOMS)
    note_step(database, Step.ROOMS)
    progress = find_progress(database)
    assert progress is not None
    assert progress.find_next() is Step.HIS
    assert progress.finished_at is None
    finish_set_up(database, staff=STAFF)
    finish_set_up(database, staff=STAFF)
    progress = find_progress(database)
    assert progress is not None
    assert progress.finished_at is not None
    with database.read() as connection:
        ends = connection.execute(
            select(AuditEvent.actor).where(AuditEvent.event == "set_up_finished")
        ).all()
    assert [row.actor for row in ends] == ["staff:s1"]


def test_what_is_missing_is_looked_up(resources: Resources) -> None:
    missing = list_missing(resources)
    assert {Missing.KIOSK, Missing.DISPLAY, Missing.DESK, Missing.CASH_ONLY} <= set(missing)
    add_user(resources.database, name="lan", roles=[StaffRole.RECEPTION])
    assert Missing.DESK not in list_missing(resources)
