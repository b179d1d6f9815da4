"""Card codes as public samples and parsers have them."""

from __future__ import annotations

from datetime import date

import pytest

from his_adapter.demo import payloads
from his_adapter.models import BirthDate, Gender


def test_cccd_of_2021() -> None:
    assert payloads.cccd2021(
        id_number="079085000000",
        old_id_number="020000000",
        full_name="Nguyễn Văn Thử",
        birth_date=BirthDate.from_iso("1985-09-05"),
        gender=Gender.MALE,
        address="Linh Đông, Thủ Đức, TP. Hồ Chí Minh",
        issued_on=date(2021, 8, 12),
    ) == (
        "079085000000|020000000|Nguyễn Văn Thử|05091985|Nam"
        "|Linh Đông, Thủ Đức, TP. Hồ Chí Minh|12082021"
    )


@pytest.mark.parametrize(
    ("birth", "packed"), [("1950", "1950"), ("1946-03", "031946"), ("1952-02-29", "29021952")]
)
def test_birth_dates_of_every_precision(birth: str, packed: str) -> None:
    payload = payloads.cccd2021(
        id_number="040150000000",
        full_name="Hồ Thị Mẫu",
        birth_date=BirthDate.from_iso(birth),
        gender=Gender.FEMALE,
        address="Nghệ An",
        issued_on=date(2021, 10, 10),
    )
    assert payload.split("|")[3] == packed


def test_can_cuoc_of_2024_has_eleven_fields() -> None:
    payload = payloads.can_cuoc2024(
        id_number="079321000000",
        full_name="Nguyễn Bé Na",
        birth_date=BirthDate.from_iso("2021-06-06"),
        gender=Gender.FEMALE,
        address="Linh Đông",
        issued_on=date(2024, 11, 20),
        parents=("Nguyễn Văn Thử", "Trần Thị Mẫu"),
    )
    assert payload == (
        "079321000000||Nguyễn Bé Na|06062021|Nữ|Linh Đông|20112024||Nguyễn Văn Thử|Trần Thị Mẫu|"
    )


def test_bhyt_card_of_2021() -> None:
    fields = payloads.bhyt(
        number="7900000000",
        full_name="Nguyễn Văn Thử",
        birth_date=BirthDate.from_iso("1985-09-05"),
        gender=Gender.MALE,
        facility_code="79001",
        valid_from=date(2025, 1, 1),
        benefit_level=4,
    ).split("|")
    assert len(fields) == 17
    assert fields[:9] == [
        "7900000000",
        "4e677579e1bb856e2056c4836e205468e1bbad",
        "05/09/1985",
        "1",
        "-",
        "79 - 001",
        "01/01/2025",
        "-",
        "01/01/2025",
    ]
    assert fields[-1] == "$"


def test_passport_lines_of_icao_doc_9303() -> None:
    """The specimen of Doc 9303 part 4, whose optional field is empty here."""
    first, second = payloads.passport(
        number="L898902C3",
        country="UTO",
        surname="Eriksson",
        given_names="Anna Maria",
        birth_date=date(1974, 8, 12),
        gender=Gender.FEMALE,
        expires_on=date(2012, 4, 15),
    ).split("\r")
    assert first == "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    assert second[:28] == "L898902C36UTO7408122F1204159"
    assert len(second) == 44


@pytest.mark.parametrize(("text", "digit"), [("L898902C3", 6), ("740812", 2), ("<<<<", 0)])
def test_check_digits(text: str, digit: int) -> None:
    assert payloads.mrz_check_digit(text) == digit
