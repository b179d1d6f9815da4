"""People, insurance and registrations between the contract and our models. Pure.

What differs from vendor to vendor is in `PeopleRules`. The full name is the only truth about a
name: parts are derived for the HIS and never read back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from his_adapter.builtin.names import normal_form, search_key
from his_adapter.coverage_codes import OUTCOMES
from his_adapter.errors import BrokenReply, InvalidData
from his_adapter.json_kiosk.contract import (
    COVERAGE_REPLY_FEMALE,
    COVERAGE_REPLY_MALE,
    GENDER_FEMALE,
    GENDER_MALE,
    GENDER_UNKNOWN,
    Document,
)
from his_adapter.json_kiosk.shapes import (
    Field,
    JsonObject,
    as_list,
    as_object,
    read_birth_date,
    read_day,
    read_flag,
    read_integer,
    read_moment,
    read_text,
    write_moment,
)
from his_adapter.models import (
    CheckIn,
    Coverage,
    CoverageOutcome,
    Gender,
    Identifier,
    IdentifierKind,
    Patient,
    PatientChanges,
    PatientDraft,
    Ref,
    Visit,
    VisitStatus,
    VisitTicket,
)

DOCUMENTS: Mapping[IdentifierKind, str] = MappingProxyType(
    {kind: Document[kind.name].value for kind in IdentifierKind}
)


class NameParts(StrEnum):
    """How HO_BN and TEN_BN cut a name."""

    FAMILY_REST = "family_rest"
    """HO_BN = họ, TEN_BN = đệm and tên: as described."""
    REST_GIVEN = "rest_given"
    """HO_BN = họ and đệm, TEN_BN = tên."""


class District(StrEnum):
    """Whether MAHUYEN_CU_TRU is sent; districts ended on 1 July 2025, some systems still ask."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, kw_only=True)
class AddressCodes:
    """`ending` of an address as printed (`Phường Mẫu, Tỉnh Giả Định`) → codes of the HIS."""

    ending: str
    province: str
    district: str | None
    ward: str


@dataclass(frozen=True, kw_only=True)
class PeopleRules:
    genders: Mapping[Gender, int] = field(
        default_factory=lambda: {
            Gender.MALE: GENDER_MALE,
            Gender.FEMALE: GENDER_FEMALE,
            Gender.OTHER: GENDER_UNKNOWN,
            Gender.UNKNOWN: GENDER_UNKNOWN,
        }
    )
    coverage_genders: Mapping[Gender, int] = field(
        default_factory=lambda: {
            Gender.MALE: COVERAGE_REPLY_MALE,
            Gender.FEMALE: COVERAGE_REPLY_FEMALE,
        }
    )
    name_parts: NameParts = NameParts.FAMILY_REST
    district: District = District.OPTIONAL
    addresses: Sequence[AddressCodes] = ()
    documents: Mapping[IdentifierKind, str] = field(default_factory=lambda: DOCUMENTS)
    defaults: Mapping[str, str | int] = field(default_factory=dict)
    """For fields the HIS requires and nobody asks about here, such as MA_DANTOC."""
    outcomes: Mapping[str, CoverageOutcome] = field(default_factory=lambda: OUTCOMES)
    ticket_prefix: str = ""
    """Stands before STT_LK on the tickets of the HIS, if it does not say so itself."""


# --- names, gender, address ------------------------------------------------------------------------


def split_name(full_name: str, parts: NameParts) -> tuple[str, str]:
    """HO_BN and TEN_BN; somebody with one name has no HO_BN."""
    words = full_name.split()
    if len(words) < 2:
        return "", full_name
    if parts is NameParts.FAMILY_REST:
        return words[0], " ".join(words[1:])
    return " ".join(words[:-1]), words[-1]


def join_name(family: str, rest: str) -> str:
    """For a HIS that sends the parts only: both ways of cutting give the name back."""
    return f"{family} {rest}".strip()


def read_gender(untrusted: object, genders: Mapping[Gender, int]) -> Gender:
    """The first of ours with that code; unknown codes are no gender. Raises ValueError."""
    code = read_integer(untrusted)
    found = [gender for gender, theirs in genders.items() if theirs == code]
    if Gender.UNKNOWN in found:
        return Gender.UNKNOWN
    return found[0] if found else Gender.UNKNOWN


def find_codes(address: str, table: Sequence[AddressCodes]) -> AddressCodes | None:
    """The codes of the longest ending that the address has word for word; nothing is guessed."""
    key = _address_key(address)
    fits = [
        each
        for each in table
        if key == (end := _address_key(each.ending)) or key.endswith(f", {end}")
    ]
    return max(fits, key=lambda each: len(each.ending), default=None)


def _address_key(address: str) -> str:
    """Case and spaces around commas do not count; marks do."""
    return re.sub(r"\s*,\s*", ", ", normal_form(address).casefold())


def _dump_address(address: str | None, rules: PeopleRules) -> JsonObject:
    codes = find_codes(address or "", rules.addresses)
    district = codes.district if codes else rules.defaults.get("MAHUYEN_CU_TRU")
    if rules.district is District.REQUIRED and not district:
        raise InvalidData("address", "Chưa có mã huyện cho địa chỉ này.")
    document: JsonObject = {
        "MATINH_CUTRU": codes.province if codes else None,
        "MAXA_CU_TRU": codes.ward if codes else None,
        "DIA_CHI": address,
    }
    if rules.district is not District.FORBIDDEN:
        document["MAHUYEN_CU_TRU"] = district
    return document


# --- people ----------------------------------------------------------------------------------------


def dump_person(person: PatientDraft, rules: PeopleRules, *, ref: Ref | None = None) -> JsonObject:
    """THONG_TIN_BN. Raises InvalidData where the HIS asks for what is not known."""
    family, rest = split_name(person.full_name, rules.name_parts)
    numbers = {item.kind: item.value for item in person.identifiers}
    document: JsonObject = {
        "ID_BN": ref or None,
        "MA_BN": numbers.get(IdentifierKind.MRN),
        "HO_TEN": person.full_name,
        "HO_BN": family,
        "TEN_BN": rest,
        "MA_DANTOC": None,
        "MA_QUOCTICH": None,
        "MA_NGHE_NGHIEP": None,
        "NGAY_SINH": person.birth_date.isoformat() if person.birth_date else None,
        "GIOI_TINH": rules.genders[person.gender],
        "SO_GTTT": numbers.get(IdentifierKind.ID12)
        or numbers.get(IdentifierKind.PASSPORT)
        or numbers.get(IdentifierKind.CMND9),
        "MA_DINH_DANH": numbers.get(IdentifierKind.ID12),
        "MA_THE_BHYT": numbers.get(IdentifierKind.BHYT15) or numbers.get(IdentifierKind.BHXH10),
        "DIEN_THOAI": person.phone,
        "NGUOI_GIAM_HO": person.guardian,
        "GIAY_TO": [
            {"LOAI": rules.documents.get(item.kind, DOCUMENTS[item.kind]), "SO": item.value}
            for item in person.identifiers
        ],
        **_dump_address(person.address, rules),
    }
    missing = {name: value for name, value in rules.defaults.items() if document.get(name) is None}
    if rules.district is District.FORBIDDEN:
        missing.pop("MAHUYEN_CU_TRU", None)
    return document | missing


def dump_patient(patient: Patient, rules: PeopleRules) -> JsonObject:
    """As /benhnhan answers."""
    return dump_person(patient, rules, ref=patient.ref) | {"PHIEN_BAN": patient.version}


def load_draft(untrusted: object, rules: PeopleRules) -> PatientDraft:
    """THONG_TIN_BN of a request. Raises BrokenReply, which names the field."""
    return PatientDraft(**_person_values(as_object(untrusted), rules))


def load_patient(untrusted: object, rules: PeopleRules) -> Patient:
    """Raises BrokenReply."""
    document = as_object(untrusted)
    ref = _optional(document, "ID_BN") or _optional(document, "MA_BN")
    if ref is None:
        raise BrokenReply("neither ID_BN nor MA_BN")
    version = _optional(document, "PHIEN_BAN") or ""
    return Patient(ref=Ref(ref), version=version, **_person_values(document, rules))


def _person_values(document: JsonObject, rules: PeopleRules) -> dict[str, Any]:
    birth = Field("NGAY_SINH", "", read_birth_date, default=None).load(document)
    gender = Field(
        "GIOI_TINH", "", lambda v: read_gender(v, rules.genders), default=Gender.UNKNOWN
    ).load(document)
    return {
        "full_name": _read_name(document),
        "birth_date": birth,
        "gender": gender,
        "identifiers": _read_numbers(document, rules),
        "phone": _optional(document, "DIEN_THOAI"),
        "address": _optional(document, "DIA_CHI"),
        "guardian": _optional(document, "NGUOI_GIAM_HO"),
    }


def _read_name(document: JsonObject) -> str:
    name = _optional(document, "HO_TEN")
    if name is None:
        parts = (_optional(document, part) or "" for part in ("HO_BN", "TEN_BN"))
        name = join_name(*parts)
    if not name:
        raise BrokenReply("HO_TEN is missing")
    return name


def _read_numbers(document: JsonObject, rules: PeopleRules) -> tuple[Identifier, ...]:
    if document.get("GIAY_TO") is not None:
        kinds = {word: kind for kind, word in {**DOCUMENTS, **rules.documents}.items()}
        papers = [as_object(each) for each in as_list(document["GIAY_TO"])]
        found = {
            Identifier(kind=kinds[word], value=value)
            for paper in papers
            if (word := _optional(paper, "LOAI")) in kinds and (value := _optional(paper, "SO"))
        }
        return tuple(sorted(found))
    card = _optional(document, "MA_THE_BHYT") or ""
    card_kind = {15: IdentifierKind.BHYT15, 10: IdentifierKind.BHXH10}.get(len(card))
    personal = _optional(document, "MA_DINH_DANH") or _optional(document, "SO_GTTT") or ""
    personal_kind = {12: IdentifierKind.ID12, 9: IdentifierKind.CMND9}.get(len(personal))
    told: list[tuple[IdentifierKind | None, str | None]] = [
        (card_kind, card),
        (personal_kind if personal.isdigit() else None, personal),
        (IdentifierKind.MRN, _optional(document, "MA_BN")),
    ]
    return tuple(
        sorted(Identifier(kind=kind, value=value) for kind, value in told if kind and value)
    )


def _optional(document: JsonObject, name: str) -> str | None:
    found: str | None = Field(name, "", read_text, default=None).load(document)
    return found


_CHANGED = {
    "HO_TEN": "full_name",
    "NGAY_SINH": "birth_date",
    "GIOI_TINH": "gender",
    "DIEN_THOAI": "phone",
    "DIA_CHI": "address",
    "NGUOI_GIAM_HO": "guardian",
}


def dump_changes(changes: PatientChanges, rules: PeopleRules) -> JsonObject:
    """Changed fields only."""
    document: JsonObject = {
        name: getattr(changes, attribute)
        for name, attribute in _CHANGED.items()
        if getattr(changes, attribute) is not None
    }
    if changes.birth_date is not None:
        document["NGAY_SINH"] = changes.birth_date.isoformat()
    if changes.gender is not None:
        document["GIOI_TINH"] = rules.genders[changes.gender]
    if changes.full_name is not None:
        names = split_name(changes.full_name, rules.name_parts)
        document["HO_BN"], document["TEN_BN"] = names
    if changes.new_identifiers:
        document["GIAY_TO"] = [
            {"LOAI": rules.documents.get(item.kind, DOCUMENTS[item.kind]), "SO": item.value}
            for item in changes.new_identifiers
        ]
    return document


def load_changes(untrusted: object, rules: PeopleRules) -> PatientChanges:
    """Raises BrokenReply."""
    document = as_object(untrusted)
    values: dict[str, Any] = {
        attribute: _optional(document, name)
        for name, attribute in _CHANGED.items()
        if name not in {"NGAY_SINH", "GIOI_TINH"}
    }
    values["birth_date"] = Field("NGAY_SINH", "", read_birth_date, default=None).load(document)
    values["gender"] = Field(
        "GIOI_TINH", "", lambda v: read_gender(v, rules.genders), default=None
    ).load(document)
    numbers = _read_numbers({"GIAY_TO": document.get("GIAY_TO") or []}, rules)
    return PatientChanges(new_identifiers=numbers, **values)


def is_same_name(one: str, other: str) -> bool:
    return search_key(one) == search_key(other)


# --- insurance -------------------------------------------------------------------------------------


def load_coverage(
    untrusted: object,
    rules: PeopleRules,
    *,
    full_name: str,
    birth_date: str | None,
    facility_code: str,
    on: date,
    now: datetime,
) -> Coverage:
    """Raises BrokenReply, also when the answer is about somebody else."""
    document = as_object(untrusted)
    told_name = _optional(document, "HO_TEN")
    outcome, code = _read_outcome(document, rules)
    valid = outcome in {
        CoverageOutcome.OK,
        CoverageOutcome.OK_DESK_NOTE,
        CoverageOutcome.USE_NEW,
    }
    if valid and told_name is not None and not is_same_name(told_name, full_name):
        raise BrokenReply("the insurance of another person")
    told_birth = Field("NGAY_SINH", "", read_birth_date, default=None).load(document)
    if (
        valid
        and told_birth
        and birth_date
        and not told_birth.agrees_with(read_birth_date(birth_date))
    ):
        raise BrokenReply("the insurance of a person born on another day")
    valid_from, valid_to = (
        Field(name, "", read_day, default=None).load(document)
        for name in ("GT_THE_TU", "GT_THE_DEN")
    )
    if valid and ((valid_to and valid_to < on) or (valid_from and valid_from > on)):
        outcome, valid = CoverageOutcome.NONE, False
    registered_at = _optional(document, "MA_DKBD")
    card = _optional(document, "MA_THE_BHYT")
    level = card[2] if card and len(card) == 15 and card[2] in "12345" else None
    return Coverage(
        outcome=outcome,
        code=code,
        valid_from=valid_from,
        valid_to=valid_to,
        facility_code=registered_at,
        registered_here=None if registered_at is None else registered_at == facility_code,
        benefit_level=int(level) if level else None,
        card_number=card if valid else None,
        checked_at=now,
    )


def _read_outcome(document: JsonObject, rules: PeopleRules) -> tuple[CoverageOutcome, str]:
    """MA_KQ where its code is known; else what the HIS decided, TIEP_NHAN_BHYT; else later."""
    code = _optional(document, "MA_KQ") or ""
    if code in rules.outcomes:
        return rules.outcomes[code], code
    accepted = Field("TIEP_NHAN_BHYT", "", read_flag, default=None).load(document)
    if accepted is None:
        return CoverageOutcome.LATER, code or "none"
    return (CoverageOutcome.OK if accepted else CoverageOutcome.NONE), code or str(int(accepted))


def dump_coverage(
    coverage: Coverage, *, full_name: str, birth_date: str, gender: int | None
) -> JsonObject:
    """As /bhyt answers. What the asker did not say himself stays out."""
    accepted = coverage.outcome not in {CoverageOutcome.NONE, CoverageOutcome.MISMATCH}
    return {
        "HO_TEN": full_name,
        "NGAY_SINH": birth_date,
        "GIOI_TINH": gender,
        "DIA_CHI": "",
        "MA_THE_BHYT": coverage.card_number,
        "MA_DKBD": coverage.facility_code,
        "GT_THE_TU": coverage.valid_from.isoformat() if coverage.valid_from else None,
        "GT_THE_DEN": coverage.valid_to.isoformat() if coverage.valid_to else None,
        "PHAN_TUYEN": 1 if coverage.registered_here else None,
        "MA_KQ": coverage.code,
        "TEN_KQ": "",
        "TIEP_NHAN_BHYT": int(accepted),
    }


# --- registrations ---------------------------------------------------------------------------------

_STATUS = {1: VisitStatus.ARRIVED, 2: VisitStatus.FINISHED, 3: VisitStatus.CANCELLED}
_STATUS_CODE = {status: code for code, status in _STATUS.items()}


def dump_registration(
    visit: Visit, patient: JsonObject, *, service_name: str, price_vnd: int | None
) -> JsonObject:
    """As /dangky-kcb answers."""
    return {
        "THONG_TIN_BN": patient,
        "THONG_TIN_TIEP_NHAN": {
            "ID_LK": visit.ref,
            "MA_LK": visit.record_code,
            "MA_VV": visit.record_code,
            "NGAY_VAO": write_moment(visit.created_at),
            "TRANG_THAI_LK": _STATUS_CODE[visit.status],
            "STT_LK": visit.ticket.number,
            "TIEN_TO_STT": visit.ticket.prefix,
            "SO_HIEN_THI": f"{visit.ticket.prefix}{visit.ticket.number}",
            "SO_DA_IN": visit.own_number,
            "TAM_THOI": int(visit.ticket.provisional),
            "ID_PHONG": visit.ticket.room,
            "ID_BAC_SI": visit.practitioner,
            "ID_LICH_HEN": visit.appointment,
            "PHIEN_BAN": visit.version,
        },
        "THONG_TIN_DANG_KY": {
            "ID_DANG_KY": visit.ref,
            "MA_DANG_KY": visit.ref,
            "NGAY_DANG_KY": f"{write_moment(visit.created_at):.10}",
            "TRANG_THAI_DANG_KY": _STATUS_CODE[visit.status],
            "DON_GIA_DANG_KY": visit.fee_due_vnd,
            "CHI_TIET_DANG_KY": [
                {
                    "ID_DANG_KY": visit.ref,
                    "ID_DICH_VU": visit.service,
                    "TEN_DICH_VU": service_name,
                    "SO_LUONG": 1,
                    "DON_GIA": price_vnd,
                    "TRANG_THAI": 1,
                }
            ],
        },
    }


def load_registration(
    untrusted: object,
    rules: PeopleRules,
    *,
    now: datetime,
    patient: Ref | None = None,
    person: PatientDraft | None = None,
    service: Ref | None = None,
) -> Visit:
    """What /dangky-kcb left. Raises BrokenReply, also when it is about somebody else."""
    document = as_object(untrusted)
    taken = as_object(document.get("THONG_TIN_TIEP_NHAN"))
    slip = as_object(document.get("THONG_TIN_DANG_KY") or {})
    told = as_object(document.get("THONG_TIN_BN") or {})
    told_ref = _optional(told, "ID_BN") or _optional(told, "MA_BN")
    if patient and told_ref and told_ref != patient:
        raise BrokenReply("the registration of another patient")
    told_name = _optional(told, "HO_TEN")
    if person is not None and told_name and not is_same_name(told_name, person.full_name):
        raise BrokenReply("the registration of a person of another name")
    lines = [as_object(line) for line in as_list(slip.get("CHI_TIET_DANG_KY"))]
    told_service = next((found for line in lines if (found := _optional(line, "ID_DICH_VU"))), None)
    ref = _optional(taken, "ID_LK") or _optional(taken, "MA_LK")
    who, what = told_ref or patient, service or told_service
    if not ref or not who or what is None:
        raise BrokenReply("a registration without its patient, its service or its own name")

    def optional_ref(name: str) -> Ref | None:
        found = _optional(taken, name)
        return Ref(found) if found else None

    return Visit(
        ref=Ref(ref),
        version=_optional(taken, "PHIEN_BAN") or "",
        patient=Ref(who),
        status=Field("TRANG_THAI_LK", "", _read_status, default=VisitStatus.ARRIVED).load(taken),
        record_code=_optional(taken, "MA_LK") or "",
        service=Ref(what),
        practitioner=optional_ref("ID_BAC_SI"),
        appointment=optional_ref("ID_LICH_HEN"),
        ticket=VisitTicket(
            number=Field("STT_LK", "", read_integer).load(taken),
            prefix=_optional(taken, "TIEN_TO_STT") or rules.ticket_prefix,
            room=optional_ref("ID_PHONG"),
            provisional=Field("TAM_THOI", "", read_flag, default=False).load(taken),
        ),
        own_number=_optional(taken, "SO_DA_IN"),
        fee_due_vnd=Field("DON_GIA_DANG_KY", "", read_integer, default=None).load(slip),
        created_at=Field("NGAY_VAO", "", read_moment, default=now).load(taken),
    )


def _read_status(untrusted: object) -> VisitStatus:
    return _STATUS[read_integer(untrusted)]


def dump_wish(
    request: CheckIn,
    person: JsonObject,
    *,
    department: Ref,
    department_code: str,
    service_code: str,
    service_name: str,
    price_vnd: int,
    exam_type: str | None,
    arrived_at: datetime,
    facility_code: str,
) -> JsonObject:
    """The body of /dangky-kcb, without its key."""
    coverage = request.coverage
    return {
        "THONG_TIN_BN": person
        | {
            "NGAY_VAO": write_moment(arrived_at),
            "MA_CSKCB": facility_code,
            "MA_DKBD": coverage.facility_code if coverage else None,
            "GT_THE_TU": coverage.valid_from.isoformat()
            if coverage and coverage.valid_from
            else None,
            "GT_THE_DEN": coverage.valid_to.isoformat() if coverage and coverage.valid_to else None,
            "LY_DO_VNT": request.reason,
        },
        "THONG_TIN_DICH_VU": {
            "ID_KHOA": department,
            "MA_KHOA": department_code,
            "ID_DICH_VU": request.service,
            "MA_DICH_VU": service_code,
            "TEN_DICH_VU": service_name,
            "DON_GIA_DICH_VU": price_vnd,
            "ID_KHUNG_THOI_GIAN": None,
            "ID_LOAI_KHAM": exam_type,
            "DU_PHONG": request.number,
            # From here on: beyond the description.
            "ID_LICH_HEN": request.appointment,
            "ID_BAC_SI": request.practitioner,
            "ID_PHONG": request.room,
            "LOAI_LUOT_KHAM": request.visit_kind,
            "SO_DA_IN": request.number,
            "TAM_THOI": int(request.provisional),
        },
        "SO_GIAY_CHUYEN_TUYEN": None,
        "MA_BENH_CHUYEN_TUYEN": None,
        "DON_VI_CHUYEN_TUYEN": None,
    }


def load_wish(untrusted: object) -> CheckIn:
    """What the emulator is asked for. Raises BrokenReply."""
    document = as_object(untrusted)
    person = as_object(document.get("THONG_TIN_BN"))
    service = as_object(document.get("THONG_TIN_DICH_VU"))

    def optional_ref(name: str) -> Ref | None:
        found = _optional(service, name)
        return Ref(found) if found else None

    return CheckIn(
        patient=Ref(_optional(person, "ID_BN") or ""),
        appointment=optional_ref("ID_LICH_HEN"),
        service=optional_ref("ID_DICH_VU"),
        practitioner=optional_ref("ID_BAC_SI"),
        room=optional_ref("ID_PHONG"),
        visit_kind=_optional(service, "LOAI_LUOT_KHAM") or "new",
        reason=_optional(person, "LY_DO_VNT"),
        number=_optional(service, "SO_DA_IN"),
        provisional=Field("TAM_THOI", "", read_flag, default=False).load(service),
    )


def replace_patient(request: CheckIn, patient: Ref) -> CheckIn:
    return replace(request, patient=patient)


def without_own_numbers(draft: PatientDraft) -> PatientDraft:
    """Numbers that only the HIS itself gives out are not taken from others."""
    given_here = {IdentifierKind.MRN, IdentifierKind.APPOINTMENT}
    kept = tuple(each for each in draft.identifiers if each.kind not in given_here)
    return replace(draft, identifiers=kept)
