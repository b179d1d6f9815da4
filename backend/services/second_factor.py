"""Six digits from a phone beside the password (TOTP, RFC 6238), and codes for the day it is lost.

A code opens once: its time step is remembered, and neither it nor an older one is taken again.
Wrong codes count with wrong passwords; five lock the account.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyotp
from sqlalchemy import Row, select, update

from backend.errors import SecondFactorRefused
from backend.events import Event
from backend.services.manage_users import end_sessions
from backend.services.resources import Resources
from backend.services.sign_in import begin_try, note_lock
from backend.services.staff_sessions import StaffSession
from backend.storage.account_tables import UserAccount, UserSession
from backend.storage.crypto import Keys
from backend.storage.unit_of_work import UnitOfWork

RECOVERY_CODES = 10
STEPS_AROUND = (0, -1, 1)
"""A phone's clock may be half a minute off, and typing takes a while."""

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # read from paper, typed once: no look-alikes


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What the phone has to know, as letters to type and as the address in the QR."""

    secret: str
    address: str


def begin_enrolment(server: Resources, session: StaffSession, *, issuer: str) -> Enrolment:
    """The same secret until it is confirmed, so that a page loaded twice shows one QR.

    Raises SecondFactorRefused when there is a second factor already.
    """
    fresh = pyotp.random_base32()

    def begin(unit: UnitOfWork) -> str:
        user = _lock(unit, session)
        if user.totp_confirmed_at is not None:
            raise SecondFactorRefused
        if user.sealed_totp is not None:
            return _unseal(server.keys, user)
        box = server.keys.seal(fresh.encode(), context=_context(user.id))
        _set(unit, user, sealed_totp=box)
        return fresh

    secret = server.database.transact(begin)
    address = pyotp.TOTP(secret).provisioning_uri(name=session.login_name, issuer_name=issuer)
    return Enrolment(secret=secret, address=address)


def confirm_enrolment(
    server: Resources, session: StaffSession, *, untrusted_code: str
) -> list[str]:
    """Recovery codes, once. From here on every sign-in asks for a code; other sign-ins end.

    Raises SecondFactorRefused for a wrong code.
    """
    codes = ["-".join(_letters(4) for _ in range(3)) for _ in range(RECOVERY_CODES)]

    def confirm(unit: UnitOfWork) -> bool:
        user = _lock(unit, session)
        if user.totp_confirmed_at is not None or user.sealed_totp is None:
            return False
        step = _find_step(server.keys, user, untrusted_code, unit.now)
        if step is None:
            return False
        hashes = [_recovery_hash(server.keys, user.id, code) for code in codes]
        _set(unit, user, totp_confirmed_at=unit.now, totp_step=step, recovery_hashes=hashes)
        _open(unit, session)
        end_sessions(unit, user.id, but=session.id)
        _audit(unit, session, Event.SECOND_FACTOR_ADDED)
        return True

    if not server.database.transact(confirm):
        raise SecondFactorRefused
    return codes


def give_second_factor(server: Resources, session: StaffSession, *, untrusted_code: str) -> None:
    """Completes a sign-in with a code of the phone, or with one of the recovery codes.

    Raises SecondFactorRefused: wrong, used before, or too many wrong ones.
    """

    def give(unit: UnitOfWork) -> bool:
        if not _take(unit, server.keys, session, untrusted_code):
            return False
        _open(unit, session)
        _audit(unit, session, Event.SECOND_FACTOR_GIVEN)
        return True

    if not server.database.transact(give):
        raise SecondFactorRefused


def remove_second_factor(server: Resources, session: StaffSession, *, untrusted_code: str) -> None:
    """Needs a code. Raises SecondFactorRefused, also where a second factor is a duty."""

    def remove(unit: UnitOfWork) -> bool:
        if session.must_have_second_factor:
            return False
        if not _take(unit, server.keys, session, untrusted_code):
            return False
        user = _lock(unit, session)
        # Its password may be a short one, which was good enough only beside the code.
        _set(
            unit,
            user,
            sealed_totp=None,
            totp_confirmed_at=None,
            totp_step=None,
            recovery_hashes=[],
            must_change_password=True,
        )
        _audit(unit, session, Event.SECOND_FACTOR_REMOVED)
        return True

    if not server.database.transact(remove):
        raise SecondFactorRefused


def _take(unit: UnitOfWork, keys: Keys, session: StaffSession, untrusted_code: str) -> bool:
    """Whether the code is right; it is used up then. A wrong one counts."""
    user = _lock(unit, session)
    if user.totp_confirmed_at is None:
        return False
    tried = begin_try(unit, user)
    taken: dict[str, Any] | None = None
    if tried.open:
        step = _find_step(keys, user, untrusted_code, unit.now)
        taken = {"totp_step": step} if step else _find_recovery(unit, keys, user, untrusted_code)
    if taken is None:
        _audit(unit, session, Event.SECOND_FACTOR_FAILED)
        if tried.last:
            note_lock(unit, user.id)
        return False
    _set(unit, user, failed_tries=0, locked_until=None, **taken)
    return True


def _find_step(keys: Keys, user: Row[Any], untrusted_code: str, now: datetime) -> int | None:
    """The time step of a right code that is younger than the last one taken."""
    code = "".join(untrusted_code.split())
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(_unseal(keys, user))
    for offset in STEPS_AROUND:
        step = totp.timecode(now) + offset
        if step > (user.totp_step or 0) and hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _find_recovery(
    unit: UnitOfWork, keys: Keys, user: Row[Any], untrusted_code: str
) -> dict[str, Any] | None:
    given = _recovery_hash(keys, user.id, untrusted_code)
    left = [each for each in user.recovery_hashes if not hmac.compare_digest(each, given)]
    if len(left) == len(user.recovery_hashes):
        return None
    detail = {"left": len(left)}
    subject = f"user:{user.id}"
    unit.audit(Event.RECOVERY_CODE_USED, actor=f"staff:{user.id}", subject=subject, detail=detail)
    return {"recovery_hashes": left}


def _recovery_hash(keys: Keys, user_id: str, code: str) -> str:
    plain = "".join(letter for letter in code[:40].upper() if letter.isascii() and letter.isalnum())
    return keys.hash("recovery-code", user_id, plain)


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def _lock(unit: UnitOfWork, session: StaffSession) -> Row[Any]:
    return unit.connection.execute(
        select(UserAccount.__table__)
        .where(UserAccount.id == session.caller.id, UserAccount.facility_id == unit.facility_id)
        .with_for_update()
    ).one()


def _set(unit: UnitOfWork, user: Row[Any], **values: Any) -> None:
    unit.connection.execute(update(UserAccount).where(UserAccount.id == user.id).values(**values))


def _open(unit: UnitOfWork, session: StaffSession) -> None:
    unit.connection.execute(
        update(UserSession).where(UserSession.id == session.id).values(second_factor_at=unit.now)
    )


def _audit(unit: UnitOfWork, session: StaffSession, event: Event) -> None:
    unit.audit(event, actor=session.caller.actor, subject=f"user:{session.caller.id}")


def _unseal(keys: Keys, user: Row[Any]) -> str:
    return keys.unseal(user.sealed_totp, context=_context(user.id)).decode()


def _context(user_id: str) -> str:
    return f"totp:{user_id}"
