"""What people may ask about their own data, and by when they must hear (NĐ 356/2025 Điều 5).

An answer within two working days; data seen or mended within ten days; consent taken back, use
limited, objected to or data deleted within fifteen. Days count from the day it came in. Public
holidays are counted as working days: we are due earlier than the law, never later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

ANSWER_WORKING_DAYS = 2
SATURDAY = 5
SOON = timedelta(days=2)
MAX_WORDS = 2_000


class RequestKind(StrEnum):
    VIEW = "view"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    """Consent is taken back."""
    LIMIT = "limit"
    OBJECT = "object"
    DELETE = "delete"


class RequestOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"


CHANNELS = ("desk", "post", "e_mail", "phone", "other")
DAYS: Mapping[RequestKind, int] = {
    RequestKind.VIEW: 10,
    RequestKind.CORRECT: 10,
    RequestKind.WITHDRAW: 15,
    RequestKind.LIMIT: 15,
    RequestKind.OBJECT: 15,
    RequestKind.DELETE: 15,
}


def answer_by(received_on: date) -> date:
    """The last day on which the answer is in time."""
    day, left = received_on, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day


def done_by(kind: RequestKind, received_on: date) -> date:
    return received_on + timedelta(days=DAYS[kind])


def next_due(*, answered: bool, ended: bool, answer_by: date, done_by: date) -> date | None:
    """The next day by which something must be done; None when nothing is left to do."""
    if ended:
        return None
    return done_by if answered else min(answer_by, done_by)


def urgency_of(due: date | None, *, today: date) -> str:
    """done, calm, soon or late."""
    if due is None:
        return "done"
    if today > due:
        return "late"
    return "soon" if due - today <= SOON else "calm"
