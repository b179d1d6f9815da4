from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity import Identity, ParseResult, parse
from backend.domain.identity.card_qr import displayed_address
from backend.domain.identity.codes import ErrorCode, Kind, WarningCode
from tests.factories import identity_payloads as payloads

TODAY = date(2025, 6, 15)
LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấềộữỳŏŭčĕĭñ'’-"

words = st.text(LETTERS, min_size=1, max_size=7).filter(lambda word: word[0].isalpha())
names = st.lists(words, min_size=1, max_size=5).map(lambda parts: " ".join(parts).title())
births = st.dates(date(1920, 1, 1), date(2020, 1, 1))


def read(payload: bytes) -> ParseResult:
    return parse(payload, today=TODAY)


def identity_of(payload: bytes) -> Identity:
    identity = read(payload).identity
    assert identity is not None
    return identity


@given(names, births, st.sampled_from(["Nam", "Nữ"]))
def test_what_a_card_holds_comes_back(name: str, born_on: date, gender: str) -> None:
    digit = (gender == "Nữ") + 2 * (born_on.year >= 2000)
    id_number = f"079{digit}{born_on:%y}000000"
    for make, kind in (
        (payloads.cccd2021, Kind.CCCD2021),
        (payloads.can_cuoc2024, Kind.CAN_CUOC2024),
    ):
        result = read(
            make(
                id_number=id_number,
                full_name=name,
                birth_date=f"{born_on:%d%m%Y}",
                gender=gender,
                issued_on=date(2024, 7, 1) if kind is Kind.CAN_CUOC2024 else date(2024, 6, 30),
            )
        )
        assert (result.kind, result.error, result.warnings) == (kind, None, frozenset())
        assert result.identity is not None
        assert result.identity.id_number == id_number
        assert result.identity.full_name == name
        assert result.identity.birth_date is not None
        assert result.identity.birth_date.isoformat() == born_on.isoformat()


def test_the_first_of_july_2024_is_where_the_new_card_begins() -> None:
    assert read(payloads.cccd2021(issued_on=date(2024, 6, 30))).kind is Kind.CCCD2021
    assert read(payloads.cccd2021(issued_on=date(2024, 7, 1))).kind is Kind.CAN_CUOC2024
    assert read(payloads.can_cuoc2024(issued_on=date(2023, 1, 1))).kind is Kind.CAN_CUOC2024


@pytest.mark.parametrize("first", [payloads.cccd2021(), payloads.can_cuoc2024()])
@pytest.mark.parametrize("second", [payloads.cccd2021(), payloads.can_cuoc2024()])
def test_two_cards_in_one_buffer(first: bytes, second: bytes) -> None:
    result = read(first + second)

    assert result.error is ErrorCode.DOUBLE_SCAN
    assert result.kind is read(first).kind


def test_more_fields_than_known_are_no_reason_to_refuse() -> None:
    result = read(payloads.can_cuoc2024() + b"|x|y")

    assert (result.error, result.kind) == (None, Kind.CAN_CUOC2024)


def test_at_most_two_parents_and_numbers_are_told_apart() -> None:
    extras = ("079085000001", "Nguyễn Văn A", "020000000", "Trần Thị B")
    identity = identity_of(payloads.can_cuoc2024(extras=extras) + b"|Another Name")

    assert identity.cancelled_ids == ("079085000001", "020000000")
    assert identity.parents == ("Nguyễn Văn A", "Trần Thị B")


@pytest.mark.parametrize("old", ["0", "000000000", "", "12345", "02000000A", "0200000001"])
def test_no_old_number(old: str) -> None:
    assert identity_of(payloads.cccd2021(old_id_number=old)).old_id_number is None


@pytest.mark.parametrize(
    "printed", ["31021985", "00001985", "1985-09-05", "5091985", "05091885", "", "0509198５"]
)
def test_no_such_birth_date(printed: str) -> None:
    error = read(payloads.cccd2021(birth_date=printed)).error

    assert error in {ErrorCode.DOB_INVALID, ErrorCode.CHARSET_GARBLED}


@pytest.mark.parametrize(
    ("printed", "is_future"),
    [("15062025", False), ("16062025", True), ("062025", False), ("072025", True), ("2026", True)],
)
def test_birth_in_the_future(printed: str, is_future: bool) -> None:
    result = read(payloads.cccd2021(birth_date=printed, issued_on=date(2025, 12, 31)))

    assert (result.error is ErrorCode.DOB_FUTURE) == is_future


def test_a_year_only_birth_is_not_after_an_issue_in_that_year() -> None:
    made = payloads.cccd2021(birth_date="2021", issued_on=date(2021, 2, 1))
    assert read(made).error is None
    made = payloads.cccd2021(birth_date="2021", issued_on=date(2020, 12, 31))
    assert read(made).error is ErrorCode.ISSUE_BEFORE_BIRTH


@pytest.mark.parametrize(
    "made",
    [
        payloads.cccd2021(full_name=""),
        payloads.cccd2021(gender="?"),
        payloads.cccd2021(full_name=" ", gender=""),
    ],
)
def test_a_card_without_name_or_sex_is_read_with_a_warning(made: bytes) -> None:
    result = read(made)

    assert result.error is None
    assert result.warnings == {WarningCode.FIELDS_MISSING}


def test_a_card_may_be_issued_on_the_day_of_birth() -> None:
    made = payloads.cccd2021(birth_date="12082021", id_number="079221000000")
    assert read(made).error is None


def test_what_only_resembles_a_double_scan_is_none() -> None:
    made = payloads.cccd2021().replace(b"12082021", "số 123456789".encode())
    assert read(made).warnings == {WarningCode.ISSUE_DATE_MISSING}


def test_an_address_of_the_web_in_a_card_does_not_make_it_one() -> None:
    assert read(payloads.cccd2021(address="http://example.invalid")).error is None


def test_only_a_whole_iso_date_is_of_the_old_personal_qr() -> None:
    made = payloads.cccd2021(full_name="1985-09-05 Nguyễn")
    assert read(made).error is None


def test_an_unreadable_issue_date_is_a_missing_one() -> None:
    result = read(payloads.cccd2021().replace(b"12082021", b"31022021"))

    assert result.warnings == {WarningCode.ISSUE_DATE_MISSING}
    assert result.identity is not None
    assert result.identity.issued_on is None


def test_displayed_address() -> None:
    assert displayed_address(", Ấp 3,, Tân  Thử , Long An,") == "Ấp 3, Tân Thử, Long An"
    assert displayed_address(" ,, ") == ""
