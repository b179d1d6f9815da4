"""Accounts of staff are made, changed and closed by a command on the server."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.errors import RoomNotFound, UserExists, UserNotFound
from backend.events import Event
from backend.services.hash_password import hash_password
from backend.services.recognise_caller import credential_hash, new_credential
from backend.storage.account_tables import ApiToken, UserAccount, UserSession
from backend.storage.catalogue_tables import Room
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

ONE_TIME_PASSWORD_LIFETIME = timedelta(days=7)
API_TOKEN_LIFETIME = timedelta(days=365)
MAX_NAME_CHARS = 80
COMMAND = "command"

_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # read from paper, typed once: no look-alikes
_CAPITALS = _LETTERS.upper()
_DIGITS = "23456789"


@dataclass(frozen=True, kw_only=True)
class KnownUser:
    """For the yearly look at who may do what."""

    name: str
    display_name: str
    roles: list[str]
    rooms: list[str]
    second_factor: bool
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None
    locked_until: datetime | None
    disabled_at: datetime | None


def login_name(untrusted_name: str) -> str:
    """One form of a name however it is typed: capitals and spaces around it do not count.

    What a database cannot hold as text becomes a sign that nobody has in a name.
    """
    plain = untrusted_name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    name = unicodedata.normalize("NFC", " ".join(plain.split()))
    return name.casefold()[:MAX_NAME_CHARS]


def add_user(
    database: Database,
    *,
    name: str,
    roles: Iterable[StaffRole],
    display_name: str | None = None,
    room_codes: Iterable[str] = (),
) -> str:
    """A one-time password: it opens nothing but the page where it is changed, within a week.

    Raises UserExists, RoomNotFound.
    """
    password = new_one_time_password()
    password_hash = hash_password(password)

    def add(unit: UnitOfWork) -> None:
        insert_user(
            unit,
            new_id(),
            name=name,
            display_name=display_name or name,
            roles=roles,
            room_ids=_find_rooms(unit, room_codes),
            password_hash=password_hash,
            one_time=True,
        )

    try:
        database.transact(add)
    except IntegrityError as error:
        raise UserExists from error
    return password


def insert_user(
    unit: UnitOfWork,
    user_id: str,
    *,
    name: str,
    display_name: str,
    roles: Iterable[StaffRole],
    room_ids: Iterable[str] = (),
    password_hash: str,
    one_time: bool,
) -> None:
    """Raises IntegrityError when the name is taken."""
    codes = sorted({role.value for role in roles})
    unit.connection.execute(
        insert(UserAccount).values(
            id=user_id,
            facility_id=unit.facility_id,
            name=login_name(name),
            display_name=" ".join(display_name.split()),
            roles=codes,
            room_ids=sorted(set(room_ids)),
            password_hash=password_hash,
            must_change_password=one_time,
            password_until=unit.now + ONE_TIME_PASSWORD_LIFETIME if one_time else None,
            password_changed_at=unit.now,
            recovery_hashes=[],
            failed_tries=0,
            created_at=unit.now,
        )
    )
    subject = f"user:{user_id}"
    unit.audit(Event.USER_ADDED, actor=COMMAND, subject=subject, detail={"roles": codes})


def reset_password(database: Database, *, name: str) -> str:
    """A new one-time password; ends all sign-ins, unlocks, and takes the second factor away.

    For who lost phone and recovery codes too: the next sign-in sets both up anew.
    Raises UserNotFound.
    """
    password = new_one_time_password()
    password_hash = hash_password(password)

    def reset(unit: UnitOfWork, user: Row[Any]) -> None:
        _set(
            unit,
            user,
            password_hash=password_hash,
            must_change_password=True,
            password_until=unit.now + ONE_TIME_PASSWORD_LIFETIME,
            password_changed_at=unit.now,
            sealed_totp=None,
            totp_confirmed_at=None,
            totp_step=None,
            recovery_hashes=[],
            failed_tries=0,
            locked_until=None,
        )
        end_sessions(unit, user.id)
        unit.audit(Event.PASSWORD_RESET, actor=COMMAND, subject=f"user:{user.id}")

    _with_user(database, name, reset)
    return password


def set_roles(
    database: Database,
    *,
    name: str,
    roles: Iterable[StaffRole],
    room_codes: Iterable[str] | None = None,
) -> None:
    """These roles and no others, at the next request. Rooms stay as they are when None.

    Raises UserNotFound, RoomNotFound.
    """
    codes = sorted({role.value for role in roles})

    def change(unit: UnitOfWork, user: Row[Any]) -> None:
        values: dict[str, Any] = {"roles": codes}
        if room_codes is not None:
            values["room_ids"] = _find_rooms(unit, room_codes)
        _set(unit, user, **values)
        detail = {"before": user.roles, "after": codes}
        unit.audit(
            Event.USER_ROLES_CHANGED, actor=COMMAND, subject=f"user:{user.id}", detail=detail
        )

    _with_user(database, name, change)


def disable_user(database: Database, *, name: str) -> None:
    """Ends every sign-in and every token at once. Raises UserNotFound."""
    _with_user(database, name, lambda unit, user: close_account(unit, user.id, actor=COMMAND))


def close_account(unit: UnitOfWork, user_id: str, *, actor: str) -> None:
    unit.connection.execute(
        update(UserAccount).where(UserAccount.id == user_id).values(disabled_at=unit.now)
    )
    end_sessions(unit, user_id)
    unit.connection.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=unit.now)
    )
    unit.audit(Event.USER_DISABLED, actor=actor, subject=f"user:{user_id}")


def unlock_user(database: Database, *, name: str) -> None:
    """Forgets wrong tries, and opens an account again that was disabled. Raises UserNotFound."""

    def unlock(unit: UnitOfWork, user: Row[Any]) -> None:
        # As if signed in today: otherwise the idle rule would close it again tonight.
        seen = {"last_login_at": unit.now} if user.disabled_at else {}
        _set(unit, user, failed_tries=0, locked_until=None, disabled_at=None, **seen)
        unit.audit(Event.USER_UNLOCKED, actor=COMMAND, subject=f"user:{user.id}")

    _with_user(database, name, unlock)


def make_api_token(database: Database, *, name: str) -> str:
    """A bearer credential with the rights of NAME, once; it lives a year. Raises UserNotFound."""
    token = new_credential()

    def make(unit: UnitOfWork, user: Row[Any]) -> None:
        token_id = new_id()
        unit.connection.execute(
            insert(ApiToken).values(
                id=token_id,
                facility_id=unit.facility_id,
                user_id=user.id,
                token_hash=credential_hash(token),
                created_at=unit.now,
                expires_at=unit.now + API_TOKEN_LIFETIME,
            )
        )
        detail = {"token": token_id}
        unit.audit(Event.API_TOKEN_MADE, actor=COMMAND, subject=f"user:{user.id}", detail=detail)

    _with_user(database, name, make)
    return token


def end_api_tokens(database: Database, *, name: str) -> int:
    """How many were ended. Raises UserNotFound."""
    ended = 0

    def end(unit: UnitOfWork, user: Row[Any]) -> None:
        nonlocal ended
        ended = unit.connection.execute(
            update(ApiToken)
            .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=unit.now)
        ).rowcount
        unit.audit(
            Event.API_TOKEN_ENDED,
            actor=COMMAND,
            subject=f"user:{user.id}",
            detail={"count": ended},
        )

    _with_user(database, name, end)
    return ended


def list_users(database: Database) -> list[KnownUser]:
    with database.read() as connection:
        rooms = {
            row.id: row.code
            for row in connection.execute(
                select(Room.id, Room.code).where(Room.facility_id == database.facility_id)
            )
        }
        rows = connection.execute(
            select(UserAccount.__table__)
            .where(UserAccount.facility_id == database.facility_id)
            .order_by(UserAccount.name)
        ).all()
    return [
        KnownUser(
            name=row.name,
            display_name=row.display_name,
            roles=row.roles,
            rooms=sorted(rooms.get(room_id, room_id) for room_id in row.room_ids),
            second_factor=row.totp_confirmed_at is not None,
            must_change_password=row.must_change_password,
            created_at=row.created_at,
            last_login_at=row.last_login_at,
            locked_until=row.locked_until,
            disabled_at=row.disabled_at,
        )
        for row in rows
    ]


def end_sessions(unit: UnitOfWork, user_id: str, *, but: str | None = None) -> None:
    """All sign-ins of somebody, except the session `but`."""
    unit.connection.execute(
        update(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.ended_at.is_(None),
            UserSession.id != (but or ""),
        )
        .values(ended_at=unit.now)
    )


def new_one_time_password() -> str:
    """Sixteen letters and digits in four groups: 78 bits, all four kinds of characters."""
    alphabet = _LETTERS + _CAPITALS + _DIGITS
    while True:
        letters = [secrets.choice(alphabet) for _ in range(16)]
        if all(set(kind).intersection(letters) for kind in (_LETTERS, _CAPITALS, _DIGITS)):
            return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))


def _with_user(
    database: Database, name: str, change: Callable[[UnitOfWork, Row[Any]], None]
) -> None:
    def work(unit: UnitOfWork) -> None:
        user = unit.connection.execute(
            select(UserAccount.__table__)
            .where(
                UserAccount.facility_id == unit.facility_id, UserAccount.name == login_name(name)
            )
            .with_for_update()
        ).first()
        if user is None:
            raise UserNotFound
        change(unit, user)

    database.transact(work)


def _set(unit: UnitOfWork, user: Row[Any], **values: Any) -> None:
    unit.connection.execute(update(UserAccount).where(UserAccount.id == user.id).values(**values))


def _find_rooms(unit: UnitOfWork, codes: Iterable[str]) -> list[str]:
    wanted = set(codes)
    if not wanted:
        return []
    found = {
        row.code: row.id
        for row in unit.connection.execute(
            select(Room.code, Room.id).where(
                Room.facility_id == unit.facility_id, Room.code.in_(wanted), Room.active
            )
        )
    }
    if missing := wanted - found.keys():
        raise RoomNotFound(f"There is no room {', '.join(sorted(missing))}")
    return sorted(found.values())


@dataclass(frozen=True, kw_only=True)
class LockedUser:
    """Somebody typed a wrong password too often; it opens by itself at `until`."""

    name: str
    until: datetime


def list_locked_users(database: Database, *, limit: int = 20) -> list[LockedUser]:
    """Those who cannot sign in now, the last one first: staff are told on their page (SE-03)."""
    with database.read() as connection:
        rows = connection.execute(
            select(UserAccount.name, UserAccount.locked_until)
            .where(
                UserAccount.facility_id == database.facility_id,
                UserAccount.locked_until > database.clock(),
            )
            .order_by(UserAccount.locked_until.desc(), UserAccount.name)
            .limit(limit)
        ).all()
    return [LockedUser(name=row.name, until=row.locked_until) for row in rows]
