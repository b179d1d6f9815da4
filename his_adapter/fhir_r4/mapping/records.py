"""Orders and results: ServiceRequest, DiagnosticReport, Observation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    codes_of,
    concept_text,
    extension,
    id_of,
    moment_of,
    moment_text,
    object_of,
    objects,
    reference,
    reference_to,
    text_of,
    translated,
    version_of,
    with_translation,
)
from his_adapter.models import (
    Order,
    OrderStatus,
    PartKind,
    Ref,
    Report,
    ReportKind,
    ReportPart,
    ReportStatus,
    ResultValue,
    ServiceKind,
)

_ORDER_STATUSES = {
    "active": OrderStatus.ACTIVE,
    "on-hold": OrderStatus.ACTIVE,
    "completed": OrderStatus.COMPLETED,
    "revoked": OrderStatus.CANCELLED,
    "entered-in-error": OrderStatus.CANCELLED,
}
"""Drafts are not orders yet, and `unknown` is not for patients."""
_ORDER_CODES = {
    OrderStatus.ACTIVE: "active",
    OrderStatus.COMPLETED: "completed",
    OrderStatus.CANCELLED: "revoked",
}
_SNOMED_KINDS = {
    "108252007": ServiceKind.LABORATORY,
    "363679005": ServiceKind.IMAGING,
}
_KIND_SYSTEM = "urn:tiepdon:service-kind"
_V2_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_LABORATORY = frozenset(
    [
        "LAB",
        "CH",
        "HM",
        "MB",
        "CG",
        "BLB",
        "IMM",
        "ICU",
        "SP",
        "SR",
        "TX",
        "VR",
        "MCB",
        "PAR",
        "GE",
        "OSL",
    ]
)
_IMAGING = frozenset(
    ["RAD", "RX", "CT", "CUS", "NMR", "NRS", "OUS", "RUS", "VUS", "XRC", "NMS", "IMG"]
)
_RELEASED = {status.value: status for status in ReportStatus}
RELEASED_CODES = ",".join(_RELEASED)
_USABLE_VALUES = frozenset({"final", "amended", "corrected"})
_INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
VALUES_PART = "values"
VALUES_TYPE = "application/json"


# --- orders


def order(untrusted: Resource, by_code: Mapping[str, Ref]) -> Order | None:
    """None for what is not ordered (yet): drafts, proposals, options."""
    status = _ORDER_STATUSES.get(text_of(untrusted.get("status")))
    if status is None or untrusted.get("intent") in {"proposal", "plan", "option"}:
        return None
    patient = reference_to("Patient", untrusted.get("subject"))
    if patient is None:
        raise BrokenReply("an order without patient")
    codes = [code for _, code in codes_of(untrusted.get("code"))]
    named = object_of(untrusted.get("code"))
    performers = [
        reference_to("HealthcareService", item) for item in objects(untrusted.get("performer"))
    ]
    service = next((ref for ref in performers if ref is not None), None)
    rooms = [reference_to("Location", item) for item in objects(untrusted.get("locationReference"))]
    return Order(
        ref=id_of(untrusted),
        version=version_of(untrusted),
        patient=patient,
        visit=reference_to("Encounter", untrusted.get("encounter")),
        service=service or next((by_code[code] for code in codes if code in by_code), None),
        kind=_order_kind(untrusted),
        code=codes[0] if codes else "",
        name_vi=concept_text(named),
        name_en=translated(named.get("_text"), "en"),
        status=status,
        room=next((ref for ref in rooms if ref is not None), None),
        preparation_vi=text_of(untrusted.get("patientInstruction")),
        preparation_en=translated(untrusted.get("_patientInstruction"), "en"),
        accession=_accession(untrusted),
        ordered_at=moment_of(untrusted.get("authoredOn"), place="authoredOn"),
    )


def order_resource(config: FhirConfig, item: Order) -> Resource:
    resource: Resource = {
        "resourceType": "ServiceRequest",
        "id": item.ref,
        "meta": {"versionId": item.version},
        "status": _ORDER_CODES[item.status],
        "intent": "order",
        "category": [{"coding": [{"system": _KIND_SYSTEM, "code": item.kind.value}]}],
        "code": {
            "coding": [{"system": config.system("service"), "code": item.code}],
            "text": item.name_vi,
            **({"_text": with_translation(item.name_en, "en")} if item.name_en else {}),
        },
        "subject": reference("Patient", item.patient),
        "authoredOn": moment_text(item.ordered_at),
    }
    if item.visit is not None:
        resource["encounter"] = reference("Encounter", item.visit)
    if item.service is not None:
        resource["performer"] = [reference("HealthcareService", item.service)]
    if item.room is not None:
        resource["locationReference"] = [reference("Location", item.room)]
    if item.preparation_vi:
        resource["patientInstruction"] = item.preparation_vi
        if item.preparation_en:
            resource["_patientInstruction"] = with_translation(item.preparation_en, "en")
    if item.accession is not None:
        kind = {"coding": [{"system": _V2_TYPES, "code": "ACSN"}]}
        resource["identifier"] = [{"type": kind, "value": item.accession}]
    return resource


# --- results


def report(config: FhirConfig, untrusted: Resource) -> Report | None:
    """None for what the hospital has not released."""
    status = _RELEASED.get(text_of(untrusted.get("status")))
    if status is None:
        return None
    patient = reference_to("Patient", untrusted.get("subject"))
    if patient is None:
        raise BrokenReply("a result without patient")
    orders = [reference_to("ServiceRequest", i) for i in objects(untrusted.get("basedOn"))]
    signed = object_of(extension(untrusted, config.extensions.own + "signed")).get("valueBoolean")
    return Report(
        ref=id_of(untrusted),
        version=version_of(untrusted),
        patient=patient,
        order=next((ref for ref in orders if ref is not None), None),
        visit=reference_to("Encounter", untrusted.get("encounter")),
        kind=_report_kind(untrusted),
        title_vi=concept_text(untrusted.get("code")),
        status=status,
        issued_at=moment_of(
            untrusted.get("issued") or untrusted.get("effectiveDateTime"), place="issued"
        ),
        signed=signed if isinstance(signed, bool) else None,
        parts=tuple(part for part, _ in parts_of(untrusted)),
    )


def parts_of(untrusted: Resource) -> Iterator[tuple[ReportPart, Resource]]:
    """Each part with the attachment it is in; values have none."""
    if any(True for _ in objects(untrusted.get("result"))):
        yield ReportPart(name=VALUES_PART, kind=PartKind.VALUES, media_type=VALUES_TYPE), {}
    pdfs = images = 0
    for attachment in objects(untrusted.get("presentedForm")):
        media_type = text_of(attachment.get("contentType")).partition(";")[0].lower()
        if media_type == "application/pdf":
            pdfs += 1
            name, kind = ("pdf" if pdfs == 1 else f"pdf-{pdfs}"), PartKind.PDF
        elif media_type in {"image/png", "image/jpeg"}:
            images += 1
            name, kind = f"image-{images}", PartKind.IMAGE
        else:
            continue
        yield ReportPart(name=name, kind=kind, media_type=media_type), attachment


def report_resource(
    config: FhirConfig, item: Report, *, results: list[Resource], attachments: list[Resource]
) -> Resource:
    section = {"laboratory": "LAB", "imaging": "RAD"}.get(item.kind.value, "OTH")
    resource: Resource = {
        "resourceType": "DiagnosticReport",
        "id": item.ref,
        "meta": {"versionId": item.version},
        "status": item.status.value,
        "category": [{"coding": [{"system": _SECTIONS, "code": section}]}],
        "code": {"text": item.title_vi},
        "subject": reference("Patient", item.patient),
        "issued": moment_text(item.issued_at),
    }
    if item.order is not None:
        resource["basedOn"] = [reference("ServiceRequest", item.order)]
    if item.visit is not None:
        resource["encounter"] = reference("Encounter", item.visit)
    if item.signed is not None:
        resource["extension"] = [
            {"url": config.extensions.own + "signed", "valueBoolean": item.signed}
        ]
    if results:
        resource["contained"] = results
        resource["result"] = [{"reference": f"#{entry['id']}"} for entry in results]
    if attachments:
        resource["presentedForm"] = attachments
    return resource


def values(untrusted: Resource) -> list[ResultValue]:
    """Lines of one Observation: its own value, or those of its components."""
    if untrusted.get("status") not in _USABLE_VALUES:
        return []
    own = _value(untrusted)
    lines = [] if own is None else [own]
    components = (_value(component) for component in objects(untrusted.get("component")))
    return lines + [line for line in components if line is not None]


def observation_resource(item: ResultValue, *, ref: str, patient: Ref) -> Resource:
    """Values are texts in the port; those that are no plain number stay texts in FHIR."""
    resource: Resource = {
        "resourceType": "Observation",
        "id": ref,
        "status": "final",
        "code": {"coding": [{"code": item.code}], "text": item.name_vi},
        "subject": reference("Patient", patient),
    }
    number = _number(item.value)
    if number is not None and item.unit:
        resource["valueQuantity"] = {"value": number, "unit": item.unit}
    else:
        resource["valueString"] = " ".join(filter(None, (item.value, item.unit)))
    if item.reference_range:
        resource["referenceRange"] = [{"text": item.reference_range}]
    if item.flag:
        resource["interpretation"] = [{"coding": [{"system": _INTERPRETATIONS, "code": item.flag}]}]
    return resource


def _value(element: Resource) -> ResultValue | None:
    told = _value_text(element)
    if told is None:
        return None
    value, unit = told
    codes = [code for _, code in codes_of(element.get("code")) if code]
    flags = [code for item in objects(element.get("interpretation")) for _, code in codes_of(item)]
    return ResultValue(
        code=codes[0] if codes else "",
        name_vi=concept_text(element.get("code")),
        value=value,
        unit=unit,
        reference_range=next((_range(item) for item in objects(element.get("referenceRange"))), ""),
        flag=flags[0] if flags else "",
    )


def _value_text(element: Resource) -> tuple[str, str] | None:
    if "valueQuantity" in element:
        quantity = object_of(element["valueQuantity"])
        number = _digits(quantity.get("value"))
        unit = text_of(quantity.get("unit")) or text_of(quantity.get("code"))
        return text_of(quantity.get("comparator")) + number, unit
    if "valueString" in element:
        return text_of(element["valueString"]), ""
    if "valueCodeableConcept" in element:
        return concept_text(element["valueCodeableConcept"]), ""
    if "valueInteger" in element:
        return _digits(element["valueInteger"]), ""
    if "valueBoolean" in element:
        return ("có" if element["valueBoolean"] is True else "không"), ""
    if "valueDateTime" in element or "valueTime" in element:
        return text_of(element.get("valueDateTime") or element.get("valueTime")), ""
    if "valueRange" in element:
        span = object_of(element["valueRange"])
        low, high = object_of(span.get("low")), object_of(span.get("high"))
        unit = text_of(low.get("unit")) or text_of(high.get("unit"))
        return f"{_digits(low.get('value'))}–{_digits(high.get('value'))}", unit
    if "valueRatio" in element:
        ratio = object_of(element["valueRatio"])
        parts = (object_of(ratio.get(name)) for name in ("numerator", "denominator"))
        return ":".join(_digits(part.get("value")) for part in parts), ""
    absent = concept_text(element.get("dataAbsentReason"))
    return (absent, "") if absent else None


def _range(untrusted: Resource) -> str:
    if text := text_of(untrusted.get("text")):
        return text
    low, high = object_of(untrusted.get("low")), object_of(untrusted.get("high"))
    if low and high:
        return f"{_digits(low.get('value'))}–{_digits(high.get('value'))}"
    if low:
        return f"≥ {_digits(low.get('value'))}"
    return f"≤ {_digits(high.get('value'))}" if high else ""


def _digits(value: object) -> str:
    """As the laboratory wrote it: 13.50 keeps its zero."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise BrokenReply("a result that is no number")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _number(text: str) -> int | float | None:
    """A number that JSON writes with these very digits."""
    if len(text) > 15 or not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text, re.ASCII):
        return None
    if "." not in text:
        return int(text) if str(int(text)) == text else None
    return float(text) if repr(float(text)) == text else None


def _order_kind(untrusted: Resource) -> ServiceKind:
    for category in objects(untrusted.get("category")):
        for _, code in codes_of(category):
            if code in set(ServiceKind):
                return ServiceKind(code)
            if code in _SNOMED_KINDS:
                return _SNOMED_KINDS[code]
    return ServiceKind.EXAMINATION


def _report_kind(untrusted: Resource) -> ReportKind:
    codes = {
        code for category in objects(untrusted.get("category")) for _, code in codes_of(category)
    }
    if codes & _LABORATORY:
        return ReportKind.LABORATORY
    return ReportKind.IMAGING if codes & _IMAGING else ReportKind.OTHER


def _accession(untrusted: Resource) -> str | None:
    for entry in objects(untrusted.get("identifier")):
        if (_V2_TYPES, "ACSN") in set(codes_of(entry.get("type"))):
            return text_of(entry.get("value")) or None
    return None
