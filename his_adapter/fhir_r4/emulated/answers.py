"""What is answered to a request: resources, bundles and OperationOutcomes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from his_adapter.errors import (
    Duplicate,
    Forbidden,
    HisError,
    InvalidData,
    KeyReused,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    SlotTaken,
    Throttled,
    VersionConflict,
)
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, text_of


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    resource: Resource
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Ends a request with that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def outcome(status: int, code: str, place: str = "") -> Answer:
    issue: Resource = {"severity": "error", "code": code}
    if place:
        issue["expression"] = [place]
    return Answer(status=status, resource={"resourceType": "OperationOutcome", "issue": [issue]})


def answer_for(error: HisError) -> Answer:
    """What a FHIR server says when its hospital refuses."""
    if isinstance(error, InvalidData):
        place = re.sub(r"[^A-Za-z0-9.]", "", error.field)
        return outcome(422, "business-rule", place or "record")
    for kind, status, code in (
        (NotFound, 404, "not-found"),
        (Duplicate, 409, "duplicate"),
        (KeyReused, 409, "conflict"),
        (SlotTaken, 409, "conflict"),
        (VersionConflict, 412, "conflict"),
        (MultipleMatches, 412, "multiple-matches"),
        (LoginFailed, 401, "login"),
        (Forbidden, 403, "forbidden"),
        (NotSupported, 501, "not-supported"),
        (Throttled, 429, "throttled"),
    ):
        if isinstance(error, kind):
            return outcome(status, code)
    # Nothing done is 503; an answer lost behind us can only be told as a gateway time-out.
    return outcome(503 if error.code == "transient" else 504, error.code)


def answer_of(resource: Resource) -> Answer:
    version = text_of(object_of(resource.get("meta")).get("versionId"))
    headers = {"ETag": f'W/"{version}"'} if version else {}
    return Answer(status=200, resource=resource, headers=headers)


def bundle_of(found: list[Resource], included: Sequence[Resource] = ()) -> Answer:
    entries = [
        {"resource": resource, "search": {"mode": mode}}
        for mode, resources in (("match", found), ("include", included))
        for resource in resources
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "entry": entries,
    }
    if not entries:
        del bundle["entry"]
    return Answer(status=200, resource=bundle)


def statement() -> Resource:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "software": {"name": "tiepdon emulate his-fhir"},
    }
