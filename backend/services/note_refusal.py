"""Somebody known asked for what their roles do not open: on record, because it may be a trial."""

from __future__ import annotations

from backend.errors import RateLimited
from backend.events import Event
from backend.services.limit_tries import REFUSALS_NOTED, count_tries
from backend.services.recognise_caller import Caller
from backend.storage.database import Database

MAX_ADDRESS_CHARS = 100


def note_refusal(database: Database, caller: Caller, *, rule: str) -> None:
    """`rule` is the pattern of the address, so that nothing of a request gets into the trail.

    Who goes on and on fills no table: so many are noted, and they say enough.
    """
    try:
        count_tries(database, (REFUSALS_NOTED, caller.actor))
    except RateLimited:
        return
    with database.write() as unit:
        unit.audit(
            Event.ACCESS_REFUSED,
            actor=caller.actor,
            subject=f"address:{rule[:MAX_ADDRESS_CHARS]}",
        )
