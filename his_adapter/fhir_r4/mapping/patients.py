"""Patient. `name.text` is the only truth about a name; its parts are derived and never read back
while a text is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    concept_text,
    id_of,
    object_of,
    objects,
    text_of,
    version_of,
)
from his_adapter.models import (
    BirthDate,
    Gender,
    Identifier,
    IdentifierKind,
    Patient,
    PatientChanges,
    PatientDraft,
)

SYSTEM_NAMES: Mapping[IdentifierKind, str] = {
    IdentifierKind.ID12: "cccd",
    IdentifierKind.CMND9: "cmnd",
    IdentifierKind.BHYT15: "bhyt",
    IdentifierKind.BHXH10: "bhxh",
    IdentifierKind.MRN: "mrn",
    IdentifierKind.PASSPORT: "passport",
}
_VN_TYPES = "http://fhir.hl7.org.vn/core/CodeSystem/vn-identifier-type-cs"
_V2_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_TYPES: Mapping[IdentifierKind, tuple[str, str]] = {
    IdentifierKind.ID12: (_VN_TYPES, "CCCD"),
    IdentifierKind.CMND9: (_VN_TYPES, "CMND"),
    IdentifierKind.BHYT15: (_VN_TYPES, "BHYT"),
    IdentifierKind.BHXH10: (_VN_TYPES, "BHXH"),
    IdentifierKind.MRN: (_V2_TYPES, "MR"),
    IdentifierKind.PASSPORT: (_V2_TYPES, "PPN"),
}
_GUARDIAN = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}],
    "text": "Người giám hộ",
}


def patient_resource(config: FhirConfig, draft: PatientDraft, *, key: str) -> Resource:
    """A new Patient that carries our key, so that it can be found by it."""
    resource: Resource = {
        "resourceType": "Patient",
        "identifier": [
            *(_identifier(config, item) for item in draft.identifiers),
            {"use": "official", "system": config.system("request_key"), "value": key},
        ],
        "active": True,
        "name": [_name(draft.full_name)],
        "gender": draft.gender.value,
    }
    if config.patient_profile:
        resource["meta"] = {"profile": [config.patient_profile]}
    if draft.birth_date is not None:
        resource["birthDate"] = draft.birth_date.isoformat()
    if draft.phone:
        resource["telecom"] = [_phone(draft.phone)]
    if draft.address:
        resource["address"] = [_address(draft.address)]
    if draft.guardian:
        resource["contact"] = [_guardian(draft.guardian)]
    return resource


def changed_patient(
    config: FhirConfig, stored: Resource, changes: PatientChanges, *, key: str
) -> Resource:
    """The stored resource with the changes in it; everything we do not know of stays."""
    resource = {**stored}
    identifiers = list(objects(stored.get("identifier")))
    known = {(item.kind, item.value) for item in _identifiers(config, stored)}
    identifiers += [
        _identifier(config, item)
        for item in changes.new_identifiers
        if (item.kind, item.value) not in known
    ]
    resource["identifier"] = with_latest_key(config, identifiers, key)
    if changes.full_name is not None:
        resource["name"] = [
            _name(changes.full_name),
            *(name for name in objects(stored.get("name")) if name is not _chosen_name(stored)),
        ]
    if changes.birth_date is not None:
        resource["birthDate"] = changes.birth_date.isoformat()
    if changes.gender is not None:
        resource["gender"] = changes.gender.value
    if changes.phone is not None:
        others = [t for t in objects(stored.get("telecom")) if t.get("system") != "phone"]
        resource["telecom"] = [_phone(changes.phone), *others]
    if changes.address is not None:
        others = [a for a in objects(stored.get("address")) if a.get("use") != "home"]
        resource["address"] = [_address(changes.address), *others]
    if changes.guardian is not None:
        others = [c for c in objects(stored.get("contact")) if not _is_guardian(c)]
        resource["contact"] = [_guardian(changes.guardian), *others]
    return resource


def with_latest_key(config: FhirConfig, identifiers: list[Resource], key: str) -> list[Resource]:
    """The key of the creation stays, that of the latest change replaces the one before."""
    system = config.system("request_key")
    kept = [
        item
        for item in identifiers
        if item.get("system") != system or item.get("use") == "official"
    ]
    return [*kept, {"use": "secondary", "system": system, "value": key}]


def patient(config: FhirConfig, untrusted: Resource) -> Patient:
    """Raises BrokenReply for a record without a name or with an impossible birth date."""
    full_name = " ".join(_full_name(_chosen_name(untrusted)).split())
    if not full_name:
        raise BrokenReply("a patient without a name")
    return Patient(
        ref=id_of(untrusted),
        version=version_of(untrusted),
        full_name=full_name,
        birth_date=_birth_date(untrusted.get("birthDate")),
        gender=_gender(untrusted.get("gender")),
        identifiers=tuple(sorted(set(_identifiers(config, untrusted)))),
        phone=_first(
            text_of(item.get("value"))
            for item in objects(untrusted.get("telecom"))
            if item.get("system") == "phone" and item.get("use") != "old"
        ),
        address=_first(_address_text(item) for item in objects(untrusted.get("address"))),
        guardian=_first(
            _full_name(object_of(item.get("name")))
            for item in objects(untrusted.get("contact"))
            if _is_guardian(item)
        ),
    )


def draft_of(config: FhirConfig, untrusted: Resource) -> PatientDraft:
    """What a Patient says, without reference and version: for who receives one."""
    known = patient(config, {**untrusted, "id": "new"})
    return PatientDraft(
        full_name=known.full_name,
        birth_date=known.birth_date,
        gender=known.gender,
        identifiers=known.identifiers,
        phone=known.phone,
        address=known.address,
        guardian=known.guardian,
    )


def _identifier(config: FhirConfig, item: Identifier) -> Resource:
    system, code = _TYPES[item.kind]
    return {
        "use": "official",
        "type": {"coding": [{"system": system, "code": code}]},
        "system": config.system(SYSTEM_NAMES[item.kind]),
        "value": item.value,
    }


def _identifiers(config: FhirConfig, resource: Resource) -> list[Identifier]:
    kinds = {
        system: kind for kind, name in SYSTEM_NAMES.items() for system in config.readable(name)
    }
    found = []
    for entry in objects(resource.get("identifier")):
        kind = kinds.get(str(entry.get("system", "")))
        value = text_of(entry.get("value"), place="identifier").strip()
        if kind is not None and value and entry.get("use") != "old":
            found.append(Identifier(kind=_insurance_kind(kind, value), value=value))
    return found


def _insurance_kind(kind: IdentifierKind, value: str) -> IdentifierKind:
    """A card number system holds cards of 15, social insurance numbers of 10 and personal
    numbers of 12 characters side by side.
    """
    if kind is IdentifierKind.BHYT15:
        return {10: IdentifierKind.BHXH10, 12: IdentifierKind.ID12}.get(len(value), kind)
    return kind


def _name(full_name: str) -> Resource:
    family, *given = full_name.split()
    name: Resource = {"use": "official", "text": full_name, "family": family}
    if given:
        *middle, last = given
        name["given"] = [" ".join(middle), last] if middle else [last]
    return name


def _chosen_name(resource: Resource) -> Resource:
    names = [name for name in objects(resource.get("name")) if name.get("use") != "old"]
    ranked = sorted(names, key=lambda name: name.get("use") != "official")
    return ranked[0] if ranked else {}


def _full_name(name: Resource) -> str:
    if text := text_of(name.get("text"), place="name"):
        return text
    given = name.get("given")
    parts = [name.get("family"), *(given if isinstance(given, list) else [])]
    return " ".join(text_of(part, place="name") for part in parts if part)


def _birth_date(value: object) -> BirthDate | None:
    if value is None:
        return None
    try:
        return BirthDate.from_iso(text_of(value, place="birthDate"))
    except ValueError:
        raise BrokenReply("an impossible birth date") from None


def _gender(value: object) -> Gender:
    if value is None:
        return Gender.UNKNOWN
    try:
        return Gender(text_of(value, place="gender"))
    except ValueError:
        raise BrokenReply("an unknown code for sex") from None


def _phone(number: str) -> Resource:
    return {"system": "phone", "value": number, "use": "mobile"}


def _address(text: str) -> Resource:
    """As printed on the card. Codes are the hospital's to add: they are never guessed."""
    return {"use": "home", "text": text, "country": "VN"}


def _address_text(address: Resource) -> str:
    if text := text_of(address.get("text"), place="address"):
        return text
    lines: Any = address.get("line")
    parts = [*(lines if isinstance(lines, list) else [])]
    parts += [address.get(name) for name in ("city", "district", "state")]
    return ", ".join(text_of(part, place="address") for part in parts if part)


def _guardian(name: str) -> Resource:
    return {"relationship": [_GUARDIAN], "name": {"text": name}}


def _is_guardian(contact: Resource) -> bool:
    wanted = _GUARDIAN["text"]
    return any(concept_text(item) == wanted for item in objects(contact.get("relationship")))


def _first(values: Any) -> str | None:
    return next((value for value in values if value), None)
