"""QuestionnaireResponse, Consent, ValueSet."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import groupby

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    id_of,
    moment_text,
    object_of,
    objects,
    reference,
    text_of,
    version_of,
)
from his_adapter.models import Code, ConsentRecord, HistoryAnswers, Receipt, Ref

QUESTIONNAIRES = "urn:tiepdon:questionnaire:"
_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


def history_resource(
    config: FhirConfig, patient: Ref, history: HistoryAnswers, *, key: str
) -> Resource:
    """Answers to one question that follow each other stand together; the order is kept."""
    resource: Resource = {
        "resourceType": "QuestionnaireResponse",
        "identifier": {"system": config.system("request_key"), "value": key},
        "questionnaire": QUESTIONNAIRES + history.questionnaire,
        "status": "completed",
        "language": history.language,
        "subject": reference("Patient", patient),
        "authored": moment_text(history.answered_at),
        "item": [
            {"linkId": link, "answer": [{"valueString": text} for _, text in pairs]}
            for link, pairs in groupby(history.answers, key=lambda pair: pair[0])
        ],
    }
    if not resource["item"]:
        del resource["item"]
    return resource


def answers_of(untrusted: Resource) -> tuple[tuple[str, str], ...]:
    return tuple(
        (text_of(item.get("linkId")), text_of(answer.get("valueString")))
        for item in objects(untrusted.get("item"))
        for answer in objects(item.get("answer"))
    )


def consent_resource(config: FhirConfig, consent: ConsentRecord, *, key: str) -> Resource:
    own = config.extensions.own
    extensions: list[Resource] = [
        {"url": own + "evidence", "valueString": consent.evidence},
        {"url": own + "signer-is-patient", "valueBoolean": consent.signer_is_patient},
    ]
    if consent.signer_relation:
        extensions.append({"url": own + "signer-relation", "valueString": consent.signer_relation})
    patient = reference("Patient", consent.patient)
    resource: Resource = {
        "resourceType": "Consent",
        "identifier": [{"use": "official", "system": config.system("request_key"), "value": key}],
        "status": "active",
        "scope": {"coding": [{"system": _SCOPES, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": patient,
        "dateTime": moment_text(consent.given_at),
        "policyRule": {"text": consent.document},
        "extension": extensions,
    }
    if consent.signer_is_patient:
        resource["performer"] = [patient]
    if consent.document_pdf:
        resource["sourceAttachment"] = {
            "contentType": "application/pdf",
            "data": base64.b64encode(consent.document_pdf).decode(),
        }
    return resource


def receipt(untrusted: Resource) -> Receipt:
    return Receipt(ref=id_of(untrusted), version=version_of(untrusted))


def codes(config: FhirConfig, untrusted_set: Resource) -> Iterator[Code]:
    """Entries of an expanded ValueSet, or of one that lists its codes; nested ones have parents."""
    expansion = object_of(untrusted_set.get("expansion"))
    if expansion:
        yield from _expanded(config, expansion, None)
        return
    compose = object_of(untrusted_set.get("compose"))
    for include in objects(compose.get("include")):
        for concept in objects(include.get("concept")):
            yield _code(config, concept, None)


def value_set_resource(config: FhirConfig, url: str, items: tuple[Code, ...]) -> Resource:
    own = config.extensions.own
    contains = []
    for item in items:
        extensions = [
            {"url": own + name, "valueCode": value}
            for name, value in (("parent", item.parent), ("legacy", item.legacy))
            if value is not None
        ]
        entry: Resource = {"system": url, "code": item.code, "display": item.display}
        contains.append({**entry, "extension": extensions} if extensions else entry)
    return {
        "resourceType": "ValueSet",
        "id": "expanded",
        "url": url,
        "status": "active",
        "expansion": {"timestamp": "2026-01-01T00:00:00+07:00", "contains": contains},
    }


def _expanded(config: FhirConfig, element: Resource, parent: str | None) -> Iterator[Code]:
    for entry in objects(element.get("contains")):
        code = None
        if not entry.get("abstract") and entry.get("code"):
            code = _code(config, entry, parent)
            yield code
        yield from _expanded(config, entry, parent if code is None else code.code)


def _code(config: FhirConfig, entry: Resource, parent: str | None) -> Code:
    code = text_of(entry.get("code"), place="code")
    if not code:
        raise BrokenReply("a code list with an empty code")
    own = config.extensions.own
    told = {
        name: text_of(object_of(extension(entry, own + name)).get("valueCode")) or None
        for name in ("parent", "legacy")
    }
    return Code(
        code=code,
        display=text_of(entry.get("display"), place="display") or code,
        parent=told["parent"] or parent,
        legacy=told["legacy"],
    )
