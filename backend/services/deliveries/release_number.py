"""Takes back a check-in that was asked for and came to nothing here: nobody will come to it."""

from __future__ import annotations

from sqlalchemy import select

from backend.services.deliveries.message import Delivered, Message, asking
from backend.services.resources import Resources
from backend.storage.visit_tables import Visit as VisitRow
from his_adapter.errors import NotSupported
from his_adapter.models import Visit, VisitStatus, WriteKey


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Leaves a check-in alone that became a visit here after all: the wish was repeated."""
    key = WriteKey(message.payload["key"])
    with resources.database.read() as connection:
        used = connection.scalar(select(VisitRow.id).where(VisitRow.his_key == key).limit(1))
    if used is not None:
        return None
    try:
        with asking():
            written = resources.his.find_by_key(key)
        if not isinstance(written, Visit) or written.status is not VisitStatus.ARRIVED:
            return None
        resources.his.cancel_visit(written.ref, reason="kiosk", key=WriteKey(f"{key}.back"))
    except NotSupported:
        return None
    return Delivered(his_ref=written.ref)
