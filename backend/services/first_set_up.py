"""The first set-up of a hospital: the first administrator, then a way through what there is to do.

Nobody on the network can take an empty server: the first administrator needs the one-time code
that the server itself shows where it was started. Once there is an administrator, no code opens
anything again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.ids import new_id
from backend.domain.passwords import find_password_fault, normalise_password
from backend.domain.roles import StaffRole
from backend.errors import (
    PasswordRefused,
    SetUpCodeRefused,
    SetUpOver,
    UserExists,
    ValidationFailed,
)
from backend.events import Event
from backend.services.hash_password import hash_password
from backend.services.limit_tries import SET_UP_CODES_PER_ADDRESS, SET_UP_CODES_TOTAL, count_tries
from backend.services.manage_users import MAX_NAME_CHARS, insert_user, login_name
from backend.services.recognise_caller import Caller, credential_hash
from backend.services.resources import Resources
from backend.services.sign_in import complete
from backend.services.staff_sessions import PASSWORD
from backend.storage.account_tables import UserAccount
from backend.storage.database import Database
from backend.storage.set_up_tables import FirstSetUp
from backend.storage.unit_of_work import UnitOfWork

CODE_LIFETIME = timedelta(hours=24)
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # read from a console, typed once: no look-alikes


class Step(StrEnum):
    """In the order they are gone through."""

    FACILITY = "facility"
    HIS = "his"
    ROOMS = "rooms"
    NUMBERS = "numbers"
    KIOSK = "kiosk"
    PRINT = "print"
    PAYMENTS = "payments"
    BACKUP = "backup"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Steps somebody has been through; `finished_at` is None until the end was confirmed."""

    done: frozenset[Step]
    finished_at: datetime | None

    def find_next(self) -> Step | None:
        return next((step for step in Step if step not in self.done), None)


def has_administrator(database: Database) -> bool:
    """Also one whose account is closed: then there was a hospital here already."""
    with database.read() as connection:
        return _has_administrator(connection, database.facility_id)


def is_empty(database: Database) -> bool:
    """Nobody at all has an account."""
    with database.read() as connection:
        mine = UserAccount.facility_id == database.facility_id
        return connection.scalar(select(UserAccount.id).where(mine).limit(1)) is None


def make_set_up_code(database: Database) -> str:
    """The one code that is valid from here on, for a day; its hash is kept.

    Raises SetUpOver when there is an administrator.
    """
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))

    def make(unit: UnitOfWork) -> None:
        if _has_administrator(unit.connection, unit.facility_id):
            raise SetUpOver
        values = {
            "code_hash": credential_hash(_plain(code)),
            "code_expires_at": unit.now + CODE_LIFETIME,
        }
        unit.connection.execute(
            unit.insert_into(FirstSetUp)
            .values(facility_id=unit.facility_id, done=[], **values)
            .on_conflict_do_update(index_elements=["facility_id"], set_=values)
        )
        subject = f"facility:{unit.facility_id}"
        unit.audit(Event.SET_UP_CODE_MADE, actor="command", subject=subject)

    database.transact(make)
    return code


def claim_installation(
    server: Resources,
    *,
    untrusted_code: str,
    untrusted_name: str,
    untrusted_display_name: str,
    untrusted_password: str,
    address: str,
) -> str:
    """Makes the first administrator; returns the token of their session.

    Raises SetUpOver, SetUpCodeRefused for an unknown, used or expired code, ValidationFailed for
    a name that cannot be, PasswordRefused, UserExists, RateLimited.
    """
    database = server.database
    # An address may be many; guesses from all of them together are limited too.
    count_tries(database, (SET_UP_CODES_PER_ADDRESS, address), (SET_UP_CODES_TOTAL, "all"))
    if has_administrator(database):
        raise SetUpOver
    _check_code(database, untrusted_code)
    name, display_name = login_name(untrusted_name), " ".join(untrusted_display_name.split())
    if not name or not _is_name(name) or not _is_name(display_name):
        raise ValidationFailed
    password = normalise_password(untrusted_password)
    fault = find_password_fault(password, second_factor=False, personal_words=(name, display_name))
    if fault is not None:
        raise PasswordRefused(fault)
    password_hash = hash_password(password)
    user_id = new_id()

    def claim(unit: UnitOfWork) -> str:
        _use_code(unit, untrusted_code)
        insert_user(
            unit,
            user_id,
            name=name,
            display_name=display_name or untrusted_name,
            roles=[StaffRole.IT],
            password_hash=password_hash,
            one_time=False,
        )
        subject = f"facility:{unit.facility_id}"
        unit.audit(Event.INSTALLATION_CLAIMED, actor=f"staff:{user_id}", subject=subject)
        user = unit.connection.execute(
            select(UserAccount.__table__).where(UserAccount.id == user_id)
        ).one()
        return complete(unit, user, address=address, way=PASSWORD)

    try:
        return database.transact(claim)
    except IntegrityError as error:
        raise UserExists from error


def find_progress(database: Database) -> Progress | None:
    """None where the first administrator came in by a command: there is nothing to go through."""
    with database.read() as connection:
        row = connection.execute(
            select(FirstSetUp.__table__).where(
                FirstSetUp.facility_id == database.facility_id,
                FirstSetUp.administrator_at.is_not(None),
            )
        ).one_or_none()
    if row is None:
        return None
    known = frozenset(Step) & frozenset(row.done)
    return Progress(done=frozenset(Step(each) for each in known), finished_at=row.finished_at)


def note_step(database: Database, step: Step) -> None:
    """It is not asked for again; it can be opened again."""

    def note(unit: UnitOfWork) -> None:
        done = _lock(unit)
        if step.value not in done:
            _change(unit, done=[*done, step.value])

    database.transact(note)


def finish_set_up(database: Database, *, staff: Caller) -> None:
    """The way through is over; what is still missing stays listed. Twice is once."""

    def finish(unit: UnitOfWork) -> None:
        _lock(unit)
        changed = unit.connection.execute(
            update(FirstSetUp)
            .where(
                FirstSetUp.facility_id == unit.facility_id,
                FirstSetUp.finished_at.is_(None),
            )
            .values(finished_at=unit.now, finished_by=staff.name)
        ).rowcount
        if changed:
            subject = f"facility:{unit.facility_id}"
            unit.audit(Event.SET_UP_FINISHED, actor=staff.actor, subject=subject)

    database.transact(finish)


def _has_administrator(connection: Connection, facility_id: str) -> bool:
    roles: Sequence[list[str]] = connection.scalars(
        select(UserAccount.roles).where(UserAccount.facility_id == facility_id)
    ).all()
    return any(StaffRole.IT.value in each for each in roles)


def _check_code(database: Database, untrusted_code: str) -> None:
    """Before anything else is said about what was typed. Raises SetUpCodeRefused."""
    with database.read() as connection:
        found = connection.scalar(
            select(FirstSetUp.facility_id).where(
                FirstSetUp.facility_id == database.facility_id,
                FirstSetUp.code_hash == credential_hash(_plain(untrusted_code)),
                FirstSetUp.code_expires_at > database.clock(),
            )
        )
    if found is None:
        raise SetUpCodeRefused


def _use_code(unit: UnitOfWork, untrusted_code: str) -> None:
    """One statement, so that of two people with one code only one becomes administrator."""
    used = unit.connection.execute(
        update(FirstSetUp)
        .where(
            FirstSetUp.facility_id == unit.facility_id,
            FirstSetUp.code_hash == credential_hash(_plain(untrusted_code)),
            FirstSetUp.code_expires_at > unit.now,
        )
        .values(code_hash=None, code_expires_at=None, administrator_at=unit.now)
    ).rowcount
    if not used:
        raise SetUpCodeRefused
    if _has_administrator(unit.connection, unit.facility_id):
        raise SetUpOver


def _lock(unit: UnitOfWork) -> list[str]:
    row = unit.connection.execute(
        select(FirstSetUp.done)
        .where(FirstSetUp.facility_id == unit.facility_id, FirstSetUp.administrator_at.is_not(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise SetUpOver
    return list(row.done)


def _change(unit: UnitOfWork, **values: object) -> None:
    unit.connection.execute(
        update(FirstSetUp).where(FirstSetUp.facility_id == unit.facility_id).values(values)
    )


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME_CHARS and name.isprintable()


def _plain(code: str) -> str:
    """As typed by a person: case, dashes and spaces do not count."""
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())
