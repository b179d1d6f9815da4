"""Ages as the priority rules count them.

"Từ đủ 75 tuổi" holds from the 75th birthday, "dưới 6 tuổi" until the day before the 6th
(Luật 15/2023/QH15, Điều 3 khoản 2). Somebody born on 29 February has a birthday on 1 March in
other years. With a year or month only, the answer is a guess unless every possible birthday
gives the same one; then a person is asked.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from backend.domain.identity.models import BirthDate


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    ASK = "ask"


def age_on(born_on: date, day: date) -> int:
    """Full years; negative before birth."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def is_at_least(years: int, birth_date: BirthDate, *, on: date) -> Answer:
    if age_on(birth_date.latest, on) >= years:
        return Answer.YES
    if age_on(birth_date.earliest, on) < years:
        return Answer.NO
    return Answer.ASK


def is_under(years: int, birth_date: BirthDate, *, on: date) -> Answer:
    opposite = {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.ASK: Answer.ASK}
    return opposite[is_at_least(years, birth_date, on=on)]
