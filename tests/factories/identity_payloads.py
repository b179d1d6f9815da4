"""Payloads of invented cards, byte for byte as scanners deliver them."""

from __future__ import annotations

from datetime import date

from backend.domain.identity.mrz import check_digit

CONTROL_CODE = "0123456789abcdef-7102"


def cccd2021(
    *,
    id_number: str = "079085000000",
    old_id_number: str = "",
    full_name: str = "Nguyễn Văn Thử",
    birth_date: str = "05091985",
    gender: str = "Nam",
    address: str = "Linh Đông, Thủ Đức, TP. Hồ Chí Minh",
    issued_on: date = date(2021, 8, 12),
) -> bytes:
    """`birth_date` as printed: ddMMyyyy, MMyyyy or yyyy."""
    fields = [id_number, old_id_number, full_name, birth_date, gender, address]
    return "|".join([*fields, f"{issued_on:%d%m%Y}"]).encode()


def can_cuoc2024(
    *,
    id_number: str = "048301000000",
    old_id_number: str = "",
    full_name: str = "Lê Thị Mẫu",
    birth_date: str = "14022001",
    gender: str = "Nữ",
    address: str = "Tổ 15, Hòa Khánh Bắc, Liên Chiểu, Đà Nẵng",
    issued_on: date = date(2024, 8, 1),
    extras: tuple[str, str, str, str] = ("", "", "", ""),
) -> bytes:
    front = cccd2021(
        id_number=id_number,
        old_id_number=old_id_number,
        full_name=full_name,
        birth_date=birth_date,
        gender=gender,
        address=address,
        issued_on=issued_on,
    )
    return "|".join([front.decode(), *extras]).encode()


def bhyt(
    *,
    number: str = "7900000000",
    full_name: str = "Nguyễn Văn Thử",
    birth_date: str = "05/09/1985",
    gender: str = "1",
    address: str = "",
    facility: str = "79 - 001",
    valid_from: date = date(2025, 1, 1),
    valid_to: date | None = None,
    issued_on: date = date(2024, 12, 31),
    five_year_from: date = date(2027, 1, 1),
    benefit_level: str = "4",
) -> bytes:
    """The form of 2021 for ten digits, the 15-field form for 15 characters."""
    fields = [
        number,
        full_name.encode().hex(),
        birth_date,
        gender,
        address.encode().hex() or "-",
        facility,
        f"{valid_from:%d/%m/%Y}",
        f"{valid_to:%d/%m/%Y}" if valid_to else "-",
        f"{issued_on:%d/%m/%Y}",
        "79007900000000",
        "-",
        "4",
        f"{five_year_from:%d/%m/%Y}",
        CONTROL_CODE,
    ]
    if len(number) == 10:
        fields += [benefit_level, "Quận 1, TP Hồ Chí Minh".encode().hex()]
    return "|".join([*fields, "$"]).encode()


def mrz_card(
    *,
    id_number: str = "079085000000",
    birth: str = "850905",
    gender: str = "M",
    expiry: str = "250905",
    name: str = "NGUYEN<<VAN<THU",
) -> bytes:
    """TD1 with right check digits; the lines end as scanners end them."""
    first = f"IDVNM{_checked(id_number[3:])}{_checked(id_number + '<<')}"
    second = f"{_checked(birth)}{gender}{_checked(expiry)}VNM" + "<" * 11
    composite = check_digit(first[5:] + second[:7] + second[8:15] + second[18:])
    return f"{first}\r{second}{composite}\r{name:<<30}".encode()


def mrz_passport(
    *,
    issuer: str = "VNM",
    number: str = "C00000000",
    personal_number: str = "079085000000",
    birth: str = "850905",
    gender: str = "M",
    expiry: str = "350905",
    name: str = "NGUYEN<<VAN<THU",
) -> bytes:
    """TD3 with right check digits; an empty personal number has a filler for its digit."""
    personal = _checked(f"{personal_number:<<14}") if personal_number else "<" * 15
    second = f"{_checked(number)}{issuer}{_checked(birth)}{gender}{_checked(expiry)}{personal}"
    composite = check_digit(second[:10] + second[13:20] + second[21:])
    return f"P<{issuer}{name:<<39}\r{second}{composite}".encode()


def _checked(text: str) -> str:
    return f"{text}{check_digit(text)}"
