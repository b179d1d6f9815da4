"""Appointment, and how a booking marks the Slot it takes."""

from __future__ import annotations

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.patients import with_latest_key
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    id_of,
    identifier,
    moment_of,
    moment_text,
    object_of,
    objects,
    reference,
    reference_to,
    text_of,
    version_of,
)
from his_adapter.models import Appointment, AppointmentStatus, Ref, Slot

_STATUSES = {
    "proposed": AppointmentStatus.BOOKED,
    "pending": AppointmentStatus.BOOKED,
    "booked": AppointmentStatus.BOOKED,
    "arrived": AppointmentStatus.ARRIVED,
    "checked-in": AppointmentStatus.ARRIVED,
    "fulfilled": AppointmentStatus.FULFILLED,
    "cancelled": AppointmentStatus.CANCELLED,
    "entered-in-error": AppointmentStatus.CANCELLED,
    "noshow": AppointmentStatus.NO_SHOW,
}
IGNORED = frozenset({"waitlist"})
"""Nobody is booked yet: such an Appointment does not pass through the port."""


def codes_for(statuses: frozenset[AppointmentStatus]) -> tuple[str, ...]:
    return tuple(code for code, status in _STATUSES.items() if status in statuses)


def appointment_resource(config: FhirConfig, patient: Ref, slot: Slot, *, key: str) -> Resource:
    """A new booking of that slot, carrying our key."""
    return {
        "resourceType": "Appointment",
        "identifier": [
            {"use": "official", "system": config.system("request_key"), "value": key},
        ],
        "status": "booked",
        **_hour(slot),
        "participant": _participants(patient, slot),
    }


def moved_appointment(
    config: FhirConfig, stored: Resource, patient: Ref, slot: Slot, *, key: str
) -> Resource:
    return {
        **stored,
        **_hour(slot),
        "participant": _participants(patient, slot),
        "identifier": with_latest_key(config, list(objects(stored.get("identifier"))), key),
    }


def cancelled_appointment(
    config: FhirConfig, stored: Resource, *, reason: str, key: str
) -> Resource:
    resource = {
        **stored,
        "status": "cancelled",
        "identifier": with_latest_key(config, list(objects(stored.get("identifier"))), key),
    }
    if reason:
        resource["cancelationReason"] = {"text": reason}
    return resource


def appointment(config: FhirConfig, untrusted: Resource) -> Appointment:
    """Raises BrokenReply for one without patient, time or known status."""
    actors = [object_of(item.get("actor")) for item in objects(untrusted.get("participant"))]

    def first(kind: str) -> Ref | None:
        return next((ref for a in actors if (ref := reference_to(kind, a)) is not None), None)

    patient = first("Patient")
    status = _STATUSES.get(text_of(untrusted.get("status")))
    if patient is None or status is None:
        raise BrokenReply("a booking without patient or status")
    elsewhere = extension(untrusted, config.extensions.own + "facility")
    facility_code, facility_name = config.facility.code, config.facility.name_vi
    if elsewhere is not None:
        coding = object_of(elsewhere.get("valueCoding"))
        facility_code, facility_name = text_of(coding.get("code")), text_of(coding.get("display"))
    slots = [reference_to("Slot", item) for item in objects(untrusted.get("slot"))]
    ref = id_of(untrusted)
    return Appointment(
        ref=ref,
        version=version_of(untrusted),
        patient=patient,
        status=status,
        code=identifier(untrusted, config.readable("appointment")) or ref,
        service=first("HealthcareService"),
        practitioner=first("Practitioner"),
        room=first("Location"),
        slot=slots[0] if slots else None,
        start=moment_of(untrusted.get("start"), place="start"),
        end=moment_of(untrusted.get("end"), place="end"),
        facility_code=facility_code,
        facility_name=facility_name,
    )


def existing_appointment_resource(
    config: FhirConfig, item: Appointment, *, slot: str | None
) -> Resource:
    """A booking of a HIS as it shows it."""
    actors = [reference("Patient", item.patient)]
    for kind, ref in (
        ("HealthcareService", item.service),
        ("Practitioner", item.practitioner),
        ("Location", item.room),
    ):
        if ref is not None:
            actors.append(reference(kind, ref))
    resource: Resource = {
        "resourceType": "Appointment",
        "id": item.ref,
        "meta": {"versionId": item.version},
        "identifier": [
            {"use": "usual", "system": config.system("appointment"), "value": item.code}
        ],
        "status": item.status.value,
        "start": moment_text(item.start),
        "end": moment_text(item.end),
        "participant": [{"actor": actor, "status": "accepted"} for actor in actors],
    }
    if slot is not None:
        resource["slot"] = [reference("Slot", slot)]
    if item.facility_code != config.facility.code:
        resource["extension"] = [
            {
                "url": config.extensions.own + "facility",
                "valueCoding": {"code": item.facility_code, "display": item.facility_name},
            }
        ]
    return resource


def taken_slot(config: FhirConfig, stored: Resource, *, key: str) -> Resource:
    """Busy, with the key of who took it: so a lost race can be told from a won one."""
    system = config.system("request_key")
    others = [i for i in objects(stored.get("identifier")) if i.get("system") != system]
    return {
        **stored,
        "status": "busy",
        "identifier": [*others, {"system": system, "value": key}],
    }


def freed_slot(config: FhirConfig, stored: Resource) -> Resource:
    system = config.system("request_key")
    others = [i for i in objects(stored.get("identifier")) if i.get("system") != system]
    resource = {**stored, "status": "free", "identifier": others}
    if not others:
        del resource["identifier"]
    return resource


def _hour(slot: Slot) -> Resource:
    return {
        "start": moment_text(slot.start),
        "end": moment_text(slot.end),
        "slot": [reference("Slot", slot.ref)],
    }


def _participants(patient: Ref, slot: Slot) -> list[Resource]:
    actors = [reference("Patient", patient), reference("HealthcareService", slot.service)]
    if slot.practitioner is not None:
        actors.append(reference("Practitioner", slot.practitioner))
    if slot.room is not None:
        actors.append(reference("Location", slot.room))
    return [{"actor": actor, "status": "accepted"} for actor in actors]
