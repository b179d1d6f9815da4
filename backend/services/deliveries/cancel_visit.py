"""Takes back in the HIS what nobody will come to. Said twice it changes nothing there."""

from __future__ import annotations

from backend.services.deliveries.message import Delivered, Message
from backend.services.deliveries.steps import read_visit
from backend.services.resources import Resources
from his_adapter.errors import NotSupported
from his_adapter.models import Ref, WriteKey


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """A step the HIS never heard of needs no taking back; a HIS that cannot do it is left alone."""
    _, steps = read_visit(resources, message)
    for step in steps:
        if step.his_ref is None:
            continue
        key = WriteKey(f"{message.id}.{step.position}")
        try:
            resources.his.cancel_visit(Ref(step.his_ref), reason="kiosk", key=key)
        except NotSupported:
            return None
    return None
