"""One visit as a row of the check-in table: typed values in, the 26 texts of the standard out."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from his_adapter.models import BirthDate, Gender

_GENDER = {Gender.MALE: "1", Gender.FEMALE: "2"}
UNDETERMINED = "3"
NOT_INSURED = "9"
"""MA_DOITUONG_KCB of a visit without insurance."""
EMERGENCY = "2"


class CostKind(StrEnum):
    """What the first cost of a visit was for; the value names its pair of fields."""

    SERVICE = "DICH_VU"
    DRUG = "THUOC"
    SUPPLY = "VAT_TU"


@dataclass(frozen=True, kw_only=True)
class FirstCost:
    kind: CostKind
    code: str
    name: str


@dataclass(frozen=True, kw_only=True, repr=False)
class CardFacts:
    """The card of insurance as the gateway knows it."""

    number: str
    facility_code: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckinRow:
    """`record_code` (MA_LK) and `patient_code` (MA_BN) are the HIS's; times are aware."""

    record_code: str
    patient_code: str
    full_name: str
    id_number: str | None
    birth_date: BirthDate
    gender: Gender
    card: CardFacts | None
    patient_category: str
    """MA_DOITUONG_KCB; provisional until the visit ends."""
    care_type: str
    """MA_LOAI_KCB."""
    facility_code: str
    arrived_at: datetime
    first_cost: FirstCost
    ordered_at: datetime
    admitted_at: datetime | None = None
    admission_reason: str = ""
    admission_reason_code: str = ""


def row_fields(row: CheckinRow, *, position: int, zone: ZoneInfo) -> dict[str, str]:
    """The texts of all fields by name; `position` is STT, from 1 in each file."""
    texts = {
        "MA_LK": row.record_code,
        "STT": str(position),
        "MA_BN": row.patient_code,
        "HO_TEN": row.full_name.upper(),
        "SO_CCCD": row.id_number or "",
        "NGAY_SINH": _birth(row.birth_date),
        "GIOI_TINH": _GENDER.get(row.gender, UNDETERMINED),
        "MA_THE_BHYT": row.card.number if row.card else "",
        "MA_DKBD": row.card.facility_code if row.card else "",
        "GT_THE_TU": _day(row.card.valid_from if row.card else None),
        "GT_THE_DEN": _day(row.card.valid_to if row.card else None),
        "MA_DOITUONG_KCB": row.patient_category,
        "NGAY_VAO": _minute(row.arrived_at, zone),
        "NGAY_VAO_NOI_TRU": _minute(row.admitted_at, zone),
        "LY_DO_VNT": row.admission_reason,
        "MA_LY_DO_VNT": row.admission_reason_code,
        "MA_LOAI_KCB": row.care_type,
        "MA_CSKCB": row.facility_code,
        "NGAY_YL": _minute(row.ordered_at, zone),
        "DU_PHONG": "",
    }
    for kind in CostKind:
        chosen = kind is row.first_cost.kind
        texts[f"MA_{kind}"] = row.first_cost.code if chosen else ""
        texts[f"TEN_{kind}"] = row.first_cost.name if chosen else ""
    return {name: clean_text(text) for name, text in texts.items()}


def clean_text(text: str) -> str:
    """NFC, without control characters, without blanks at the ends (rule CI-16)."""
    composed = unicodedata.normalize("NFC", text)
    printable = "".join(
        " " if char in "\t\r\n" else char
        for char in composed
        if char in "\t\r\n" or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"}
    )
    return printable.strip()


def _birth(birth_date: BirthDate) -> str:
    """yyyymmddHHMM; a day without its month, or a month without its day, is written as unknown."""
    known = birth_date.month is not None and birth_date.day is not None
    return f"{birth_date.earliest:%Y%m%d}0000" if known else f"{birth_date.year:04d}00000000"


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _minute(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y%m%d%H%M}" if moment else ""
