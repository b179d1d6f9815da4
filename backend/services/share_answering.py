"""Whether another system answers questions, told to all processes of this house."""

from __future__ import annotations

from backend.domain.outbox import Breaker, CallGroup
from backend.errors import StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.storage.database import Database
from backend.storage.parties import set_answering


def share_answering(database: Database, party: str, answers: bool) -> None:
    """Each process finds out by itself; the last one to say so is believed.

    A database that is away at this moment hears it the next time.
    """
    try:
        with database.write() as unit:
            changed = set_answering(unit, party, answers=answers, group=CallGroup.READ)
            if changed is not None:
                event = Event.PARTY_RETURNED if changed is Breaker.CLOSED else Event.PARTY_LOST
                unit.publish(event, subject=f"party:{party}")
    except StorageUnavailable as error:
        log(Event.DATABASE_LOST, error=error, party=party)
        return
    if changed is not None:
        log(event, party=party, group=CallGroup.READ)
