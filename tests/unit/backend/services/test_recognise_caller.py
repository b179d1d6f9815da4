from __future__ import annotations

import pytest

from backend.domain.roles import StaffRole
from backend.errors import RoomNotFound
from backend.services import manage_users, recognise_caller
from backend.services.recognise_caller import Caller, Callers
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital


def test_who_was_given_rooms_may_call_for_these_only(database: Database) -> None:
    """SE-07: the room of an address is looked at, not only the role."""
    hospital = Hospital(database).set_up()
    mine, other = hospital.add_room("101"), hospital.add_room("102")
    roles = [StaffRole.ROOM_CALLER]
    manage_users.add_user(database, name="hung", roles=roles, room_codes=["101"])
    manage_users.add_user(database, name="lan", roles=roles)
    callers = {
        name: Callers(database).find(manage_users.make_api_token(database, name=name))
        for name in ("hung", "lan")
    }
    hung, lan = callers["hung"], callers["lan"]
    assert hung is not None
    assert lan is not None
    assert (hung.may_call_room(mine), hung.may_call_room(other)) == (True, False)
    assert (lan.may_call_room(mine), lan.may_call_room(other)) == (True, True)
    assert not Caller(role="kiosk", id="k", name="K1").may_call_room(mine)
    with pytest.raises(RoomNotFound):
        manage_users.set_roles(database, name="hung", roles=roles, room_codes=["999"])
    manage_users.set_roles(database, name="hung", roles=roles, room_codes=[])
    assert manage_users.list_users(database)[0].rooms == []


def test_roles_and_kinds_of_callers_are_told_apart() -> None:
    kiosk = Caller(role="kiosk", id="k", name="K1")
    head = Caller(role="staff", id="h", name="H", roles=frozenset({StaffRole.HEAD}))
    assert kiosk.has_any(frozenset({"kiosk"}))
    assert not kiosk.has_any(frozenset({"staff", *StaffRole}))
    assert head.has_any(frozenset({"staff"}))
    assert head.has_any(frozenset({StaffRole.HEAD, "kiosk"}))
    assert not head.has_any(frozenset({StaffRole.IT, "kiosk"}))
    assert not head.has_any(frozenset())


@pytest.mark.usefixtures("clock")
def test_a_token_ends_within_seconds_on_every_worker_and_after_a_year(
    database: Database, clock: SettableClock
) -> None:
    now_s = 0.0
    manage_users.add_user(database, name="lan", roles=[StaffRole.HEAD])
    token = manage_users.make_api_token(database, name="lan")
    workers = [Callers(database, ticks=lambda: now_s) for _ in range(2)]
    assert all(worker.find(token) for worker in workers)
    assert manage_users.end_api_tokens(database, name="lan") == 1
    now_s = recognise_caller.CACHED_FOR_S
    assert [worker.find(token) for worker in workers] == [None, None]
    token = manage_users.make_api_token(database, name="lan")
    clock.advance(days=365)
    assert Callers(database).find(token) is None


def test_only_hashes_are_stored(database: Database) -> None:
    password = manage_users.add_user(database, name="lan", roles=[StaffRole.HEAD])
    token = manage_users.make_api_token(database, name="lan")
    with database.read() as connection:
        for table in ("user_account", "api_token", "audit_event"):
            rows = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert password not in rows
            assert token not in rows
