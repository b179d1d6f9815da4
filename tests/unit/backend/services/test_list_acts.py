from __future__ import annotations

from backend.domain.roles import StaffRole
from backend.domain.rooms import RoomReason, RoomState
from backend.services.list_acts import ActFilter, list_todays_acts
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console


def test_people_are_named_as_their_accounts_say(resources: Resources, hospital: Hospital) -> None:
    accounts = Accounts(hospital.database)
    user_id = accounts.add("truc", StaffRole.HEAD, display_name="Lê Thị Trực")
    console = Console(resources, hospital, "101")
    console.caller = Caller(role="staff", id=user_id, name="Lê Thị Trực")
    console.change(state=RoomState.CLOSED, reason=RoomReason.STAFF_AWAY)
    console.undo()
    with hospital.database.read() as connection:
        (act,), complete = list_todays_acts(
            connection, resources.catalogue.get(), ActFilter(), now=hospital.database.clock()
        )
    assert complete
    assert (act.actor, act.undone_by) == ("Lê Thị Trực", "Lê Thị Trực")
    assert act.undone_at is not None
