"""Invented people: the same ones every time, in numbers and kinds as in a waiting room.

Frequencies of names and the share of minorities follow what is published about Vietnam; every
person is made up. The serial part of a personal number is 000000 as long as province, sex and
year of birth are not taken by an earlier person, then 000001 and so on. Insurance numbers begin
with 99 and telephone numbers with 0100, which nobody has.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from his_adapter.models import BirthDate, Gender, Identifier, IdentifierKind

CROWD = 2000
_SEED = 20_260_105
_REFERENCE_YEAR = 2026

Kind = TypeVar("Kind")


class CoverageCase(StrEnum):
    """What the invented insurer knows about a person."""

    VALID_HERE = "valid_here"
    VALID_ELSEWHERE = "valid_elsewhere"
    EXPIRED = "expired"
    NOT_FOUND = "not_found"
    WRONG_NAME = "wrong_name"
    WRONG_INITIALS_RIGHT = "wrong_initials_right"
    WRONG_BIRTH_DATE = "wrong_birth_date"
    RENEWED = "renewed"
    """The old card ended, a new one is valid."""
    REPLACED = "replaced"
    """The old card is still valid beside the new one."""
    ARMY = "army"
    POLICE = "police"
    WITHDRAWN = "withdrawn"
    REDUCED = "reduced"
    CHILD_WITHOUT_CARD = "child_without_card"
    STAFF_NOT_REGISTERED = "staff_not_registered"
    STAFF_NAME_WRONG = "staff_name_wrong"
    SERVER_ERROR = "server_error"
    LOGIN_FAILED = "login_failed"
    SILENT = "silent"
    """The insurer never answers."""


@dataclass(frozen=True, kw_only=True, repr=False)
class InventedPerson:
    full_name: str
    birth_date: BirthDate
    gender: Gender
    address: str
    id_number: str | None = None
    old_id_number: str | None = None
    bhyt_number: str | None = None
    passport_number: str | None = None
    phone: str | None = None
    guardian: str | None = None
    coverage: CoverageCase = CoverageCase.NOT_FOUND

    @property
    def bhxh_number(self) -> str | None:
        return self.bhyt_number and self.bhyt_number[5:]

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        numbers = {
            IdentifierKind.ID12: self.id_number,
            IdentifierKind.CMND9: self.old_id_number,
            IdentifierKind.BHYT15: self.bhyt_number,
            IdentifierKind.BHXH10: self.bhxh_number,
            IdentifierKind.PASSPORT: self.passport_number,
        }
        return tuple(Identifier(kind=kind, value=value) for kind, value in numbers.items() if value)


_PROVINCES = (
    "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035"
    " 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072"
    " 074 075 077 079 080 082 083 084 086 087 089 091 092 093 094 095 096"
)

_HAMLETS = (
    "Xóm Đồi",
    "Thôn 1",
    "Thôn 2",
    "Thôn 3",
    "Xóm Chợ",
    "Bản Mới",
    "Khu 5",
    "Tổ 7",
    "Xóm Bến",
)
_COMMUNES = ("Thạch Lũng", "Suối Mây", "Đồng Gạo", "Nà Lau", "Bãi Vàng", "Khe Ngang")
_HOME_PROVINCE = "Phú Thọ"

_FAMILIES = {
    "Nguyễn": 315, "Trần": 109, "Lê": 89, "Phạm": 59, "Hoàng": 34, "Huỳnh": 17, "Vũ": 30,
    "Võ": 19, "Phan": 28, "Trương": 22, "Bùi": 21, "Đặng": 19, "Đỗ": 19, "Ngô": 17, "Hồ": 15,
    "Dương": 14, "Đinh": 10, "Đoàn": 9, "Lâm": 8, "Mai": 8, "Trịnh": 8, "Đào": 7, "Cao": 7,
    "Lý": 6, "Hà": 6, "Lưu": 5, "Lương": 5, "Thái": 4, "Châu": 4, "Tạ": 4, "Phùng": 4, "Tô": 3,
    "Vương": 3, "Văn": 2, "Kiều": 2, "Quách": 2,
}  # fmt: skip
_MIDDLES = {
    Gender.MALE: {"Văn": 40, "Hữu": 8, "Đức": 8, "Minh": 8, "Quang": 6, "Xuân": 6, "Ngọc": 5,
                  "Thanh": 5, "Công": 4, "Đình": 4, "Quốc": 4, "Gia": 2},
    Gender.FEMALE: {"Thị": 52, "Thị Thu": 6, "Thị Ngọc": 6, "Thị Thanh": 6, "Ngọc": 6, "Thu": 5,
                    "Thanh": 5, "Kim": 4, "Mỹ": 4, "Bích": 3, "Phương": 3},
}  # fmt: skip
_GIVEN = {
    Gender.MALE: (
        "An Bình Bảo Chiến Cường Dũng Duy Dương Đạt Đông Giang Hà Hải Hậu Hiếu Hòa Hoàng Hùng Huy"
        " Hưng Khang Khánh Khoa Kiên Lâm Long Lộc Mạnh Minh Nam Nghĩa Nhân Phong Phúc Phước Quân"
        " Quý Sơn Tài Tâm Tấn Thành Thắng Thịnh Thuận Tiến Toàn Trung Trường Tú Tuấn Tùng Việt Vinh"
    ),
    Gender.FEMALE: (
        "An Anh Ánh Bích Châu Chi Cúc Diệp Dung Duyên Đào Giang Hà Hạnh Hằng Hiền Hoa Hòa Hồng Huệ"
        " Hương Lan Lệ Liên Linh Loan Lý Mai Mận My Nga Ngân Ngọc Nguyệt Nhung Oanh Phương Quyên"
        " Sen Tâm Thảo Thắm Thoa Thơm Thu Thủy Thúy Trang Trâm Trinh Tuyết Uyên Vân Xuân Yến"
    ),
}


@dataclass(frozen=True, kw_only=True)
class _People:
    """How names are made among one people.

    Words are parted by `|` where one has several, and `|` in a family name stands for its space.
    """

    share: int
    provinces: str
    families: str
    male: str
    female: str
    male_given: str
    female_given: str


_MINORITIES = (
    _People(share=20, provinces="004 006 020 019", families="Nông Hoàng Ma Lục Bế Triệu Lý",
            male="{family} Văn {given}", female="{family} Thị {given}",
            male_given="Páo Tình Slam Kiểm Thắng", female_given="Slam Ngoan Mẩy Thơm Hiền"),
    _People(share=20, provinces="011 012 014", families="Lò Quàng Cà Tòng Lường Vì Lèo",
            male="{family} Văn {given}", female="{family} Thị {given}",
            male_given="Pánh Hặc Ín Piến Xôm", female_given="Pảnh Hỏa Inh Lả Xiên"),
    _People(share=20, provinces="017 038", families="Bùi Đinh Quách Bạch Hà Phạm",
            male="{family} Văn {given}", female="{family} Thị {given}",
            male_given="Dịu Nhỏn Ển Diển Thiểm", female_given="Ẻm Dín Nhiễn Bưởi Ỏn"),
    _People(share=18, provinces="002 010 011 012", families="Giàng Vàng Thào Sùng Mùa Lầu Hờ",
            male="{family} A {given}", female="{family} Thị {given}",
            male_given="Páo Chua Dính Sính Lử", female_given="Mỷ Dua Sua Chá Pà"),
    _People(share=18, provinces="084 094 091", families="Thạch Sơn Kim Danh Lâm Kiên",
            male="{family} {given}", female="{family} Thị {given}",
            male_given="Sa Rết|Sóc Kha|Sô Phanh|Đa Ra|Chanh Đa", female_given="Sa Ry|Sô Phi|Na Ry|Đa|Sóc Khơm"),
    _People(share=12, provinces="066", families="Niê Byă Mlô Kbuôr Êban Ayŭn Ktla",
            male="Y {given} {family}", female="H'{given} {family}",
            male_given="Thử Bhăm Krông Wê Nguôt", female_given="Mẫu Len Bĭch Duyên Wĕ"),
    _People(share=10, provinces="064", families="Siu Ksor Rơ|Chăm Rah|Lan Kpă",
            male="{family} {given}", female="{family} H'{given}",
            male_given="Phước Thuk Djoan Blưn", female_given="Lan Nhunh Blik Chơn"),
    _People(share=6, provinces="062", families="A Y",
            male="A {given}", female="Y {given}",
            male_given="Thút Nhiên Brôk Mlưih", female_given="Blan Ngun Hrim Đôi"),
    _People(share=8, provinces="058 060", families="Bá Hán Lộ Thành Đàng Kiều",
            male="{family} Văn {given}", female="{family} Thị {given}",
            male_given="Trử Khoan Ngọc Sáng", female_given="Mỵ Khoan Duyên Nai"),
)  # fmt: skip
_KINH_SHARE = 853  # of 985, with the shares above

_COVERAGE_WEIGHTS = {
    CoverageCase.VALID_HERE: 700,
    CoverageCase.VALID_ELSEWHERE: 110,
    CoverageCase.EXPIRED: 40,
    CoverageCase.NOT_FOUND: 30,
    CoverageCase.WRONG_NAME: 10,
    CoverageCase.WRONG_INITIALS_RIGHT: 8,
    CoverageCase.WRONG_BIRTH_DATE: 10,
    CoverageCase.RENEWED: 20,
    CoverageCase.REPLACED: 15,
    CoverageCase.ARMY: 12,
    CoverageCase.POLICE: 8,
    CoverageCase.WITHDRAWN: 5,
    CoverageCase.REDUCED: 8,
    CoverageCase.STAFF_NOT_REGISTERED: 2,
    CoverageCase.STAFF_NAME_WRONG: 4,
    CoverageCase.SERVER_ERROR: 4,
    CoverageCase.LOGIN_FAILED: 2,
    CoverageCase.SILENT: 4,
}

_AGES = (((0, 5), 8), ((6, 15), 8), ((16, 39), 26), ((40, 59), 28), ((60, 74), 20), ((75, 96), 10))


def crowd(taken_ids: Sequence[str], count: int = CROWD) -> Iterator[InventedPerson]:
    """`count` people with numbers that neither they nor `taken_ids` have twice."""
    rng = random.Random(_SEED)  # noqa: S311 - the same people every time is the point
    serials = Counter(number[:6] for number in taken_ids)
    for index in range(1, count + 1):
        gender = rng.choice((Gender.MALE, Gender.FEMALE))
        full_name, province = _name_and_province(rng, gender)
        birth_date = _birth_date(rng)
        age = _REFERENCE_YEAR - birth_date.year
        child = age < 15
        numbered = age >= 3 or rng.random() < 0.7
        prefix = _number_prefix(province, gender, birth_date.year)
        coverage = _pick(rng, _COVERAGE_WEIGHTS)
        if age < 6 and rng.random() < 0.2:
            coverage = CoverageCase.CHILD_WITHOUT_CARD
        guardian = _kinh_name(rng, Gender.FEMALE) if child else None
        yield InventedPerson(
            full_name=full_name,
            birth_date=birth_date,
            gender=gender,
            address=_address(rng),
            id_number=f"{prefix}{serials[prefix]:06d}" if numbered else None,
            old_id_number=(
                f"{province[1:]}{index:07d}" if age > 27 and rng.random() < 0.4 else None
            ),
            bhyt_number=_bhyt_number(index, age, coverage),
            phone=None if child and rng.random() < 0.5 else f"0100{index:06d}",
            guardian=guardian,
            coverage=coverage,
        )
        if numbered:
            serials[prefix] += 1


def _number_prefix(province: str, gender: Gender, birth_year: int) -> str:
    """Province, sex with century, year: the first six digits of a personal number."""
    century = 2 * (birth_year // 100 - 19)
    return f"{province}{century + (gender is Gender.FEMALE)}{birth_year % 100:02d}"


def _bhyt_number(index: int, age: int, coverage: CoverageCase) -> str | None:
    if coverage is CoverageCase.NOT_FOUND and index % 2:
        return None
    if coverage is CoverageCase.ARMY:
        group = "QN5"
    elif coverage is CoverageCase.POLICE:
        group = "CA5"
    else:
        group = "TE1" if age < 6 else "HS4" if age < 18 else "HT3" if age >= 60 else "DN4"
    return f"{group}9999{index:08d}"


def _name_and_province(rng: random.Random, gender: Gender) -> tuple[str, str]:
    people = _pick(rng, {None: _KINH_SHARE, **{people: people.share for people in _MINORITIES}})
    if people is None:
        return _kinh_name(rng, gender), rng.choice(_PROVINCES.split())
    male = gender is Gender.MALE
    form = people.male if male else people.female
    given = _forms(people.male_given if male else people.female_given)
    family = rng.choice(people.families.split()).replace("|", " ")
    return (
        form.format(family=family, given=rng.choice(given)),
        rng.choice(people.provinces.split()),
    )


def _forms(text: str) -> list[str]:
    return text.split("|" if "|" in text else " ")


def _kinh_name(rng: random.Random, gender: Gender) -> str:
    family = _pick(rng, _FAMILIES)
    middle = _pick(rng, _MIDDLES[gender])
    return f"{family} {middle} {rng.choice(_GIVEN[gender].split())}"


def _birth_date(rng: random.Random) -> BirthDate:
    """Older people often know their year only."""
    youngest, oldest = _pick(rng, dict(_AGES))
    year = _REFERENCE_YEAR - rng.randint(youngest, oldest)
    if year < 1965 and rng.random() < 0.15:
        return BirthDate(year=year)
    day = date.fromordinal(date(year, 1, 1).toordinal() + rng.randrange(365))
    day = min(day, date(_REFERENCE_YEAR, 1, 4))
    return BirthDate(year=day.year, month=day.month, day=day.day)


def _address(rng: random.Random) -> str:
    return f"{rng.choice(_HAMLETS)}, {rng.choice(_COMMUNES)}, {_HOME_PROVINCE}"


def _pick(rng: random.Random, weights: Mapping[Kind, int]) -> Kind:
    return rng.choices(list(weights), list(weights.values()))[0]
