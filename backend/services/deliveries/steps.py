"""The steps a message is about, as they stand now."""

from __future__ import annotations

from typing import Any

from backend.errors import VisitNotFound
from backend.services.deliveries.message import RECORD_GONE, Message, NeedsStaff
from backend.services.resources import Resources
from backend.storage.repositories import StoredVisit, get_visit


def read_visit(resources: Resources, message: Message) -> tuple[StoredVisit, list[Any]]:
    """Raises NeedsStaff when the visit is gone."""
    if message.visit_id is None:
        raise NeedsStaff(RECORD_GONE)
    try:
        with resources.database.read() as connection:
            stored = get_visit(
                connection, message.visit_id, facility_id=resources.database.facility_id
            )
    except VisitNotFound as error:
        raise NeedsStaff(RECORD_GONE) from error
    return stored, [step for step in stored.steps if step.id in message.payload["steps"]]
