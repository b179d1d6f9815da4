"""The JSON kiosk contract, served: a bank's kiosk takes numbers from the same series as ours.

`his_adapter.json_kiosk.contract` describes addresses, signatures and codes; docs/how-to says how a
partner is let in. Every answer is an envelope `{code, message, data}`, errors too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from backend.domain.ids import new_id
from backend.domain.scan import PersonFacts
from backend.errors import (
    BackendError,
    BodyTooLarge,
    IdempotencyKeyReused,
    NotFound,
    PartnerRefused,
    RateLimited,
    SlotTaken,
    Unavailable,
    ValidationFailed,
)
from backend.events import Event
from backend.logging import log
from backend.services.look_up_for_partner import (
    check_coverage_for_partner,
    find_patient_for_partner,
)
from backend.services.offer_services import Availability, offer_services, offer_slots
from backend.services.register_for_partner import find_registration, register_for_partner
from backend.storage.repositories import Answer, Intent
from backend.web import partner_shapes as shapes
from backend.web.api import resources
from backend.web.page_texts import texts
from backend.web.partner_auth import BLUEPRINT, answers, partner
from his_adapter.json_kiosk.contract import ENDPOINTS, KEY_FIELD, Call, ReplyCode
from his_adapter.json_kiosk.contract import Written as WrittenKind

PREFIX = "/partner/c06/v1"

blueprint = Blueprint(BLUEPRINT, __name__, url_prefix=PREFIX)


@blueprint.get(ENDPOINTS[Call.EXAM_TYPES].path)
@answers(Call.EXAM_TYPES)
def exam_types() -> Response:
    return _paged(shapes.exam_types(resources().catalogue.get()))


@blueprint.get(ENDPOINTS[Call.DEPARTMENTS].path)
@answers(Call.DEPARTMENTS)
def departments() -> Response:
    catalogue = resources().catalogue.get()
    offered = {each.service.department_id for each in _offered()}
    found = sorted(catalogue.departments.values(), key=lambda each: each.position)
    return _paged([shapes.department(each) for each in found if each.id in offered])


@blueprint.get(ENDPOINTS[Call.SERVICES].path)
@answers(Call.SERVICES)
def services() -> Response:
    catalogue = resources().catalogue.get()
    exam_type = request.args.get("ID_LOAI_KHAM")
    return _paged(
        [shapes.service(each, catalogue, exam_type=exam_type) for each in _of_department()]
    )


@blueprint.get(ENDPOINTS[Call.AVAILABILITY].path)
@answers(Call.AVAILABILITY)
def availability() -> Response:
    """Of now, whatever times are asked for: numbers are for today."""
    return _paged(
        [
            {
                "ID_DICH_VU": each.service.id,
                "CO_TON_TAI": each.availability is Availability.OPEN,
            }
            for each in _of_department()
        ]
    )


@blueprint.get(ENDPOINTS[Call.WINDOWS].path)
@answers(Call.WINDOWS)
def windows() -> Response:
    catalogue = resources().catalogue.get()
    code = request.args.get("MA_DICH_VU")
    service = shapes.find_service(catalogue, code, code)
    slots = offer_slots(resources(), service_id=service.id, practitioner_id=None, day=None)
    data = {
        "GHI_CHU": _words()["today_only"],
        "KHUNG_THOI_GIAN": [shapes.window(each, position=n) for n, each in enumerate(slots, 1)],
    }
    return _ok(data)


@blueprint.get(ENDPOINTS[Call.PATIENT].path)
@answers(Call.PATIENT, about_people=True)
def patient() -> Response:
    asked = shapes.read_document(request.args)
    found = find_patient_for_partner(resources(), partner(), asked)
    if found is None:
        return _envelope(ReplyCode.NOT_FOUND, _words()["not_known"])
    return _ok(shapes.patient(found, asked, handle=_handle({asked.kind.value: asked.value})))


@blueprint.get(ENDPOINTS[Call.COVERAGE].path)
@answers(Call.COVERAGE, about_people=True)
def coverage() -> Response:
    facts = shapes.read_asked_person(request.args)
    found = check_coverage_for_partner(resources(), partner(), facts)
    data = shapes.coverage(found, facts)
    return _ok(data | {"TEN_KQ": _words()["coverage"][found.outcome.value]})


@blueprint.post(ENDPOINTS[Call.REGISTER].path)
@answers(Call.REGISTER, about_people=True)
def register() -> Response:
    read = shapes.read_registration(request.get_data(), resources().catalogue.get())
    intent = Intent(
        caller=partner().caller.actor, key=read.key or new_id(), body_hash=read.fingerprint
    )
    answer = register_for_partner(resources(), partner(), read.registration, intent=intent)
    return _ok(_registered(answer, read.registration.facts))


@blueprint.get(ENDPOINTS[Call.FIND_BY_KEY].path)
@answers(Call.FIND_BY_KEY, about_people=True)
def find_by_key() -> Response:
    """Settles a registration whose answer was lost"""
    answer, person = find_registration(resources(), partner(), request.args.get(KEY_FIELD, ""))
    return _ok({"LOAI": WrittenKind.REGISTRATION, "BAN_GHI": _registered(answer, person)})


# --- envelopes -----------------------------------------------------------------------------------

_KINDS: dict[type[BackendError], str] = {
    PartnerRefused: "login",
    RateLimited: "throttled",
    IdempotencyKeyReused: "key-reused",
    SlotTaken: "slot-taken",
    Unavailable: "transient",
    BodyTooLarge: "invalid",
}
"""LOI.LOAI where an error has a word of its own in the contract; all others are `invalid`."""


@blueprint.errorhandler(BackendError)
def on_refusal(error: BackendError) -> Response:
    words = _words()["errors"]
    message = words.get(error.code, words["other"])
    if isinstance(error, NotFound):
        return _envelope(ReplyCode.NOT_FOUND, message)
    kind = next((word for each, word in _KINDS.items() if isinstance(error, each)), "invalid")
    # A detail of ours names a field; it never quotes what was sent.
    field = error.detail.partition(" ")[0] if isinstance(error, ValidationFailed) else error.code
    fault = {"LOAI": kind, "TRUONG": field, "THONG_BAO": message}
    status = error.status if error.status in {401, 413, 429, 503} else 200
    if error.status >= 500:
        log(Event.REQUEST_FAILED, error=error, route=_route(), code=error.code)
    reply = _envelope(ReplyCode.FAIL, message, fault=fault, status=status)
    if isinstance(error, RateLimited):
        reply.headers["Retry-After"] = str(error.retry_after_s)
    return reply


@blueprint.errorhandler(Exception)
def on_fault(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return on_refusal(ValidationFailed())
    log(Event.REQUEST_FAILED, error=error, route=_route(), code=BackendError.code)
    fault = {"LOAI": "transient", "TRUONG": "", "THONG_BAO": _words()["errors"]["other"]}
    return _envelope(ReplyCode.FAIL, fault["THONG_BAO"], fault=fault, status=500)


def _envelope(
    code: ReplyCode,
    message: str,
    data: Any = None,
    *,
    fault: Mapping[str, str] | None = None,
    status: int = 200,
    more: Mapping[str, int] | None = None,
) -> Response:
    envelope: dict[str, Any] = {"code": code, "message": message, **(more or {}), "data": data}
    if fault:
        envelope["LOI"] = fault
    text = json.dumps(envelope, ensure_ascii=False)
    return Response(text, status=status, content_type="application/json")


def _ok(data: Any) -> Response:
    return _envelope(ReplyCode.OK, _words()["ok"], data)


def _paged(items: list[Any]) -> Response:
    """One page: `count` counts pages."""
    more = {"page": 1, "pageSize": max(len(items), 1), "count": 1}
    return _envelope(ReplyCode.OK, _words()["ok"], items, more=more)


def _offered() -> list[Any]:
    kind = shapes.visit_kind_of(request.args.get("ID_LOAI_KHAM"))
    return offer_services(resources(), caller=partner().caller, scan_id=None, visit_kind=kind)


def _of_department() -> list[Any]:
    catalogue = resources().catalogue.get()
    wanted = {request.args.get(name) for name in ("MA_KHOA", "ID_KHOA")} - {None, ""}
    return [
        each
        for each in _offered()
        if not wanted
        or wanted
        & {
            each.service.department_id,
            catalogue.departments[each.service.department_id].code,
        }
    ]


def _registered(answer: Answer, person: PersonFacts | None) -> Any:
    visit = json.loads(answer.body)
    handle = _handle(person.numbers if person else {}) or visit["id"]
    catalogue = resources().catalogue.get()
    return shapes.registered(visit, catalogue, person=person, handle=handle)


def _handle(numbers: Mapping[str, str]) -> str:
    """What this partner may call a person: tells nothing, and nobody else has the same."""
    if not numbers:
        return ""
    kind = next((each for each in ("id12", "passport", "cmnd9") if each in numbers), min(numbers))
    return resources().keys.hash("partner-handle", partner().caller.id, numbers[kind])[:24]


def _words() -> Mapping[str, Any]:
    """The contract is spoken in Vietnamese."""
    return texts("vi", "partner")


def _route() -> str:
    return request.url_rule.rule if request.url_rule else "none"
