"""An account nobody used for 45 days is closed: the person has left, or does not need it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, func, select

from backend.services.manage_users import close_account
from backend.services.resources import Resources
from backend.services.staff_sessions import DEMO_ID
from backend.storage.account_tables import ApiToken, UserAccount

IDLE_FOR = timedelta(days=45)
ACTOR = "job:disable_idle_users"


def disable_idle_users(resources: Resources) -> int:
    """How many were closed. A program that uses a token of the account counts as use."""
    with resources.database.write() as unit:
        long_ago = unit.now - IDLE_FOR
        last_use = func.coalesce(UserAccount.last_login_at, UserAccount.created_at)
        in_use = exists().where(
            ApiToken.user_id == UserAccount.id,
            ApiToken.revoked_at.is_(None),
            func.coalesce(ApiToken.last_used_at, ApiToken.created_at) > long_ago,
        )
        idle = list(
            unit.connection.scalars(
                select(UserAccount.id)
                .where(
                    UserAccount.facility_id == unit.facility_id,
                    UserAccount.disabled_at.is_(None),
                    ~UserAccount.id.startswith(DEMO_ID, autoescape=True),
                    last_use <= long_ago,
                    ~in_use,
                )
                .with_for_update()
            )
        )
        for user_id in idle:
            close_account(unit, user_id, actor=ACTOR)
    return len(idle)
