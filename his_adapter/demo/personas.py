"""People of the demonstration with a part to play: one for each thing that can happen.

`INSURED.payload` is what the code on that person's card holds; `typed` what they would key in.
Bookings are made anew each day, around the present time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from his_adapter.demo import payloads
from his_adapter.demo.people import CoverageCase, InventedPerson
from his_adapter.models import BirthDate, Gender, Ref


class Card(StrEnum):
    CCCD2021 = "cccd2021"
    CAN_CUOC2024 = "can_cuoc2024"
    BHYT = "bhyt"
    PASSPORT = "passport"


_USUAL_SERVICE = Ref("internal")


@dataclass(frozen=True, kw_only=True)
class Booking:
    """When it is, seen from the moment of the demonstration."""

    service: Ref = _USUAL_SERVICE
    minutes: int = 0
    """From now, to a half hour that counts as on time if it is 0, kept within the day."""
    days: int = 0
    elsewhere: bool = False
    """Made for another facility."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Persona(InventedPerson):
    key: str
    card: Card = Card.CCCD2021
    bookings: tuple[Booking, ...] = ()
    registered: bool = True
    """Known to the demo hospital from an earlier visit."""
    visited_days_ago: int | None = None
    parents: tuple[str, str] = ("", "")

    @property
    def payload(self) -> str:
        """Exactly what a scanner reads from the card."""
        if self.card is Card.BHYT:
            return payloads.bhyt(
                number=self.bhxh_number or "",
                full_name=self.full_name,
                birth_date=self.birth_date,
                gender=self.gender,
                facility_code="99001",
                valid_from=date(2025, 1, 1),
                benefit_level=int((self.bhyt_number or "XX4")[2]),
            )
        if self.card is Card.PASSPORT:
            *given, surname = self.full_name.split()
            return payloads.passport(
                number=self.passport_number or "",
                country="UTO",
                surname=surname,
                given_names=" ".join(given),
                birth_date=self.birth_date.earliest,
                gender=self.gender,
                expires_on=date(2033, 6, 30),
            )
        if self.card is Card.CAN_CUOC2024:
            return payloads.can_cuoc2024(
                id_number=self.id_number or "",
                old_id_number=self.old_id_number or "",
                full_name=self.full_name,
                birth_date=self.birth_date,
                gender=self.gender,
                address=self.address,
                issued_on=date(2025, 3, 12),
                parents=self.parents,
            )
        return payloads.cccd2021(
            id_number=self.id_number or "",
            old_id_number=self.old_id_number or "",
            full_name=self.full_name,
            birth_date=self.birth_date,
            gender=self.gender,
            address=self.address,
            issued_on=date(2021, 8, 12),
        )

    @property
    def typed(self) -> str:
        """The number this person would key in at a kiosk."""
        return self.id_number or self.bhyt_number or self.passport_number or ""

    @property
    def mrn(self) -> str | None:
        """Patient number in the demo hospital; None for a stranger."""
        known = [persona.key for persona in PERSONAS if persona.registered]
        return f"BN{known.index(self.key) + 1:08d}" if self.registered else None


_M, _F = Gender.MALE, Gender.FEMALE
_HOME = "Thạch Lũng, Phú Thọ"


def _born(text: str) -> BirthDate:
    return BirthDate.from_iso(text)


INSURED = Persona(
    key="insured",
    full_name="Nguyễn Minh Hòa", gender=_M, birth_date=_born("1985-09-05"),
    id_number="079085000000", old_id_number="020000000", bhyt_number="DN4999990000001",
    address=f"Thôn 3, {_HOME}", phone="0100900001",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
BOOKED_ON_TIME = Persona(
    key="booked_on_time", card=Card.CAN_CUOC2024,
    full_name="Lê Thị Mai", gender=_F, birth_date=_born("2001-02-14"),
    id_number="048301000000", bhyt_number="DN4999990000002",
    address=f"Xóm Chợ, {_HOME}", phone="0100900002",
    coverage=CoverageCase.VALID_HERE, bookings=(Booking(),),
)  # fmt: skip
BHYT_CARD = Persona(
    key="bhyt_card", card=Card.BHYT,
    full_name="Trần Thị Bích Vân", gender=_F, birth_date=_born("1972-06-18"),
    id_number="038172000000", bhyt_number="GD4999990000003",
    address=f"Khu 5, {_HOME}", phone="0100900003",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
AGED_80 = Persona(
    key="aged_80",
    full_name="Phạm Văn Đức", gender=_M, birth_date=_born("1944-03-10"),
    id_number="035044000000", old_id_number="160000000", bhyt_number="HT3999990000004",
    address=f"Xóm Đồi, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
UNREADABLE_CARD = Persona(
    key="unreadable_card",
    full_name="Vũ Thị Na", gender=_F, birth_date=_born("1990-01-02"),
    id_number="001190000000", bhyt_number="DN4999990000005",
    address=f"Tổ 7, {_HOME}", phone="0100900005",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
PRINTER_TROUBLE = Persona(
    key="printer_trouble",
    full_name="Đặng Quốc Bảo", gender=_M, birth_date=_born("1978-11-30"),
    id_number="031078000000", bhyt_number="DN4999990000006",
    address=f"Thôn 1, {_HOME}", phone="0100900006",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
SERVER_TROUBLE = Persona(
    key="server_trouble",
    full_name="Bùi Thị Hoa", gender=_F, birth_date=_born("1987-04-21"),
    id_number="017187000000", bhyt_number="DN4999990000007",
    address=f"Thôn 2, {_HOME}", phone="0100900007",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
INSURER_SILENT = Persona(
    key="insurer_silent",
    full_name="Ngô Văn Tĩnh", gender=_M, birth_date=_born("1980-07-08"),
    id_number="034080000000", bhyt_number="DN4999990000008",
    address=f"Bản Mới, {_HOME}", phone="0100900008",
    coverage=CoverageCase.SILENT,
)  # fmt: skip
BOOKED_EARLY = Persona(
    key="booked_early",
    full_name="Hoàng Thị Sáng", gender=_F, birth_date=_born("1968-05-02"),
    id_number="004168000000", bhyt_number="DN4999990000009",
    address=f"Xóm Bến, {_HOME}",
    coverage=CoverageCase.VALID_HERE, bookings=(Booking(minutes=180),),
)  # fmt: skip
BOOKED_LATE = Persona(
    key="booked_late",
    full_name="Dương Văn Muộn", gender=_M, birth_date=_born("1975-10-12"),
    id_number="024075000000", bhyt_number="DN4999990000010",
    address=f"Xóm Bến, {_HOME}",
    coverage=CoverageCase.VALID_HERE, bookings=(Booking(minutes=-120),),
)  # fmt: skip
BOOKED_TOMORROW = Persona(
    key="booked_tomorrow",
    full_name="Trịnh Thị Mai Sang", gender=_F, birth_date=_born("1995-12-25"),
    id_number="038195000000", bhyt_number="DN4999990000011",
    address=f"Thôn 1, {_HOME}",
    coverage=CoverageCase.VALID_HERE, bookings=(Booking(days=1),),
)  # fmt: skip
BOOKED_TWICE = Persona(
    key="booked_twice",
    full_name="Đỗ Song Hà", gender=_F, birth_date=_born("1983-08-19"),
    id_number="033183000000", bhyt_number="DN4999990000012",
    address=f"Thôn 2, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
    bookings=(Booking(), Booking(service=Ref("eye"), minutes=60)),
)  # fmt: skip
BOOKED_ELSEWHERE = Persona(
    key="booked_elsewhere",
    full_name="Cao Văn Viễn", gender=_M, birth_date=_born("1970-03-03"),
    id_number="040070000000", bhyt_number="DN4999990000013",
    address="Khu 5, Suối Mây, Phú Thọ",
    coverage=CoverageCase.VALID_ELSEWHERE, bookings=(Booking(elsewhere=True),),
)  # fmt: skip
EXPIRED = Persona(
    key="expired",
    full_name="Đinh Công Hạn", gender=_M, birth_date=_born("1992-02-29"),
    id_number="025092000000", bhyt_number="DN4999990000014",
    address=f"Xóm Đồi, {_HOME}",
    coverage=CoverageCase.EXPIRED,
)  # fmt: skip
NOT_INSURED = Persona(
    key="not_insured",
    full_name="Phan Tự Trả", gender=_M, birth_date=_born("1999-09-09"),
    id_number="042099000000",
    address=f"Tổ 7, {_HOME}",
    coverage=CoverageCase.NOT_FOUND,
)  # fmt: skip
CARD_RENEWED = Persona(
    key="card_renewed",
    full_name="Lương Thị Mới", gender=_F, birth_date=_born("2008-01-30"),
    id_number="019308000000", bhyt_number="HS4999990000016",
    address=f"Bản Mới, {_HOME}",
    coverage=CoverageCase.RENEWED,
)  # fmt: skip
CARD_REPLACED = Persona(
    key="card_replaced",
    full_name="Mai Đức Đôi", gender=_M, birth_date=_born("1989-06-06"),
    id_number="036089000000", bhyt_number="DN4999990000017",
    address=f"Thôn 3, {_HOME}",
    coverage=CoverageCase.REPLACED,
)  # fmt: skip
NAME_WRONG = Persona(
    key="name_wrong",
    full_name="Nguyễn Thị Thúy", gender=_F, birth_date=_born("1981-11-11"),
    id_number="027181000000", bhyt_number="DN4999990000018",
    address=f"Xóm Chợ, {_HOME}",
    coverage=CoverageCase.WRONG_NAME,
)  # fmt: skip
VALID_ELSEWHERE = Persona(
    key="valid_elsewhere", card=Card.CAN_CUOC2024,
    full_name="Hồ Ngọc Lan", gender=_F, birth_date=_born("1998-05-17"),
    id_number="046198000000", bhyt_number="DN4999990000019",
    address="Thôn 2, Nà Lau, Phú Thọ",
    coverage=CoverageCase.VALID_ELSEWHERE,
)  # fmt: skip
SOLDIER = Persona(
    key="soldier",
    full_name="Trương Văn Quân", gender=_M, birth_date=_born("1991-05-05"),
    id_number="045091000000", bhyt_number="QN5999990000020",
    address=f"Tổ 7, {_HOME}",
    coverage=CoverageCase.ARMY,
)  # fmt: skip
WITHDRAWN = Persona(
    key="withdrawn",
    full_name="Lý Văn Thu", gender=_M, birth_date=_born("1993-07-07"),
    id_number="008093000000", bhyt_number="DN4999990000021",
    address=f"Bản Mới, {_HOME}",
    coverage=CoverageCase.WITHDRAWN,
)  # fmt: skip
STAFF_NOT_REGISTERED = Persona(
    key="staff_not_registered",
    full_name="Tạ Thị Hiền", gender=_F, birth_date=_born("1986-01-15"),
    id_number="001186000000", bhyt_number="DN4999990000022",
    address=f"Khu 5, {_HOME}",
    coverage=CoverageCase.STAFF_NOT_REGISTERED,
)  # fmt: skip
CHILD = Persona(
    key="child", card=Card.CAN_CUOC2024,
    full_name="Nguyễn Bảo An", gender=_F, birth_date=_born("2024-06-06"),
    id_number="025324000000", bhyt_number="TE1999990000023",
    address=f"Thôn 3, {_HOME}", guardian="Trần Thị Ngọc Hạnh",
    parents=("Nguyễn Văn Khải", "Trần Thị Ngọc Hạnh"),
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
AGED_75 = Persona(
    key="aged_75",
    full_name="Võ Thị Sáu Em", gender=_F, birth_date=_born("1950-08-20"),
    id_number="049150000000", bhyt_number="CK2999990000024",
    address=f"Xóm Đồi, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
YEAR_ONLY = Persona(
    key="year_only",
    full_name="Quách Thị Năm", gender=_F, birth_date=_born("1949"),
    id_number="017149000000", bhyt_number="HT3999990000025",
    address=f"Bản Mới, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
YEAR_IN_DOUBT = Persona(
    key="year_in_doubt",  # turns 75 in the course of 2026, 80 in the course of 2031
    full_name="Bùi Văn Sửu", gender=_M, birth_date=_born("1951"),
    id_number="017051000000", bhyt_number="HT3999990000026",
    address=f"Bản Mới, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
MINORITY_NAME = Persona(
    key="minority_name",
    full_name="H'Mẫu Niê", gender=_F, birth_date=_born("1989-05-20"),
    id_number="066189000000", old_id_number="240000000", bhyt_number="DT2999990000027",
    address="Buôn Thử, Khe Ngang, Phú Thọ",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
REVISITING = Persona(
    key="revisiting",
    full_name="Đoàn Thị Thắm", gender=_F, birth_date=_born("1966-10-01"),
    id_number="030166000000", bhyt_number="HT3999990000028",
    address=f"Xóm Chợ, {_HOME}",
    coverage=CoverageCase.VALID_HERE, visited_days_ago=7,
    bookings=(Booking(service=Ref("chronic"), minutes=30),),
)  # fmt: skip
NEWCOMER = Persona(
    key="newcomer", card=Card.CAN_CUOC2024, registered=False,
    full_name="Lâm Gia Khánh", gender=_M, birth_date=_born("2003-11-11"),
    id_number="096203000000", bhyt_number="SV4999990000029",
    address=f"Tổ 7, {_HOME}",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
FOREIGNER = Persona(
    key="foreigner", card=Card.PASSPORT, registered=False,
    full_name="Anna Maria Example", gender=_F, birth_date=_born("1984-08-12"),
    passport_number="L00000000",
    address="",
    coverage=CoverageCase.NOT_FOUND,
)  # fmt: skip
OWES_SHARE = Persona(
    key="owes_share",
    full_name="Hà Thị Lúa", gender=_F, birth_date=_born("1956-04-09"),
    id_number="025156000000", bhyt_number="GD4999990000030",
    address=f"Thôn 2, {_HOME}", phone="0100900030",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip
OWES_ALL = Persona(
    key="owes_all",
    full_name="Tô Văn Chợ", gender=_M, birth_date=_born("1988-12-01"),
    id_number="022088000000",
    address=f"Xóm Chợ, {_HOME}", phone="0100900031",
    coverage=CoverageCase.NOT_FOUND,
)  # fmt: skip
ADMITTED = Persona(
    key="admitted", card=Card.CAN_CUOC2024,
    full_name="Kiều Thị Nhập", gender=_F, birth_date=_born("1979-09-23"),
    id_number="014179000000", bhyt_number="DN4999990000032",
    address=f"Bản Mới, {_HOME}", phone="0100900032",
    coverage=CoverageCase.VALID_HERE,
)  # fmt: skip

PERSONAS: tuple[Persona, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Persona)
)
"""All of them, in the order above."""


def get_persona(key: str) -> Persona:
    """Raises KeyError."""
    return {persona.key: persona for persona in PERSONAS}[key]
