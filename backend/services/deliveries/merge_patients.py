"""Two records of one person were merged at the desk: the HIS merges its own two.

A HIS that cannot do it is told by a person: the message becomes a dead letter that says so.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from sqlalchemy import select

from backend.services.deliveries.message import (
    NO_MERGE,
    RECORD_GONE,
    Delivered,
    Message,
    NeedsStaff,
    find_written,
)
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.visit_tables import Person
from his_adapter.errors import NotSupported
from his_adapter.models import Patient, Ref, WriteKey


def make_payload(keys: Keys, *, kept_id: str, dropped_id: str, dropped_ref: str) -> dict[str, str]:
    """The dropped row is gone when this is delivered; the HIS's name for it travels sealed."""
    sealed = keys.seal(dropped_ref.encode(), context=f"person:{dropped_id}")
    return {"kept": kept_id, "dropped": dropped_id, "sealed_ref": b64encode(sealed).decode()}


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Nothing is to be merged when both lead to one record of the HIS already."""
    key = WriteKey(f"{message.id}.merge")
    keep = _get_kept_ref(resources, message)
    sealed = b64decode(message.payload["sealed_ref"])
    context = f"person:{message.payload['dropped']}"
    drop = Ref(resources.keys.unseal(sealed, context=context).decode())
    if keep == drop:
        return None
    written = find_written(resources, message, key)
    if not isinstance(written, Patient):
        try:
            written = resources.his.merge_patients(keep, drop, key=key)
        except NotSupported as error:
            raise NeedsStaff(NO_MERGE) from error
    return Delivered(his_ref=written.ref)


def _get_kept_ref(resources: Resources, message: Message) -> Ref:
    with resources.database.read() as connection:
        ref = connection.scalar(select(Person.his_ref).where(Person.id == message.payload["kept"]))
    if ref is None:
        raise NeedsStaff(RECORD_GONE)
    return Ref(ref)
