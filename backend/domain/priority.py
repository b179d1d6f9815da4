"""Who is called earlier: groups are data with a legal basis, ages may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backend.domain.identity.ages import Answer, is_at_least, is_under
from backend.domain.identity.models import BirthDate
from backend.domain.settings import Words


@dataclass(frozen=True, kw_only=True)
class PriorityGroup:
    """`rank` 0 goes first. A group has an age rule, or is self-declared, or both."""

    code: str
    label: Words
    rank: int
    age_from_years: int | None = None
    age_below_years: int | None = None
    self_declared: bool
    legal_basis: str
    valid_from: date
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def matches_age(self, birth_date: BirthDate | None, *, on: date) -> Answer:
        if self.age_from_years is None and self.age_below_years is None:
            return Answer.NO
        if birth_date is None:
            return Answer.ASK
        answers = []
        if self.age_from_years is not None:
            answers.append(is_at_least(self.age_from_years, birth_date, on=on))
        if self.age_below_years is not None:
            answers.append(is_under(self.age_below_years, birth_date, on=on))
        if Answer.NO in answers:
            return Answer.NO
        return Answer.ASK if Answer.ASK in answers else Answer.YES


@dataclass(frozen=True, kw_only=True)
class AgeVerdict:
    """`group` is known from the birth date; `ask_staff` when the date is too coarse to say."""

    group: PriorityGroup | None
    ask_staff: bool


EXAMINATION_LAW = "Luật 15/2023/QH15 Điều 3 khoản 2"
_SINCE = date(2024, 1, 1)

DEFAULT_GROUPS = (
    PriorityGroup(
        code="under_6",
        label=Words(vi="Trẻ em dưới 6 tuổi", en="Child under 6"),
        rank=1,
        age_below_years=6,
        self_declared=False,
        legal_basis=EXAMINATION_LAW,
        valid_from=_SINCE,
    ),
    PriorityGroup(
        code="disabled",
        label=Words(
            vi="Người khuyết tật nặng hoặc đặc biệt nặng", en="Person with a severe disability"
        ),
        rank=1,
        self_declared=True,
        legal_basis=EXAMINATION_LAW,
        valid_from=_SINCE,
    ),
    PriorityGroup(
        code="from_80",
        label=Words(vi="Người từ đủ 80 tuổi", en="80 or older"),
        rank=2,
        age_from_years=80,
        self_declared=False,
        legal_basis="Luật Người cao tuổi 39/2009/QH12 Điều 12",
        valid_from=date(2010, 7, 1),
    ),
    PriorityGroup(
        code="from_75",
        label=Words(vi="Người từ đủ 75 tuổi", en="75 or older"),
        rank=3,
        age_from_years=75,
        self_declared=False,
        legal_basis=EXAMINATION_LAW,
        valid_from=_SINCE,
    ),
    PriorityGroup(
        code="pregnant",
        label=Words(vi="Phụ nữ có thai", en="Pregnant"),
        rank=3,
        self_declared=True,
        legal_basis=EXAMINATION_LAW,
        valid_from=_SINCE,
    ),
    PriorityGroup(
        code="merit",
        label=Words(vi="Người có công với cách mạng", en="Person of merit"),
        rank=3,
        self_declared=True,
        legal_basis=EXAMINATION_LAW,
        valid_from=_SINCE,
    ),
)


def judge_age(
    birth_date: BirthDate | None, groups: Sequence[PriorityGroup], *, on: date
) -> AgeVerdict:
    """The first group the birth date alone puts a person in, or that staff have to be asked.

    A year-only date is no guess: whoever may or may not belong to a group is shown to staff,
    unless a group is certain anyway.
    """
    valid = sorted((g for g in groups if g.is_valid_on(on)), key=lambda group: group.rank)
    answers = [(group, group.matches_age(birth_date, on=on)) for group in valid]
    certain = next((group for group, answer in answers if answer is Answer.YES), None)
    unsure = any(answer is Answer.ASK for _, answer in answers)
    return AgeVerdict(group=certain, ask_staff=certain is None and unsure)


def find_declared(code: str, groups: Sequence[PriorityGroup], *, on: date) -> PriorityGroup | None:
    """The group a patient may declare at a kiosk, or None for any other code."""
    return next(
        (g for g in groups if g.code == code and g.self_declared and g.is_valid_on(on)), None
    )
