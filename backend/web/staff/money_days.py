"""Business days: their figures, whether the books add up, and the signature that closes them."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.money_figures import span_of
from backend.errors import (
    BackendError,
    BooksNotBalanced,
    DayClosed,
    DayNotOver,
    PaymentNotFound,
    ReasonMissing,
)
from backend.services.check_books import find_faults
from backend.services.close_day import MAX_NOTE_CHARS, close_day
from backend.services.count_money import within
from backend.services.export_figures import list_money, list_rows
from backend.services.show_money_day import list_money_days, show_money_day
from backend.services.show_reconciliations import list_reconciliations
from backend.web.api import caller, resources
from backend.web.pages import staff_page
from backend.web.staff.money_files import send_file
from backend.web.staff.payments import ACCOUNTANTS, MONEY_ROLES, render_money_page

_REFUSALS = (BooksNotBalanced, DayClosed, DayNotOver, ReasonMissing)

FIRST = date(2020, 1, 1)

blueprint = Blueprint("staff_money_days", __name__, url_prefix="/staff/payments/days")


@blueprint.get("")
@staff_page(*MONEY_ROLES)
def show_days() -> Response:
    days = list_money_days(resources().database, resources().catalogue.get())
    return render_money_page("payments/days.html", "days", days=days)


@blueprint.get("/<day>")
@staff_page(*MONEY_ROLES)
def show(day: str) -> Response:
    return _page(_read(day))


@blueprint.post("/<day>/close")
@staff_page(*ACCOUNTANTS)
def close(day: str) -> ResponseReturnValue:
    chosen = _read(day)
    try:
        close_day(
            resources().database,
            resources().catalogue.get(),
            chosen,
            note=request.form.get("note", ""),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(chosen, error)
    return redirect(f"/staff/payments/days/{chosen.isoformat()}", 303)


@blueprint.get("/<day>/figures.<any(csv,xlsx):form>")
@staff_page(*MONEY_ROLES)
def export(day: str, form: str) -> Response:
    chosen = _read(day)
    server, catalogue = resources(), resources().catalogue.get()
    shown = show_money_day(server.database, catalogue, chosen)
    figures = shown.signed or shown.figures
    wanted = within(server.database.facility_id, span_of(chosen, catalogue.zone))
    return send_file(
        list_rows(figures.figures, figures),
        list_money(server.database, wanted, zone=catalogue.zone),
        form=form,
        name=f"ngay-{chosen.isoformat()}",
        subject=f"day:{chosen.isoformat()}",
    )


def _read(untrusted_day: str) -> date:
    """Raises PaymentNotFound for what is no day, or one that has not begun."""
    try:
        chosen = date.fromisoformat(untrusted_day)
    except ValueError as error:
        raise PaymentNotFound from error
    if chosen < FIRST or chosen > resources().catalogue.get().today(resources().database.clock()):
        raise PaymentNotFound
    return chosen


def _page(day: date, refusal: BackendError | None = None) -> Response:
    database = resources().database
    shown = show_money_day(database, resources().catalogue.get(), day)
    with database.read() as connection:
        faults = find_faults(connection, database.facility_id)
    return render_money_page(
        "payments/day.html",
        "days",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        shown=shown,
        figures=shown.signed or shown.figures,
        faults=faults,
        reports=list_reconciliations(database, day=day),
        max_note=MAX_NOTE_CHARS,
    )
