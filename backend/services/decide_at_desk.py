"""What the three decisions of the desk about a visit have in common.

Priority, identity and insurance each stand open until a person has looked. Whoever decides says
which version of the visit they saw, so that two members of staff at one ticket have one effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import update

from backend.domain.catalogue import Catalogue
from backend.domain.desk import drop_note
from backend.domain.rooms import list_queue_rooms
from backend.domain.ticket import Note
from backend.errors import ChangedMeanwhile, VisitNotFound
from backend.services.answer_once import answer_once
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.number_tables import Ticket
from backend.storage.repositories import Answer, Intent, StoredVisit, lock_visit
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

Decide = Callable[[UnitOfWork, Catalogue, StoredVisit], None]


def decide_once(
    resources: Resources,
    visit_id: str,
    decide: Decide,
    *,
    seen: int,
    intent: Intent,
) -> Answer:
    """200 with the new version of the visit; `decide` runs while nobody else changes it.

    Raises VisitNotFound (also for another day's), ChangedMeanwhile, IdempotencyKeyReused,
    StorageUnavailable, and what `decide` raises.
    """
    catalogue = resources.catalogue.get()

    def work(unit: UnitOfWork) -> Answer:
        stored = lock_visit_of_today(unit, catalogue, visit_id)
        check_seen(stored, seen)
        decide(unit, catalogue, stored)
        version = raise_version(unit, stored)
        unit.flush()
        return Answer(status=200, body=json.dumps({"id": visit_id, "version": version}))

    return answer_once(resources.database, intent, work)


def lock_visit_of_today(unit: UnitOfWork, catalogue: Catalogue, visit_id: str) -> StoredVisit:
    """Raises VisitNotFound."""
    stored = lock_visit(unit, visit_id)
    if stored.visit.day != catalogue.today(unit.now):
        raise VisitNotFound
    return stored


def check_seen(stored: StoredVisit, seen: int) -> None:
    """Raises ChangedMeanwhile when the page showed another version of the visit."""
    if stored.visit.version != seen:
        raise ChangedMeanwhile


def raise_version(unit: UnitOfWork, stored: StoredVisit) -> int:
    version = int(stored.visit.version) + 1
    unit.connection.execute(
        update(Visit).where(Visit.id == stored.visit.id).values(version=version)
    )
    return version


def change_visit_row(unit: UnitOfWork, stored: StoredVisit, note: Note, **values: Any) -> None:
    """New values of the visit; the ticket loses the sentence that asked for this."""
    visit_id = stored.visit.id
    unit.connection.execute(update(Visit).where(Visit.id == visit_id).values(**values))
    unit.connection.execute(
        update(Ticket)
        .where(Ticket.visit_id == visit_id)
        .values(content=drop_note(stored.visit.content, note))
    )


def tell(
    unit: UnitOfWork,
    catalogue: Catalogue,
    event: str,
    stored: StoredVisit,
    *,
    staff: Caller,
    reason: str,
    **more: Any,
) -> None:
    """Audit row and live event of a decision."""
    subject = f"visit:{stored.visit.id}"
    detail = {"reason": reason, **more}
    unit.audit(event, actor=staff.actor, subject=subject, detail=detail)
    unit.publish(event, subject=subject, detail=where_visit_is(catalogue, stored))


def where_visit_is(catalogue: Catalogue, stored: StoredVisit) -> dict[str, Any]:
    """For readers of live events, who pick by these."""
    queues = sorted({step.queue_id for step in stored.steps})
    rooms = sorted({room for queue in queues for room in list_queue_rooms(catalogue, queue)})
    return {"visits": [stored.visit.id], "queues": queues, "rooms": rooms}
