"""Who is in a room is named on the page of its staff: on record once for each who saw it.

The page asks again with every call; a row for each time would hide who looked.
"""

from __future__ import annotations

from sqlalchemy import select

from backend.events import Event
from backend.services.show_room import ShownRoom
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database

_WHY = "room"


def note_room_reads(database: Database, room: ShownRoom, *, actor: str) -> int:
    """How many were new to this member of staff. Raises StorageUnavailable."""
    subjects = {f"visit:{step.visit_id}" for step in room.current if step.patient is not None}
    if not subjects:
        return 0
    known = select(AuditEvent.subject).where(
        AuditEvent.facility_id == database.facility_id,
        AuditEvent.subject.in_(subjects),
        AuditEvent.actor == actor,
        AuditEvent.event == Event.PERSON_READ,
    )
    with database.read() as connection:
        fresh = sorted(subjects.difference(connection.scalars(known)))
    if not fresh:
        return 0
    with database.write() as unit:
        for subject in fresh:
            unit.audit(
                Event.PERSON_READ,
                actor=actor,
                subject=subject,
                detail={"why": _WHY, "room": room.room_id},
            )
    return len(fresh)
