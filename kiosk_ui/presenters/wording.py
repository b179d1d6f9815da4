"""Values as people read them: names, dates, hours, money, places, waits."""

from __future__ import annotations

from datetime import date

from kiosk_ui.gateway.models import Language, ServiceReply
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.views import Action, Icon, Phrase, Row


def name_row(ctx: Context) -> Row:
    """The name in full for half a minute, then masked; a tap shows it again."""
    scan = ctx.visit.scan
    person = scan.person if scan else None
    if person is None:
        raise ValueError("nobody was identified")
    return Row(
        label=ctx.say("row.name"),
        value=person.full_name if ctx.name_shown else person.masked_name,
        icon=Icon.PERSON,
        reveal=None if ctx.name_shown else Action("reveal"),
    )


def day(iso: str) -> str:
    """`1951-11-22` → `22/11/1951`, as precise as it came; anything else unchanged."""
    return "/".join(reversed(iso.split("-")))


def vnd(amount: int, language: Language) -> str:
    """`45000` → `45.000 đ`, or `45,000 VND`: to who reads English 45.000 is forty-five. No line
    break parts it.
    """
    if language == "en":
        return f"{amount:,}\u00a0VND"
    return f"{amount:,}\u00a0đ".replace(",", ".")


def money(ctx: Context, amount: int) -> str:
    """As the patient reads amounts."""
    return vnd(amount, ctx.visit.language)


def price(ctx: Context, service: ServiceReply) -> str:
    """What the hospital charges without and with insurance, as far as it is known."""
    scan = ctx.visit.scan
    insured = scan is not None and scan.coverage is not None and ctx.visit.use_insurance
    if insured and service.insurance_price_vnd is not None:
        return money(ctx, service.insurance_price_vnd)
    return money(ctx, service.price_vnd)


def wait(ctx: Context, range_min: tuple[int, int] | None) -> Phrase | None:
    """None when nothing is known: no guess is shown."""
    if range_min is None:
        return None
    first, last = range_min
    if last == 0:
        return ctx.say("wait.none")
    if first == 0:
        return ctx.say("wait.at_most", last=last)
    return ctx.say("wait.range", first=first, last=last)


def next_day(ctx: Context, moment_date: date) -> Phrase:
    """The day a closed service opens again."""
    return ctx.say("service.next_day", day=f"{moment_date:%d/%m}")
