"""Somebody the hospital's own sign-on vouches for becomes a session of an account made here."""

from __future__ import annotations

from sqlalchemy import select

from backend.errors import SignInRefused
from backend.events import Event
from backend.services.manage_users import login_name
from backend.services.resources import Resources
from backend.services.sign_in import UNKNOWN, complete
from backend.storage.account_tables import UserAccount
from backend.storage.unit_of_work import UnitOfWork

WAY = "single_sign_on"


def sign_in_vouched(server: Resources, *, name: str, address: str) -> str:
    """The token of a new session for the account of that name; `name` was verified.

    The account gives the rights, the sign-on only says who it is; a second factor that is set up
    here is still asked for. A lock after wrong passwords does not bind: none was typed.
    Raises SignInRefused when there is no such account or it is disabled.
    """

    def let_in(unit: UnitOfWork) -> str | None:
        user = unit.connection.execute(
            select(UserAccount.__table__).where(
                UserAccount.facility_id == unit.facility_id,
                UserAccount.name == login_name(name),
                UserAccount.disabled_at.is_(None),
            )
        ).first()
        if user is None:
            detail = {"address": address, "way": WAY}
            unit.audit(Event.LOGIN_FAILED, actor="browser", subject=UNKNOWN, detail=detail)
            return None
        return complete(unit, user, address=address, way=WAY)

    token = server.database.transact(let_in) if login_name(name) else None
    if token is None:
        raise SignInRefused
    return token
