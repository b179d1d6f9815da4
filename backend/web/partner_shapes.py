"""The fields of the kiosk contract, read from a partner and written for one.

What is sent is checked as strictly as what staff type. What is answered says no more of a person
than the partner said itself: names and numbers masked, no address, no patient number.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from backend.domain.catalogue import Catalogue, Department, Service
from backend.domain.identity import names
from backend.domain.identity.masking import masked_name, masked_number, masked_phone
from backend.domain.identity.models import BirthDate
from backend.domain.scan import PersonFacts
from backend.domain.ticket import name_service
from backend.errors import ServiceNotFound, ValidationFailed
from backend.services.offer_services import Availability, OfferedService, OfferedSlot
from backend.services.register_for_partner import Registration
from his_adapter.errors import BrokenReply
from his_adapter.json_kiosk.contract import KEY_FIELD, Document
from his_adapter.json_kiosk.mapping import PeopleRules, dump_coverage, load_draft
from his_adapter.json_kiosk.shapes import Field, as_object, read_text
from his_adapter.models import Coverage, Gender, Identifier, IdentifierKind, Patient, PatientDraft

JsonObject = dict[str, Any]

INSURED, PAYING = "bhyt", "dv"
MAX_ADDRESS = 400
MAX_NAME = 100
_KEY = re.compile(r"[!-~]{1,80}")
_PHONE = re.compile(r"\+?[0-9]{8,15}")
_NUMBERS: dict[IdentifierKind, str] = {
    IdentifierKind.ID12: r"[0-9]{12}",
    IdentifierKind.CMND9: r"[0-9]{9}",
    IdentifierKind.PASSPORT: r"[A-Z0-9]{5,20}",
    IdentifierKind.BHYT15: r"[A-Z]{2}[1-5][0-9]{12}",
    IdentifierKind.BHXH10: r"[0-9]{10}",
}
_RULES = PeopleRules()


# --- read ------------------------------------------------------------------------------------------


def read_document(parameters: Any) -> Identifier:
    """SO_GTTT with LOAI_GTTT. Raises ValidationFailed."""
    word, value = parameters.get("LOAI_GTTT", ""), parameters.get("SO_GTTT", "")
    kind = next(
        (IdentifierKind[each.name] for each in Document if each.value == word.upper()), None
    )
    pattern = _NUMBERS.get(kind) if kind else None
    if kind is None or pattern is None or re.fullmatch(pattern, value) is None:
        raise ValidationFailed("SO_GTTT or LOAI_GTTT cannot be used")
    return Identifier(kind=kind, value=value)


def read_asked_person(parameters: Any) -> PersonFacts:
    """Of /bhyt. Raises ValidationFailed."""
    number = read_document(parameters)
    document = {name: parameters.get(name) for name in ("HO_TEN", "NGAY_SINH", "GIOI_TINH")}
    return _facts(document | {"GIAY_TO": []}, (number,))


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadRegistration:
    """`key` is the partner's own name of the registration; `fingerprint` what it is about."""

    registration: Registration
    key: str | None
    fingerprint: str


def read_registration(untrusted_body: bytes, catalogue: Catalogue) -> ReadRegistration:
    """Raises ValidationFailed, which names fields and no values, or ServiceNotFound."""
    try:
        document = as_object(json.loads(untrusted_body))
        person = as_object(document.get("THONG_TIN_BN"))
        service = as_object(document.get("THONG_TIN_DICH_VU"))
        key = _optional(document, KEY_FIELD)
        kind, insurance = _read_exam_type(_optional(service, "ID_LOAI_KHAM"))
        found = find_service(
            catalogue, _optional(service, "ID_DICH_VU"), _optional(service, "MA_DICH_VU")
        )
        slot_id = _optional(service, "ID_KHUNG_THOI_GIAN")
        slip = _optional(document, "SO_GIAY_CHUYEN_TUYEN")
    except (ValueError, RecursionError, BrokenReply) as error:
        raise ValidationFailed(_field_of(error)) from error
    if key is not None and _KEY.fullmatch(key) is None:
        raise ValidationFailed(KEY_FIELD)
    facts = _facts(person)
    registration = Registration(
        facts=facts,
        visit_kind=kind,
        service_id=found.id,
        slot_id=slot_id or None,
        use_insurance=insurance if insurance is not None else bool(person.get("MA_THE_BHYT")),
        has_transfer_slip=bool(slip),
    )
    about = [facts.full_name, facts.birth_date, sorted(facts.numbers.items()), found.id, slot_id]
    fingerprint = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    return ReadRegistration(registration=registration, key=key, fingerprint=fingerprint)


def find_service(catalogue: Catalogue, service_id: str | None, code: str | None) -> Service:
    """Raises ServiceNotFound."""
    if service_id is not None and service_id in catalogue.services:
        return catalogue.services[service_id]
    found = next((each for each in catalogue.services.values() if each.code == code), None)
    if found is None:
        raise ServiceNotFound
    return found


def _facts(document: JsonObject, numbers: tuple[Identifier, ...] = ()) -> PersonFacts:
    try:
        draft = load_draft(document, _RULES)
        paper = _optional(document, "SO_GTTT")
    except BrokenReply as error:
        raise ValidationFailed(_field_of(error)) from error
    numbers = numbers or _with_paper(draft.identifiers, paper)
    full_name = names.normal_form(draft.full_name)
    has_letters = any(letter.isalpha() for letter in full_name)
    if not has_letters or len(full_name) > MAX_NAME or not full_name.isprintable():
        raise ValidationFailed("HO_TEN cannot be read")
    address = names.normal_form(draft.address) if draft.address else None
    if address and (len(address) > MAX_ADDRESS or not address.isprintable()):
        raise ValidationFailed("DIA_CHI cannot be read")
    return PersonFacts(
        full_name=full_name,
        name_key=names.search_key(full_name),
        birth_date=_read_birth_date(draft),
        gender=_read_gender(draft),
        numbers=_read_numbers(numbers),
        address=address,
        phone=draft.phone if draft.phone and _PHONE.fullmatch(draft.phone) else None,
    )


def _with_paper(known: tuple[Identifier, ...], paper: str | None) -> tuple[Identifier, ...]:
    """SO_GTTT comes without its kind. Raises ValidationFailed for what is no such number."""
    if not paper or paper in {number.value for number in known}:
        return known
    if re.fullmatch(_NUMBERS[IdentifierKind.PASSPORT], paper) is None or paper.isdigit():
        raise ValidationFailed("SO_GTTT cannot be read")
    return (*known, Identifier(kind=IdentifierKind.PASSPORT, value=paper))


def _read_birth_date(draft: PatientDraft) -> str | None:
    if draft.birth_date is None:
        return None
    try:
        return BirthDate.from_iso(draft.birth_date.isoformat()).isoformat()
    except ValueError as error:
        raise ValidationFailed("NGAY_SINH cannot be read") from error


def _read_gender(draft: PatientDraft) -> Literal["male", "female"] | None:
    if draft.gender is Gender.MALE:
        return "male"
    return "female" if draft.gender is Gender.FEMALE else None


def _read_numbers(identifiers: tuple[Identifier, ...]) -> dict[str, str]:
    """Patient numbers and booking codes that others send are not believed."""
    found = {}
    for number in identifiers:
        pattern = _NUMBERS.get(number.kind)
        if pattern is None:
            continue
        if re.fullmatch(pattern, number.value) is None:
            raise ValidationFailed("SO_GTTT cannot be read")
        found[number.kind.value] = number.value
    return found


def _read_exam_type(code: str | None) -> tuple[str, bool | None]:
    """`new.bhyt` → a kind of visit, and whether insurance is used (None: as the card says)."""
    if not code:
        return "new", None
    kind, _, how = code.rpartition(".")
    if how not in {INSURED, PAYING}:
        raise ValueError("ID_LOAI_KHAM cannot be read")
    return kind, how == INSURED


def _optional(document: JsonObject, name: str) -> str | None:
    found: str | None = Field(name, "", read_text, default=None).load(document)
    return found


def _field_of(error: Exception) -> str:
    """Our own sentences name a field; those of others may quote what they choked on."""
    own = isinstance(error, BrokenReply) or "ID_LOAI_KHAM" in str(error)
    return str(error) if own else "the body is not JSON of the promised shape"


# --- written ---------------------------------------------------------------------------------------


def exam_types(catalogue: Catalogue) -> list[JsonObject]:
    ways = ((INSURED, "bảo hiểm y tế"), (PAYING, "tự trả"))
    return [
        {
            "ID_LOAI_KHAM": f"{kind.code}.{code}",
            "TEN_LOAI_KHAM": f"{kind.label.vi} ({words})",
            "DON_GIA_LOAI_KHAM": 0,
        }
        for kind in catalogue.settings.visit_kinds
        if kind.code not in {"results", "unsure"}
        for code, words in ways
    ]


def visit_kind_of(exam_type: str | None) -> str | None:
    """Of a filter; something unknown filters nothing."""
    return exam_type.rpartition(".")[0] or None if exam_type else None


def department(found: Department) -> JsonObject:
    return {
        "ID_KHOA": found.id,
        "MA_KHOA": found.code,
        "TEN_KHOA": found.name.vi,
        "MA_KHU_VUC": None,
        "TEN_KHU_VUC": None,
        "TEN_KHOA_EN": found.name.en,
    }


def service(offered: OfferedService, catalogue: Catalogue, *, exam_type: str | None) -> JsonObject:
    found = offered.service
    home = catalogue.departments[found.department_id]
    return {
        "ID_KHOA": home.id,
        "MA_KHOA": home.code,
        "ID_DICH_VU": found.id,
        "MA_DICH_VU": found.code,
        "TEN_DICH_VU": found.name.vi,
        "TEN_DICH_VU_EN": found.name.en,
        "ID_LOAI_KHAM": exam_type,
        "ID_NHOM_DICH_VU": None,
        "MA_NHOM_DICH_VU": None,
        "TEN_NHOM_DICH_VU": None,
        "DON_GIA_DICH_VU": found.price_vnd,
        "DON_GIA_BHYT": found.insurance_price_vnd,
        "DON_GIA_THU_THEM": 0,
        "CHON_GIO": int(found.by_hour),
        "CO_TON_TAI": offered.availability is Availability.OPEN,
    }


def window(slot: OfferedSlot, *, position: int) -> JsonObject:
    return {
        "ID": slot.id,
        "THOI_GIAN_TU": f"{slot.start:%H:%M}",
        "THOI_GIAN_DEN": f"{slot.end:%H:%M}",
        "NGAY": f"{slot.start:%Y-%m-%d}",
        "SL_TOI_DA": slot.free,
        "SL_HIEN_TAI": 0,
        "THU_THU_SAP_XEP": position,
        "NHOM_KHUNG_GIO": "Sáng" if slot.start.hour < 12 else "Chiều",
    }


def patient(found: Patient, asked: Identifier, *, handle: str) -> JsonObject:
    """That somebody is known, and enough to see that it is the right one."""
    return {
        "ID_BN": handle,
        "MA_BN": handle,
        "HO_TEN": masked_name(found.full_name),
        "NGAY_SINH": str(found.birth_date.year) if found.birth_date else None,
        "GIOI_TINH": _RULES.genders[found.gender],
        "DIEN_THOAI": masked_phone(found.phone) if found.phone else None,
        "MA_DINH_DANH": asked.value if asked.kind is IdentifierKind.ID12 else None,
    }


def coverage(found: Coverage, facts: PersonFacts) -> JsonObject:
    gender = Gender(facts.gender) if facts.gender else Gender.UNKNOWN
    document = dump_coverage(
        found,
        full_name=facts.full_name,
        birth_date=facts.birth_date or "",
        gender=_RULES.coverage_genders.get(gender),
    )
    card = masked_number(found.card_number) if found.card_number else None
    return document | {"MA_THE_BHYT": card, "MA_DKBD": None}


def registered(
    visit: JsonObject, catalogue: Catalogue, *, person: PersonFacts | None, handle: str
) -> JsonObject:
    """The reply of `start_visit` in the words of the contract."""
    number, ticket, step = visit["number"], visit["ticket"], visit["steps"][0]
    letter = number.rstrip("0123456789")
    offered = catalogue.every_service[step["service_id"]]
    issued_at = ticket["issued_at"][:19].replace("T", " ")
    name = name_service(offered).vi
    words = ticket["vi"] or ticket
    return {
        "THONG_TIN_BN": {
            "ID_BN": handle,
            "MA_BN": handle,
            "HO_TEN": person.full_name if person else None,
        },
        "THONG_TIN_TIEP_NHAN": {
            "ID_LK": visit["id"],
            "MA_LK": None,
            "MA_VV": None,
            "NGAY_VAO": issued_at,
            "TRANG_THAI_LK": {"done": 2, "cancelled": 3}.get(visit["state"], 1),
            "STT_LK": int(number.removeprefix(letter)),
            "TIEN_TO_STT": letter,
            "SO_HIEN_THI": number,
            "TAM_THOI": int(visit["provisional"]),
            "PHONG": words["room"],
            "TANG": ticket["floor"],
            "CHI_DAN": words["landmark"],
            "HUONG_DAN": words["next"],
            "GHI_CHU": words["notes"],
            "MA_QR": ticket["qr"],
        },
        "THONG_TIN_DANG_KY": {
            "ID_DANG_KY": visit["id"],
            "MA_DANG_KY": visit["id"],
            "TEN_DANG_KY": name,
            "NGAY_DANG_KY": issued_at[:10],
            "TRANG_THAI_DANG_KY": 1,
            "DON_GIA_DANG_KY": offered.price_vnd,
            "MO_TA_DANG_KY": number,
            "CHI_TIET_DANG_KY": [
                {
                    "ID_DANG_KY": visit["id"],
                    "ID_DICH_VU": offered.id,
                    "TEN_DICH_VU": name,
                    "SO_LUONG": 1,
                    "DON_GIA": offered.price_vnd,
                    "TRANG_THAI": 1,
                }
            ],
        },
    }
