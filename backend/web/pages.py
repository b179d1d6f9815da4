"""How every page for people is drawn: its words, its language, its strict content policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask, Response, g, render_template, request

from backend.domain.roles import StaffRole
from backend.services.staff_sessions import Stage
from backend.web.api import Route, resources
from backend.web.error_handlers import PAGE_POLICY
from backend.web.page_texts import Language, find_language, texts
from payments.models import Money

LANGUAGE_COOKIE = "lang"
MAX_NEXT_CHARS = 500


def install(app: Flask) -> None:
    app.add_template_filter(_clock, "clock")
    app.add_template_filter(_ago, "ago")
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(_second, "second")
    app.add_template_filter(_moment_of_year, "moment_of_year")
    app.add_template_filter(_since, "since")
    app.add_template_filter(_decimal, "decimal")
    app.add_template_filter(_skew, "skew")
    app.add_template_filter(_day, "day")
    app.add_template_filter(_dong, "dong")
    app.add_template_filter(_percent, "percent")


def staff_page(
    *roles: StaffRole, stage: Stage | None = None, max_bytes: int | None = None
) -> Callable[[Route], Route]:
    """Who may see a page below /staff: staff of these roles, or of any role when none is named.

    Who is not signed in is led to the sign-in and back; who has another role is told so. `stage`
    names the page as the one where that part of signing in is done. `max_bytes`: what those who
    may use it may send, where that is a file.
    """

    def mark(route: Route) -> Route:
        route.__dict__["page_roles"] = frozenset(roles) or frozenset(StaffRole)
        route.__dict__["page_stage"] = stage
        route.__dict__["page_max_bytes"] = max_bytes
        return route

    return mark


def local_path(untrusted_address: str | None, *, otherwise: str = "/staff") -> str:
    """A page of ours to go on to; anything that could lead elsewhere becomes `otherwise`."""
    address = untrusted_address or ""
    path = address.partition("?")[0]
    is_ours = path == "/staff" or path.startswith("/staff/")
    is_plain = address.isprintable() and "\\" not in address and "//" not in path
    return address if is_ours and is_plain and len(address) <= MAX_NEXT_CHARS else otherwise


def page_language() -> Language:
    """As chosen on a page before; Vietnamese otherwise."""
    return find_language(request.cookies.get(LANGUAGE_COOKIE)) or "vi"


def render_page(
    template: str,
    *areas: str,
    status: int = 200,
    lang: Language | None = None,
    **facts: Any,
) -> Response:
    """A page with `t` (the words of `common` and of `areas`), `lang`, `facility` and `facts`."""
    lang = g.page_language = lang or page_language()
    catalogue = resources().catalogue.get()
    name = catalogue.facility_name
    html = render_template(
        template,
        t=texts(lang, *areas),
        lang=lang,
        facility=name.vi if lang == "vi" else name.en,
        practice=catalogue.practice,
        **facts,
    )
    reply = Response(html, status=status, content_type="text/html; charset=utf-8")
    reply.headers["Content-Security-Policy"] = PAGE_POLICY
    return reply


def _clock(moment: datetime) -> str:
    return moment.astimezone(resources().catalogue.get().zone).strftime("%H:%M")


def _moment(moment: datetime) -> str:
    """For what may have been on another day."""
    return moment.astimezone(resources().catalogue.get().zone).strftime("%d/%m %H:%M")


def _second(moment: datetime) -> str:
    """For a trail: the year and the second count, and the offset says whose time it is."""
    local = moment.astimezone(resources().catalogue.get().zone)
    return local.strftime("%d/%m/%Y %H:%M:%S") + f" {local:%z}"[:4]


def _moment_of_year(moment: datetime) -> str:
    return moment.astimezone(resources().catalogue.get().zone).strftime("%d/%m/%Y %H:%M:%S")


def _since(moment: datetime) -> str:
    """Minutes, then hours; what lies longer back by its day."""
    now = resources().database.clock()
    if now - moment < timedelta(hours=1):
        return _ago(moment)
    if now - moment < timedelta(hours=24):
        words = texts(g.get("page_language") or page_language())
        hours = int((now - moment).total_seconds() // 3600)
        return str(words["since_hours"].format(count=hours))
    return _moment(moment)


def _decimal(figure: float) -> str:
    mark = "." if (g.get("page_language") or page_language()) == "en" else ","
    return f"{figure:.1f}".removesuffix(".0").replace(".", mark)


def _skew(seconds: float) -> str:
    """By the largest unit that says enough: a clock may be decades off."""
    size, sign = abs(seconds), "-" if seconds < 0 else "+"
    if size < 1:
        return "0 s"
    if size < 120:
        return f"{sign}{size:.0f} s"
    hours = size / 3600
    return f"{sign}{hours:.1f} h" if hours >= 1 else f"{sign}{size / 60:.0f} min"


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _dong(amount_vnd: int) -> str:
    return str(Money(amount_vnd))


def _percent(share: float) -> str:
    mark = "." if (g.get("page_language") or page_language()) == "en" else ","
    return f"{share:.1f}".removesuffix(".0").replace(".", mark) + " %"


def _ago(moment: datetime) -> str:
    words = texts(g.get("page_language") or page_language())
    minutes = int((resources().database.clock() - moment).total_seconds() // 60)
    text = words["ago"].format(minutes=minutes) if minutes > 0 else words["just_now"]
    return str(text)
