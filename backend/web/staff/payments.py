"""QR money for cashiers and the finance office: the day, the payments, who is in charge.

Lists name nobody: codes of payments, numbers of tickets, codes of bills.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.roles import StaffRole
from backend.errors import BackendError, NotAllowed, PaymentNotFound, ShiftNotFound, ShiftTaken
from backend.services.close_shift import close_shift
from backend.services.count_money import not_taken, of_shift
from backend.services.export_figures import list_money, list_rows
from backend.services.list_payments import (
    GROUPS,
    MAX_SEARCH_CHARS,
    find_payments,
    list_payments,
)
from backend.services.list_suspense import count_refunds, count_suspense
from backend.services.open_shift import open_shift
from backend.services.show_money_board import show_money_board
from backend.services.show_shifts import get_shift, list_shifts
from backend.services.trace_payment import trace_payment
from backend.web.api import caller, resources
from backend.web.pages import page_language, render_page, staff_page
from backend.web.staff.money_files import send_file

MONEY_ROLES = (StaffRole.CASHIER, StaffRole.ACCOUNTANT)
CASHIERS = (StaffRole.CASHIER,)
ACCOUNTANTS = (StaffRole.ACCOUNTANT,)
_ID = re.compile(r"[0-9a-f]{32}")

blueprint = Blueprint("staff_payments", __name__, url_prefix="/staff/payments")


@blueprint.get("")
@staff_page(*MONEY_ROLES)
def board() -> Response:
    return render_money_page("payments/board.html", "board", **_board())


@blueprint.get("/live")
@staff_page(*MONEY_ROLES)
def live() -> Response:
    return render_money_page("payments/board_live.html", "board", **_board())


@blueprint.get("/list")
@staff_page(*MONEY_ROLES)
def show_list() -> Response:
    group = request.args.get("state", "")
    group = group if group in GROUPS else ""
    found = list_payments(resources().database, group=group)
    return render_money_page(
        "payments/list.html", "list", payments=found, group=group, groups=list(GROUPS), searched=""
    )


@blueprint.post("/list")
@staff_page(*MONEY_ROLES)
def search() -> Response:
    """A POST: what is typed here stays out of addresses."""
    text = request.form.get("text", "")[:MAX_SEARCH_CHARS].strip()
    found = find_payments(resources().database, text)
    return render_money_page(
        "payments/list.html", "list", payments=found, group="", groups=list(GROUPS), searched=text
    )


@blueprint.get("/<payment_id>")
@staff_page(*MONEY_ROLES)
def show(payment_id: str) -> Response:
    payment = trace_payment(resources().database, _checked(payment_id))
    return render_money_page("payments/payment.html", "list", payment=payment)


# --- shifts ----------------------------------------------------------------------------------------


@blueprint.post("/shifts/open")
@staff_page(*CASHIERS)
def begin_shift() -> ResponseReturnValue:
    taking_over = request.form.get("taking_over") or None
    try:
        open_shift(resources().database, staff=caller(), taking_over=taking_over)
    except ShiftTaken as error:
        return _refused(error)
    return redirect("/staff/payments", 303)


@blueprint.post("/shifts/<shift_id>/close")
@staff_page(*CASHIERS)
def end_shift(shift_id: str) -> ResponseReturnValue:
    if not _ID.fullmatch(shift_id):
        raise ShiftNotFound
    try:
        close_shift(resources().database, shift_id, staff=caller())
    except NotAllowed:
        return _refused(ShiftTaken())
    return redirect(f"/staff/payments/shifts/{shift_id}", 303)


@blueprint.get("/shifts/<shift_id>")
@staff_page(*MONEY_ROLES)
def show_shift(shift_id: str) -> Response:
    if not _ID.fullmatch(shift_id):
        raise ShiftNotFound
    shift = get_shift(resources().database, shift_id)
    return render_money_page(
        "payments/shift.html",
        "board",
        shift=shift,
        shifts=[each for each in list_shifts(resources().database) if each.id != shift_id],
    )


@blueprint.get("/shifts/<shift_id>/figures.<any(csv,xlsx):form>")
@staff_page(*MONEY_ROLES)
def export_shift(shift_id: str, form: str) -> Response:
    if not _ID.fullmatch(shift_id):
        raise ShiftNotFound
    database = resources().database
    shift = get_shift(database, shift_id)
    if shift.closed_at is not None:
        wanted = of_shift(shift_id)
    else:
        with database.read() as connection:
            wanted = not_taken(connection, database.facility_id)
    money = list_money(database, wanted, zone=resources().catalogue.get().zone)
    return send_file(
        list_rows(shift.figures),
        money,
        form=form,
        name=f"ca-{shift.opened_at:%Y%m%d-%H%M}",
        subject=f"shift:{shift_id}",
    )


# --- shared by the pages of money ------------------------------------------------------------------


def render_money_page(template: str, tab: str, *, status: int = 200, **facts: Any) -> Response:
    """A page with the tabs of money; `may_cash` and `may_sign` say what its reader may do."""
    who = caller()
    return render_page(
        f"staff/{template}",
        "staff",
        "payments",
        status=status,
        tab=tab,
        labels=provider_labels(),
        may_cash=who.has_any(frozenset(CASHIERS)),
        may_sign=who.has_any(frozenset(ACCOUNTANTS)),
        me=who.actor,
        tab_counts={
            "held": count_suspense(resources().database).count,
            "refunds": count_refunds(
                resources().database,
                requested=who.has_any(frozenset(ACCOUNTANTS)),
                by_hand=who.has_any(frozenset(CASHIERS)),
            ),
        },
        **{"refused": None} | facts,
    )


def provider_labels() -> dict[str, str]:
    """As patients see them; a provider that is gone from the settings keeps its plain name."""
    is_vi = page_language() == "vi"
    return {
        entry.name: (entry.label_vi if is_vi else entry.label_en) or entry.name
        for entry in resources().config.payments
    }


def _board() -> dict[str, Any]:
    return {"board": show_money_board(resources())}


def _refused(error: BackendError) -> Response:
    return render_money_page(
        "payments/board.html", "board", status=error.status, **_board() | {"refused": error.code}
    )


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise PaymentNotFound
    return untrusted_id
