"""Invented people whom the emulator knows, and how it judges a question about one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from his_adapter.bhxh.mapping import comparable_name, format_birth_date, read_birth_date
from his_adapter.builtin.names import search_key
from his_adapter.demo.insurance import result_code_of
from his_adapter.demo.people import InventedPerson
from his_adapter.models import Gender

OWN_FACILITY, OTHER_FACILITY = "99001", "99002"
_GENDERS = {Gender.MALE: "Nam", Gender.FEMALE: "Nữ"}
_WITH_CARD = frozenset(
    {"000", "001", "002", "003", "004", "010", "110", "120", "121", "122", "123", "124"}
)


@dataclass(frozen=True, kw_only=True)
class Stay:
    """At another hospital, in hours from now."""

    arrived_h: float
    left_h: float


@dataclass(frozen=True, kw_only=True, repr=False)
class EmulatedPerson:
    cccd: str
    full_name: str
    birth_date: str
    """As the insurer keeps it: dd/MM/yyyy or yyyy."""
    gender: str
    code: str = "000"
    card: str | None = None
    new_card: str | None = None
    facility_code: str = OWN_FACILITY
    first_code: str | None = None
    """What the first question is answered with; the next ones get `code`."""
    copaid_vnd: int | None = None
    stays: tuple[Stay, ...] = ()

    @property
    def insurance_number(self) -> str | None:
        return self.card[5:] if self.card else None

    @property
    def numbers(self) -> tuple[str, ...]:
        wanted = (self.cccd, self.card, self.insurance_number, self.new_card)
        return tuple(number for number in wanted if number)


def _person(
    serial: int, cccd: str, full_name: str, birth_date: str, code: str, **more: Any
) -> EmulatedPerson:
    more.setdefault("card", f"DN499{serial:010d}")
    gender = "Nữ" if cccd[3] in "1379" else "Nam"
    return EmulatedPerson(
        cccd=cccd, full_name=full_name, birth_date=birth_date, gender=gender, code=code, **more
    )


PEOPLE = (
    _person(1, "099090000001", "Nguyễn Văn Mẫu", "05/03/1990", "000", stays=(Stay(arrived_h=-169, left_h=-167.5),)),
    _person(2, "099308000002", "Lê Thị Thử", "2008", "003", card="HS4990000000002", new_card="DN4990000000002"),
    _person(3, "099175000003", "Phạm Thị Giả", "12/11/1975", "004", new_card="HT3990000000003"),
    _person(4, "099223000004", "Trần Bé Thử", "15/04/2023", "130", card=None),
    _person(5, "099060000005", "Hoàng Văn Thí", "01/01/1960", "000", card="HT2990000000005", facility_code=OTHER_FACILITY),
    _person(6, "099070000006", "Đỗ Văn Hết", "02/02/1970", "010"),
    _person(7, "099180000007", "Vũ Thị Không", "03/03/1980", "050", card=None),
    _person(8, "099185000008", "Bùi Thị Sai", "04/04/1985", "070"),
    _person(10, "099091000010", "Ngô Văn Quân", "05/05/1991", "001", card="QN5990000000010"),
    _person(11, "099092000011", "Mai Văn An", "06/06/1992", "002", card="CA5990000000011"),
    _person(12, "099093000012", "Lý Văn Thu", "07/07/1993", "110"),
    _person(13, "099094000013", "Đinh Văn Giảm", "08/08/1994", "120"),
    _person(14, "099095000014", "Hồ Văn Ngoài", "09/09/1995", "121"),
    _person(15, "099096000015", "Tạ Văn Trong", "10/10/1996", "122"),
    _person(16, "099097000016", "Cao Văn Thêm", "11/11/1997", "123"),
    _person(17, "099098000017", "La Văn Dừng", "12/12/1998", "124"),
    _person(18, "099099000018", "Kim Văn Lỗi", "01/02/1999", "000", first_code="100"),
    _person(19, "099090000019", "Ninh Văn Máy", "02/03/1990", "101"),
    _person(20, "099091000020", "Uông Văn Nằm", "03/04/1991", "000", stays=(Stay(arrived_h=-30, left_h=20),)),
    _person(21, "099092000021", "Thạch Văn Kép", "04/05/1992", "000", stays=(Stay(arrived_h=-0.5, left_h=-0.01),)),
    _person(22, "099093000022", "Khúc Văn Chi", "05/06/1993", "000", copaid_vnd=15_180_000),
    _person(23, "099094000023", "Từ Văn Miễn", "06/07/1994", "000", copaid_vnd=15_180_001),
)  # fmt: skip


def from_demo(people: Iterable[InventedPerson]) -> tuple[EmulatedPerson, ...]:
    """The people of the demo hospital, with the same result codes as its own insurer."""
    known = []
    for person in people:
        code = result_code_of(person.coverage)
        number = person.id_number or person.bhyt_number
        if number is None or code is None:
            continue
        known.append(
            EmulatedPerson(
                cccd=number,
                full_name=person.full_name,
                birth_date=format_birth_date(person.birth_date),
                gender=_GENDERS.get(person.gender, "Chưa xác định"),
                code=code,
                card=person.bhyt_number,
                new_card=_new_number(person.bhyt_number) if code == "003" else None,
            )
        )
    return tuple(known)


def _new_number(card: str | None) -> str | None:
    return f"DN4{card[3:]}" if card else None


def judge(person: EmulatedPerson | None, number: str, full_name: str, birth_date: str) -> str:
    """The result code of a question; name and birth date are compared before the card."""
    if len(number) == 15 and not re.fullmatch(r"[A-Z]{2}[0-9A-Z]{13}", number):
        return "051"
    if len(number) == 15 and number[2] not in "12345":
        return "053"
    if len(number) == 15 and not number[3:5].isdigit():
        return "052"
    if len(number) not in {10, 12, 15}:
        return "051"
    if person is None:
        return "050"
    if comparable_name(full_name) != comparable_name(person.full_name):
        asked, known = search_key(full_name), search_key(person.full_name)
        return "061" if _initials(asked) == _initials(known) else "060"
    asked_date, known_date = read_birth_date(birth_date), read_birth_date(person.birth_date)
    if asked_date is None:
        return "205"
    if known_date is not None and not asked_date.agrees_with(known_date):
        return "070"
    return person.code


def answer(person: EmulatedPerson | None, code: str, today: date) -> dict[str, Any]:
    """The fields of a card answer; who is not found or does not match learns nothing."""
    empty: dict[str, Any] = dict.fromkeys(_FIELDS)
    document = {**empty, "maKetQua": code, "ghiChu": "dữ liệu giả"}
    if person is None or code not in _WITH_CARD:
        return document
    first, last = date(today.year, 1, 1), date(today.year, 12, 31)
    is_over = code in {"003", "010"}
    if is_over:
        first, last = date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
    return document | {
        "maThe": person.card,
        "hoTen": person.full_name,
        "ngaySinh": person.birth_date,
        "gioiTinh": person.gender,
        "diaChi": "Số 1, xã Ví Dụ",
        "maDKBD": person.facility_code,
        "cqBHXH": "BHXH Thử Nghiệm",
        "gtTheTu": f"{first:%d/%m/%Y}",
        "gtTheDen": f"{last:%d/%m/%Y}",
        "maKV": "",
        "ngayDu5Nam": f"01/01/{today.year - 1 if person.copaid_vnd else today.year + 3}",
        "maSoBHXH": person.insurance_number,
        "dsLichSuKT2018": [],
        **(_renewed(person, code, today) if person.new_card else {}),
    }


def _renewed(person: EmulatedPerson, code: str, today: date) -> dict[str, Any]:
    first = date(today.year, 1, 1)
    return {
        "maTheMoi": person.new_card,
        "gtTheTuMoi": f"{first if code == '003' else first + timedelta(days=366):%d/%m/%Y}",
        "gtTheDenMoi": f"31/12/{today.year if code == '003' else today.year + 1}",
        "maDKBDMoi": OWN_FACILITY,
        "tenDKBDMoi": "Bệnh viện Thử Nghiệm",
    }


def with_new_card(person: EmulatedPerson, number: str) -> EmulatedPerson:
    """Whoever asks with the renewed number is told about that card alone."""
    if number != person.new_card or person.code != "003":
        return person
    return EmulatedPerson(
        cccd=person.cccd,
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        card=person.new_card,
        facility_code=person.facility_code,
    )


def _initials(name_key: str) -> str:
    return "".join(word[0] for word in name_key.split())


_FIELDS = (
    "maKetQua", "ghiChu", "maThe", "hoTen", "ngaySinh", "gioiTinh", "diaChi", "maDKBD", "cqBHXH",
    "gtTheTu", "gtTheDen", "maKV", "ngayDu5Nam", "maSoBHXH", "maTheCu", "maTheMoi", "gtTheTuMoi",
    "gtTheDenMoi", "maDKBDMoi", "tenDKBDMoi", "dsLichSuKCB2018", "dsLichSuKT2018",
)  # fmt: skip
