from __future__ import annotations

from backend.domain.roles import StaffRole
from backend.jobs.disable_idle_users import disable_idle_users
from backend.services import manage_users
from backend.services.recognise_caller import Callers
from backend.services.resources import Resources
from backend.services.settle_demo_accounts import settle_demo_accounts
from tests.conftest import SettableClock


def disabled(resources: Resources) -> set[str]:
    users = manage_users.list_users(resources.database)
    return {user.name for user in users if user.disabled_at}


def test_an_account_nobody_uses_is_closed_after_45_days(
    resources: Resources, clock: SettableClock
) -> None:
    """SE-06."""
    settle_demo_accounts(resources.database, demo=True)
    for name in ("old", "program"):
        manage_users.add_user(resources.database, name=name, roles=[StaffRole.HEAD])
    token = manage_users.make_api_token(resources.database, name="program")
    clock.advance(days=30)
    manage_users.add_user(resources.database, name="new", roles=[StaffRole.HEAD])
    assert Callers(resources.database).find(token) is not None
    clock.advance(days=14, hours=23)
    assert disable_idle_users(resources) == 0
    clock.advance(hours=1)
    assert disable_idle_users(resources) == 1
    assert disable_idle_users(resources) == 0
    assert disabled(resources) == {"old"}
    clock.advance(days=31)
    disable_idle_users(resources)
    assert disabled(resources) == {"old", "program", "new"}
    assert Callers(resources.database).find(token) is None


def test_an_account_that_is_opened_again_stays_open(
    resources: Resources, clock: SettableClock
) -> None:
    manage_users.add_user(resources.database, name="old", roles=[StaffRole.HEAD])
    clock.advance(days=45)
    assert disable_idle_users(resources) == 1
    manage_users.unlock_user(resources.database, name="old")
    assert disable_idle_users(resources) == 0
