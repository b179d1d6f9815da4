"""Encounter: the visit, with MA_LK and the queue number as identifiers.

FHIR has no place for a queue number. The HIS puts it into an identifier whose system is
`{number}/{line}/{day}`; the line may be missing.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote, unquote

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.patients import with_latest_key
from his_adapter.fhir_r4.mapping.reading import (
    VIETNAM,
    Resource,
    codes_of,
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
    vnd,
    vnd_of,
)
from his_adapter.models import (
    CheckIn,
    Coverage,
    CoverageOutcome,
    Ref,
    Service,
    Visit,
    VisitStatus,
    VisitTicket,
)

_ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_STATUSES = {
    "planned": VisitStatus.ARRIVED,
    "arrived": VisitStatus.ARRIVED,
    "triaged": VisitStatus.ARRIVED,
    "in-progress": VisitStatus.ARRIVED,
    "onleave": VisitStatus.ARRIVED,
    "finished": VisitStatus.FINISHED,
    "cancelled": VisitStatus.CANCELLED,
    "entered-in-error": VisitStatus.CANCELLED,
}
_NUMBER = re.compile(r"([^0-9]{0,10})([0-9]{1,9})")


def encounter_resource(
    config: FhirConfig,
    request: CheckIn,
    service: Service,
    *,
    key: str,
    practitioner: Ref | None,
    room: Ref | None,
    arrived_at: datetime,
) -> Resource:
    """What we ask for; MA_LK and the number are the HIS's to add."""
    own = config.extensions.own
    extensions: list[Resource] = [
        {"url": own + "service", "valueReference": reference("HealthcareService", service.ref)},
        {"url": own + "visit-kind", "valueCode": request.visit_kind},
        {"url": own + "provisional", "valueBoolean": request.provisional},
    ]
    if request.coverage is not None:
        told = request.coverage
        coding = {"system": "urn:tiepdon:coverage", "code": told.outcome.value}
        extensions.append(
            {"url": own + "coverage", "valueCoding": {**coding, "display": told.code or "-"}}
        )
        if told.card_number:
            extensions.append(
                {
                    "url": own + "card",
                    "valueIdentifier": {
                        "system": config.system("bhyt"),
                        "value": told.card_number,
                    },
                }
            )
    identifiers: list[Resource] = [
        {"use": "official", "system": config.system("request_key"), "value": key}
    ]
    if request.number:
        identifiers.append(
            {"use": "usual", "system": config.system("own_number"), "value": request.number}
        )
    resource: Resource = {
        "resourceType": "Encounter",
        "identifier": identifiers,
        "status": "arrived",
        "class": {"system": _ACT_CODES, "code": config.visit_class},
        "serviceType": {
            "coding": [{"system": config.system("service"), "code": service.code}],
            "text": service.name_vi,
        },
        "subject": reference("Patient", request.patient),
        "period": {"start": moment_text(arrived_at)},
        "extension": extensions,
    }
    if request.appointment is not None:
        resource["appointment"] = [reference("Appointment", request.appointment)]
    if practitioner is not None:
        resource["participant"] = [{"individual": reference("Practitioner", practitioner)}]
    if room is not None:
        resource["location"] = [{"location": reference("Location", room), "status": "planned"}]
    if request.reason:
        resource["reasonCode"] = [{"text": request.reason}]
    return resource


def cancelled_encounter(config: FhirConfig, stored: Resource, *, reason: str, key: str) -> Resource:
    resource = {
        **stored,
        "status": "cancelled",
        "identifier": with_latest_key(config, list(objects(stored.get("identifier"))), key),
    }
    if reason:
        own = config.extensions.own + "cancel-reason"
        others = [e for e in objects(stored.get("extension")) if e.get("url") != own]
        resource["extension"] = [*others, {"url": own, "valueString": reason}]
    return resource


def service_of(config: FhirConfig, untrusted: Resource, by_code: dict[str, Ref]) -> Ref | None:
    """By our own reference, else by the code of its kind."""
    named = extension(untrusted, config.extensions.own + "service")
    if named is not None:
        ref = reference_to("HealthcareService", named.get("valueReference"))
        if ref is not None:
            return ref
    codes = list(codes_of(untrusted.get("serviceType")))
    ranked = sorted(codes, key=lambda pair: pair[0] != config.system("service"))
    return next((by_code[code] for _, code in ranked if code in by_code), None)


def visit(config: FhirConfig, untrusted: Resource, by_code: dict[str, Ref]) -> Visit:
    """Raises BrokenReply for a visit without patient, status, service, start, MA_LK or number."""
    patient = reference_to("Patient", untrusted.get("subject"))
    status = _STATUSES.get(text_of(untrusted.get("status")))
    service = service_of(config, untrusted, by_code)
    if patient is None or status is None or service is None:
        raise BrokenReply("a visit without patient, status or service")
    record_code = identifier(untrusted, config.readable("record"))
    if not record_code:
        raise BrokenReply("a visit without MA_LK")
    appointments = [reference_to("Appointment", i) for i in objects(untrusted.get("appointment"))]
    people = [
        reference_to("Practitioner", item.get("individual"))
        for item in objects(untrusted.get("participant"))
    ]
    fee = extension(untrusted, config.extensions.own + "fee-due")
    return Visit(
        ref=id_of(untrusted),
        version=version_of(untrusted),
        patient=patient,
        status=status,
        record_code=record_code,
        service=service,
        practitioner=next((ref for ref in people if ref is not None), None),
        appointment=appointments[0] if appointments else None,
        ticket=_ticket(config, untrusted),
        own_number=identifier(untrusted, (config.system("own_number"),)),
        fee_due_vnd=None if fee is None else vnd_of(fee.get("valueMoney"), place="fee"),
        created_at=moment_of(object_of(untrusted.get("period")).get("start"), place="start"),
    )


def visit_resource(config: FhirConfig, item: Visit, service: Service) -> Resource:
    """A visit of a HIS as it shows it."""
    request = CheckIn(
        patient=item.patient,
        appointment=item.appointment,
        number=item.own_number,
        provisional=item.ticket.provisional,
    )
    resource = encounter_resource(
        config,
        request,
        service,
        key="-",
        practitioner=item.practitioner,
        room=item.ticket.room,
        arrived_at=item.created_at,
    )
    key_system = config.system("request_key")
    day = item.created_at.astimezone(VIETNAM).date()
    resource["id"] = item.ref
    resource["meta"] = {"versionId": item.version}
    resource["status"] = item.status.value
    resource["identifier"] = [
        *(entry for entry in resource["identifier"] if entry["system"] != key_system),
        {"system": config.system("record"), "value": item.record_code},
        {
            "system": f"{config.system('number')}/{quote(item.ticket.prefix, safe='')}/{day}",
            "value": str(item.ticket.number),
        },
    ]
    if item.fee_due_vnd is not None:
        resource["extension"].append(
            {"url": config.extensions.own + "fee-due", "valueMoney": vnd(item.fee_due_vnd)}
        )
    return resource


def check_in_of(config: FhirConfig, untrusted: Resource, by_code: dict[str, Ref]) -> CheckIn:
    """What an arriving Encounter asks for: for who receives one."""
    patient = reference_to("Patient", untrusted.get("subject"))
    if patient is None:
        raise BrokenReply("a visit without patient")
    own = config.extensions.own
    appointments = [reference_to("Appointment", i) for i in objects(untrusted.get("appointment"))]
    people = [
        reference_to("Practitioner", item.get("individual"))
        for item in objects(untrusted.get("participant"))
    ]
    kind = text_of(object_of(extension(untrusted, own + "visit-kind")).get("valueCode"))
    reasons = [text_of(item.get("text")) for item in objects(untrusted.get("reasonCode"))]
    arrived_at = moment_of(object_of(untrusted.get("period")).get("start"), place="start")
    return CheckIn(
        patient=patient,
        coverage=_coverage(config, untrusted, arrived_at),
        appointment=appointments[0] if appointments else None,
        service=service_of(config, untrusted, by_code),
        practitioner=people[0] if people else None,
        room=_room(untrusted),
        visit_kind=kind or "new",
        reason=reasons[0] if reasons else None,
        number=identifier(untrusted, (config.system("own_number"),)),
        provisional=_flag(extension(untrusted, own + "provisional")),
        arrived_at=arrived_at,
    )


def _coverage(config: FhirConfig, untrusted: Resource, checked_at: datetime) -> Coverage | None:
    told = extension(untrusted, config.extensions.own + "coverage")
    if told is None:
        return None
    coding = object_of(told.get("valueCoding"))
    try:
        outcome = CoverageOutcome(text_of(coding.get("code")))
    except ValueError:
        raise BrokenReply("an unknown outcome of a coverage check") from None
    card = object_of(extension(untrusted, config.extensions.own + "card"))
    return Coverage(
        outcome=outcome,
        code=text_of(coding.get("display")),
        card_number=text_of(object_of(card.get("valueIdentifier")).get("value")) or None,
        checked_at=checked_at,
    )


def _ticket(config: FhirConfig, untrusted: Resource) -> VisitTicket:
    system = config.system("number")
    provisional = _flag(extension(untrusted, config.extensions.own + "provisional"))
    for entry in objects(untrusted.get("identifier")):
        named = text_of(entry.get("system"))
        if named != system and not named.startswith(f"{system}/"):
            continue
        match = _NUMBER.fullmatch(text_of(entry.get("value")).strip())
        if match is None:
            raise BrokenReply("a queue number that is none")
        line = named.removeprefix(system).strip("/").partition("/")[0]
        return VisitTicket(
            number=int(match[2]),
            prefix=unquote(line) or match[1],
            room=_room(untrusted),
            provisional=provisional,
        )
    if config.his_numbers:
        raise BrokenReply("a visit without a queue number")
    return VisitTicket(number=0, prefix="", room=_room(untrusted), provisional=provisional)


def _room(untrusted: Resource) -> Ref | None:
    rooms = [
        reference_to("Location", item.get("location"))
        for item in objects(untrusted.get("location"))
    ]
    return next((ref for ref in rooms if ref is not None), None)


def _flag(entry: Resource | None) -> bool:
    return object_of(entry).get("valueBoolean") is True
