from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.errors import BrokenReply, InvalidData
from his_adapter.json_kiosk import mapping, shapes
from his_adapter.json_kiosk.mapping import AddressCodes, District, NameParts, PeopleRules
from his_adapter.models import (
    BirthDate,
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

words = st.text(st.characters(codec="utf-8", categories=("Lu", "Ll")), min_size=1, max_size=8).map(
    lambda text: unicodedata.normalize("NFC", text)
)
names = st.lists(words, min_size=1, max_size=6).map(" ".join)
births = st.one_of(
    st.dates(min_value=datetime(1900, 1, 1).date()).map(
        lambda d: BirthDate(year=d.year, month=d.month, day=d.day)
    ),
    st.builds(BirthDate, year=st.integers(1900, 2026)),
    st.builds(BirthDate, year=st.integers(1900, 2026), month=st.integers(1, 12)),
)
numbers = st.sets(
    st.sampled_from(
        [
            Identifier(kind=IdentifierKind.ID12, value="099190000001"),
            Identifier(kind=IdentifierKind.CMND9, value="123456789"),
            Identifier(kind=IdentifierKind.BHYT15, value="DN4990012345678"),
            Identifier(kind=IdentifierKind.BHXH10, value="9900123456"),
            Identifier(kind=IdentifierKind.PASSPORT, value="C1234567"),
            Identifier(kind=IdentifierKind.MRN, value="BN000001"),
        ]
    )
).map(lambda found: tuple(sorted(found)))
texts = st.one_of(
    st.none(), st.text(min_size=1, max_size=60).map(lambda t: unicodedata.normalize("NFC", t))
)
people = st.builds(
    Patient,
    ref=st.just(Ref("P1")),
    version=st.sampled_from(["", "7"]),
    full_name=names,
    birth_date=st.one_of(st.none(), births),
    gender=st.sampled_from([Gender.MALE, Gender.FEMALE, Gender.UNKNOWN]),
    identifiers=numbers,
    phone=st.sampled_from([None, "0900000001"]),
    address=texts,
    guardian=st.one_of(st.none(), names),
)
rules = st.builds(
    PeopleRules,
    name_parts=st.sampled_from(NameParts),
    district=st.sampled_from([District.OPTIONAL, District.FORBIDDEN]),
    genders=st.sampled_from(
        [
            PeopleRules().genders,
            {Gender.MALE: 1, Gender.FEMALE: 0, Gender.OTHER: 9, Gender.UNKNOWN: 9},
        ]
    ),
)


@given(people, rules)
def test_a_person_comes_back_whole(patient: Patient, rules: PeopleRules) -> None:
    wire = json.loads(json.dumps(mapping.dump_patient(patient, rules)))
    assert mapping.load_patient(wire, rules) == patient


@given(names, st.sampled_from(NameParts))
def test_the_parts_of_a_name_give_the_name(name: str, parts: NameParts) -> None:
    assert mapping.join_name(*mapping.split_name(name, parts)) == name


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (NameParts.FAMILY_REST, ("Nguyễn", "Thị Đặng Ỷ")),
        (NameParts.REST_GIVEN, ("Nguyễn Thị Đặng", "Ỷ")),
    ],
)
def test_names_are_cut_as_the_vendor_cuts_them(parts: NameParts, expected: tuple[str, str]) -> None:
    assert mapping.split_name("Nguyễn Thị Đặng Ỷ", parts) == expected
    assert mapping.split_name("Lan", parts) == ("", "Lan")


def test_the_full_name_counts_even_when_the_parts_say_otherwise() -> None:
    document = {"ID_BN": "1", "HO_TEN": "Nguyễn Văn An", "HO_BN": "An", "TEN_BN": "Nguyễn Văn"}
    assert mapping.load_patient(document, PeopleRules()).full_name == "Nguyễn Văn An"
    del document["HO_TEN"]
    assert mapping.load_patient(document, PeopleRules()).full_name == "An Nguyễn Văn"


@pytest.mark.parametrize("code", [1, "1", 1.0])
def test_codes_come_as_numbers_or_texts(code: object) -> None:
    assert mapping.read_gender(code, PeopleRules().genders) is Gender.MALE


@pytest.mark.parametrize(
    ("code", "gender"), [(3, Gender.UNKNOWN), (9, Gender.UNKNOWN), (2, Gender.FEMALE)]
)
def test_unknown_codes_are_no_gender(code: int, gender: Gender) -> None:
    assert mapping.read_gender(code, PeopleRules().genders) is gender


def test_numbers_are_told_apart_without_their_kind() -> None:
    document = {
        "MA_BN": "BN000123",
        "HO_TEN": "Nguyễn Văn An",
        "MA_DINH_DANH": "099190000001",
        "MA_THE_BHYT": "9900123456",
    }
    known = mapping.load_patient(document, PeopleRules())
    assert known.ref == "BN000123"
    assert known.find_identifier(IdentifierKind.BHXH10) == "9900123456"
    assert known.find_identifier(IdentifierKind.ID12) == "099190000001"


TABLE = (
    AddressCodes(ending="Phường Mẫu, Tỉnh Giả Định", province="99", district="990", ward="99001"),
    AddressCodes(ending="Tỉnh Giả Định", province="99", district=None, ward="00000"),
)


@pytest.mark.parametrize(
    ("address", "ward"),
    [
        ("12 Đường Ví Dụ, Phường Mẫu, Tỉnh Giả Định", "99001"),
        ("12 Đường Ví Dụ ,phường mẫu,  tỉnh giả định", "99001"),
        ("Xã Khác, Tỉnh Giả Định", "00000"),
        ("12 Đường Phường Mẫu", None),
        ("Siêu Phường Mẫu, Tỉnh Giả Định Mới", None),
        ("", None),
    ],
)
def test_codes_of_an_address_are_looked_up_never_guessed(address: str, ward: str | None) -> None:
    found = mapping.find_codes(address, TABLE)
    assert (found.ward if found else None) == ward


def test_districts_are_required_optional_or_forbidden() -> None:
    known = PatientDraft(full_name="An", address="Phường Mẫu, Tỉnh Giả Định")
    unknown = PatientDraft(full_name="An", address="Nơi khác")

    def district(person: PatientDraft, **options: object) -> object:
        rules = PeopleRules(addresses=TABLE, **options)  # type: ignore[arg-type]  # of a test
        return mapping.dump_person(person, rules).get("MAHUYEN_CU_TRU", "absent")

    assert district(known) == "990"
    assert district(unknown) is None
    assert district(known, district=District.FORBIDDEN) == "absent"
    assert (
        district(known, district=District.FORBIDDEN, defaults={"MAHUYEN_CU_TRU": "0"}) == "absent"
    )
    assert district(known, district=District.REQUIRED) == "990"
    assert district(unknown, district=District.REQUIRED, defaults={"MAHUYEN_CU_TRU": "0"}) == "0"
    with pytest.raises(InvalidData):
        district(unknown, district=District.REQUIRED)


def test_required_fields_nobody_asks_for_are_filled() -> None:
    rules = PeopleRules(defaults={"MA_DANTOC": "01", "HO_TEN": "never"})
    document = mapping.dump_person(PatientDraft(full_name="An"), rules)
    assert (document["MA_DANTOC"], document["HO_TEN"]) == ("01", "An")


def test_changes_name_changed_fields_only() -> None:
    changes = PatientChanges(
        phone="0900000001",
        new_identifiers=(Identifier(kind=IdentifierKind.CMND9, value="123456789"),),
    )
    document = mapping.dump_changes(changes, PeopleRules())
    assert set(document) == {"DIEN_THOAI", "GIAY_TO"}
    assert mapping.load_changes(document, PeopleRules()) == changes


@given(
    st.builds(
        Visit,
        ref=st.just(Ref("V1")),
        version=st.just("1"),
        patient=st.just(Ref("P1")),
        status=st.sampled_from(VisitStatus),
        record_code=st.just("LK1"),
        service=st.just(Ref("noi")),
        practitioner=st.sampled_from([None, Ref("BS1")]),
        appointment=st.sampled_from([None, Ref("LH1")]),
        ticket=st.builds(
            VisitTicket,
            number=st.integers(1, 9999),
            prefix=st.sampled_from(["", "A"]),
            room=st.sampled_from([None, Ref("101")]),
            provisional=st.booleans(),
        ),
        own_number=st.sampled_from([None, "A012"]),
        fee_due_vnd=st.one_of(st.none(), st.integers(0, 10**9)),
        created_at=st.just(datetime(2026, 1, 5, 2, 0, tzinfo=UTC)),
    )
)
def test_a_registration_comes_back_whole(visit: Visit) -> None:
    document = mapping.dump_registration(visit, {"ID_BN": "P1"}, service_name="", price_vnd=None)
    wire = json.loads(json.dumps(document))
    now = datetime(2026, 1, 5, tzinfo=UTC)
    assert mapping.load_registration(wire, PeopleRules(), now=now) == visit


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"THONG_TIN_TIEP_NHAN": {}},
        {"THONG_TIN_TIEP_NHAN": {"ID_LK": "1"}},
        {"THONG_TIN_TIEP_NHAN": {"ID_LK": "1", "STT_LK": "x"}, "THONG_TIN_BN": {"ID_BN": "P1"}},
        {"THONG_TIN_TIEP_NHAN": {"ID_LK": "1", "STT_LK": 1}, "THONG_TIN_BN": {"ID_BN": "P2"}},
        {"THONG_TIN_TIEP_NHAN": {"ID_LK": {}, "STT_LK": 1}, "THONG_TIN_BN": {"ID_BN": "P1"}},
    ],
)
def test_registrations_that_cannot_be_used(document: object) -> None:
    with pytest.raises(BrokenReply):
        mapping.load_registration(
            document,
            PeopleRules(),
            now=datetime.now(UTC),
            patient=Ref("P1"),
            service=Ref("noi"),
        )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda c: (
            st.lists(c)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "ID_BN",
                        "HO_TEN",
                        "NGAY_SINH",
                        "GIOI_TINH",
                        "GIAY_TO",
                        "MA_THE_BHYT",
                        "LOAI",
                        "SO",
                    ]
                ),
                c,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_comes_is_a_person_or_a_broken_reply(untrusted: object) -> None:
    try:
        patient = mapping.load_patient(untrusted, PeopleRules())
    except BrokenReply:
        return
    assert patient.full_name


def test_windows_come_back() -> None:
    window = {
        "ID": "1",
        "THOI_GIAN_TU": "08:00",
        "THOI_GIAN_DEN": "10:00",
        "NGAY": "2024-06-10",
        "SL_TOI_DA": 50,
        "SL_HIEN_TAI": 60,
    }
    slot = shapes.load_window(window, service=Ref("noi"))
    assert (slot.start, slot.capacity, slot.free) == (datetime(2024, 6, 10, 1, tzinfo=UTC), 50, 0)
    again = shapes.load_window(shapes.dump_window(slot, position=1), service=Ref("noi"))
    assert again == slot
