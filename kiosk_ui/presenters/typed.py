"""A number typed instead of a card. It is no proof, so the birth date is typed too."""

from __future__ import annotations

from datetime import date

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import ScanRequest, TypedIdentity
from kiosk_ui.presenters.asking import take_scan_reply
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.keypad import Keypad, grouped
from kiosk_ui.presenters.views import Action, Icon, KeypadView

FEWEST_DIGITS = 9
"""Of the old identity card; the new one has 12, an insurance number 10 or 15 characters."""
OLDEST_YEAR = 1900


class TypedNumber(Keypad):
    """Digits stay readable while typed: who cannot check them types them wrong."""

    screen = Screen.TYPED_NUMBER
    most_digits = 12

    def view(self) -> KeypadView:
        return self.keypad(
            title="type.number",
            subtitle=self.ctx.say("type.number_how"),
            entry=grouped(self.ctx.visit.entry, (3, 3, 3)),
            placeholder="000 000 000 000",
            aside=(self.choice("no_number", "type.no_number", icon=Icon.QUESTION),),
        )

    def submit(self, entry: str) -> None:
        if len(entry) < FEWEST_DIGITS:
            self.ctx.visit.problem = "type.too_short"
            return
        self.ctx.visit.typed_number = entry
        send_typed(self.ctx, birth_date=None)

    def aside(self, action: Action) -> None:
        if action.name == "no_number":
            self.ctx.open(Screen.HELP)


class TypedBirthDate(Keypad):
    screen = Screen.TYPED_BIRTH_DATE
    most_digits = 8

    def view(self) -> KeypadView:
        entry, year_only = self.ctx.visit.entry, self.ctx.visit.year_only
        other = "type.whole_date" if year_only else "type.year_only"
        return self.keypad(
            title="type.year" if year_only else "type.date",
            subtitle=self.ctx.say("type.year_how" if year_only else "type.date_how"),
            entry=entry if year_only else grouped(entry, (2, 2), "/"),
            placeholder="0000" if year_only else "00/00/0000",
            aside=(self.choice("switch", other, icon=Icon.CALENDAR),),
        )

    def submit(self, entry: str) -> None:
        today = self.ctx.local(self.ctx.clock.now()).date()
        as_iso = _year if self.ctx.visit.year_only else _date
        birth_date = as_iso(entry, today)
        if birth_date is None:
            self.ctx.visit.problem = "type.date_wrong"
            return
        send_typed(self.ctx, birth_date=birth_date)

    def aside(self, action: Action) -> None:
        if action.name == "switch":
            self.ctx.visit.year_only = not self.ctx.visit.year_only
            self.ctx.visit.entry = ""


def _year(entry: str, today: date) -> str | None:
    """The year as typed; None when nobody living was born in it."""
    return entry if len(entry) == 4 and OLDEST_YEAR <= int(entry) <= today.year else None


def _date(entry: str, today: date) -> str | None:
    """ISO form of DDMMYYYY; None when there was no such day."""
    if len(entry) != 8:
        return None
    try:
        day = date(int(entry[4:]), int(entry[2:4]), int(entry[:2]))
    except ValueError:
        return None
    return day.isoformat() if day.year >= OLDEST_YEAR and day <= today else None


def send_typed(ctx: Context, *, birth_date: str | None) -> None:
    visit = ctx.visit
    request = ScanRequest(
        typed=TypedIdentity(number=visit.typed_number, birth_date=birth_date),
        source="typed",
        language=visit.language,
        notice=visit.notice,
        on_behalf=visit.on_behalf,
    )

    def not_a_number(problem_code: str, _message_key: str | None) -> bool:
        if not problem_code.startswith("E_"):
            return False
        if visit.screen is Screen.TYPED_BIRTH_DATE:
            ctx.back_to(Screen.TYPED_NUMBER)
        visit.problem = "type.number_wrong"
        return True

    ctx.ask(
        lambda: ctx.gateway.scan(request),
        done=lambda reply: take_scan_reply(ctx, reply),
        refused=not_a_number,
    )
