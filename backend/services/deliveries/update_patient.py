"""Tells the HIS what the desk corrected about a person, field by field.

The desk decides about the fields it corrected, the HIS about all others: only what differs there
is sent, with the version it was read with. A write whose answer was lost shows in the record, so
that nothing has to be looked up and nothing is ever sent blindly.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.domain.identity.names import normal_form
from backend.domain.identity.phones import phone_key
from backend.services.deliveries.message import Delivered, Message
from backend.services.deliveries.sealed import (
    find_person_ref,
    make_sealed_payload,
    open_payload,
    told,
)
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from his_adapter.errors import KeyReused, NotSupported, VersionConflict
from his_adapter.models import Patient, PatientChanges, Ref, WriteKey

ROUNDS = 4
"""So often the record is read again when somebody else is changing it there."""


def make_payload(keys: Keys, *, person_id: str, corrected: Mapping[str, str]) -> dict[str, str]:
    """The values as they were corrected: a card read meanwhile does not change what is told."""
    return make_sealed_payload(keys, person_id=person_id, content=corrected)


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Nothing is to be done for somebody the HIS has no record of, and where it takes no changes.

    Raises VersionConflict when somebody else changes the record again and again.
    """
    ref = find_person_ref(resources, message)
    if ref is None:
        return told(message)
    corrected = open_payload(resources.keys, message)
    for round_ in range(ROUNDS):
        try:
            if _tell(resources, ref, corrected, WriteKey(f"{message.id}.{round_}")):
                return told(message, his_ref=ref)
        except NotSupported:
            return told(message)
    raise VersionConflict("changed again and again")


def _tell(resources: Resources, ref: Ref, corrected: Mapping[str, str], key: WriteKey) -> bool:
    """False when the record changed since it was read: then nothing was written."""
    patient = resources.his.read_patient(ref)
    changes = _list_changes(patient, corrected)
    if changes is None:
        return True
    try:
        resources.his.update_patient(patient.ref, changes, version=patient.version, key=key)
    except (VersionConflict, KeyReused):
        # A key that was used: an earlier try arrived after all, and the next look shows it.
        return False
    return True


def _list_changes(patient: Patient, corrected: Mapping[str, str]) -> PatientChanges | None:
    phone, address = corrected.get("phone"), corrected.get("address")
    if phone is not None and phone == phone_key(patient.phone or ""):
        phone = None
    if address is not None and address == normal_form(patient.address or ""):
        address = None
    if phone is None and address is None:
        return None
    return PatientChanges(phone=phone, address=address)
