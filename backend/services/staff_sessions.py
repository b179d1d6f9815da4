"""A sign-in of a browser, kept on the server: it ends there, whatever the browser still holds.

Looked up anew at every request: who signs out, is disabled or loses a role is out at once, on
every worker. The row is found by its key; that costs less than one question to the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import insert, select, update

from backend.domain.ids import new_id
from backend.domain.roles import ADMIN_ROLES
from backend.events import Event
from backend.services.recognise_caller import (
    Caller,
    credential_hash,
    known_roles,
    new_credential,
)
from backend.services.resources import Resources
from backend.storage.account_tables import UserAccount, UserSession
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

IDLE_LIMIT = timedelta(minutes=15)
ADMIN_IDLE_LIMIT = timedelta(minutes=5)
ABSOLUTE_LIMIT = timedelta(hours=12)
NOTED_EVERY = timedelta(seconds=30)
"""Being there is written down this often: one small write, not one per click."""

DEMO_ID = "demo-"
"""Begins the ids of accounts that exist in a demo only."""

PASSWORD = "password"  # noqa: S105  # a way to sign in

Stage = Literal["second_factor", "password", "enrol"]


@dataclass(frozen=True, kw_only=True)
class StaffSession:
    """`stage` is what is still to be done before anything else opens; None: signed in."""

    id: str
    token: str
    caller: Caller
    login_name: str
    stage: Stage | None
    has_second_factor: bool
    must_have_second_factor: bool


def open_session(unit: UnitOfWork, *, user_id: str, way: str, address: str) -> str:
    """The token for the browser. `address` is a keyed hash."""
    token = new_credential()
    unit.connection.execute(
        insert(UserSession).values(
            id=new_id(),
            facility_id=unit.facility_id,
            user_id=user_id,
            token_hash=credential_hash(token),
            created_at=unit.now,
            last_seen_at=unit.now,
            way=way,
            address_hash=address,
        )
    )
    return token


def _is_too_old(server: Resources, changed_at: datetime, now: datetime) -> bool:
    """Passwords on a calendar are a choice of the hospital: TCVN asks for it, ASVS 6.2.10 advises
    against it.
    """
    days = server.config.password_max_days
    return days > 0 and now - changed_at >= timedelta(days=days)


def find_session(server: Resources, untrusted_token: str, *, active: bool) -> StaffSession | None:
    """None when it never was, was ended, stood idle too long, or the account is closed.

    `active` says that a person does something now: what a page asks by itself keeps nobody in.
    Raises StorageUnavailable.
    """
    database = server.database
    now = database.clock()
    with database.read() as connection:
        row = connection.execute(
            select(
                UserSession.id,
                UserSession.created_at,
                UserSession.last_seen_at,
                UserSession.way,
                UserSession.second_factor_at,
                UserAccount.id.label("user_id"),
                UserAccount.name,
                UserAccount.display_name,
                UserAccount.roles,
                UserAccount.room_ids,
                UserAccount.must_change_password,
                UserAccount.password_changed_at,
                UserAccount.totp_confirmed_at,
            )
            .join(UserAccount, UserAccount.id == UserSession.user_id)
            .where(
                UserSession.token_hash == credential_hash(untrusted_token),
                UserSession.facility_id == database.facility_id,
                UserSession.ended_at.is_(None),
                UserAccount.disabled_at.is_(None),
            )
        ).first()
    if row is None:
        return None
    roles = known_roles(row.roles)
    idle_limit = IDLE_LIMIT if roles.isdisjoint(ADMIN_ROLES) else ADMIN_IDLE_LIMIT
    if now - row.last_seen_at >= idle_limit or now - row.created_at >= ABSOLUTE_LIMIT:
        return None
    if active and now - row.last_seen_at >= NOTED_EVERY:
        _note(database, row.id, now)
    must_have = not row.user_id.startswith(DEMO_ID) and (
        server.config.require_second_factor or not roles.isdisjoint(ADMIN_ROLES)
    )
    stage: Stage | None = None
    if row.totp_confirmed_at is not None and row.second_factor_at is None:
        stage = "second_factor"
    elif row.way == PASSWORD and (
        row.must_change_password or _is_too_old(server, row.password_changed_at, now)
    ):
        stage = "password"
    elif must_have and row.totp_confirmed_at is None:
        stage = "enrol"
    return StaffSession(
        id=row.id,
        token=untrusted_token,
        caller=Caller(
            role="staff",
            id=row.user_id,
            name=row.display_name,
            roles=roles,
            rooms=frozenset(row.room_ids),
        ),
        login_name=row.name,
        stage=stage,
        has_second_factor=row.totp_confirmed_at is not None,
        must_have_second_factor=must_have,
    )


def end_session(database: Database, session: StaffSession) -> None:
    def end(unit: UnitOfWork) -> None:
        unit.connection.execute(
            update(UserSession)
            .where(UserSession.id == session.id, UserSession.ended_at.is_(None))
            .values(ended_at=unit.now)
        )
        unit.audit(Event.LOGGED_OUT, actor=session.caller.actor, subject=session.caller.actor)

    database.transact(end)


def _note(database: Database, session_id: str, now: datetime) -> None:
    database.transact(
        lambda unit: unit.connection.execute(
            update(UserSession)
            .where(UserSession.id == session_id, UserSession.last_seen_at < now)
            .values(last_seen_at=now)
        )
    )
