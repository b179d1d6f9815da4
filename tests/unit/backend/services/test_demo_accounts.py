from __future__ import annotations

import pytest

from backend.domain.roles import StaffRole
from backend.errors import UserExists
from backend.services import manage_users
from backend.services.recognise_caller import Callers
from backend.services.settle_demo_accounts import DEMO_ACCOUNTS, settle_demo_accounts
from backend.storage.database import Database

NAMES = {name for name, _, _ in DEMO_ACCOUNTS}


def names(database: Database) -> set[str]:
    return {user.name for user in manage_users.list_users(database)}


def test_they_are_there_in_a_demo_and_nowhere_else(database: Database) -> None:
    """SE-01: a database of a demo that is served for real later has no known password in it."""
    settle_demo_accounts(database, demo=True)
    settle_demo_accounts(database, demo=True)
    assert names(database) == NAMES
    assert {role for _, _, roles in DEMO_ACCOUNTS for role in roles} == set(StaffRole)
    token = manage_users.make_api_token(database, name="letan")
    assert Callers(database).find(token) is not None
    settle_demo_accounts(database, demo=False)
    assert names(database) == set()
    assert Callers(database).find(token) is None


def test_an_account_of_the_hospital_is_left_alone(database: Database) -> None:
    manage_users.add_user(database, name="letan", roles=[StaffRole.HEAD])
    settle_demo_accounts(database, demo=True)
    settle_demo_accounts(database, demo=False)
    (user,) = manage_users.list_users(database)
    assert (user.name, user.roles, user.must_change_password) == ("letan", ["head"], True)
    with pytest.raises(UserExists):
        manage_users.add_user(database, name="LETAN", roles=[StaffRole.HEAD])
