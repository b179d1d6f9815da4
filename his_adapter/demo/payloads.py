"""What the codes on invented cards hold, character by character.

Seven fields and a bar between them on the CCCD of 2021, four more bars on the căn cước of
Thông tư 16/2024/TT-BCA; the BHYT card keeps texts as hex of UTF-8 and ends with `$`; passports
carry the two lines of ICAO Doc 9303 part 4 (TD3).
"""

from __future__ import annotations

from datetime import date

from his_adapter.builtin.names import search_key
from his_adapter.models import BirthDate, Gender

_MRZ_WEIGHTS = (7, 3, 1)
_CARD_GENDER = {Gender.MALE: "Nam", Gender.FEMALE: "Nữ"}


def cccd2021(
    *,
    id_number: str,
    old_id_number: str = "",
    full_name: str,
    birth_date: BirthDate,
    gender: Gender,
    address: str,
    issued_on: date,
) -> str:
    """The code on the front of a card of 2021 to 2024."""
    return "|".join(
        (
            id_number,
            old_id_number,
            full_name,
            _packed(birth_date),
            _CARD_GENDER[gender],
            address,
            f"{issued_on:%d%m%Y}",
        )
    )


def can_cuoc2024(
    *,
    id_number: str,
    old_id_number: str = "",
    full_name: str,
    birth_date: BirthDate,
    gender: Gender,
    address: str,
    issued_on: date,
    parents: tuple[str, str] = ("", ""),
) -> str:
    """The code on the back of a card from 01/07/2024; parents on children's cards."""
    base = cccd2021(
        id_number=id_number,
        old_id_number=old_id_number,
        full_name=full_name,
        birth_date=birth_date,
        gender=gender,
        address=address,
        issued_on=issued_on,
    )
    return f"{base}||{parents[0]}|{parents[1]}|"


def bhyt(
    *,
    number: str,
    full_name: str,
    birth_date: BirthDate,
    gender: Gender,
    facility_code: str,
    valid_from: date,
    benefit_level: int,
) -> str:
    """The code on a BHYT card of the form of 2021, ten digits and no printed end."""
    hidden_name, place = (text.encode().hex() for text in (full_name, "Thạch Lũng"))
    return "|".join(
        (
            number,
            hidden_name,
            _slashed(birth_date),
            "1" if gender is Gender.MALE else "2",
            "-",
            f"{facility_code[:2]} - {facility_code[2:]}",
            f"{valid_from:%d/%m/%Y}",
            "-",
            f"{valid_from:%d/%m/%Y}",
            f"{number[:2]}00{number}",
            "-",
            "4",
            f" {valid_from.replace(year=valid_from.year + 5):%d/%m/%Y}",
            "0123456789abcdef-7102",
            str(benefit_level),
            place,
            "$",
        )
    )


def passport(
    *,
    number: str,
    country: str,
    surname: str,
    given_names: str,
    birth_date: date,
    gender: Gender,
    expires_on: date,
) -> str:
    """Both lines of the machine readable zone, joined by a carriage return."""
    name = f"{_mrz_text(surname)}<<{_mrz_text(given_names)}"
    first = f"P<{country}{name}".ljust(44, "<")[:44]
    document = number.ljust(9, "<")
    birth, expiry = f"{birth_date:%y%m%d}", f"{expires_on:%y%m%d}"
    letter = "M" if gender is Gender.MALE else "F"
    optional = "<" * 14
    parts = [f"{part}{mrz_check_digit(part)}" for part in (document, birth, expiry, optional)]
    composite = mrz_check_digit("".join(parts))
    return f"{first}\r{parts[0]}{country}{parts[1]}{letter}{parts[2]}{parts[3]}{composite}"


def mrz_check_digit(text: str) -> int:
    """Weights 7, 3, 1; digits as they are, A-Z = 10 to 35, `<` = 0; the sum modulo 10."""
    values = (0 if letter == "<" else int(letter, 36) for letter in text)
    return sum(value * _MRZ_WEIGHTS[place % 3] for place, value in enumerate(values)) % 10


def _mrz_text(text: str) -> str:
    return search_key(text).upper().replace(" ", "<")


def _packed(birth_date: BirthDate) -> str:
    return "".join(reversed(birth_date.isoformat().split("-")))


def _slashed(birth_date: BirthDate) -> str:
    return "/".join(reversed(birth_date.isoformat().split("-")))
