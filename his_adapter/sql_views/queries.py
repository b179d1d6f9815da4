"""The closed list of statements a hospital may configure, and what each of them is given.

A statement is text with bound parameters (`:patient`); nothing is ever pasted into it. Reads are
one SELECT each. A feature is declared when all statements it needs are there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import text

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Feature

READS: Mapping[str, frozenset[str]] = {
    name: frozenset(parameters.split())
    for name, parameters in {
        "patient": "ref",
        "patients_by_identifier": "kind value limit",
        "patients_by_birth": "earliest latest limit",
        "departments": "limit",
        "rooms": "limit",
        "services": "limit",
        "practitioners": "limit",
        "sessions": "limit",
        "closed_days": "start end limit",
        "slots": "service practitioner start end limit",
        "appointment": "ref",
        "appointments": "patient start end limit",
        "visit": "ref",
        "visits": "patient since limit",
        "queue_status": "visit",
        "orders": "patient since limit",
        "reports": "patient since limit",
        "report_values": "report patient limit",
        "report_document": "report part patient",
        "account": "patient visit",
        "invoices": "patient visit limit",
        "charges": "patient visit limit",
        "payment": "ref",
        "einvoice": "invoice",
        "codes": "system parent limit",
        "change_span": "",
        "changes": "position limit",
        "written": "key",
    }.items()
}

_PERSON = "full_name birth_date gender id12 cmnd9 bhyt15 bhxh10 passport phone address guardian"
WRITES: Mapping[str, frozenset[str]] = {
    name: frozenset(f"key content {parameters}".split())
    for name, parameters in {
        "create_patient": _PERSON,
        "update_patient": f"ref version {_PERSON}",
        "merge_patients": "keep drop",
        "submit_history": "patient questionnaire answers language answered_at",
        "book_appointment": "patient slot service",
        "change_appointment": "ref action version reason new_slot",
        "check_in": (
            "patient appointment service practitioner room visit_kind reason number"
            " provisional coverage_code card_number arrived_at"
        ),
        "cancel_visit": "ref reason",
        "post_payment": (
            "patient visit invoice amount_vnd method provider provider_reference paid_at"
        ),
        "record_consent": (
            "patient document signer_is_patient signer_relation evidence document_pdf given_at"
        ),
    }.items()
}

NEEDED: Mapping[Feature, tuple[str, ...]] = {
    Feature.FIND_PATIENTS: ("patients_by_identifier", "patients_by_birth"),
    Feature.READ_PATIENT: ("patient",),
    Feature.CREATE_PATIENT: ("create_patient", "patient", "written"),
    Feature.UPDATE_PATIENT: ("update_patient", "patient", "written"),
    Feature.MERGE_PATIENTS: ("merge_patients", "patient", "written"),
    Feature.SUBMIT_HISTORY: ("submit_history", "written"),
    Feature.LIST_DEPARTMENTS: ("departments",),
    Feature.LIST_ROOMS: ("rooms",),
    Feature.LIST_SERVICES: ("services",),
    Feature.LIST_PRACTITIONERS: ("practitioners",),
    Feature.LIST_SESSIONS: ("sessions",),
    Feature.LIST_CLOSED_DAYS: ("closed_days",),
    Feature.FIND_SLOTS: ("slots",),
    Feature.BOOK_APPOINTMENT: ("book_appointment", "appointment", "written"),
    Feature.CHANGE_APPOINTMENT: ("change_appointment", "appointment", "written"),
    Feature.FIND_APPOINTMENTS: ("appointments",),
    Feature.CHECK_IN: ("check_in", "visit", "written"),
    Feature.CANCEL_VISIT: ("cancel_visit", "visit", "written"),
    Feature.LIST_VISITS: ("visits",),
    Feature.QUEUE_STATUS: ("queue_status",),
    Feature.LIST_ORDERS: ("orders",),
    Feature.LIST_REPORTS: ("reports",),
    Feature.READ_REPORT_PART: ("report_values", "report_document"),
    Feature.READ_ACCOUNT: ("account", "invoices", "charges"),
    Feature.POST_PAYMENT: ("post_payment", "payment", "written"),
    Feature.EINVOICE: ("einvoice",),
    Feature.RECORD_CONSENT: ("record_consent", "written"),
    Feature.LIST_CODES: ("codes",),
    Feature.CHANGES: ("changes", "change_span"),
    Feature.FIND_BY_KEY: ("written",),
}

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITING = re.compile(
    r"\b(insert|update|delete|merge|truncate|into|call|exec|execute|do|copy|drop|alter|create"
    r"|grant|revoke|lock|vacuum|attach|pragma|set)\b",
    re.IGNORECASE,
)


def checked_statements(
    reads: Mapping[str, str], writes: Mapping[str, str]
) -> tuple[dict[str, str], frozenset[Feature]]:
    """All statements by name, and the features they make. Raises GatewayMisconfigured."""
    for name, statement in reads.items():
        _check_parameters(name, statement, READS)
        bare = _QUOTED.sub(" ", statement)
        if not re.match(r"\s*(select|with)\b", bare, re.IGNORECASE) or _WRITING.search(bare):
            raise GatewayMisconfigured(f"reads.{name} may only select")
    for name, statement in writes.items():
        if {"key", "content"} - _check_parameters(name, statement, WRITES):
            raise GatewayMisconfigured(f"writes.{name} does not take :key and :content")
    statements = {**reads, **writes}
    features = {
        feature for feature, needed in NEEDED.items() if all(name in statements for name in needed)
    }
    for name in writes:
        if Feature(name) not in features:
            missing = [item for item in NEEDED[Feature(name)] if item not in statements]
            raise GatewayMisconfigured(f"writes.{name} needs reads.{missing[0]}")
    return statements, frozenset(features)


def _check_parameters(name: str, statement: str, known: Mapping[str, frozenset[str]]) -> set[str]:
    if name not in known:
        raise GatewayMisconfigured(f"no statement is called {name}")
    if ";" in _QUOTED.sub(" ", statement):
        raise GatewayMisconfigured(f"{name} is more than one statement")
    given = set(text(statement).compile().params)
    if unknown := sorted(given - known[name]):
        raise GatewayMisconfigured(f"{name} asks for :{unknown[0]}, which it is not given")
    return given
