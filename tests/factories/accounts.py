"""Accounts of staff for tests, and browsers that sign in with them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.domain.roles import StaffRole
from backend.services import manage_users
from backend.services.hash_password import hash_password
from backend.storage.account_tables import UserAccount
from backend.storage.database import Database

PASSWORD = "Lua-chin-vang-dong-88"


class Accounts:
    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, name: str, *roles: StaffRole, **options: Any) -> str:
        """An account that has chosen its password, PASSWORD; returns its id."""
        manage_users.add_user(self.database, name=name, roles=roles, **options)
        with self.database.write() as unit:
            unit.connection.execute(
                update(UserAccount)
                .where(UserAccount.name == manage_users.login_name(name))
                .values(password_hash=_hash(), must_change_password=False, password_until=None)
            )
        return str(self.row(name).id)

    def token(self, name: str) -> str:
        return manage_users.make_api_token(self.database, name=name)

    def row(self, name: str) -> Any:
        with self.database.read() as connection:
            return connection.execute(
                select(UserAccount.__table__).where(
                    UserAccount.name == manage_users.login_name(name)
                )
            ).one()


def csrf_token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def post_form(
    client: FlaskClient, path: str, *, page: str | None = None, **fields: str
) -> TestResponse:
    """Opens `page` (the path itself unless given) and sends its form."""
    fields["csrf_token"] = csrf_token(client.get(page or path))
    return client.post(path, data=fields)


def try_sign_in(
    client: FlaskClient, name: str, password: str = PASSWORD, **more: str
) -> TestResponse:
    return post_form(client, "/staff/login", name=name, password=password, **more)


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD) -> str:
    """The browser is signed in from here on; returns the token its pages send along."""
    reply = try_sign_in(client, name, password)
    assert reply.status_code == 303, reply.text
    return csrf_token(client.get("/staff"))


@cache
def _hash() -> str:
    return hash_password(PASSWORD)
