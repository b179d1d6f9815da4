"""Held money: why it is held, where it may belong, and what a cashier does with it."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.ids import new_id
from backend.errors import (
    BackendError,
    BeingPaid,
    ChangedMeanwhile,
    FeeChanged,
    FeesUnavailable,
    HeldMoneyNotFound,
    MatchNotAllowed,
    PaymentNotFound,
    ReasonMissing,
    RefundNotAllowed,
    StillBeingPaid,
)
from backend.services.hand_over_suspense import MAX_NOTE_CHARS, hand_over_suspense
from backend.services.list_payments import MAX_SEARCH_CHARS, find_payments
from backend.services.list_suspense import (
    count_suspense,
    get_suspense,
    list_settled,
    list_suspense,
    read_payer,
)
from backend.services.match_bill import MAX_TEXT_CHARS, find_open_bills, match_bill
from backend.services.match_suspense import match_suspense
from backend.services.request_refund import MAX_REASON_CHARS, request_refund
from backend.web.api import caller, resources
from backend.web.pages import staff_page
from backend.web.staff.payments import CASHIERS, MONEY_ROLES, render_money_page
from payments.models import Money

MAX_REF_CHARS = 200
_ID = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"\d{1,9}")
_AMOUNT = re.compile(r"\d{1,13}")
_REFUSALS = (
    BeingPaid,
    ChangedMeanwhile,
    FeeChanged,
    FeesUnavailable,
    MatchNotAllowed,
    PaymentNotFound,
    ReasonMissing,
    RefundNotAllowed,
    StillBeingPaid,
)

blueprint = Blueprint("staff_held_money", __name__, url_prefix="/staff/payments/held")


@blueprint.get("")
@staff_page(*MONEY_ROLES)
def board() -> Response:
    return render_money_page("payments/held.html", "held", **_lists())


@blueprint.get("/live")
@staff_page(*MONEY_ROLES)
def live() -> Response:
    return render_money_page("payments/held_live.html", "held", **_lists())


@blueprint.get("/<item_id>")
@staff_page(*MONEY_ROLES)
def show(item_id: str) -> Response:
    return _page(item_id)


@blueprint.post("/<item_id>/read")
@staff_page(*MONEY_ROLES)
def read(item_id: str) -> Response:
    """A POST, because it is noted down who looked."""
    return _page(item_id, payer=read_payer(resources(), _checked(item_id), staff=caller()))


@blueprint.post("/<item_id>/find")
@staff_page(*CASHIERS)
def find(item_id: str) -> Response:
    """Payments this money may be for, by what stands on a paper of the patient."""
    text = request.form.get("text", "")[:MAX_SEARCH_CHARS].strip()
    found = find_payments(resources().database, text)
    return _page(item_id, found=found, searched=text)


@blueprint.post("/<item_id>/bills")
@staff_page(*CASHIERS)
def bills(item_id: str) -> Response:
    """What a patient owes by the HIS now: for money no payment was begun for."""
    text = request.form.get("patient", "")
    try:
        found = find_open_bills(resources(), text, staff=caller())
    except FeesUnavailable as error:
        return _page(item_id, refusal=error)
    return _page(item_id, bills=found)


@blueprint.post("/<item_id>/bill")
@staff_page(*CASHIERS)
def take_bill(item_id: str) -> ResponseReturnValue:
    form = request.form
    try:
        match_bill(
            resources(),
            _checked(item_id),
            version=_version(),
            patient_ref=form.get("patient_ref", "")[:MAX_REF_CHARS],
            number=form.get("number", "")[:MAX_SEARCH_CHARS] or None,
            bill_ref=form.get("bill_ref", "")[:MAX_REF_CHARS],
            due_vnd=_read_amount("due").amount_vnd,
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(item_id, refusal=error)
    return _done(item_id)


@blueprint.post("/<item_id>/match")
@staff_page(*CASHIERS)
def match(item_id: str) -> ResponseReturnValue:
    payment_id = request.form.get("payment_id", "")
    try:
        if not _ID.fullmatch(payment_id):
            raise PaymentNotFound
        match_suspense(
            resources().database,
            _checked(item_id),
            version=_version(),
            payment_id=payment_id,
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(item_id, refusal=error)
    return _done(item_id)


@blueprint.post("/<item_id>/refund")
@staff_page(*CASHIERS)
def refund(item_id: str) -> ResponseReturnValue:
    refund_id = request.form.get("refund_id", "")
    try:
        request_refund(
            resources(),
            _checked(item_id),
            refund_id=refund_id if _ID.fullmatch(refund_id) else new_id(),
            version=_version(),
            amount=_read_amount(),
            reason=request.form.get("reason", ""),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(item_id, refusal=error)
    return _done(item_id)


@blueprint.post("/<item_id>/hand-over")
@staff_page(*CASHIERS)
def hand_over(item_id: str) -> ResponseReturnValue:
    try:
        hand_over_suspense(
            resources().database,
            _checked(item_id),
            version=_version(),
            note=request.form.get("note", ""),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(item_id, refusal=error)
    return _done(item_id)


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise HeldMoneyNotFound
    return untrusted_id


def _version() -> int:
    """Raises ChangedMeanwhile for a page that does not say what it shows."""
    text = request.form.get("version", "")
    if not _VERSION.fullmatch(text):
        raise ChangedMeanwhile
    return int(text)


def _read_amount(field: str = "amount") -> Money:
    """As people write it: 150.000 or 150000. Raises RefundNotAllowed."""
    text = request.form.get(field, "").replace(".", "").replace(" ", "")
    if not (text.isascii() and _AMOUNT.fullmatch(text)):
        raise RefundNotAllowed
    return Money(int(text))


def _done(item_id: str) -> ResponseReturnValue:
    return redirect(f"/staff/payments/held/{item_id}", 303)


def _lists() -> dict[str, Any]:
    database = resources().database
    return {
        "items": list_suspense(database),
        "held": count_suspense(database),
        "settled": list_settled(database, limit=20),
    }


def _page(untrusted_id: str, *, refusal: BackendError | None = None, **facts: Any) -> Response:
    detail = get_suspense(resources(), _checked(untrusted_id))
    refused = None if refusal is None else getattr(refusal, "reason", None) or refusal.code
    return render_money_page(
        "payments/held_item.html",
        "held",
        status=refusal.status if refusal else 200,
        detail=detail,
        item=detail.item,
        refused=refused,
        refund_id=new_id(),
        max_reason=MAX_REASON_CHARS,
        max_patient=MAX_TEXT_CHARS,
        max_note=MAX_NOTE_CHARS,
        **{"payer": None, "found": None, "searched": "", "bills": None} | facts,
    )
