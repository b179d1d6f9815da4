"""A member of staff chooses a new password; their other sign-ins end."""

from __future__ import annotations

from sqlalchemy import select, update

from backend.domain.passwords import PasswordFault, find_password_fault, normalise_password
from backend.errors import PasswordRefused, SignInRefused
from backend.events import Event
from backend.services.hash_password import hash_password, matches
from backend.services.limit_tries import PASSWORD_CHANGES_PER_USER, count_tries
from backend.services.manage_users import end_sessions
from backend.services.resources import Resources
from backend.services.staff_sessions import StaffSession
from backend.storage.account_tables import UserAccount
from backend.storage.unit_of_work import UnitOfWork


def change_password(
    server: Resources, session: StaffSession, *, untrusted_old: str, untrusted_new: str
) -> None:
    """Raises SignInRefused for a wrong old password, PasswordRefused, RateLimited."""
    database = server.database
    user_id = session.caller.id
    count_tries(database, (PASSWORD_CHANGES_PER_USER, user_id))
    with database.read() as connection:
        old_hash = connection.scalar(
            select(UserAccount.password_hash).where(UserAccount.id == user_id)
        )
    if not matches(old_hash, untrusted_old):
        raise SignInRefused
    new = normalise_password(untrusted_new)
    fault = find_password_fault(
        new,
        second_factor=session.has_second_factor,
        personal_words=(session.login_name, session.caller.name),
    )
    if fault is None and matches(old_hash, new):
        fault = PasswordFault.SAME_AS_BEFORE
    if fault is not None:
        raise PasswordRefused(fault)
    new_hash = hash_password(new)

    def change(unit: UnitOfWork) -> None:
        changed = unit.connection.execute(
            update(UserAccount)
            .where(UserAccount.id == user_id, UserAccount.password_hash == old_hash)
            .values(
                password_hash=new_hash,
                must_change_password=False,
                password_until=None,
                password_changed_at=unit.now,
            )
        ).rowcount
        if not changed:
            raise SignInRefused  # somebody else changed it meanwhile
        end_sessions(unit, user_id, but=session.id)
        actor = session.caller.actor
        unit.audit(Event.PASSWORD_CHANGED, actor=actor, subject=f"user:{user_id}")

    database.transact(change)
