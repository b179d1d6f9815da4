"""The screens, where each may lead, and how long each waits. Pure.

The server decides what is asked (`ask` of a scan reply); this page decides in which order the
screens for it stand and which moves are possible at all. Help and emergency lie over any screen
and go back to it; the idle clock and the end lead to `welcome` from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk_ui.gateway.models import Question


class Screen(StrEnum):
    WELCOME = "welcome"
    INFO = "info"
    INFO_PRICES = "info_prices"
    INFO_MAP = "info_map"
    INFO_HOW = "info_how"
    NOTICE = "notice"
    SCAN = "scan"
    ON_BEHALF = "on_behalf"
    ON_BEHALF_PHONE = "on_behalf_phone"
    TYPED_NUMBER = "typed_number"
    TYPED_BIRTH_DATE = "typed_birth_date"
    CONFIRM_IDENTITY = "confirm_identity"
    EXISTING_VISIT = "existing_visit"
    INSURANCE = "insurance"
    VISIT_KIND = "visit_kind"
    APPOINTMENT = "appointment"
    DEPARTMENT = "department"
    SERVICE = "service"
    DOCTOR = "doctor"
    HOUR = "hour"
    PAPERS = "papers"
    TRANSFER_NUMBER = "transfer_number"
    REVISIT_NUMBER = "revisit_number"
    PRIORITY = "priority"
    SUMMARY = "summary"
    PRINTING = "printing"
    DONE = "done"
    MY_TICKET = "my_ticket"
    RETURNED = "returned"
    CANCEL_VISIT = "cancel_visit"
    CANCELLED = "cancelled"
    PAY_WHO = "pay_who"
    PAY_CODE = "pay_code"
    PAY_BILLS = "pay_bills"
    PAY_LINES = "pay_lines"
    PAY_ADVANCE = "pay_advance"
    PAY_AMOUNT = "pay_amount"
    PAY_METHOD = "pay_method"
    PAY_CASH = "pay_cash"
    PAY_QR = "pay_qr"
    PAID = "paid"
    PAY_ENDED = "pay_ended"
    TROUBLE = "trouble"
    OUT_OF_SERVICE = "out_of_service"
    OFFLINE_NUMBER = "offline_number"
    HELP = "help"
    EMERGENCY = "emergency"


BEGIN_A_VISIT = frozenset({Screen.NOTICE, Screen.PAY_WHO})
"""Where the start screen leads to who wants something done."""

NOBODY_AT = frozenset({Screen.WELCOME, Screen.OUT_OF_SERVICE})
"""Screens that hold nothing of anybody: pictures may be taken, the program may restart."""

OVERLAYS = frozenset({Screen.HELP, Screen.EMERGENCY})
"""Lie over the screen a patient is at; closing them shows it again."""

SCREENS_OF: Mapping[Question, Screen] = {
    Question.CONFIRM: Screen.CONFIRM_IDENTITY,
    Question.EXISTING: Screen.EXISTING_VISIT,
    Question.COVERAGE: Screen.INSURANCE,
    Question.VISIT_KIND: Screen.VISIT_KIND,
    Question.APPOINTMENT: Screen.APPOINTMENT,
    Question.SERVICE: Screen.DEPARTMENT,
    Question.PAPERS: Screen.PAPERS,
    Question.PRIORITY: Screen.PRIORITY,
    Question.SUMMARY: Screen.SUMMARY,
}
"""The first screen of each question. Department, service, doctor and hour are one question, and
so are the papers and their numbers."""

QUESTION_OF: Mapping[Screen, Question] = {
    **{screen: question for question, screen in SCREENS_OF.items()},
    Screen.SERVICE: Question.SERVICE,
    Screen.DOCTOR: Question.SERVICE,
    Screen.HOUR: Question.SERVICE,
    Screen.TRANSFER_NUMBER: Question.PAPERS,
    Screen.REVISIT_NUMBER: Question.PAPERS,
}

_ASKED = frozenset(SCREENS_OF.values())
_AFTER_A_QUESTION = _ASKED | {Screen.PRINTING}
_TO_PAYING = frozenset({Screen.PAY_BILLS, Screen.PAY_CODE, Screen.NOTICE})
"""From where it is said whose fees are paid; the notice when a card came before it."""

MOVES: Mapping[Screen, frozenset[Screen]] = {
    Screen.WELCOME: frozenset({Screen.NOTICE, Screen.INFO, Screen.PAY_WHO, Screen.OUT_OF_SERVICE}),
    Screen.INFO: frozenset({Screen.INFO_PRICES, Screen.INFO_MAP, Screen.INFO_HOW}),
    Screen.INFO_PRICES: frozenset(),
    Screen.INFO_MAP: frozenset(),
    Screen.INFO_HOW: frozenset(),
    Screen.NOTICE: frozenset({Screen.SCAN}),
    Screen.SCAN: frozenset(
        {
            Screen.TYPED_NUMBER,
            Screen.TYPED_BIRTH_DATE,
            Screen.ON_BEHALF,
            Screen.MY_TICKET,
        }
    )
    | _TO_PAYING
    | _AFTER_A_QUESTION,
    Screen.ON_BEHALF: frozenset({Screen.ON_BEHALF_PHONE}),
    Screen.ON_BEHALF_PHONE: frozenset({Screen.SCAN}),
    Screen.TYPED_NUMBER: frozenset({Screen.TYPED_BIRTH_DATE, Screen.MY_TICKET})
    | _TO_PAYING
    | _AFTER_A_QUESTION,
    Screen.TYPED_BIRTH_DATE: frozenset({Screen.TYPED_NUMBER, Screen.MY_TICKET})
    | _TO_PAYING
    | _AFTER_A_QUESTION,
    Screen.CONFIRM_IDENTITY: frozenset({Screen.SCAN}) | _AFTER_A_QUESTION,
    Screen.EXISTING_VISIT: frozenset({Screen.MY_TICKET}) | _AFTER_A_QUESTION,
    Screen.INSURANCE: _AFTER_A_QUESTION,
    Screen.VISIT_KIND: _AFTER_A_QUESTION,
    Screen.APPOINTMENT: _AFTER_A_QUESTION,
    Screen.DEPARTMENT: frozenset({Screen.SERVICE, Screen.DOCTOR, Screen.HOUR}) | _AFTER_A_QUESTION,
    Screen.SERVICE: frozenset({Screen.DOCTOR, Screen.HOUR}) | _AFTER_A_QUESTION,
    Screen.DOCTOR: frozenset({Screen.HOUR}) | _AFTER_A_QUESTION,
    Screen.HOUR: _AFTER_A_QUESTION,
    Screen.PAPERS: frozenset({Screen.TRANSFER_NUMBER, Screen.REVISIT_NUMBER}) | _AFTER_A_QUESTION,
    Screen.TRANSFER_NUMBER: frozenset({Screen.REVISIT_NUMBER}) | _AFTER_A_QUESTION,
    Screen.REVISIT_NUMBER: _AFTER_A_QUESTION,
    Screen.PRIORITY: _AFTER_A_QUESTION,
    Screen.SUMMARY: frozenset({Screen.PRINTING, Screen.DEPARTMENT}),
    Screen.PRINTING: frozenset({Screen.DONE}),
    Screen.DONE: frozenset({Screen.PRINTING}),
    Screen.MY_TICKET: frozenset(
        {
            Screen.PRINTING,
            Screen.DEPARTMENT,
            Screen.CANCEL_VISIT,
            Screen.RETURNED,
            Screen.PAY_BILLS,
        }
    ),
    Screen.RETURNED: frozenset(),
    Screen.CANCEL_VISIT: frozenset({Screen.CANCELLED}),
    Screen.CANCELLED: frozenset(),
    Screen.PAY_WHO: frozenset({Screen.NOTICE, Screen.SCAN, Screen.PAY_CODE}),
    Screen.PAY_CODE: frozenset({Screen.PAY_BILLS}),
    Screen.PAY_BILLS: frozenset(
        {
            Screen.PAY_CODE,
            Screen.SCAN,
            Screen.PAY_LINES,
            Screen.PAY_ADVANCE,
            Screen.PAY_METHOD,
            Screen.PAY_QR,
            Screen.PAID,
        }
    ),
    Screen.PAY_LINES: frozenset(),
    Screen.PAY_ADVANCE: frozenset({Screen.PAY_AMOUNT, Screen.PAY_METHOD}),
    Screen.PAY_AMOUNT: frozenset({Screen.PAY_METHOD}),
    Screen.PAY_METHOD: frozenset(
        {Screen.PAY_QR, Screen.PAY_BILLS, Screen.PAID, Screen.PAY_ENDED, Screen.PAY_CASH}
    ),
    Screen.PAY_CASH: frozenset(),
    Screen.PAY_QR: frozenset({Screen.PAY_METHOD, Screen.PAY_BILLS, Screen.PAID, Screen.PAY_ENDED}),
    Screen.PAID: frozenset(),
    Screen.PAY_ENDED: frozenset({Screen.PAY_BILLS, Screen.PAID}),
    Screen.TROUBLE: frozenset({Screen.SCAN, Screen.DEPARTMENT, Screen.PAY_BILLS, Screen.PAID}),
    Screen.OUT_OF_SERVICE: frozenset({Screen.OFFLINE_NUMBER}),
    Screen.OFFLINE_NUMBER: frozenset(),
    Screen.HELP: frozenset(),
    Screen.EMERGENCY: frozenset(),
}
"""Moves forward. Besides these: back along the way one came, the end (`welcome`), an overlay,
and `trouble` from every screen."""

PASSED_THROUGH = frozenset({Screen.TROUBLE, Screen.PRINTING})
"""Going back never leads there."""
FINAL = frozenset(
    {
        Screen.DONE,
        Screen.CANCELLED,
        Screen.RETURNED,
        Screen.OUT_OF_SERVICE,
        Screen.OFFLINE_NUMBER,
        Screen.PAID,
        Screen.PAY_ENDED,
        Screen.PAY_CASH,
    }
)
"""What led there cannot be undone by going back."""
NO_WAY_BACK = FINAL | {Screen.WELCOME, Screen.PRINTING, Screen.PAY_QR}
"""From a code that may be paid one goes on by its own buttons, never by going back."""


def may_move(here: Screen, there: Screen) -> bool:
    return there in {Screen.WELCOME, Screen.TROUBLE} or there in OVERLAYS or there in MOVES[here]


@dataclass(frozen=True, kw_only=True)
class IdleRule:
    """Without a touch for `quiet_s` the countdown comes; after `countdown_s` more, the end.

    A countdown of 0: no person's data on the glass, the screen just returns to the start.
    The countdown is never under 20 s, and there is no limit to how often it is extended
    (WCAG 2.2.1).
    """

    quiet_s: float
    countdown_s: float


_NO_DATA = IdleRule(quiet_s=45, countdown_s=0)
_DATA = IdleRule(quiet_s=45, countdown_s=20)
_WAITING_FOR_STAFF = IdleRule(quiet_s=180, countdown_s=20)
_TICKET_IN_HAND = IdleRule(quiet_s=15, countdown_s=20)
_PAYING = IdleRule(quiet_s=90, countdown_s=30)
"""Eyes and hands are at the phone: finding the app, a password, a face to be shown."""

_IDLE: Mapping[Screen, IdleRule] = {
    Screen.WELCOME: _NO_DATA,
    Screen.OUT_OF_SERVICE: _NO_DATA,
    Screen.INFO: _NO_DATA,
    Screen.INFO_PRICES: _NO_DATA,
    Screen.INFO_MAP: _NO_DATA,
    Screen.INFO_HOW: _NO_DATA,
    Screen.NOTICE: _NO_DATA,
    Screen.SCAN: _NO_DATA,
    Screen.CANCELLED: _NO_DATA,
    Screen.PAY_WHO: _NO_DATA,
    Screen.PAY_QR: _PAYING,
    Screen.PAY_METHOD: _PAYING,
    Screen.HELP: _WAITING_FOR_STAFF,
    Screen.EMERGENCY: _WAITING_FOR_STAFF,
}


def idle_rule(screen: Screen, *, ticket_in_hand: bool = False) -> IdleRule:
    """What holds on a screen; `ticket_in_hand`: the paper came out, nothing is left to read."""
    in_hand = {Screen.DONE, Screen.OFFLINE_NUMBER, Screen.PAID, Screen.PAY_CASH}
    if screen in in_hand and ticket_in_hand:
        return _TICKET_IN_HAND
    return _IDLE.get(screen, _DATA)


class Appointed(StrEnum):
    """What was decided about a booking."""

    ARRIVES = "arrives"
    WALK_IN = "walk_in"


def plan(ask: Iterable[Question], *, appointed: Appointed | None = None) -> tuple[Question, ...]:
    """The questions in the order of their screens.

    Who arrives for a booking is not asked what for; who does without it is, before the summary.
    """
    questions = list(dict.fromkeys(ask))
    about_what = (Question.VISIT_KIND, Question.SERVICE)
    if appointed is Appointed.ARRIVES:
        questions = [question for question in questions if question not in about_what]
    elif appointed is Appointed.WALK_IN:
        missing = [question for question in about_what if question not in questions]
        at = questions.index(Question.APPOINTMENT) + 1 if Question.APPOINTMENT in questions else 0
        questions[at:at] = missing
    return tuple(questions)


def with_booking(ask: Iterable[Question]) -> list[Question]:
    """The question about bookings too, before the first about what for."""
    questions = list(ask)
    if Question.APPOINTMENT not in questions:
        about_what = (Question.VISIT_KIND, Question.SERVICE)
        places = [questions.index(asked) for asked in about_what if asked in questions]
        questions.insert(min(places, default=len(questions)), Question.APPOINTMENT)
    return questions


def question_after(questions: tuple[Question, ...], screen: Screen) -> Question | None:
    """The question that follows `screen`; the first for a screen that asks none of them."""
    here = QUESTION_OF.get(screen)
    rest = questions[questions.index(here) + 1 :] if here in questions else questions
    return rest[0] if rest else None
