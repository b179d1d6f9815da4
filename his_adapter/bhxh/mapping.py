"""Between our questions and answers and the gateway's: pure, and suspicious of every field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from his_adapter.bhxh.client import CardQuestion, read_code
from his_adapter.bhxh.config import BaseSalary, Employee
from his_adapter.coverage_codes import OUTCOMES, outcome_of
from his_adapter.errors import InvalidData
from his_adapter.models import (
    BirthDate,
    Copayment,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Gender,
    IdentifierKind,
    PastStay,
    StayElsewhere,
    SubmissionReceipt,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
ASKED_WITH = (IdentifierKind.ID12, IdentifierKind.BHYT15, IdentifierKind.BHXH10)
"""In this order: the personal number leads to the card of today, whatever card is shown."""
CARDS_WITH_PAPERS = frozenset({"QN", "CA", "CY", "HC", "LS", "XK"})
"""Army, police, cipher: only the end of such a card is compared, staff look at the paper."""
USABLE = frozenset({CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW})
CALLS_FOR_TECHNICIAN = frozenset({CoverageOutcome.CONFIG_ERROR})

_CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{12}")
_FACILITY = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
_DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_BIRTH = re.compile(r"(?:(?:([0-9]{2})/)?([0-9]{2})/)?([0-9]{4})")
_GENDERS = {"nam": Gender.MALE, "nữ": Gender.FEMALE}
_NUMBER_SHAPES = {
    IdentifierKind.ID12: re.compile(r"[0-9]{12}"),
    IdentifierKind.BHYT15: _CARD,
    IdentifierKind.BHXH10: re.compile(r"[0-9]{10}"),
}
_MAX_STAYS = 200
_MAX_MESSAGE = 2000
_BASE_SALARIES_A_YEAR = 6


# --- questions -----------------------------------------------------------------------------------


def to_questions(query: CoverageQuery, employee: Employee) -> list[CardQuestion]:
    """One for each number the gateway can be asked with, the best first.

    Raises InvalidData without number, name or birth date.
    """
    if query.full_name is None or not query.full_name.strip():
        raise InvalidData("full_name", "Cần họ tên để tra cứu thẻ.")
    if query.birth_date is None:
        raise InvalidData("birth_date", "Cần ngày sinh để tra cứu thẻ.")
    numbers = [
        value
        for kind in ASKED_WITH
        for each in query.identifiers
        if each.kind is kind and _NUMBER_SHAPES[kind].fullmatch(value := each.value.upper())
    ]
    if not numbers:
        raise InvalidData("identifiers", "Cần số thẻ, mã số BHXH hoặc số căn cước.")
    return [
        CardQuestion(
            number=number,
            full_name=_plain(query.full_name),
            birth_date=format_birth_date(query.birth_date),
            employee_name=_plain(employee.full_name),
            employee_cccd=employee.cccd,
        )
        for number in dict.fromkeys(numbers)
    ]


def format_birth_date(birth_date: BirthDate) -> str:
    """dd/MM/yyyy, MM/yyyy or yyyy, as far as it is known."""
    parts = [birth_date.day, birth_date.month]
    known = [f"{part:02d}" for part in parts if part is not None]
    return "/".join([*known, f"{birth_date.year:04d}"])


# --- the card ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class Card:
    """One card in an answer: that of today, or the one issued after it."""

    number: str | None
    starts: date | None
    ends: date | None
    facility_code: str | None

    def covers(self, day: date) -> bool:
        """Without a start it covers nothing, without an end it goes on."""
        if self.starts is None:
            return False
        return self.starts <= day and (self.ends is None or day <= self.ends)

    @property
    def asks_for_papers(self) -> bool:
        return self.number is not None and self.number[:2] in CARDS_WITH_PAPERS


def read_cards(untrusted: Mapping[str, Any]) -> tuple[Card, Card]:
    """The card the answer is about, and the renewed one (empty when there is none)."""
    return (
        Card(
            number=_find(_CARD, untrusted.get("maThe")),
            starts=read_day(untrusted.get("gtTheTu")),
            ends=read_day(untrusted.get("gtTheDen")),
            facility_code=_find(_FACILITY, untrusted.get("maDKBD")),
        ),
        Card(
            number=_find(_CARD, untrusted.get("maTheMoi")),
            starts=read_day(untrusted.get("gtTheTuMoi")),
            ends=read_day(untrusted.get("gtTheDenMoi")),
            facility_code=_find(_FACILITY, untrusted.get("maDKBDMoi")),
        ),
    )


def to_coverage(
    untrusted: Mapping[str, Any],
    query: CoverageQuery,
    *,
    number: str,
    on: date,
    own_codes: frozenset[str],
    checked_at: datetime,
    outcomes: Mapping[str, CoverageOutcome] = OUTCOMES,
) -> Coverage:
    """What an answer means on that day for whoever was asked about with `number`.

    Good news is believed only when name, birth date and sex are theirs and a card covers the
    day; an answer that leaves this open is `later`. Bad news needs no proof.
    """
    code = read_code(untrusted.get("maKetQua")) or "?"
    outcome = outcome_of(code, outcomes)
    bare = Coverage(outcome=outcome, code=code, checked_at=checked_at)
    if outcome is CoverageOutcome.NONE:
        return replace(bare, valid_to=read_cards(untrusted)[0].ends)
    if outcome not in USABLE:
        return bare
    if _text(untrusted.get("hoTen")) is None:
        return replace(bare, outcome=CoverageOutcome.LATER)
    if not is_same_person(untrusted, query) or not _is_asked_number(untrusted, number):
        return replace(bare, outcome=CoverageOutcome.MISMATCH)
    card, outcome = _choose_card(*read_cards(untrusted), outcome=outcome, on=on)
    if card is None:
        return replace(bare, outcome=outcome)
    if outcome is CoverageOutcome.OK and card.asks_for_papers:
        outcome = CoverageOutcome.OK_DESK_NOTE
    return replace(
        bare,
        outcome=outcome,
        valid_from=card.starts,
        valid_to=card.ends,
        facility_code=card.facility_code,
        registered_here=card.facility_code in own_codes if card.facility_code else None,
        benefit_level=int(card.number[2]) if card.number else None,
        card_number=card.number,
        five_years_on=read_day(untrusted.get("ngayDu5Nam")),
    )


def _choose_card(
    present: Card, renewed: Card, *, outcome: CoverageOutcome, on: date
) -> tuple[Card | None, CoverageOutcome]:
    """The card to use that day; without one, what that means."""
    if outcome is CoverageOutcome.USE_NEW:
        usable = renewed.number is not None and renewed.covers(on)
        return (renewed, outcome) if usable else (None, _without_card(renewed))
    if present.covers(on):
        return present, outcome
    if outcome is CoverageOutcome.OK_DESK_NOTE or present.asks_for_papers:
        # Such cards carry no start that could be compared.
        is_over = present.ends is not None and present.ends < on
        return (None, CoverageOutcome.NONE) if is_over else (present, CoverageOutcome.OK_DESK_NOTE)
    if renewed.number is not None and renewed.covers(on):
        return renewed, CoverageOutcome.USE_NEW
    return None, _without_card(present)


def _without_card(card: Card) -> CoverageOutcome:
    return CoverageOutcome.LATER if card.starts is None else CoverageOutcome.NONE


def is_same_person(untrusted: Mapping[str, Any], query: CoverageQuery) -> bool:
    """Name, birth date and sex agree as far as both sides state them."""
    theirs = _text(untrusted.get("hoTen"))
    if theirs and query.full_name and comparable_name(theirs) != comparable_name(query.full_name):
        return False
    born = read_birth_date(untrusted.get("ngaySinh"))
    if born is not None and query.birth_date is not None and not born.agrees_with(query.birth_date):
        return False
    gender = _GENDERS.get((_text(untrusted.get("gioiTinh")) or "").lower())
    asked = query.gender if query.gender in _GENDERS.values() else None
    return gender is None or asked is None or gender is asked


def comparable_name(name: str) -> str:
    """NFC, upper case, single spaces. A mark more or less is another name: the desk looks."""
    return _plain(name).upper()


def _is_asked_number(untrusted: Mapping[str, Any], number: str) -> bool:
    """An answer about another card than the one asked about is somebody else's."""
    fields = {10: ("maSoBHXH",), 15: ("maThe", "maTheCu", "maTheMoi")}.get(len(number), ())
    answered = {text for name in fields if (text := _text(untrusted.get(name)))}
    return not answered or number in answered


def read_day(untrusted: object) -> date | None:
    """dd/MM/yyyy; None for anything else, no such day included."""
    match = _DAY.fullmatch(_text(untrusted) or "")
    if match is None:
        return None
    day, month, year = map(int, match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_birth_date(untrusted: object) -> BirthDate | None:
    """dd/MM/yyyy, MM/yyyy, yyyy, or eight digits as on a CCCD."""
    text = _text(untrusted) or ""
    if re.fullmatch(r"[0-9]{8}", text):
        text = f"{text[:2]}/{text[2:4]}/{text[4:]}"
    match = _BIRTH.fullmatch(text)
    if match is None:
        return None
    day, month, year = (None if part is None else int(part) for part in match.groups())
    try:
        return BirthDate(year=year or 0, month=month, day=day)
    except ValueError:
        return None


# --- other hospitals -----------------------------------------------------------------------------


def to_stays(untrusted: Mapping[str, Any]) -> tuple[PastStay, ...]:
    """The latest first; rows without facility or beginning are left out, and no illness."""
    untrusted_rows = untrusted.get("dsLichSuKCB2025")
    rows = untrusted_rows[:_MAX_STAYS] if isinstance(untrusted_rows, list) else []
    stays = []
    for row in rows:
        if not isinstance(row, dict):
            continue
        code = _find(_FACILITY, row.get("maCSKCB"))
        arrived = _read_moment(row.get("ngayVao"))
        if code is not None and arrived is not None:
            left = _read_moment(row.get("ngayRa"))
            stays.append(PastStay(facility_code=code, arrived_at=arrived, left_at=left))
    return tuple(sorted(stays, key=lambda stay: stay.arrived_at, reverse=True))


def judge_stays(
    stays: Sequence[PastStay], *, own_codes: frozenset[str], now: datetime
) -> StayElsewhere | None:
    """Whether staff should look because of what another hospital has written down."""
    others = [stay for stay in stays if stay.facility_code not in own_codes]
    if any(stay.left_at is not None and stay.left_at > now for stay in others):
        return StayElsewhere.NOT_LEFT
    today = now.astimezone(VIETNAM).date()
    left_today = (stay.left_at.astimezone(VIETNAM).date() for stay in others if stay.left_at)
    return StayElsewhere.TODAY if today in left_today else None


def _read_moment(untrusted: object) -> datetime | None:
    text = _text(untrusted) or ""
    if not re.fullmatch(r"[0-9]{12}(?:[0-9]{2})?", text):
        return None
    try:
        moment = datetime.strptime(text[:12], "%Y%m%d%H%M").replace(tzinfo=VIETNAM)
    except ValueError:
        return None
    return moment if moment.year > 1900 else None


# --- co-payment ----------------------------------------------------------------------------------


def to_copayment(
    untrusted: Mapping[str, Any], *, on: date, base_salaries: Sequence[BaseSalary]
) -> Copayment:
    """The highest running total of the year: each row carries the sum of those before it."""
    totals: list[tuple[date, int]] = []
    untrusted_rows = untrusted.get("DataCCT")
    for row in untrusted_rows[:_MAX_STAYS] if isinstance(untrusted_rows, list) else []:
        if not isinstance(row, dict):
            continue
        left, total = read_day(row.get("ngayRa")), _read_vnd(row.get("tBNCCTLuyKe"))
        if left is not None and total is not None and left.year == on.year and left <= on:
            totals.append((left, total))
    return Copayment(
        paid_vnd=max((total for _, total in totals), default=0),
        exceeds_limit=salaries_paid(totals, base_salaries) > _BASE_SALARIES_A_YEAR,
        as_of=max((left for left, _ in totals), default=None),
    )


def salaries_paid(
    totals: Sequence[tuple[date, int]], base_salaries: Sequence[BaseSalary]
) -> Fraction:
    """What was paid, in base salaries of the time it was paid (NĐ 188/2025 Điều 18 khoản 2)."""
    steps = sorted(base_salaries, key=lambda each: each.valid_from)
    paid, reached = Fraction(0), 0
    for index, salary in enumerate(steps):
        until = steps[index + 1].valid_from if index + 1 < len(steps) else date.max
        here = [total for left, total in totals if salary.valid_from <= left < until]
        if here and max(here) > reached:
            paid += Fraction(max(here) - reached, salary.amount_vnd)
            reached = max(here)
    return paid


def _read_vnd(untrusted: object) -> int | None:
    """Whole đồng, rounded up: a part of one above the line is above it."""
    if isinstance(untrusted, bool) or not isinstance(untrusted, str | int | float):
        return None
    text = str(untrusted).strip()
    if len(text) > 20:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**13:
        return None
    return int(amount.to_integral_value(rounding="ROUND_CEILING"))


# --- files ---------------------------------------------------------------------------------------


def to_receipt(untrusted: Mapping[str, Any]) -> SubmissionReceipt:
    code = read_code(untrusted.get("maKetQua")) or "?"
    transaction = _text(untrusted.get("maGiaoDich"))
    return SubmissionReceipt(
        code=code,
        received=code == "200",
        transaction_id=transaction[:100] if transaction else None,
        received_at=_read_moment(untrusted.get("thoiGianTiepNhan")),
        message=(_text(untrusted.get("thongDiep")) or "")[:_MAX_MESSAGE],
    )


# --- texts ---------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _text(untrusted: object) -> str | None:
    """A short text without the ends it may have, None when there is none."""
    if not isinstance(untrusted, str) or len(untrusted) > 4000:
        return None
    return _plain(untrusted) or None


def _find(pattern: re.Pattern[str], untrusted: object) -> str | None:
    text = (_text(untrusted) or "").upper()
    return text if pattern.fullmatch(text) else None


def end_of_day(day: date) -> datetime:
    """The first moment that is no longer this day in Việt Nam."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), VIETNAM)
