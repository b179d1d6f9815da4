"""Name and password become a session. Five wrong tries lock the account for a quarter of an hour.

A try is written down before the password is looked at: a hundred tries at once are a hundred
tries. Whoever asks learns one thing only, in or not in, and after the same work each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from backend.errors import SignInRefused
from backend.events import Event
from backend.services.hash_password import hash_password, matches, needs_new_hash
from backend.services.limit_tries import LOGINS_PER_ADDRESS, LOGINS_PER_NAME, count_tries
from backend.services.manage_users import login_name
from backend.services.resources import Resources
from backend.services.staff_sessions import PASSWORD, open_session
from backend.storage.account_tables import UserAccount
from backend.storage.unit_of_work import UnitOfWork

MAX_TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
UNKNOWN = "user:unknown"


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try at an account. `open` is False when the account is locked or disabled already."""

    open: bool
    last: bool
    """The account is locked from here on, unless this try is right."""
    failed_before: int


def sign_in(
    server: Resources, *, untrusted_name: str, untrusted_password: str, address: str
) -> str:
    """The token of a new session. `address` is a keyed hash of where the browser is.

    Raises SignInRefused, RateLimited.
    """
    database = server.database
    name = login_name(untrusted_name)
    count_tries(
        database,
        (LOGINS_PER_ADDRESS, address),
        (LOGINS_PER_NAME, server.keys.hash("login-name", name)),
    )
    user, tried = database.transact(lambda unit: _begin(unit, name))
    is_right = matches(user.password_hash if user else None, untrusted_password)
    if user is None or tried is None or not (is_right and tried.open):
        database.transact(lambda unit: _refuse(unit, user, tried, address))
        raise SignInRefused
    known = user
    # With a second factor the password alone forgives nothing: its code counts on.
    failed = tried.failed_before if known.totp_confirmed_at else 0
    values: dict[str, Any] = {"failed_tries": failed, "locked_until": None}
    if needs_new_hash(known.password_hash):
        values["password_hash"] = hash_password(untrusted_password)
    return database.transact(
        lambda unit: complete(unit, known, address=address, way=PASSWORD, **values)
    )


def complete(unit: UnitOfWork, user: Row[Any], *, address: str, way: str, **values: Any) -> str:
    """Opens a session for who proved to be `user`; returns its token."""
    unit.connection.execute(
        update(UserAccount)
        .where(UserAccount.id == user.id)
        .values(last_login_at=unit.now, **values)
    )
    actor = f"staff:{user.id}"
    detail = {"way": way, "address": address}
    unit.audit(Event.LOGGED_IN, actor=actor, subject=f"user:{user.id}", detail=detail)
    return open_session(unit, user_id=user.id, way=way, address=address)


def begin_try(unit: UnitOfWork, user: Row[Any]) -> Try:
    """Counts one more try at a locked row; the fifth locks the account before it is looked at."""
    is_open = user.disabled_at is None and (
        user.locked_until is None or user.locked_until <= unit.now
    )
    if not is_open:
        return Try(open=False, last=False, failed_before=user.failed_tries)
    last = user.failed_tries + 1 >= MAX_TRIES
    unit.connection.execute(
        update(UserAccount)
        .where(UserAccount.id == user.id)
        .values(
            failed_tries=0 if last else user.failed_tries + 1,
            locked_until=unit.now + LOCKED_FOR if last else None,
        )
    )
    return Try(open=True, last=last, failed_before=user.failed_tries)


def note_lock(unit: UnitOfWork, user_id: str) -> None:
    """The alarm that goes with it: a row that live pages and reports see."""
    unit.audit(Event.USER_LOCKED, actor="server", subject=f"user:{user_id}")
    unit.publish(Event.USER_LOCKED, subject=f"user:{user_id}")


def _begin(unit: UnitOfWork, name: str) -> tuple[Row[Any] | None, Try | None]:
    user = unit.connection.execute(
        select(UserAccount.__table__)
        .where(UserAccount.facility_id == unit.facility_id, UserAccount.name == name)
        .with_for_update()
    ).first()
    if user is None:
        return None, None
    tried = begin_try(unit, user)
    expired = user.password_until is not None and user.password_until <= unit.now
    return user, Try(
        open=tried.open and not expired, last=tried.last, failed_before=tried.failed_before
    )


def _refuse(unit: UnitOfWork, user: Row[Any] | None, tried: Try | None, address: str) -> None:
    subject = f"user:{user.id}" if user else UNKNOWN
    unit.audit(Event.LOGIN_FAILED, actor="browser", subject=subject, detail={"address": address})
    if user is not None and tried is not None and tried.last:
        note_lock(unit, user.id)
