"""Who is it: the untrusted payload of a code, or a typed number."""

from __future__ import annotations

import base64
import binascii

from flask import Response

from backend.domain.appointments import ArrivalState, may_arrive
from backend.domain.catalogue import Catalogue
from backend.domain.identity.masking import masked_name, masked_number
from backend.domain.roles import StaffRole
from backend.domain.scan import CoverageFacts, OnBehalfFacts, PersonFacts
from backend.errors import ValidationFailed
from backend.services.identify_patient import (
    AcceptedNotice,
    Arrival,
    Identification,
    ScanRequest,
    identify_patient,
)
from backend.services.show_visit import visit_to_json
from backend.web import scan_schemas, visit_schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, resources
from backend.web.kiosks import label
from backend.web.wire import Label

blueprint = api_blueprint("scans", "Who stands before the kiosk.")

_SHOWN_NUMBERS = ("id12", "bhyt15", "bhxh10", "passport", "mrn", "cmnd9")
"""The first one a person has is shown, masked."""


@blueprint.post("/scans", responses={200: scan_schemas.ScanReply})
@allow("kiosk", StaffRole.RECEPTION)
def scan(body: scan_schemas.ScanRequest) -> Response:
    """Read a code or a typed number

    Answers who it is, what the insurance says, what is booked and what to ask next. The result is
    remembered for minutes under `scan_id`, the payload is not. A bare number asks for the birth
    date before anything is shown, and never tells whether a person exists. Without the accepted
    notice nothing is looked up.
    """
    result = identify_patient(resources(), kiosk=caller(), request=_request(body))
    return json_reply(scan_reply(result))


def _request(body: scan_schemas.ScanRequest) -> ScanRequest:
    notice, on_behalf, typed = body.notice, body.on_behalf, body.typed
    return ScanRequest(
        untrusted_payload=_decode(body.payload_base64),
        untrusted_number=typed.number if typed else None,
        untrusted_birth_date=(typed.birth_date if typed else None) or body.birth_date,
        lossy=body.lossy,
        notice=AcceptedNotice(
            version=notice.version, language=notice.language, accepted_at=notice.accepted_at
        )
        if notice
        else None,
        on_behalf=OnBehalfFacts(relation=on_behalf.relation, phone=on_behalf.phone)
        if on_behalf
        else None,
    )


def _decode(payload_base64: str | None) -> bytes | None:
    if payload_base64 is None:
        return None
    try:
        # Many encoders break lines every 76 characters.
        return base64.b64decode("".join(payload_base64.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationFailed("payload_base64 is not base64") from error


def scan_reply(result: Identification) -> scan_schemas.ScanReply:
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    content = result.content
    declarable = any(group.self_declared for group in catalogue.priority_groups)
    return scan_schemas.ScanReply(
        scan_id=result.scan_id,
        expires_at=result.expires_at,
        kind=result.kind.value,
        outcome=scan_schemas.ScanOutcome(result.outcome.value),
        message_key=result.message_key,
        warnings=list(result.warnings),
        person=_person(content.person, verified=content.verified) if content.person else None,
        coverage=_coverage(content.coverage) if content.coverage else None,
        appointments=[_appointment(arrival, catalogue) for arrival in result.arrivals],
        priority=scan_schemas.PriorityReply(
            group=result.verdict.group.code if result.verdict.group else None,
            ask=result.verdict.group is None and declarable,
        )
        if result.verdict
        else None,
        visits=[
            visit_schemas.VisitReply.model_validate(visit_to_json(visit, catalogue, now=now))
            for visit in result.visits
        ],
        ask=[scan_schemas.Question(question.value) for question in result.ask],
    )


def _person(person: PersonFacts, *, verified: bool) -> scan_schemas.ScannedPerson:
    shown = next((person.numbers[kind] for kind in _SHOWN_NUMBERS if kind in person.numbers), "")
    return scan_schemas.ScannedPerson(
        full_name=person.full_name,
        masked_name=masked_name(person.full_name),
        birth_date=person.birth_date,
        gender=person.gender,
        masked_number=masked_number(shown),
        verified=verified,
    )


_ELSEWHERE = "elsewhere"
"""Stands for the service of a booking at another facility, which has no id here."""

_COVERAGE_KEYS = {
    "ok": "bhyt.ok",
    "ok_desk_note": "bhyt.ok",
    "use_new": "bhyt.ok",
    "none": "bhyt.none",
    "mismatch": "bhyt.mismatch",
    "later": "bhyt.slow",
}


def _coverage(coverage: CoverageFacts) -> scan_schemas.CoverageReply:
    return scan_schemas.CoverageReply(
        outcome=scan_schemas.CoverageOutcome(coverage.outcome),
        provisional=coverage.provisional,
        valid_to=coverage.valid_to,
        registered_here=coverage.registered_here,
        message_key=_COVERAGE_KEYS[coverage.outcome],
    )


def _appointment(arrival: Arrival, catalogue: Catalogue) -> scan_schemas.AppointmentReply:
    facts = arrival.facts
    service = catalogue.find_service_by_ref(facts.service_ref)
    practitioner = catalogue.find_practitioner_by_ref(facts.practitioner_ref)
    room = catalogue.find_room_by_ref(facts.room_ref)
    state = ArrivalState(facts.state)
    elsewhere = arrival.facility_name
    return scan_schemas.AppointmentReply.model_validate(
        {
            "id": facts.ref,
            "state": state.value,
            "start": facts.start,
            "service_id": service.id if service else _ELSEWHERE,
            "service": label(service.name) if service else Label(vi="", en=""),
            "doctor": practitioner.titled_name if practitioner else None,
            "room": label(room.name) if room else None,
            "facility": Label(vi=elsewhere, en=elsewhere) if elsewhere else None,
            "can_arrive": service is not None and may_arrive(state),
        }
    )
